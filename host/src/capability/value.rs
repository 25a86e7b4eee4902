//! Values across the border: what the host hands out, and what it takes from a guest after checking it.

use std::collections::BTreeSet;

use crate::bindings::core_types as wit;
use crate::bindings::events;
use crate::hook::{BYTES_KEY, Change, Outcome, Problem, SECRET_KEY, Value, redacted};

/// Changes that an answer may ask for.
const MAX_CHANGES: usize = 1_000;
/// Problems that a denial may name.
const MAX_PROBLEMS: usize = 100;
/// Bytes of a name, a code or a field in an answer.
pub(super) const MAX_NAME_BYTES: usize = 256;
/// Bytes of a message for a person.
const MAX_MESSAGE_BYTES: usize = 4 << 10;

/// A value for the guest, and how many bytes are copied for it. A secret is handed out as withheld.
pub(super) fn hand_out(value: Option<&Value>) -> (Option<wit::Value>, usize) {
    let Some(value) = value else { return (None, 0) };
    match value {
        Value::Json(json) => hand_out_own(Value::Json(redacted(json))),
        value => hand_out_own(value.clone()),
    }
}

/// The same for a value that is the extension's own, such as a setting: nothing in it is withheld.
pub(super) fn hand_out_own(value: Value) -> (Option<wit::Value>, usize) {
    let bytes = value.payload_len();
    let handed = match value {
        Value::Null => wit::Value::Null,
        Value::Boolean(value) => wit::Value::Boolean(value),
        Value::Integer(value) => wit::Value::Integer(value),
        Value::Number(value) => wit::Value::Number(value),
        Value::Text(text) => wit::Value::Text(text),
        Value::Texts(texts) => wit::Value::Texts(texts),
        Value::Bytes(bytes) => wit::Value::Bytes(bytes),
        Value::Json(json) => wit::Value::Json(json.to_string()),
        Value::Secret(_) => wit::Value::Secret,
    };
    let bytes = match &handed {
        wit::Value::Json(text) => text.len(),
        _ => bytes,
    };
    (Some(handed), bytes)
}

/// Checks a value from a guest.
pub(super) fn take_in(value: wit::Value) -> Result<Value, String> {
    Ok(match value {
        wit::Value::Null => Value::Null,
        wit::Value::Boolean(value) => Value::Boolean(value),
        wit::Value::Integer(value) => Value::Integer(value),
        wit::Value::Number(value) if value.is_finite() => Value::Number(value),
        wit::Value::Number(value) => {
            return Err(format!("{value} is not a number that JSON can hold"));
        }
        wit::Value::Text(text) => Value::Text(text),
        wit::Value::Texts(texts) => Value::Texts(texts),
        wit::Value::Bytes(bytes) => Value::Bytes(bytes),
        wit::Value::Json(text) => {
            let json = take_json(&text)?;
            if [SECRET_KEY, BYTES_KEY].iter().any(|marker| json.get(marker).is_some()) {
                return Err(format!(
                    "a JSON value may not have a member `{SECRET_KEY}` or `{BYTES_KEY}`"
                ));
            }
            json.into()
        }
        wit::Value::Secret => {
            return Err("the case `secret` of a value is never valid in an answer".into());
        }
    })
}

fn take_json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

pub(super) fn take_text(what: &str, text: String, limit: usize) -> Result<String, String> {
    match text.len() > limit {
        true => Err(format!("{what} has {} bytes, the limit is {limit}", text.len())),
        false => Ok(text),
    }
}

/// Takes a text that a person reads. Control characters are escaped, for it ends in terminals too; lines and tabs
/// stay. It is not refused for them: who is denied something may have put them into a name, and must not get by.
pub(super) fn take_message(what: &str, text: String) -> Result<String, String> {
    Ok(without_controls(take_text(what, text, MAX_MESSAGE_BYTES)?))
}

/// Escapes the control characters of a text but for lines and tabs.
pub(super) fn without_controls(text: String) -> String {
    let escapes = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(escapes) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

pub(super) fn take_name(what: &str, name: String) -> Result<String, String> {
    let name = take_text(what, name, MAX_NAME_BYTES)?;
    match name.is_empty() || name.chars().any(char::is_control) {
        true => Err(format!(
            "{what} must be a name without control characters: `{}`",
            name.escape_default()
        )),
        false => Ok(name),
    }
}

/// Checks a guest's answer. Whether the handler may give it is for the dispatcher to say.
pub fn outcome(answer: events::Outcome) -> Result<Outcome, String> {
    match answer {
        events::Outcome::Proceed => Ok(Outcome::Proceed),
        events::Outcome::Alter(changes) => take_changes(changes).map(Outcome::Alter),
        events::Outcome::Skip(skip) => Ok(Outcome::Skip {
            reason: take_message("the reason", skip.reason)?,
            result: skip
                .result
                .map(|json| take_json(&json).map_err(|error| format!("the result is {error}")))
                .transpose()?,
        }),
        events::Outcome::Deny(denial) => take_problems(denial.problems).map(Outcome::Deny),
    }
}

fn take_changes(changes: Vec<events::Change>) -> Result<Vec<Change>, String> {
    if changes.is_empty() || changes.len() > MAX_CHANGES {
        return Err(format!(
            "an alteration has 1 to {MAX_CHANGES} changes, this one has {}",
            changes.len()
        ));
    }
    let mut seen = BTreeSet::new();
    changes
        .into_iter()
        .map(|change| {
            let name = take_name("the name of a field", change.name)?;
            if !seen.insert(name.clone()) {
                return Err(format!("the field `{name}` is changed twice"));
            }
            let value = change
                .value
                .map(take_in)
                .transpose()
                .map_err(|error| format!("field `{name}`: {error}"))?;
            Ok(Change { name, value })
        })
        .collect()
}

fn take_problems(problems: Vec<wit::Problem>) -> Result<Vec<Problem>, String> {
    if problems.is_empty() || problems.len() > MAX_PROBLEMS {
        return Err(format!(
            "a denial has 1 to {MAX_PROBLEMS} problems, this one has {}",
            problems.len()
        ));
    }
    problems
        .into_iter()
        .map(|problem| {
            Ok(Problem {
                code: problem.code.map_or(Ok("denied".to_owned()), |code| {
                    take_name("the code of a problem", code)
                })?,
                field: problem
                    .field
                    .map(|field| take_name("the field of a problem", field))
                    .transpose()?,
                message: take_message("the message of a problem", problem.message)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, value: wit::Value) -> events::Outcome {
        events::Outcome::Alter(vec![events::Change { name: name.into(), value: Some(value) }])
    }

    #[test]
    fn a_secret_goes_out_withheld_and_never_comes_back() {
        let (handed, bytes) = hand_out(Some(&Value::Text("canary".into()).sealed()));
        assert!(matches!(handed, Some(wit::Value::Secret)));
        assert_eq!(bytes, 0);
        assert!(
            outcome(change("password", wit::Value::Secret)).unwrap_err().contains("never valid")
        );
    }

    #[test]
    fn control_characters_in_a_message_are_escaped_and_do_not_undo_the_denial() {
        let problem = |message: &str| {
            let problem = wit::Problem { code: None, field: None, message: message.into() };
            events::Outcome::Deny(events::Denial { problems: vec![problem] })
        };
        let Ok(Outcome::Deny(problems)) = outcome(problem("a\u{1b}[31m\rb\n\tc\u{9b}")) else {
            panic!("not a denial");
        };
        assert_eq!(problems[0].message, "a\\u{1b}[31m\\rb\n\tc\\u{9b}");
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for number in [f64::NAN, f64::INFINITY] {
            assert!(
                outcome(change("quota", wit::Value::Number(number)))
                    .unwrap_err()
                    .contains("not a number")
            );
        }
    }

    #[test]
    fn json_that_is_none_is_refused() {
        assert!(
            outcome(change("x", wit::Value::Json("{".into())))
                .unwrap_err()
                .starts_with("field `x`: not JSON")
        );
    }

    #[test]
    fn a_marker_cannot_be_forged() {
        assert!(
            outcome(change("x", wit::Value::Json("{\"$bytes\":\"\"}".into())))
                .unwrap_err()
                .contains("may not have")
        );
    }

    #[test]
    fn a_field_is_changed_once() {
        let one = || events::Change { name: "x".into(), value: None };
        assert_eq!(
            outcome(events::Outcome::Alter(vec![one(), one()])),
            Err("the field `x` is changed twice".into())
        );
        assert!(outcome(events::Outcome::Alter(vec![])).is_err());
    }

    #[test]
    fn a_denial_says_why_and_not_too_much() {
        assert!(outcome(events::Outcome::Deny(events::Denial { problems: vec![] })).is_err());
        let problem = wit::Problem { code: None, field: None, message: "x".repeat(5_000) };
        let error =
            outcome(events::Outcome::Deny(events::Denial { problems: vec![problem] })).unwrap_err();
        assert_eq!(error, "the message of a problem has 5000 bytes, the limit is 4096");
    }
}
