//! The reader's language. No I/O.

use std::str::FromStr as _;

use unic_langid::LanguageIdentifier;

/// Characters of a language tag.
const MAX_TAG: usize = 35;

/// A reader's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale {
    tag: String,
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
        Ok(Self { tag: identifier.to_string() })
    }

    /// English, where no reader is known.
    pub fn fallback() -> Self {
        Self { tag: "en".into() }
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_one_form() {
        assert_eq!(Locale::parse("pt_br").unwrap().tag(), "pt-BR");
    }

    #[test]
    fn what_is_no_tag_is_refused_and_named() {
        let error = Locale::parse("not a language").unwrap_err();
        assert_eq!(error, "not a language tag such as `de` or `pt-BR`: `not a language`");
        assert!(Locale::parse(&"a-".repeat(100)).is_err());
    }
}
