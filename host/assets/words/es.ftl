# The words of the host's own drawing, in Spanish. What they must have, `en.ftl` says.

## Everywhere

skip-to-content = Ir al contenido
cancel = Cancelar
close = Cerrar
dismiss = Descartar este mensaje
details = Detalles
yes = Sí
no = No
nothing = Nada
secret-hidden = Oculto
opens-new-window = se abre en una ventana nueva

## What a message is about, for those who do not see its colour

tone-neutral = Nota
tone-info = Información
tone-success = Correcto
tone-warning = Advertencia
tone-danger = Peligro

## Forms

optional = opcional
choose = Elegir…
none-chosen = Ninguno
accepted-files = Se aceptan: { $types }
in-utc = UTC
type-to-search = Escriba para buscar
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] No se encontró nada
        [one] { $count } valor encontrado
       *[other] { $count } valores encontrados
    }
lookup-failed = La búsqueda ha fallado. Escriba usted el valor.
password-kept = No se muestra. Déjelo vacío para conservarlo como está.
problems-title =
    { $count ->
        [one] { $count } problema por corregir
       *[other] { $count } problemas por corregir
    }
more-fields = Más

## Lists

search = Buscar
search-rows = Buscar en estas filas
clear-search = Borrar la búsqueda
found-for = Resultados de «{ $search }»
no-rows = Aquí todavía no hay nada
no-rows-found = No se encontró nada
of-rows =
    { $total ->
        [one] { $shown } de { $total } fila
       *[other] { $shown } de { $total } filas
    }
rows-shown =
    { $shown ->
        [one] { $shown } fila
       *[other] { $shown } filas
    }
pages-of-rows = Páginas de { $title }
first-rows = Primeras filas
next-rows = Filas siguientes
rows-per-page = Filas por página
choose-row = Elegir la fila { $row }
choose-all-rows = Elegir todas las filas
row-actions = Acciones
chosen-rows = Con las filas elegidas
sort-ascending = Ordenar por { $column }, ascendente
sort-descending = Ordenar por { $column }, descendente

## Questions before a button acts

## Numbers and charts

change-up = { $percent } más que antes
change-down = { $percent } menos que antes
change-none = Como antes
chart-as-table = Como tabla
chart-position = Posición
chart-time = Hora (UTC)
chart-empty = Todavía no hay nada que dibujar
chart-summary =
    { $series ->
        [one] { $series } serie de { $from } a { $to }, valores de { $least } a { $most }
       *[other] { $series } series de { $from } a { $to }, valores de { $least } a { $most }
    }
chart-unit = en { $unit }
chart-shortened = Se muestran { $shown } de { $total } posiciones
chart-merged = Cada barra representa { $count } posiciones y muestra su media

## Failures

failure-request = Solicitud
failure-unknown = Esta página no existe
failure-refused = Esto no es para usted
failure-extension = La extensión ha fallado
failure-wrong = Eso no ha funcionado
failure-host = El host ha fallado
