//! The host's own words on a page, such as "Search", in the reader's language.

use crate::locale::Locale;

/// The host's words in one language.
#[derive(Debug, Clone)]
pub struct Words {
    locale: Locale,
}

impl Words {
    /// The words in the language nearest to this.
    pub fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// The language that the reader asked for, which numbers are written in.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }

    /// A word or a sentence by its identifier, such as `search`.
    pub fn get(&self, id: &'static str) -> String {
        id.to_owned()
    }
}
