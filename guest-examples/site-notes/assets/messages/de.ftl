# Notes about domains, in German.

notes = Notizen
notes-about = Notizen zu { $domain }
note = Notiz
note-placeholder = Was gibt es dazu zu wissen?
colour = Farbe
colour-grey = Grau
colour-green = Grün
colour-red = Rot
keep = Behalten
remove = Entfernen
remove-question = Die Notiz entfernen?
kept = Die Notiz ist gespeichert.
gone = Die Notiz ist entfernt.
note-missing = Schreiben Sie etwas, oder entfernen Sie die Notiz.
note-long = Höchstens { $limit } Zeichen.
colour-unknown = Wählen Sie eine der Farben.
