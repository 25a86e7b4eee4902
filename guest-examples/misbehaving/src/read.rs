//! Reads everything that the contract offers, and what WASI offers, and logs it.

use serde_json::{Value as Json, json};

use crate::exports::palisade::events::handler::Event;
use crate::palisade::core::log::{self, Level};
use crate::palisade::core::types::Value;
use crate::palisade::core::{context, settings};
use crate::palisade::events::types::{Actor, ActorKind, Phase, Powers, Role, Status};
use crate::write::info;

/// Does what a command asks for, if it is about reading. Each record is a JSON object with one member.
pub fn run(verb: &str, argument: &str, event: &Event) {
    match verb {
        "read" => record("read", json!({ argument: field(argument, event) })),
        "read-all" => {
            record("event", facts(event));
            record("params", params(event));
            record("attributes", attributes(event));
            record("json", parse(&event.to_json()));
            record("settings", all_settings());
            record("context", facts_of_call());
        }
        "wasi" => record("wasi", wasi()),
        _ => {}
    }
}

fn record(name: &str, json: Json) {
    info(&json!({ name: json }).to_string(), &[]);
}

/// Everything that can be had of one field, in every way in which the contract gives it.
fn field(name: &str, event: &Event) -> Json {
    json!({
        "new": event.get(name).map(json_of),
        "old": event.get_old(name).map(json_of),
        "changes": event.changes(name),
        "named": event.names().iter().any(|known| known == name),
        "json": event.to_json().contains(&format!("\"{name}\"")),
    })
}

fn facts(event: &Event) -> Json {
    json!({
        "id": event.id(),
        "action": event.action(),
        "phase": match event.phase() {
            Phase::Before => "before",
            Phase::After => "after",
        },
        "object": event.object().map(|object| json!({ "kind": object.kind, "id": object.id })),
        "actor": event.actor().map(actor),
        "powers": powers(event.powers()),
        "time": event.time(),
        "names": event.names(),
        "status": event.status().map(|status| match status {
            Status::Succeeded => "succeeded",
            Status::Skipped => "skipped",
            Status::Denied => "denied",
            Status::Failed => "failed",
        }),
        "result": event.result().map(|result| parse(&result)),
        "dry_run": event.dry_run(),
        "depth": event.depth(),
    })
}

fn actor(actor: Actor) -> Json {
    let kind = match actor.kind {
        ActorKind::Person => "person".into(),
        ActorKind::Token => "token".into(),
        ActorKind::System => "system".into(),
        ActorKind::Extension => "extension".into(),
        ActorKind::Other(kind) => kind,
    };
    let role = actor.role.map(|role| match role {
        Role::Superuser => "superuser".into(),
        Role::Administrator => "administrator".into(),
        Role::Reseller => "reseller".into(),
        Role::Customer => "customer".into(),
        Role::MailboxUser => "mailbox-user".into(),
        Role::Other(role) => role,
    });
    json!({ "kind": kind, "role": role, "id": actor.id, "name": actor.name })
}

fn powers(powers: Powers) -> Vec<&'static str> {
    let all = [(Powers::ALTER, "alter"), (Powers::SKIP, "skip"), (Powers::DENY, "deny")];
    all.into_iter().filter(|(power, _)| powers.contains(*power)).map(|(_, name)| name).collect()
}

/// For each parameter, the new value, the old one and whether it changes.
fn params(event: &Event) -> Json {
    let names = event.names().into_iter();
    names
        .map(|name| {
            let (new, old) = (event.get(&name).map(json_of), event.get_old(&name).map(json_of));
            let changes = event.changes(&name);
            (name, json!({ "new": new, "old": old, "changes": changes }))
        })
        .collect()
}

/// The attributes, by the names that the JSON form of the event gives.
fn attributes(event: &Event) -> Json {
    let json = parse(&event.to_json());
    let members = json.get("attributes").and_then(Json::as_object);
    let names = members.into_iter().flat_map(|members| members.keys());
    names.map(|name| (name.clone(), json!(event.attribute(name)))).collect()
}

fn all_settings() -> Json {
    let json = parse(&settings::to_json());
    let names = json.as_object().into_iter().flat_map(|members| members.keys());
    names.map(|name| (name.clone(), json!(settings::get(name).map(json_of)))).collect()
}

fn facts_of_call() -> Json {
    json!({
        "extension_id": context::extension_id(),
        "extension_version": context::extension_version(),
        "remaining_ms": context::remaining_ms(),
        "remaining_fuel": context::remaining_fuel(),
        "debug_enabled": log::enabled(Level::Debug),
        "info_enabled": log::enabled(Level::Info),
    })
}

/// What is there of the world outside the sandbox: nothing, if all is well.
fn wasi() -> Json {
    json!({
        "arguments": std::env::args().collect::<Vec<_>>(),
        "environment": std::env::vars().map(|(name, _)| name).collect::<Vec<_>>(),
        "files": std::fs::read_dir("/").map_or_else(|e| e.to_string(), |_| "open".into()),
        "input": std::io::read_to_string(std::io::stdin()).unwrap_or_else(|e| e.to_string()),
    })
}

/// A value in the notation of the event's JSON form; bytes are written as a list of numbers.
fn json_of(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Number(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Texts(value) => json!(value),
        Value::Bytes(value) => json!({ "$bytes": value }),
        Value::Json(value) => parse(&value),
        Value::Secret => json!({ "$secret": null }),
    }
}

/// The JSON of a text; a text that is no JSON stands for itself, marked.
fn parse(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|_| json!({ "$invalid": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_marked() {
        assert_eq!(json_of(Value::Secret), json!({ "$secret": null }));
    }

    #[test]
    fn nested_value_is_read() {
        assert_eq!(json_of(Value::Json("[1,{\"a\":2}]".into())), json!([1, { "a": 2 }]));
    }

    #[test]
    fn text_that_is_no_json_is_marked() {
        assert_eq!(json_of(Value::Json("{".into())), json!({ "$invalid": "{" }));
    }

    #[test]
    fn powers_are_listed_by_name() {
        assert_eq!(powers(Powers::ALTER | Powers::DENY), ["alter", "deny"]);
    }
}
