# What happened to mailboxes.

mailboxes = Mailbox insights
mailboxes-of-late = Mailboxes of late
mailbox = Mailbox
there = Mailboxes
events-of-late =
    { $days ->
        [one] Events in { $days } day
       *[other] Events in { $days } days
    }
all-mailboxes = All mailboxes
day-by-day = Day by day
created = Created
changed = Changed
deleted = Deleted
events = Events
address = Address
is-there = There
last-event = Last event
last-created = Last it was **created**.
last-changed = Last it was **changed**.
last-deleted = Last it was **deleted**.
in-domain = What happened in { $domain }
forget = Forget
forget-question = Forget what happened to this mailbox?
forget-chosen = Forget chosen
forget-chosen-question = Forget what happened to the chosen mailboxes?
forgotten = { $address } is forgotten.
many-forgotten =
    { $number ->
        [0] Nothing was chosen.
        [one] { $number } mailbox is forgotten.
       *[other] { $number } mailboxes are forgotten.
    }
nothing-yet = Nothing happened to any mailbox yet.
