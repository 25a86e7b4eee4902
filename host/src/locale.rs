//! The reader's language: its tag, the direction in which it is written, and which of some languages is nearest to it.
//! How it writes numbers and times is in `formats`. No I/O.

mod formats;

use std::str::FromStr as _;

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::{CharacterDirection, LanguageIdentifier};

pub use self::formats::{Digits, Formats, Grouping};

/// Characters of a language tag.
const MAX_TAG: usize = 35;

/// A reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    identifier: LanguageIdentifier,
    tag: String,
}

/// The direction in which a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

impl Locale {
    /// Parses a BCP 47 tag, such as `de` or `pt-BR`; `_` is taken for `-`.
    pub fn parse(tag: &str) -> Result<Self, String> {
        let wrong = || {
            let shown: String = tag.chars().take(MAX_TAG).flat_map(char::escape_default).collect();
            format!("not a language tag such as `de` or `pt-BR`: `{shown}`")
        };
        if tag.len() > MAX_TAG {
            return Err(wrong());
        }
        let identifier = LanguageIdentifier::from_str(tag).map_err(|_| wrong())?;
        Ok(Self::of(identifier))
    }

    fn of(identifier: LanguageIdentifier) -> Self {
        Self { tag: identifier.to_string(), identifier }
    }

    /// English, where no reader is known.
    pub fn fallback() -> Self {
        Self::of(LanguageIdentifier::from_str("en").unwrap_or_default())
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The direction in which the language is written.
    pub fn direction(&self) -> Direction {
        match self.identifier.character_direction() {
            CharacterDirection::RTL => Direction::RightToLeft,
            // Nothing in a browser is drawn from top to bottom here.
            CharacterDirection::LTR | CharacterDirection::TTB => Direction::LeftToRight,
        }
    }

    /// Which of these languages to read, the nearest first. What is another language altogether is left out.
    pub fn nearest<'a>(&self, available: &'a [Locale]) -> Vec<&'a Locale> {
        let wanted = [self.identifier.clone()];
        negotiate_languages(&wanted, available, None, NegotiationStrategy::Filtering)
    }

    /// The tag in parts, for the crate that knows messages.
    pub(crate) fn identifier(&self) -> &LanguageIdentifier {
        &self.identifier
    }
}

impl AsRef<LanguageIdentifier> for Locale {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.identifier
    }
}

impl Direction {
    /// What HTML calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        Locale::parse(tag).unwrap()
    }

    fn nearest(wanted: &str, available: &[&str]) -> Vec<String> {
        let available: Vec<_> = available.iter().copied().map(locale).collect();
        locale(wanted).nearest(&available).into_iter().map(|found| found.tag().to_owned()).collect()
    }

    #[test]
    fn a_tag_has_one_form() {
        assert_eq!(locale("pt_br").tag(), "pt-BR");
    }

    #[test]
    fn what_is_no_tag_is_refused_and_named() {
        let error = Locale::parse("not a language").unwrap_err();
        assert_eq!(error, "not a language tag such as `de` or `pt-BR`: `not a language`");
        assert!(Locale::parse(&"a-".repeat(100)).is_err());
    }

    #[test]
    fn a_language_is_written_in_the_direction_of_its_script() {
        for tag in ["ar", "ar-EG", "he", "fa", "ur-PK", "yi", "az-Arab", "ps"] {
            assert_eq!(locale(tag).direction().name(), "rtl", "{tag}");
        }
        for tag in ["en", "de-AT", "ru", "zh-Hant", "ja", "ar-Latn", "und"] {
            assert_eq!(locale(tag).direction().name(), "ltr", "{tag}");
        }
    }

    #[test]
    fn the_nearest_language_comes_first_and_others_do_not_come() {
        assert_eq!(nearest("de-AT", &["en", "de", "de-AT"]), ["de-AT", "de"]);
        assert_eq!(nearest("de-AT", &["en", "de"]), ["de"]);
        assert_eq!(nearest("pt", &["pt-BR", "en"]), ["pt-BR"]);
        assert!(nearest("pl", &["en", "de"]).is_empty());
        assert!(nearest("und", &[]).is_empty());
    }
}
