//! The host's own words in the reader's language, and numbers, sizes and times as that language writes them. No I/O.
//!
//! A language that has no words of the host is read in English, and so is a message that a language lacks. Numbers and
//! times are in the reader's language all the same.

use std::sync::{Arc, LazyLock};

use crate::locale::{Formats, Locale};
pub use crate::messages::Argument;
use crate::messages::{Catalogue, Messages, Reading};

/// The languages that there are words in. English is the first, and has what the others lack.
const LANGUAGES: [(&str, &str); 6] = [
    ("en", include_str!("../../assets/words/en.ftl")),
    ("de", include_str!("../../assets/words/de.ftl")),
    ("fr", include_str!("../../assets/words/fr.ftl")),
    ("es", include_str!("../../assets/words/es.ftl")),
    ("ru", include_str!("../../assets/words/ru.ftl")),
    ("ar", include_str!("../../assets/words/ar.ftl")),
];

/// The words, parsed once. That all of them can be parsed, a test knows.
static WORDS: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let parsed = LANGUAGES.iter().filter_map(|(tag, text)| {
        let locale = Locale::parse(tag).ok()?;
        Messages::parse(locale, text).ok()
    });
    Arc::new(Catalogue::new(parsed.collect(), None))
});

/// The words and the formats of one reader.
#[derive(Debug, Clone)]
pub struct Words {
    locale: Locale,
    words: Reading,
    formats: Arc<Formats>,
}

impl Words {
    /// The words for a reader's language, or for the nearest that there is.
    pub fn of(locale: &Locale) -> Self {
        Self { locale: locale.clone(), words: WORDS.read_in(locale), formats: Formats::of(locale) }
    }

    /// A message of the host.
    pub fn get(&self, id: &str) -> String {
        self.with(id, &[])
    }

    /// A message of the host with its variables.
    pub fn with(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        match self.words.get(id, arguments) {
            Some(Ok(text)) => text,
            Some(Err(_)) | None => id.to_owned(),
        }
    }

    /// The language, as a BCP 47 tag.
    pub fn tag(&self) -> &str {
        self.locale.tag()
    }

    /// `ltr` or `rtl`.
    pub fn direction(&self) -> &'static str {
        self.locale.direction().name()
    }

    /// A number with at most three decimals.
    pub fn number(&self, number: f64) -> String {
        self.formats.number(number)
    }

    /// A whole number, to its last digit.
    pub fn integer(&self, number: i64) -> String {
        self.formats.integer(number)
    }

    /// A size in bytes, in the unit that fits it.
    pub fn bytes(&self, bytes: f64) -> String {
        self.formats.bytes(bytes)
    }

    /// A share of 1, in percent.
    pub fn percent(&self, share: f64) -> String {
        self.formats.percent(share)
    }

    /// A moment in milliseconds since the epoch, in UTC.
    pub fn date_time(&self, ms: i64) -> String {
        self.formats.date_time(ms)
    }

    /// The day of a moment.
    pub fn date(&self, ms: i64) -> String {
        self.formats.date(ms)
    }

    /// The time of day of a moment, with seconds where it has some.
    pub fn time(&self, ms: i64) -> String {
        self.formats.time(ms)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn words(tag: &str) -> Words {
        Words::of(&Locale::parse(tag).unwrap())
    }

    /// The messages of a text, each with its variables.
    fn variables(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut id = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                id = name.to_owned();
            }
            let its = found.entry(id.clone()).or_default();
            let parts = line.split("{ $").skip(1);
            its.extend(parts.filter_map(|part| part.split([' ', '}']).next()).map(str::to_owned));
        }
        found.retain(|id, _| !id.is_empty());
        found
    }

    #[test]
    fn every_language_can_be_parsed() {
        for (tag, text) in LANGUAGES {
            let parsed = Messages::parse(Locale::parse(tag).unwrap(), text);
            assert_eq!(parsed.err(), None, "{tag}");
        }
    }

    #[test]
    fn every_language_has_the_messages_and_variables_of_english() {
        let english = variables(LANGUAGES[0].1);
        assert!(english.len() > 50, "{}", english.len());
        for (tag, text) in LANGUAGES {
            assert_eq!(variables(text), english, "{tag}");
        }
    }

    #[test]
    fn a_message_is_in_the_readers_language_or_in_english() {
        assert_eq!(words("de-AT").get("search"), "Suchen");
        assert_eq!(words("pl").get("search"), "Search");
        assert_eq!(words("en").get("no-such-message"), "no-such-message");
    }

    #[test]
    fn a_number_chooses_between_singular_and_plural() {
        let rows = |tag: &str, shown: f64| {
            words(tag).with("rows-shown", &[("shown", Argument::Number(shown))])
        };
        assert_eq!(rows("en", 1.0), "1 row");
        assert_eq!(rows("en", 1234.0), "1,234 rows");
        assert_eq!(rows("de", 1234.0), "1.234 Zeilen");
        assert_eq!(rows("ru", 1.0), "1 строка");
        assert_eq!(rows("ru", 3.0), "3 строки");
        assert_eq!(rows("ru", 5.0), "5 строк");
        assert_eq!(rows("ar", 2.0), "صفان");
        assert_eq!(rows("ar", 3.0), "3 صفوف");
    }

    #[test]
    fn the_direction_is_that_of_the_reader() {
        assert_eq!(words("ar-EG").direction(), "rtl");
        assert_eq!(words("he").direction(), "rtl");
        assert_eq!(words("fr").direction(), "ltr");
    }

    #[test]
    fn a_domain_in_an_arabic_message_is_kept_apart_by_marks() {
        let found = words("ar").with("found-for", &[("search", Argument::Text("example.com"))]);
        assert!(found.contains("\u{2068}example.com\u{2069}"), "{found}");
        let found = words("en").with("found-for", &[("search", Argument::Text("example.com"))]);
        assert_eq!(found, "Found for “example.com”");
    }
}
