# What happened to mailboxes, in German.

mailboxes = Postfächer im Blick
mailboxes-of-late = Postfächer in letzter Zeit
mailbox = Postfach
there = Postfächer
events-of-late =
    { $days ->
        [one] Ereignisse an { $days } Tag
       *[other] Ereignisse in { $days } Tagen
    }
all-mailboxes = Alle Postfächer
day-by-day = Tag für Tag
created = Angelegt
changed = Geändert
deleted = Gelöscht
events = Ereignisse
address = Adresse
is-there = Vorhanden
last-event = Letztes Ereignis
last-created = Zuletzt wurde es **angelegt**.
last-changed = Zuletzt wurde es **geändert**.
last-deleted = Zuletzt wurde es **gelöscht**.
in-domain = Was in { $domain } geschah
forget = Vergessen
forget-question = Vergessen, was mit diesem Postfach geschah?
forget-chosen = Gewählte vergessen
forget-chosen-question = Vergessen, was mit den gewählten Postfächern geschah?
forgotten = { $address } ist vergessen.
many-forgotten =
    { $number ->
        [0] Es war nichts gewählt.
        [one] { $number } Postfach ist vergessen.
       *[other] { $number } Postfächer sind vergessen.
    }
nothing-yet = Noch ist mit keinem Postfach etwas geschehen.
