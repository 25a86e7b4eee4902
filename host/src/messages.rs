//! The messages of an extension, or of the host itself, in every language that they are there in. Text in, text out;
//! no I/O.

use std::collections::BTreeMap;

use crate::locale::Locale;

/// Messages by language.
#[derive(Debug, Default)]
pub struct Catalogue {}

/// A value that stands in a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// Shown as it is.
    Text(String),
    /// Written as the reader's language writes it; it also chooses between singular and plural.
    Number(f64),
}

/// What is wrong with a file of messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("messages `{language}`: {reason}")]
pub struct MessagesError {
    /// The language of the file.
    pub language: String,
    /// What is wrong, with its line.
    pub reason: String,
}

impl Catalogue {
    /// Parses files in Fluent's syntax, by their language tag. The first of `fallback` that is there serves whoever
    /// reads none of the others.
    pub fn parse(files: &BTreeMap<String, String>, fallback: &str) -> Result<Self, MessagesError> {
        let _ = (files, fallback);
        Ok(Self {})
    }

    /// The message in the language nearest to the reader's that has it; `None` if none has it.
    pub fn text(
        &self,
        locale: &Locale,
        id: &str,
        arguments: &[(String, Argument)],
    ) -> Option<String> {
        let _ = (locale, id, arguments);
        None
    }
}
