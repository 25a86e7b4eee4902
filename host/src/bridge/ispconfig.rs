//! ISPConfig: events in PHP, forwarded by `palisade.inc.php` as `ispconfig <event>` with a JSON document.
//!
//! The server's events, `<table>_insert` and so on, come minutes after somebody saved a form, when the change is
//! carried out; nothing can be refused then. Of the interface's events, `<module>:<form>:on_before_insert` and its like
//! come before anything is saved, and a message keeps the form open.

use std::borrow::Cow;

use serde_json::json;

use super::shim::{self, Document};
use super::{Answer, BridgeError, Printed, Said, Translated, fields};
use crate::hook::catalogue::catalogue;
use crate::hook::{Decision, ObjectRef, Params, Phase, Power, Value};

/// What is said of a skip: the form is either saved or not.
const TAKEN_OVER: &str =
    "An extension takes this over, but ISPConfig cannot leave it out; so it is refused.";

/// When the panel raises this event.
pub(super) fn phase(event: &str) -> Phase {
    match event.rsplit(':').next().is_some_and(|last| last.starts_with("on_before_")) {
        true => Phase::Before,
        false => Phase::After,
    }
}

/// Translates one event.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let event = event(said)?;
    let document = Document::read(said)?;
    if document.phase != phase(&event) {
        return Err(BridgeError::Stdin(format!("its `phase` is not that of `{event}`")));
    }
    let dialect = said.call.dialect;
    let action = catalogue().by_native(dialect.name(), &event, None);
    let name = fields::action_name(dialect, action, &event)?;
    let named =
        |values: &Params| fields::named_values(dialect, action, shim::sent(dialect.name(), values));
    let id =
        document.object.clone().filter(|id| is_id(id)).or_else(|| identifier(&event, &document));
    let kind = || match action {
        Some(action) => fields::object_kind(&action.name).to_owned(),
        None => fields::object_kind(&event).to_owned(),
    };
    Ok(Translated {
        actor: document.actor(),
        object: id.map(|id| ObjectRef { kind: kind(), id }),
        params: named(&document.vars),
        old: named(&document.old),
        attributes: document.attributes(dialect.name(), &name, &document.vars),
        ..Translated::new(document.phase, name, &event)
    })
}

/// Returns the messages that keep the form open, as JSON.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    if powers(said).is_empty() {
        return shim::nothing();
    }
    let mut errors = shim::refusals(answers);
    if errors.is_empty() && answers.iter().any(|answer| answer.decision == Decision::Skip) {
        errors.push(TAKEN_OVER.to_owned());
    }
    match errors.is_empty() {
        true => shim::nothing(),
        false => shim::returned(&json!({ "errors": errors })),
    }
}

/// Returns the powers that the panel heeds.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match event(said).map(|event| phase(&event)) {
        Ok(Phase::Before) => &[Power::Deny],
        Ok(Phase::After) | Err(_) => &[],
    }
}

fn event<'a>(said: &Said<'a>) -> Result<Cow<'a, str>, BridgeError> {
    match said.argument(1) {
        Some(word) => Err(BridgeError::UnknownArgument(word.into_owned())),
        None => said.argument(0).ok_or(BridgeError::MissingArgument("<event>")),
    }
}

/// The identifier in a row: its column is named after the table, or it is the first one.
fn identifier(event: &str, document: &Document) -> Option<String> {
    let (table, _) = event.rsplit_once('_')?;
    [&document.vars, &document.old].into_iter().find_map(|row| {
        let first =
            || row.first().filter(|(name, _)| name.ends_with("_id")).map(|(_, value)| value);
        let id = row.get(&format!("{table}_id")).or_else(first)?;
        match id {
            Value::Integer(id) => Some(id.to_string()),
            Value::Text(id) if is_id(id) => Some(id.clone()),
            _ => None,
        }
    })
}

fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()) && id != "0"
}

#[cfg(test)]
mod tests;
