# The words of the host's own drawing. Extensions bring their own.

## Everywhere

skip-to-content = Skip to the content
cancel = Cancel
close = Close
dismiss = Dismiss this message
details = Details
yes = Yes
no = No
nothing = Nothing
secret-hidden = Hidden
opens-new-window = opens in a new window

## What a message is about, for those who do not see its colour

tone-neutral = Note
tone-info = Information
tone-success = Success
tone-warning = Warning
tone-danger = Danger

## Forms

optional = optional
choose = Choose…
none-chosen = None
accepted-files = Accepted: { $types }
in-utc = UTC
type-to-search = Type to search
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] Nothing found
        [one] { $count } value found
       *[other] { $count } values found
    }
lookup-failed = The search failed. Type the value itself.
password-kept = Not shown. Leave it empty to keep it as it is.
problems-title =
    { $count ->
        [one] { $count } problem to mend
       *[other] { $count } problems to mend
    }
more-fields = More

## Lists

search = Search
search-rows = Search these rows
clear-search = Clear the search
found-for = Found for “{ $search }”
no-rows = There is nothing here yet
no-rows-found = Nothing found
of-rows =
    { $total ->
        [one] { $shown } of { $total } row
       *[other] { $shown } of { $total } rows
    }
rows-shown =
    { $shown ->
        [one] { $shown } row
       *[other] { $shown } rows
    }
pages-of-rows = Pages of { $title }
first-rows = First rows
next-rows = Next rows
rows-per-page = Rows per page
choose-row = Choose row { $row }
choose-all-rows = Choose all rows
row-actions = Actions
chosen-rows = With the chosen rows
sort-ascending = Sort by { $column }, upwards
sort-descending = Sort by { $column }, downwards

## Questions before a button acts

## Numbers and charts

change-up = { $percent } more than before
change-down = { $percent } less than before
change-none = As before
chart-as-table = As a table
chart-position = Position
chart-time = Time (UTC)
chart-empty = There is nothing to draw yet
chart-summary =
    { $series ->
        [one] { $series } series from { $from } to { $to }, values from { $least } to { $most }
       *[other] { $series } series from { $from } to { $to }, values from { $least } to { $most }
    }
chart-unit = in { $unit }
chart-shortened = { $shown } of { $total } positions are shown
chart-merged = Each bar stands for { $count } positions and shows their mean

## Failures

failure-request = Request
failure-unknown = There is no such page
failure-refused = This is not for you
failure-extension = The extension failed
failure-wrong = That did not work
failure-host = The host failed
