//! Any other panel: `palisade-hook generic`, with one JSON object on standard input and one on standard output.
//!
//! It is made for an author of a panel who has ten lines of shell or PHP for it. What comes in has the members of the
//! panel API; what goes out has always the same four: `verdict`, `params` with the final values of what handlers
//! changed, `problems` and `result`.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Answer, BridgeError, Printed, Said, Translated, fields};
use crate::hook::catalogue::catalogue;
use crate::hook::{
    Actor, ActorKind, Decision, Disclosed, ObjectRef, Params, Phase, Power, Role, Status, Value,
    check_action,
};

/// The members of a call.
const MEMBERS: [&str; 9] =
    ["phase", "action", "actor", "object", "params", "old", "attributes", "status", "result"];

/// What the panel reads.
#[derive(Serialize)]
struct Decided<'a> {
    verdict: Decision,
    params: IndexMap<&'a str, Option<Disclosed<'a, Value>>>,
    problems: Vec<Wrong<'a>>,
    result: Option<&'a Json>,
}

/// One thing that is wrong with the action.
#[derive(Serialize)]
struct Wrong<'a> {
    code: &'a str,
    field: Option<&'a str>,
    message: &'a str,
}

/// Translates one call.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let mut call = members(said)?;
    let phase = phase(&call)?;
    let native = match call.remove("action") {
        Some(Json::String(native)) => native,
        Some(_) => return Err(wrong("`action` is no text")),
        None => return Err(wrong("it has no `action`")),
    };
    // A name with a dot is an action's, in the catalogue or not.
    let action = match native.contains('.') {
        true => check_action(&native).map(|()| native.clone()).map_err(BridgeError::Action)?,
        false => fields::action_name(said.call.dialect, None, &native)?,
    };
    let (params, old) = (params(&action, &mut call, "params")?, params(&action, &mut call, "old")?);
    let status = match call.remove("status") {
        Some(status) if phase == Phase::After => status_of(&status)?,
        Some(Json::Null) | None => Status::Succeeded,
        Some(_) => return Err(wrong("`status` means nothing before an action")),
    };
    let result = call.remove("result").filter(|result| !result.is_null());
    if result.is_some() && phase == Phase::Before {
        return Err(wrong("`result` means nothing before an action"));
    }
    Ok(Translated {
        actor: actor(call.remove("actor"))?,
        object: object(call.remove("object"))?,
        params,
        old,
        attributes: attributes(call.remove("attributes"))?,
        status,
        result,
        ..Translated::new(phase, action, &native)
    })
}

/// Returns the decision as one line of JSON.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let phase = members(said).and_then(|call| phase(&call));
    const PROCEED: &Answer = &Answer::PROCEED;
    let answer = answers.first().unwrap_or(PROCEED);
    let problems = answer.problems.iter().map(|problem| Wrong {
        code: &problem.code,
        field: problem.field.as_deref(),
        message: &problem.message,
    });
    let changes = answer.changes.iter();
    let changes =
        changes.map(|change| (change.name.as_str(), change.value.as_ref().map(Disclosed)));
    let decided = match phase {
        Ok(Phase::Before) => Decided {
            verdict: answer.decision,
            params: changes.collect(),
            problems: problems.collect(),
            result: answer.result.as_ref(),
        },
        // It is done: nothing is left to refuse, and what was changed is a part of the result.
        Ok(Phase::After) | Err(_) => Decided {
            verdict: Decision::Proceed,
            params: IndexMap::new(),
            problems: Vec::new(),
            result: answer.result.as_ref(),
        },
    };
    match serde_json::to_string(&decided) {
        Ok(json) => Printed::text(format!("{json}\n")),
        Err(error) => Printed::text("{\"verdict\":\"proceed\"}\n").with_note(error.to_string()),
    }
}

/// Returns the powers that the panel heeds: it says itself that it does, by asking.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match members(said).and_then(|call| phase(&call)) {
        Ok(Phase::Before) => &[Power::Alter, Power::Skip, Power::Deny],
        Ok(Phase::After) => &[Power::Alter],
        Err(_) => &[],
    }
}

/// What is wrong with standard input. No value stands in it: it could be a secret.
fn wrong(what: &str) -> BridgeError {
    BridgeError::Stdin(what.to_owned())
}

fn members(said: &Said<'_>) -> Result<Map<String, Json>, BridgeError> {
    if let Some(word) = said.argument(0) {
        return Err(BridgeError::UnknownArgument(word.into_owned()));
    }
    let members = match serde_json::from_str(&said.stdin) {
        Ok(Json::Object(members)) => members,
        Ok(_) => return Err(wrong("it is no JSON object")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Err(wrong(&format!("not JSON at line {line} column {column}")));
        }
    };
    match members.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
        Some(_) => Err(wrong(&format!("it has a member beside `{}`", MEMBERS.join("`, `")))),
        None => Ok(members),
    }
}

fn phase(call: &Map<String, Json>) -> Result<Phase, BridgeError> {
    match call.get("phase").and_then(Json::as_str) {
        Some("before") => Ok(Phase::Before),
        Some("after") => Ok(Phase::After),
        _ => Err(wrong("its `phase` is neither `before` nor `after`")),
    }
}

/// The values of one member, of the types that the catalogue says.
fn params(action: &str, call: &mut Map<String, Json>, member: &str) -> Result<Params, BridgeError> {
    let values = match call.remove(member) {
        None | Some(Json::Null) => return Ok(Params::new()),
        // PHP writes an empty array so, whatever its keys would be.
        Some(Json::Array(items)) if items.is_empty() => return Ok(Params::new()),
        Some(values) => values,
    };
    let params: Params = serde_json::from_value(values)
        .map_err(|_| wrong(&format!("`{member}` is no object of values")))?;
    let typed = |(name, value): (String, Value)| {
        let value = match catalogue().field(action, &name) {
            Some(field) => fields::coerced(field.kind, value),
            None => value,
        };
        (name, value)
    };
    Ok(params.into_iter().map(typed).collect())
}

/// Who is behind the action: an object, or only who it is.
fn actor(actor: Option<Json>) -> Result<Option<Actor>, BridgeError> {
    let members = match actor {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(id)) if id.is_empty() => return Ok(None),
        Some(Json::String(id)) => Map::from_iter([("id".to_owned(), Json::String(id))]),
        Some(Json::Object(members)) => members,
        Some(_) => return Err(wrong("`actor` is neither an object nor a text")),
    };
    let text = |key: &str| match members.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => {
            text(value).map(Some).ok_or_else(|| wrong(&format!("`actor.{key}` is no text")))
        }
    };
    Ok(Some(Actor {
        kind: text("kind")?.map_or(ActorKind::Person, |kind| ActorKind::from_name(&kind)),
        role: text("role")?.map(|role| Role::from_name(&role)),
        id: text("id")?.ok_or_else(|| wrong("`actor` has no `id`"))?,
        name: text("name")?,
    }))
}

fn object(object: Option<Json>) -> Result<Option<ObjectRef>, BridgeError> {
    let object = match object {
        None | Some(Json::Null) => return Ok(None),
        Some(object) => object,
    };
    let member = |key: &str| object.get(key).and_then(text);
    match (member("kind"), member("id")) {
        (Some(kind), Some(id)) => Ok(Some(ObjectRef { kind, id })),
        _ => Err(wrong("`object` has no `kind` and `id`")),
    }
}

fn attributes(attributes: Option<Json>) -> Result<IndexMap<String, String>, BridgeError> {
    match attributes {
        None | Some(Json::Null) => Ok(IndexMap::new()),
        Some(Json::Array(items)) if items.is_empty() => Ok(IndexMap::new()),
        Some(Json::Object(members)) => members
            .iter()
            .map(|(name, value)| Some((name.clone(), text(value)?)))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("`attributes` has a value that is no text")),
        Some(_) => Err(wrong("`attributes` is no object")),
    }
}

fn status_of(status: &Json) -> Result<Status, BridgeError> {
    match status {
        Json::Null => Ok(Status::Succeeded),
        status => serde_json::from_value(status.clone())
            .map_err(|_| wrong("`status` is none of `succeeded`, `skipped`, `denied`, `failed`")),
    }
}

/// A text or a number as text: identifiers are often numbers.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
