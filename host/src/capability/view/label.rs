//! Texts from a guest for a person: as they are, or messages of its own catalogue in the reader's language.

use std::time::Instant;

use super::{Taken, Taker};
use crate::bindings::gui as wit;
use crate::capability::value::{take_name, without_controls};
use crate::messages::Argument;
use crate::suggest::shown;

/// Bytes that a message is counted as, beside those of its names and its text: to look it up costs time too.
const MESSAGE_COST: usize = 32;
/// What stands in one message.
const MAX_ARGUMENTS: usize = 50;
/// Messages that are named in the log of those that there are not.
const MAX_LOGGED: usize = 5;

impl Taker<'_> {
    /// A text for a person. Control characters are escaped, and secrets are taken out.
    pub(super) fn text(&mut self, mut text: String) -> Taken<String> {
        self.count(text.len())?;
        text = without_controls(text);
        self.known.take_out(&mut text);
        Ok(text)
    }

    pub(super) fn label(&mut self, label: wit::Label) -> Taken<String> {
        match label {
            wit::Label::Literal(text) => self.text(text),
            wit::Label::Message(message) => self.message(message),
        }
    }

    pub(super) fn label_if(&mut self, label: Option<wit::Label>) -> Taken<Option<String>> {
        label.map(|label| self.label(label)).transpose()
    }

    /// A message in the reader's language; its identifier if there is none. It is freed of secrets as a whole: what
    /// stands in it may be the parts of one.
    fn message(&mut self, message: wit::Message) -> Taken<String> {
        let id = self.name("a message", message.id)?;
        self.count(MESSAGE_COST)?;
        let given = message.arguments;
        if given.len() > MAX_ARGUMENTS {
            let number = given.len();
            return Err(format!(
                "the message `{}` has {number} arguments, the limit is {MAX_ARGUMENTS}",
                shown(&id)
            ));
        }
        let mut arguments = Vec::with_capacity(given.len());
        for (name, argument) in &given {
            self.count(name.len())?;
            let argument = match argument {
                wit::Argument::Text(text) => {
                    self.count(text.len())?;
                    Argument::Text(text)
                }
                wit::Argument::Number(number) => {
                    // As the reader's language writes it, it would not be found in the text.
                    self.no_secret("a number in a message", &number.to_string())?;
                    Argument::Number(*number)
                }
            };
            let name = take_name("an argument of a message", name.clone())?;
            arguments.push((name, argument));
        }
        let named: Vec<_> =
            arguments.iter().map(|(name, its)| (name.as_str(), its.clone())).collect();
        let found = self.messages.get(&id, &named);
        if Instant::now() > self.deadline {
            return Err("its messages take longer than the call may".into());
        }
        match found {
            Some(text) => self.text(text.map_err(|error| error.to_string())?),
            None => {
                if self.missing.len() < MAX_LOGGED && !self.missing.contains(&id) {
                    self.missing.push(id.clone());
                }
                Ok(id)
            }
        }
    }

    /// Logs the messages that were named and that are not there.
    pub(super) fn log_missing(&self, extension: &str) {
        if self.missing.is_empty() {
            return;
        }
        let missing: Vec<_> = self.missing.iter().map(|id| shown(id)).collect();
        let missing = missing.join("`, `");
        tracing::info!(extension.id = %extension, "`{extension}` names messages that its catalogue has not: `{missing}`");
    }
}
