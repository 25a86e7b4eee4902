//! The host's own words in the reader's language, and numbers, sizes and times as that language writes them. No I/O.

use crate::locale::Locale;

/// The words and the formats of one reader.
#[derive(Debug, Clone)]
pub struct Words {
    locale: Locale,
}

/// What stands in for a variable of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument<'a> {
    /// A text.
    Text(&'a str),
    /// A number, as the reader's language writes it.
    Number(f64),
}

impl Words {
    /// The words for a reader's language, or for the nearest that there is.
    pub fn of(locale: &Locale) -> Self {
        Self { locale: locale.clone() }
    }

    /// A message of the host.
    pub fn get(&self, id: &str) -> String {
        id.to_owned()
    }

    /// A message of the host with its variables.
    pub fn with(&self, id: &str, _arguments: &[(&str, Argument<'_>)]) -> String {
        id.to_owned()
    }

    /// The language, as a BCP 47 tag.
    pub fn tag(&self) -> &str {
        self.locale.tag()
    }

    /// `ltr` or `rtl`.
    pub fn direction(&self) -> &'static str {
        "ltr"
    }

    /// A number with at most three decimals.
    pub fn number(&self, number: f64) -> String {
        number.to_string()
    }

    /// A size in bytes, in the unit that fits it.
    pub fn bytes(&self, bytes: f64) -> String {
        bytes.to_string()
    }

    /// A share of 1, in percent.
    pub fn percent(&self, share: f64) -> String {
        share.to_string()
    }

    /// A moment in milliseconds since the epoch, in UTC.
    pub fn date_time(&self, ms: i64) -> String {
        ms.to_string()
    }

    /// The day of a moment.
    pub fn date(&self, ms: i64) -> String {
        ms.to_string()
    }

    /// The time of day of a moment.
    pub fn time(&self, ms: i64) -> String {
        ms.to_string()
    }
}
