# Notes about domains, in Arabic.

notes = الملاحظات
notes-about = ملاحظات حول { $domain }
note = ملاحظة
note-placeholder = ما الذي ينبغي معرفته؟
colour = اللون
colour-grey = رمادي
colour-green = أخضر
colour-red = أحمر
keep = حفظ
remove = إزالة
remove-question = هل تريد إزالة الملاحظة؟
kept = حُفظت الملاحظة.
gone = أُزيلت الملاحظة.
note-missing = اكتب شيئًا أو أزل الملاحظة.
note-long =
    { $limit ->
        [one] حرف واحد على الأكثر.
        [two] حرفان على الأكثر.
        [few] { $limit } أحرف على الأكثر.
        [many] { $limit } حرفًا على الأكثر.
       *[other] { $limit } حرف على الأكثر.
    }
colour-unknown = اختر أحد الألوان.
