# The words of the host's own drawing, in Russian. What they must have, `en.ftl` says.

## Everywhere

skip-to-content = Перейти к содержанию
cancel = Отмена
close = Закрыть
dismiss = Скрыть это сообщение
details = Подробности
yes = Да
no = Нет
nothing = Ничего
secret-hidden = Скрыто
opens-new-window = откроется в новом окне

## What a message is about, for those who do not see its colour

tone-neutral = Примечание
tone-info = Информация
tone-success = Готово
tone-warning = Предупреждение
tone-danger = Опасность

## Forms

optional = необязательно
choose = Выберите…
none-chosen = Не выбрано
accepted-files = Допускаются: { $types }
in-utc = UTC
type-to-search = Введите текст для поиска
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] Ничего не найдено
        [one] Найдено { $count } значение
        [few] Найдено { $count } значения
        [many] Найдено { $count } значений
       *[other] Найдено { $count } значения
    }
lookup-failed = Поиск не удался. Введите значение сами.
password-kept = Не показывается. Оставьте пустым, чтобы не менять.
problems-title =
    { $count ->
        [one] Нужно исправить { $count } ошибку
        [few] Нужно исправить { $count } ошибки
        [many] Нужно исправить { $count } ошибок
       *[other] Нужно исправить { $count } ошибки
    }
more-fields = Ещё

## Lists

search = Поиск
search-rows = Искать в этих строках
clear-search = Сбросить поиск
found-for = Найдено по запросу «{ $search }»
no-rows = Здесь пока ничего нет
no-rows-found = Ничего не найдено
of-rows =
    { $total ->
        [one] { $shown } из { $total } строки
       *[other] { $shown } из { $total } строк
    }
rows-shown =
    { $shown ->
        [one] { $shown } строка
        [few] { $shown } строки
        [many] { $shown } строк
       *[other] { $shown } строки
    }
pages-of-rows = Страницы списка «{ $title }»
first-rows = Первые строки
next-rows = Следующие строки
rows-per-page = Строк на странице
choose-row = Выбрать строку { $row }
choose-all-rows = Выбрать все строки
row-actions = Действия
chosen-rows = С выбранными строками
sort-ascending = Сортировать по возрастанию: { $column }
sort-descending = Сортировать по убыванию: { $column }

## Questions before a button acts

## Numbers and charts

change-up = На { $percent } больше, чем раньше
change-down = На { $percent } меньше, чем раньше
change-none = Как раньше
chart-as-table = В виде таблицы
chart-position = Позиция
chart-time = Время (UTC)
chart-empty = Пока нечего показать
chart-summary =
    { $series ->
        [one] { $series } ряд от { $from } до { $to }, значения от { $least } до { $most }
        [few] { $series } ряда от { $from } до { $to }, значения от { $least } до { $most }
        [many] { $series } рядов от { $from } до { $to }, значения от { $least } до { $most }
       *[other] { $series } ряда от { $from } до { $to }, значения от { $least } до { $most }
    }
chart-unit = в { $unit }
chart-shortened = Показано позиций: { $shown } из { $total }
chart-merged = Каждый столбец объединяет позиции ({ $count }) и показывает их среднее

## Failures

failure-request = Запрос
failure-unknown = Такой страницы нет
failure-refused = Это не для вас
failure-extension = В расширении произошёл сбой
failure-wrong = Это не получилось
failure-host = В работе хоста произошёл сбой
