# The words of the host's own drawing, in German. What they must have, `en.ftl` says.

## Everywhere

skip-to-content = Zum Inhalt springen
cancel = Abbrechen
close = Schließen
dismiss = Diese Meldung schließen
details = Einzelheiten
yes = Ja
no = Nein
nothing = Nichts
secret-hidden = Verborgen
opens-new-window = öffnet sich in einem neuen Fenster

## What a message is about, for those who do not see its colour

tone-neutral = Hinweis
tone-info = Information
tone-success = Erfolg
tone-warning = Warnung
tone-danger = Gefahr

## Forms

optional = freiwillig
choose = Auswählen …
none-chosen = Keine Auswahl
accepted-files = Möglich: { $types }
in-utc = UTC
type-to-search = Zum Suchen tippen
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] Nichts gefunden
        [one] { $count } Wert gefunden
       *[other] { $count } Werte gefunden
    }
lookup-failed = Die Suche ist fehlgeschlagen. Geben Sie den Wert selbst ein.
password-kept = Wird nicht angezeigt. Leer lassen, um es zu behalten.
problems-title =
    { $count ->
        [one] { $count } Angabe ist zu berichtigen
       *[other] { $count } Angaben sind zu berichtigen
    }
more-fields = Mehr

## Lists

search = Suchen
search-rows = Diese Zeilen durchsuchen
clear-search = Suche zurücksetzen
found-for = Gefunden für „{ $search }“
no-rows = Hier gibt es noch nichts
no-rows-found = Nichts gefunden
of-rows =
    { $total ->
        [one] { $shown } von { $total } Zeile
       *[other] { $shown } von { $total } Zeilen
    }
rows-shown =
    { $shown ->
        [one] { $shown } Zeile
       *[other] { $shown } Zeilen
    }
pages-of-rows = Seiten von { $title }
first-rows = Erste Zeilen
next-rows = Nächste Zeilen
rows-per-page = Zeilen je Seite
choose-row = Zeile { $row } auswählen
choose-all-rows = Alle Zeilen auswählen
row-actions = Aktionen
chosen-rows = Mit den ausgewählten Zeilen
sort-ascending = Nach { $column } aufsteigend sortieren
sort-descending = Nach { $column } absteigend sortieren

## Questions before a button acts

## Numbers and charts

change-up = { $percent } mehr als zuvor
change-down = { $percent } weniger als zuvor
change-none = Wie zuvor
chart-as-table = Als Tabelle
chart-position = Stelle
chart-time = Zeit (UTC)
chart-empty = Es gibt noch nichts zu zeichnen
chart-summary =
    { $series ->
        [one] { $series } Reihe von { $from } bis { $to }, Werte von { $least } bis { $most }
       *[other] { $series } Reihen von { $from } bis { $to }, Werte von { $least } bis { $most }
    }
chart-unit = in { $unit }
chart-shortened = { $shown } von { $total } Stellen werden gezeigt
chart-merged = Jeder Balken steht für { $count } Stellen und zeigt ihren Mittelwert

## Failures

failure-request = Anfrage
failure-unknown = Diese Seite gibt es nicht
failure-refused = Das ist nicht für Sie bestimmt
failure-extension = Die Erweiterung ist fehlgeschlagen
failure-wrong = Das hat nicht geklappt
failure-host = Der Host ist fehlgeschlagen
