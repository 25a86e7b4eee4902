# The words of the host's own drawing, in Arabic. What they must have, `en.ftl` says.

## Everywhere

skip-to-content = الانتقال إلى المحتوى
cancel = إلغاء
close = إغلاق
dismiss = إخفاء هذه الرسالة
details = التفاصيل
yes = نعم
no = لا
nothing = لا شيء
secret-hidden = مخفي
opens-new-window = يُفتح في نافذة جديدة

## What a message is about, for those who do not see its colour

tone-neutral = ملاحظة
tone-info = معلومة
tone-success = نجاح
tone-warning = تحذير
tone-danger = خطر

## Forms

optional = اختياري
choose = اختر…
none-chosen = لم يُختر شيء
accepted-files = المقبول: { $types }
in-utc = التوقيت العالمي
type-to-search = اكتب للبحث
# Read out when the values that fit are shown below an entry field.
lookup-found =
    { $count ->
        [0] لم يُعثر على شيء
        [one] عُثر على قيمة واحدة
        [two] عُثر على قيمتين
        [few] عُثر على { $count } قيم
        [many] عُثر على { $count } قيمة
       *[other] عُثر على { $count } قيمة
    }
lookup-failed = تعذّر البحث. اكتب القيمة بنفسك.
password-kept = لا تُعرض. اتركها فارغة لتبقى كما هي.
problems-title =
    { $count ->
        [one] مشكلة واحدة يجب إصلاحها
        [two] مشكلتان يجب إصلاحهما
        [few] { $count } مشكلات يجب إصلاحها
        [many] { $count } مشكلة يجب إصلاحها
       *[other] { $count } مشكلة يجب إصلاحها
    }
more-fields = المزيد

## Lists

search = بحث
search-rows = البحث في هذه الصفوف
clear-search = مسح البحث
found-for = نتائج البحث عن «{ $search }»
no-rows = لا شيء هنا بعد
no-rows-found = لم يُعثر على شيء
of-rows =
    { $total ->
        [one] { $shown } من صف واحد
        [two] { $shown } من صفين
        [few] { $shown } من { $total } صفوف
        [many] { $shown } من { $total } صفًا
       *[other] { $shown } من { $total } صف
    }
rows-shown =
    { $shown ->
        [zero] لا صفوف
        [one] صف واحد
        [two] صفان
        [few] { $shown } صفوف
        [many] { $shown } صفًا
       *[other] { $shown } صف
    }
pages-of-rows = صفحات { $title }
first-rows = الصفوف الأولى
next-rows = الصفوف التالية
rows-per-page = عدد الصفوف في الصفحة
choose-row = اختيار الصف { $row }
choose-all-rows = اختيار كل الصفوف
row-actions = الإجراءات
chosen-rows = على الصفوف المختارة
sort-ascending = الترتيب تصاعديًا حسب { $column }
sort-descending = الترتيب تنازليًا حسب { $column }

## Questions before a button acts

## Numbers and charts

change-up = أكثر من السابق بمقدار { $percent }
change-down = أقل من السابق بمقدار { $percent }
change-none = كما في السابق
chart-as-table = على شكل جدول
chart-position = الموضع
chart-time = الوقت (بالتوقيت العالمي)
chart-empty = لا شيء لرسمه بعد
chart-summary =
    { $series ->
        [one] سلسلة واحدة من { $from } إلى { $to }، والقيم من { $least } إلى { $most }
        [two] سلسلتان من { $from } إلى { $to }، والقيم من { $least } إلى { $most }
        [few] { $series } سلاسل من { $from } إلى { $to }، والقيم من { $least } إلى { $most }
        [many] { $series } سلسلة من { $from } إلى { $to }، والقيم من { $least } إلى { $most }
       *[other] { $series } سلسلة من { $from } إلى { $to }، والقيم من { $least } إلى { $most }
    }
chart-unit = بوحدة { $unit }
chart-shortened = يُعرض { $shown } من { $total } من المواضع
chart-merged = كل عمود يجمع عددًا من المواضع ({ $count }) ويعرض متوسطها

## Failures

failure-request = الطلب
failure-unknown = لا توجد صفحة كهذه
failure-refused = هذا ليس متاحًا لك
failure-extension = أخفقت الإضافة
failure-wrong = لم ينجح ذلك
failure-host = أخفق المضيف
