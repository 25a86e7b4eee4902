# The words of the host's own drawing, in French. What they must have, `en.ftl` says.

## Everywhere

skip-to-content = Aller au contenu
cancel = Annuler
close = Fermer
dismiss = Masquer ce message
details = Détails
yes = Oui
no = Non
nothing = Rien
secret-hidden = Masqué
opens-new-window = s’ouvre dans une nouvelle fenêtre

## What a message is about, for those who do not see its colour

tone-neutral = Remarque
tone-info = Information
tone-success = Succès
tone-warning = Avertissement
tone-danger = Danger

## Forms

optional = facultatif
choose = Choisir…
none-chosen = Aucun choix
accepted-files = Acceptés : { $types }
in-utc = UTC
type-to-search = Saisissez pour rechercher
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] Aucun résultat
        [one] { $count } valeur trouvée
       *[other] { $count } valeurs trouvées
    }
lookup-failed = La recherche a échoué. Saisissez vous-même la valeur.
password-kept = Non affiché. Laissez vide pour le conserver tel quel.
problems-title =
    { $count ->
        [one] { $count } problème à corriger
       *[other] { $count } problèmes à corriger
    }
more-fields = Plus

## Lists

search = Rechercher
search-rows = Rechercher dans ces lignes
clear-search = Effacer la recherche
found-for = Résultats pour « { $search } »
no-rows = Il n’y a encore rien ici
no-rows-found = Aucun résultat
of-rows =
    { $total ->
        [one] { $shown } ligne sur { $total }
       *[other] { $shown } lignes sur { $total }
    }
rows-shown =
    { $shown ->
        [one] { $shown } ligne
       *[other] { $shown } lignes
    }
pages-of-rows = Pages de { $title }
first-rows = Premières lignes
next-rows = Lignes suivantes
rows-per-page = Lignes par page
choose-row = Choisir la ligne { $row }
choose-all-rows = Choisir toutes les lignes
row-actions = Actions
chosen-rows = Avec les lignes choisies
sort-ascending = Trier par { $column }, ordre croissant
sort-descending = Trier par { $column }, ordre décroissant

## Questions before a button acts

## Numbers and charts

change-up = { $percent } de plus qu’avant
change-down = { $percent } de moins qu’avant
change-none = Comme avant
chart-as-table = Sous forme de tableau
chart-position = Position
chart-time = Heure (UTC)
chart-empty = Il n’y a encore rien à tracer
chart-summary =
    { $series ->
        [one] { $series } série de { $from } à { $to }, valeurs de { $least } à { $most }
       *[other] { $series } séries de { $from } à { $to }, valeurs de { $least } à { $most }
    }
chart-unit = en { $unit }
chart-shortened = { $shown } positions sur { $total } sont affichées
chart-merged = Chaque barre représente { $count } positions et en montre la moyenne

## Failures

failure-request = Requête
failure-unknown = Cette page n’existe pas
failure-refused = Cela ne vous est pas destiné
failure-extension = L’extension a échoué
failure-wrong = Cela n’a pas fonctionné
failure-host = L’hôte a échoué
