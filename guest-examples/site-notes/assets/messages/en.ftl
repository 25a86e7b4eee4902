# Notes about domains.

notes = Notes
notes-about = Notes about { $domain }
note = Note
note-placeholder = What is there to know about it?
colour = Colour
colour-grey = Grey
colour-green = Green
colour-red = Red
keep = Keep
remove = Remove
remove-question = Remove the note?
kept = The note is kept.
gone = The note is gone.
note-missing = Write something, or remove the note.
note-long =
    { $limit ->
        [one] At most { $limit } character.
       *[other] At most { $limit } characters.
    }
colour-unknown = Choose one of the colours.
