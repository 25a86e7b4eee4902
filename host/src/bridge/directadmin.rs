//! DirectAdmin's custom scripts: `palisade-hook directadmin <hook>_pre|<hook>_post`, or a link in the directory of the
//! hook.
//!
//! The values stand in variables, mostly in lower case. The panel runs all scripts of a hook and goes on if all of
//! them succeed; what they print is shown if one fails, as HTML. Hooks that write a file, such as `dns_write`, have
//! url-encoded arrays for values.

use palisade_hook::write::one_line;
use url::form_urlencoded;

use super::refusal::refusal;
use super::{Answer, BridgeError, Printed, Said, Translated, fields};
use crate::hook::catalogue::{Action, catalogue};
use crate::hook::{ObjectRef, Phase, Power, Status, Value};

/// What scripts that ran before this one left: how they ended, and what they said.
const EARLIER: [&str; 2] = ["result", "error"];
/// Characters of an attribute.
const ATTRIBUTE: usize = 1_000;

/// What a call says, read once.
struct Request<'a> {
    said: &'a Said<'a>,
    phase: Phase,
    /// The hook without its phase.
    hook: String,
    action: Option<&'static Action>,
}

/// Translates one call.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let request = Request::read(said)?;
    let name = fields::action_name(said.call.dialect, request.action, &request.hook)?;
    let mut translated = Translated::new(request.phase, name, &request.hook);
    translated.params = fields::named_values(said.call.dialect, request.action, request.sent());
    fields::join_address(&mut translated.params);
    translated.object = request.object();
    if request.phase == Phase::After && request.hook.ends_with("_fail") {
        translated.status = Status::Failed;
    }
    let earlier = EARLIER.iter().filter(|key| !request.is_field(key)).filter_map(|key| {
        Some((format!("earlier.{key}"), one_line(said.variable(key)?, ATTRIBUTE)))
    });
    translated.attributes.extend(earlier);
    if let Some(address) = request.address() {
        translated.attributes.insert("remote.address".to_owned(), one_line(address, ATTRIBUTE));
    }
    Ok(translated)
}

/// Returns what the panel shows, and whether it goes on.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let is_before = Request::read(said).is_ok_and(|request| request.phase == Phase::Before);
    match refusal(said.call.dialect, answers).filter(|_| is_before) {
        Some(line) => Printed::failure(format!("{line}\n")),
        None => Printed::nothing(),
    }
}

/// Returns the powers that the panel heeds: before an action a script can refuse it.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match Request::read(said).map(|request| request.phase) {
        Ok(Phase::Before) => &[Power::Deny],
        Ok(Phase::After) | Err(_) => &[],
    }
}

impl<'a> Request<'a> {
    fn read(said: &'a Said<'a>) -> Result<Self, BridgeError> {
        let argument = said.argument(0).ok_or(BridgeError::MissingArgument("<hook>"))?;
        let (phase, hook) = match (argument.strip_suffix("_pre"), argument.strip_suffix("_post")) {
            (Some(hook), _) => (Phase::Before, hook),
            (None, Some(hook)) => (Phase::After, hook),
            // A few hooks have no phase in their name; they tell what happened.
            (None, None) => (Phase::After, &*argument),
        };
        let action = catalogue().by_native(said.call.dialect.name(), hook, None);
        Ok(Self { said, phase, hook: hook.to_owned(), action })
    }

    /// The values by their keys, decoded.
    fn sent(&self) -> Vec<(String, Value)> {
        let mut sent = Vec::new();
        let mut records = Vec::new();
        for (&key, text) in &self.said.env {
            if EARLIER.contains(&key) && !self.is_field(key) {
                continue;
            }
            match self.is_record_type(key) {
                // With the full ones the others say the same once more.
                true if key == "MX" && self.said.env.contains_key("MX_FULL") => {}
                true => records.extend(decoded_records(key, text)),
                false => sent.push((key.to_owned(), self.decoded(text))),
            }
        }
        if !records.is_empty() {
            sent.push(("records".to_owned(), Value::Texts(records)));
        }
        sent
    }

    /// A value of a hook that writes a file may be an array, `key=value&key=value`.
    fn decoded(&self, text: &str) -> Value {
        let is_array = self.hook.ends_with("_write")
            && !text.is_empty()
            && text.split('&').all(|pair| pair.contains('='))
            && !text.contains(char::is_whitespace);
        match is_array {
            true => {
                Value::Texts(pairs(text).map(|(key, value)| format!("{key}={value}")).collect())
            }
            false => Value::Text(text.to_owned()),
        }
    }

    /// Whether the variable holds the records of one type of a zone.
    fn is_record_type(&self, key: &str) -> bool {
        key != "DOMAIN"
            && key.starts_with(|c: char| c.is_ascii_uppercase())
            && self.field(key).is_some_and(|field| field.short() == "records")
    }

    fn is_field(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    fn field(&self, key: &str) -> Option<&'static crate::hook::catalogue::Field> {
        self.action?.native_field(self.said.call.dialect.name(), key)
    }

    /// The account that the hook is about, if it exists.
    fn object(&self) -> Option<ObjectRef> {
        let kind = fields::account(self.phase, self.action?)?;
        Some(ObjectRef { kind, id: self.said.variable("username")?.to_owned() })
    }

    /// The address that the request came from.
    fn address(&self) -> Option<&str> {
        let is_session = self.field("ip").is_some_and(|field| field.name == "session.ip");
        let own = || self.said.variable("ip").filter(|_| is_session);
        self.said.variable("caller_ip").or_else(own)
    }
}

/// The records of one type as `<name> <type> <value>`.
fn decoded_records(kind: &str, text: &str) -> Vec<String> {
    let kind = kind.strip_suffix("_FULL").unwrap_or(kind);
    pairs(text).map(|(name, value)| format!("{name} {kind} {value}")).collect()
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests;
