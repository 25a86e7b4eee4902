# What happened to mailboxes, in Arabic.

mailboxes = نظرة على صناديق البريد
mailboxes-of-late = صناديق البريد مؤخرًا
mailbox = صندوق بريد
there = صناديق البريد
events-of-late =
    { $days ->
        [one] الأحداث في يوم واحد
        [two] الأحداث في يومين
        [few] الأحداث في { $days } أيام
       *[other] الأحداث في { $days } يومًا
    }
all-mailboxes = كل صناديق البريد
day-by-day = يومًا بيوم
created = أُنشئت
changed = تغيّرت
deleted = حُذفت
events = الأحداث
address = العنوان
is-there = موجود
last-event = آخر حدث
last-created = آخر ما حدث: **إنشاء**.
last-changed = آخر ما حدث: **تغيير**.
last-deleted = آخر ما حدث: **حذف**.
in-domain = ما حدث في { $domain }
forget = نسيان
forget-question = هل تريد نسيان ما حدث لهذا الصندوق؟
forget-chosen = نسيان المختار
forget-chosen-question = هل تريد نسيان ما حدث للصناديق المختارة؟
forgotten = نُسي { $address }.
many-forgotten =
    { $number ->
        [0] لم يُختر شيء.
        [one] نُسي صندوق واحد.
        [two] نُسي صندوقان.
        [few] نُسيت { $number } صناديق.
       *[other] نُسي { $number } صندوقًا.
    }
nothing-yet = لم يحدث شيء لأي صندوق بعد.
