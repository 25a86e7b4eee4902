//! Answers, right and wrong. Pure: what is answered depends on the command alone.

use crate::exports::palisade::events::handler::{Failure, Outcome};
use crate::palisade::core::types::{Problem, Value};
use crate::palisade::events::types::{Change, Denial, Skip};
use crate::{number, pair};

/// A message over every limit: 60 MB.
const HUGE: usize = 60_000_000;

/// More changes than one answer may hold.
const MANY: usize = 100_000;

/// The answer that a command asks for; `None` if it is not about the answer.
pub fn answer(verb: &str, argument: &str) -> Option<Result<Outcome, Failure>> {
    let answer = match verb {
        "bad-alter" => Ok(alter([change("password", text("guessed"))])),
        "alter-secret" => Ok(alter([change("name", Value::Secret)])),
        "alter-empty" => Ok(alter([])),
        "alter" => set(argument, |value| Ok(text(value))),
        "alter-int" => set(argument, |value| number(value).map(Value::Integer)),
        "alter-number" => set(argument, |value| number(value).map(Value::Number)),
        "alter-json" => set(argument, |value| Ok(Value::Json(value.into()))),
        "deep-json" => number(argument).map(|depth| alter([change("tree", nested(depth))])),
        "big-json" => number(argument).map(|bytes| alter([change("tree", long_json(bytes))])),
        "alter-twice" => {
            Ok(alter([change(argument, text("first")), change(argument, text("second"))]))
        }
        "remove" => Ok(alter([removal(argument.into())])),
        "changes" => {
            number(argument).map(|count: u32| alter((0..count).map(|n| removal(n.to_string()))))
        }
        // Without names, which take most of the fuel.
        "many-changes" => Ok(alter((0..MANY).map(|_| removal(String::new())))),
        "skip" => Ok(skip(argument)),
        "deny" => Ok(deny([problem(or(argument, "told to deny"))])),
        "deny-empty" => Ok(deny([])),
        "deny-many" => Ok(deny((0..101).map(|_| problem("one of too many")))),
        "deny-long" => number(argument).map(|bytes| deny([problem("m".repeat(bytes))])),
        "deny-code" => Ok(deny([Problem {
            code: Some(argument.into()),
            field: None,
            message: "told to deny".into(),
        }])),
        "skip-reason" => Ok(Outcome::Skip(Skip { reason: argument.into(), result: None })),
        "fail" => Err(Failure::Other(argument.into())),
        "deny-field" => pair(argument).map(|(field, message)| {
            let (code, field) = (Some("test.denied".into()), Some(field.into()));
            deny([Problem { code, field, message: message.into() }])
        }),
        "huge-answer" => Ok(deny([problem(huge())])),
        "fail-unavailable" => Err(Failure::Unavailable("told to be unavailable".into())),
        "fail-misconfigured" => Err(Failure::Misconfigured("told to be misconfigured".into())),
        "fail-other" => Err(Failure::Other("told to fail".into())),
        _ => return None,
    };
    Some(answer)
}

/// An answer with one change, given as `field=value`.
fn set(argument: &str, parse: impl Fn(&str) -> Result<Value, Failure>) -> Result<Outcome, Failure> {
    let (field, value) = pair(argument)?;
    Ok(alter([change(field, parse(value)?)]))
}

fn alter(changes: impl IntoIterator<Item = Change>) -> Outcome {
    Outcome::Alter(changes.into_iter().collect())
}

fn change(name: &str, value: Value) -> Change {
    Change { name: name.into(), value: Some(value) }
}

fn removal(name: String) -> Change {
    Change { name, value: None }
}

/// A text over every limit. It is not written, which would take more fuel than a call has: the host
/// finds in it what the memory holds.
#[expect(clippy::uninit_vec, reason = "nothing in this guest reads the bytes")]
fn huge() -> String {
    let mut bytes = Vec::with_capacity(HUGE);
    // SAFETY: the length is the capacity, and the bytes go to the host unread.
    unsafe {
        bytes.set_len(HUGE);
        String::from_utf8_unchecked(bytes)
    }
}

/// Arrays in one another.
fn nested(depth: usize) -> Value {
    Value::Json("[".repeat(depth) + &"]".repeat(depth))
}

/// One long text as JSON.
fn long_json(bytes: usize) -> Value {
    Value::Json(format!("\"{}\"", "x".repeat(bytes)))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn skip(result: &str) -> Outcome {
    let result = (!result.is_empty()).then(|| result.into());
    Outcome::Skip(Skip { reason: "told to skip".into(), result })
}

fn deny(problems: impl IntoIterator<Item = Problem>) -> Outcome {
    Outcome::Deny(Denial { problems: problems.into_iter().collect() })
}

/// The message moves: a copy of a huge one would end at the limit of memory instead.
fn problem(message: impl Into<String>) -> Problem {
    Problem { code: None, field: None, message: message.into() }
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes that a command answers with.
    fn changes(verb: &str, argument: &str) -> Vec<Change> {
        match answer(verb, argument) {
            Some(Ok(Outcome::Alter(changes))) => changes,
            other => panic!("not an alteration: {other:?}"),
        }
    }

    /// The problems that a command denies with.
    fn problems(verb: &str, argument: &str) -> Vec<Problem> {
        match answer(verb, argument) {
            Some(Ok(Outcome::Deny(denial))) => denial.problems,
            other => panic!("not a denial: {other:?}"),
        }
    }

    #[test]
    fn unknown_command_is_not_about_the_answer() {
        assert!(answer("dance", "").is_none());
    }

    #[test]
    fn alter_sets_one_field_to_a_text() {
        let changes = changes("alter", "name=a=b");

        assert_eq!(changes[0].name, "name");
        assert!(matches!(&changes[0].value, Some(Value::Text(text)) if text == "a=b"));
    }

    #[test]
    fn alter_int_sets_a_whole_number() {
        let changes = changes("alter-int", "quota=-5");

        assert!(matches!(changes[0].value, Some(Value::Integer(-5))));
    }

    #[test]
    fn alter_number_can_send_a_nan() {
        let changes = changes("alter-number", "quota=NaN");

        assert!(matches!(changes[0].value, Some(Value::Number(number)) if number.is_nan()));
    }

    #[test]
    fn alter_without_a_value_fails() {
        assert!(matches!(answer("alter", "name"), Some(Err(Failure::Other(_)))));
    }

    #[test]
    fn remove_takes_a_field_out() {
        assert!(changes("remove", "quota")[0].value.is_none());
    }

    #[test]
    fn alter_secret_sends_the_secret_case() {
        assert!(matches!(changes("alter-secret", "")[0].value, Some(Value::Secret)));
    }

    #[test]
    fn changes_are_as_many_as_asked_for_and_of_different_fields() {
        let changes = changes("changes", "2");

        assert_eq!(changes.len(), 2);
        assert_ne!(changes[0].name, changes[1].name);
    }

    #[test]
    fn many_changes_are_a_hundred_thousand() {
        assert_eq!(changes("many-changes", "").len(), 100_000);
    }

    #[test]
    fn skip_carries_the_result_that_it_is_given() {
        let Some(Ok(Outcome::Skip(skip))) = answer("skip", r#"{"a":1}"#) else {
            panic!("not a skip");
        };

        assert_eq!(skip.result.as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn deny_carries_the_message_that_it_is_given() {
        assert_eq!(problems("deny", "not today")[0].message, "not today");
    }

    #[test]
    fn deny_empty_has_no_problems() {
        assert!(problems("deny-empty", "").is_empty());
    }

    #[test]
    fn deep_json_is_balanced() {
        let changes = changes("deep-json", "2");

        assert!(matches!(&changes[0].value, Some(Value::Json(json)) if json == "[[]]"));
    }

    #[test]
    fn huge_answer_is_sixty_megabytes() {
        assert_eq!(problems("huge-answer", "")[0].message.len(), 60_000_000);
    }
}
