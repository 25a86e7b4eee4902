//! The JSON document that a PHP file of a bridge puts on standard input.
//!
//! ```json
//! { "phase": "before", "vars": { "userid": 5 }, "old": {}, "actor": { "role": "customer", "id": "5" },
//!   "address": "192.0.2.7", "object": "5", "cut": ["notes"] }
//! ```
//!
//! A text that is no UTF-8 is `{"$bytes": "<base64>"}`, and a secret that the file was told to send is
//! `{"$secret": <value>}`. `cut` names what the file made shorter or left out.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use palisade_hook::write::xml_escaped;
use serde::Deserialize;
use serde_json::Value as Json;

use super::said::{MAX_KEPT, MAX_KEPT_BYTES, bytes_attribute};
use super::{Answer, BridgeError, Printed, Said};
use crate::hook::catalogue::{Action, catalogue};
use crate::hook::{
    Actor, ActorKind, Decision, Params, Phase, Role, SECRET_KEY, Value, is_name, is_secret,
};

/// Bytes of the attribute that names what was cut.
const MAX_CUT: usize = 1 << 10;

/// What the file says of a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// When the panel calls.
    pub phase: Phase,
    /// The panel's name for it, once more: a document that is kept should say what it is about.
    #[serde(default, alias = "point", alias = "event")]
    name: Option<String>,
    /// What the panel hands over, or the values that an object gets.
    #[serde(default)]
    pub vars: Params,
    /// The values that an object had.
    #[serde(default)]
    pub old: Params,
    /// The identifier of the object, if the file knows it.
    #[serde(default)]
    pub object: Option<String>,
    #[serde(default)]
    actor: Option<Session>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    cut: Vec<String>,
}

/// Whose session the panel runs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    role: String,
    id: String,
}

impl Document {
    /// Reads it. What is wrong is said without a word of it, which could be a secret.
    pub fn read(said: &Said<'_>) -> Result<Self, BridgeError> {
        let document: Self = serde_json::from_str(&said.stdin).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "not the document of the PHP file",
                _ => "not JSON",
            };
            BridgeError::Stdin(format!(
                "{what}, at line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
        match document.name.as_deref().is_none_or(|name| said.argument(0).as_deref() == Some(name))
        {
            true => Ok(document),
            false => Err(BridgeError::Stdin("it is about something else than the argument".into())),
        }
    }

    /// Who is behind the action.
    pub fn actor(&self) -> Option<Actor> {
        let session = self.actor.as_ref().filter(|session| is_name(&session.id))?;
        let (kind, role) = match session.role.as_str() {
            "system" => (ActorKind::System, None),
            role if is_name(role) => (ActorKind::Person, Some(Role::from_name(role))),
            _ => (ActorKind::Person, None),
        };
        Some(Actor { kind, role, id: session.id.clone(), name: None })
    }

    /// Facts about the call: where it comes from, what the file cut, and bytes that are no text.
    pub fn attributes(&self, panel: &str, action: &str, vars: &Params) -> IndexMap<String, String> {
        let mut attributes = IndexMap::new();
        if let Some(address) = self.address.as_ref().filter(|address| is_name(address)) {
            attributes.insert("remote.address".to_owned(), address.clone());
        }
        if !self.cut.is_empty() {
            let mut cut = self.cut.join(" ");
            cut.truncate(cut.floor_char_boundary(MAX_CUT));
            attributes.insert("cut".to_owned(), cut);
        }
        let bytes = vars.iter().filter_map(|(name, value)| match value {
            Value::Bytes(bytes) if bytes.len() <= MAX_KEPT_BYTES => Some((name, bytes)),
            _ => None,
        });
        let is_secret = |name: &str| {
            is_secret(action, &name.to_lowercase()) || catalogue().is_secret_key(panel, name)
        };
        for (name, bytes) in
            bytes.filter(|(name, _)| is_name(name) && !is_secret(name)).take(MAX_KEPT)
        {
            attributes.extend([bytes_attribute(name, bytes)]);
        }
        attributes
    }
}

/// Values that can be parameters: names that are none are left out, bytes become text with U+FFFD where they are none,
/// and what the panel delivers secret fields under is withheld in documents, too.
pub(super) fn sent(panel: &str, values: &Params) -> Vec<(String, Value)> {
    let text = |value: &Value| match value {
        Value::Bytes(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        Value::Json(json) => Value::Json(withheld(panel, json)),
        value => value.clone(),
    };
    let named = values.iter().filter(|(name, _)| is_name(name));
    named.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn withheld(panel: &str, json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(|item| withheld(panel, item)).collect(),
        Json::Object(members) => {
            let member = |(name, value): (&String, &Json)| match catalogue()
                .is_secret_key(panel, name)
                && !value.is_null()
            {
                true => (name.clone(), serde_json::json!({ SECRET_KEY: null })),
                false => (name.clone(), withheld(panel, value)),
            };
            members.iter().map(member).collect()
        }
        plain => plain.clone(),
    }
}

/// The panel's key for a parameter, in the way that it wrote it in this call.
pub(super) fn native_key<'a>(
    panel: &str,
    action: Option<&'a Action>,
    short: &'a str,
    sent: &'a Params,
) -> &'a str {
    let natives: &[String] = action
        .and_then(|action| action.field(short))
        .and_then(|field| field.native.get(panel))
        .map_or(&[], Vec::as_slice);
    let here = natives.iter().find(|native| sent.contains_key(native.as_str()));
    let own = || sent.keys().find(|key| key.eq_ignore_ascii_case(short));
    here.or_else(own).or(natives.first()).map_or(short, String::as_str)
}

/// A value as PHP is to have it; bytes cannot be handed over.
pub(super) fn php(value: &Value) -> Option<Json> {
    match value {
        // It goes back to the panel, which is who may have it.
        Value::Secret(secret) => php(secret.expose()),
        Value::Json(json) => Some(json.clone()),
        Value::Bytes(_) => None,
        value => Some(value.to_json()),
    }
}

/// A value whose texts can stand in a page.
pub(super) fn escaped(json: Json) -> Json {
    match json {
        Json::String(text) => xml_escaped(&text).into(),
        Json::Array(items) => items.into_iter().map(escaped).collect(),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, value)| (name, escaped(value))).collect())
        }
        plain => plain,
    }
}

/// Why the action is refused, each message as it can stand in a page; none if nobody refuses it.
pub(super) fn refusals(answers: &[Answer]) -> Vec<String> {
    let denials = answers.iter().filter(|answer| answer.decision == Decision::Deny);
    let mut messages: Vec<String> = Vec::new();
    for denial in denials {
        let problems = denial.problems.iter().map(|problem| problem.message.trim());
        messages.extend(problems.filter(|message| !message.is_empty()).map(xml_escaped));
        if messages.is_empty() {
            messages.push("An extension refuses this.".to_owned());
        }
    }
    messages.dedup();
    messages
}

/// What the PHP file returns to the panel.
pub(super) fn returned(json: &Json) -> Printed {
    Printed::text(format!("{json}\n"))
}

/// Nothing for the panel.
pub(super) fn nothing() -> Printed {
    returned(&Json::Null)
}

/// Members in the order of their names, which makes the answer the same every time.
pub(super) fn object(members: BTreeMap<String, Json>) -> Printed {
    returned(&Json::Object(members.into_iter().collect()))
}
