//! Catalogues that a stranger should not make, and messages as readers see them.

use super::*;

fn messages(tag: &str, text: &str) -> Messages {
    Messages::parse(Locale::parse(tag).unwrap(), text).unwrap()
}

fn refusal(text: &str) -> String {
    Messages::parse(Locale::parse("en").unwrap(), text).unwrap_err().to_string()
}

fn get(messages: &Messages, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
    messages.get(id, arguments).unwrap().unwrap()
}

fn catalogue(languages: &[(&str, &str)], default: Option<&str>) -> Arc<Catalogue> {
    let languages = languages.iter().map(|(tag, text)| messages(tag, text)).collect();
    let default = default.map(|tag| Locale::parse(tag).unwrap());
    Arc::new(Catalogue::new(languages, default.as_ref()))
}

fn read(catalogue: &Arc<Catalogue>, tag: &str, id: &str) -> Option<String> {
    let reading = catalogue.read_in(&Locale::parse(tag).unwrap());
    reading.get(id, &[]).map(Result::unwrap)
}

#[test]
fn a_message_is_read_in_the_nearest_language_that_has_it() {
    let catalogue = catalogue(&[("de", "a = A de\n"), ("en", "a = A en\nb = B en\n")], None);
    assert_eq!(read(&catalogue, "de-CH", "a").unwrap(), "A de");
    assert_eq!(read(&catalogue, "de", "b").unwrap(), "B en");
    assert_eq!(read(&catalogue, "pl", "a").unwrap(), "A en");
    assert_eq!(read(&catalogue, "de", "c"), None);
}

#[test]
fn the_default_language_is_the_one_that_is_named_or_english_or_the_first() {
    let (de, en, fr) = (("de", "a = de\n"), ("en", "a = en\n"), ("fr", "a = fr\n"));
    let default = |languages: &[(&str, &str)], named: Option<&str>| {
        read(&catalogue(languages, named), "pl", "a").unwrap()
    };
    assert_eq!(default(&[de, en, fr], Some("fr")), "fr");
    assert_eq!(default(&[de, en, fr], None), "en");
    assert_eq!(default(&[de, fr], None), "de");
    assert_eq!(read(&catalogue(&[], None), "de", "a"), None);
}

#[test]
fn a_number_in_a_message_is_written_in_its_language_and_chooses_the_plural() {
    let text = "rows = { $n ->\n    [one] { $n } row\n   *[other] { $n } rows\n }\n";
    assert_eq!(get(&messages("en", text), "rows", &[("n", Argument::Number(1.0))]), "1 row");
    assert_eq!(
        get(&messages("de", text), "rows", &[("n", Argument::Number(1e6))]),
        "1.000.000 rows"
    );
    for number in [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0, 1e-300, 0.1 + 0.2] {
        assert!(
            get(&messages("ru", text), "rows", &[("n", Argument::Number(number))])
                .ends_with("rows")
        );
    }
}

#[test]
fn the_functions_of_fluent_write_numbers_and_times() {
    let text = concat!(
        "a = { NUMBER($n, minimumFractionDigits: 2) }\n",
        "b = { NUMBER($n, maximumFractionDigits: 0, useGrouping: \"false\") }\n",
        "c = { DATETIME($n) }\n",
        "d = { DATETIME($n, dateStyle: \"medium\") }\n",
        "e = { DATETIME($n, timeStyle: \"short\") }\n",
        "f = { NUMBER($n, minimumFractionDigits: 999999999, maximumFractionDigits: 999999999) }\n",
    );
    let messages = messages("de", text);
    let get = |id: &str, n: f64| get(&messages, id, &[("n", Argument::Number(n))]);
    assert_eq!(get("a", 1234.5), "1.234,50");
    assert_eq!(get("b", 1234.4), "1234");
    assert_eq!(get("c", 1_795_532_645_000.0), "24.11.2026, 15:04:05");
    assert_eq!(get("d", 1_795_532_645_000.0), "24.11.2026");
    assert_eq!(get("e", 1_795_532_645_000.0), "15:04:05");
    assert_eq!(get("f", 1.0), "1,000000000000000");
    assert_eq!(get("c", f64::MAX), "—");
    assert_eq!(get("c", f64::NAN), "DATETIME()");
}

#[test]
fn a_variable_that_is_not_given_is_shown_as_its_name() {
    assert_eq!(get(&messages("en", "a = A { $b }\n"), "a", &[]), "A {$b}");
}

#[test]
fn a_text_of_the_other_direction_is_kept_apart_by_marks() {
    let english = messages("en", "a = About { $b }.\n");
    let arabic = messages("ar", "a = حول { $b }.\n");
    let about =
        |messages: &Messages, text: &str| get(messages, "a", &[("b", Argument::Text(text))]);
    assert_eq!(about(&english, "example.com"), "About example.com.");
    assert_eq!(about(&english, "موقع"), "About \u{2068}موقع\u{2069}.");
    assert_eq!(about(&arabic, "example.com"), "حول \u{2068}example.com\u{2069}.");
    assert_eq!(about(&arabic, "موقع"), "حول موقع.");
    assert_eq!(about(&arabic, "123"), "حول 123.");
}

#[test]
fn marks_of_a_text_do_not_turn_the_message_around_it() {
    let english = messages("en", "a = About { $b }.\n");
    let shown = get(&english, "a", &[("b", Argument::Text("\u{202e}x\u{2069}y"))]);
    assert_eq!(shown, "About xy.");
}

#[test]
fn what_is_wrong_with_a_catalogue_is_said_with_its_line() {
    insta::assert_snapshot!(refusal("a = A\nb\n"), @"line 2: expected a token starting with `=`");
    insta::assert_snapshot!(refusal("a = A\n\nb = { $x\n"), @"line 4: expected a token starting with `}`");
    insta::assert_snapshot!(refusal("a = A\nb = B\na = C\n"), @"line 3: `a` is there twice");
    insta::assert_snapshot!(refusal("NUMBER = A\n"), @"line 1: `NUMBER` is there twice");
    insta::assert_snapshot!(refusal("a = { b }\n"), @"line 1: there is no message `b`");
    insta::assert_snapshot!(refusal("a =\n    One\n    { -b }\n"), @"line 3: there is no term `-b`");
    insta::assert_snapshot!(refusal("a = { SHELL(\"rm\") }\n"), @"line 1: there is no function `SHELL`, only `NUMBER` and `DATETIME`");
    insta::assert_snapshot!(refusal("a = { { $b } }\n"), @"line 1: `a` has a placeable in a placeable");
    insta::assert_snapshot!(refusal("a = { 1 ->\n   *[other] x\n }\n"), @"line 1: `a` chooses by what is always the same");
    insta::assert_snapshot!(refusal("a = { NUMBER(NUMBER($b)) }\n"), @"line 1: `a` has arguments that are neither values nor variables");
    insta::assert_snapshot!(refusal("a = { 1.00000000000000000000000000 }\n"), @"line 1: a number has more than 16 characters: `1.00000000000000000000000000`");
    insta::assert_snapshot!(refusal("a = { $b ->\n    [1.00000000000000000000000000] x\n   *[other] y\n }\n"), @"line 2: a number has more than 16 characters: `1.00000000000000000000000000`");
}

#[test]
fn a_catalogue_that_nests_without_end_is_refused_before_it_is_parsed() {
    for opening in ["{", "{ ", "{\n", "{ NUMBER(", "{ -b(", "{ $a ->\n *[b] "] {
        let text = format!("a = {}", opening.repeat(100_000));
        assert!(refusal(&text).contains("opens more than 250 brackets"), "{opening}");
        // What is just not too much is parsed on a small stack.
        let text = format!("a = {}", opening.repeat(120));
        let small = std::thread::Builder::new().stack_size(1 << 20);
        assert!(small.spawn(move || refusal(&text)).unwrap().join().is_ok(), "{opening}");
    }
}

#[test]
fn a_line_that_only_looks_like_a_new_message_ends_what_is_open() {
    // Were the brackets still open after such a line, the parser would nest deeper than they are counted.
    let text = format!("a = {}", "{\nb = {\n# {\n".repeat(10_000));
    let small = std::thread::Builder::new().stack_size(1 << 20);
    assert!(small.spawn(move || refusal(&text)).unwrap().join().is_ok());
}

#[test]
fn a_message_that_grows_without_end_is_refused() {
    let mut laughs = String::from("a0 = ha ha ha ha ha ha ha ha ha ha\n");
    for level in 1..=10 {
        let before = format!("{{ a{} }}", level - 1);
        laughs.push_str(&format!("a{level} = {}\n", before.repeat(10)));
    }
    let messages = messages("en", &laughs);
    let error = messages.get("a10", &[]).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the message `a10` refers to itself, or to more than 100 things");
}

#[test]
fn a_message_that_is_too_long_or_refers_to_itself_is_refused() {
    let text = format!("long = {}\nmany = {}\n", "x".repeat(40_000), "{ long }".repeat(2));
    let error = messages("en", &text).get("many", &[]).unwrap().unwrap_err();
    assert_eq!(error, MessageError::TooLong("many".into()));
    let error = messages("en", "a = { b }\nb = { a }\n").get("a", &[]).unwrap().unwrap_err();
    assert_eq!(error, MessageError::TooMuch("a".into()));
}

#[test]
fn twenty_thousand_damaged_catalogues_are_read_or_refused() {
    let good = include_str!("../../assets/words/en.ftl");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit).unwrap()).unwrap()
    };
    let parts =
        ["{", "}", " ->", "*[other]", "\n", "\"", "$", "-", "#", "(", "é", "\\u", ".", " = ", "1"];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut text: Vec<char> = good.chars().skip(below(2_000)).take(300).collect();
        for _ in 0..=below(6) {
            let at = below(text.len());
            let part: Vec<char> = parts[below(parts.len())].chars().collect();
            text.splice(at..at, part);
        }
        let text: String = text.into_iter().collect();
        match Messages::parse(Locale::parse("en").unwrap(), &text) {
            Ok(messages) => {
                let ids = text.lines().filter_map(|line| line.split_once(" ="));
                for (id, _) in ids {
                    drop(messages.get(id, &[("count", Argument::Number(3.0))]));
                }
                read += 1;
            }
            Err(error) => {
                assert!(!error.reason.is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 100 && refused > 1_000, "{read} read, {refused} refused");
}
