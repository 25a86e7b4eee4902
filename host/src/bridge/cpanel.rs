//! cPanel's standardized hooks: `palisade-hook cpanel`, or `--describe`, `rollback` and `check` after it.
//!
//! One JSON document stands on standard input: `context` says which event it is and in which stage, `data` what it is
//! about. For a call of an API the parameters are `data.args`, and `data.user` is who calls. Perl writes numbers as
//! texts and the other way round, and `data` may be missing. The panel reads one line: `1 ok` to go on, and
//! `0 BAILOUT <why>` to refuse, which it heeds before the action if the hook was registered as blocking.

use palisade_hook::write::one_line;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::refusal::refusal;
use super::{Answer, BridgeError, Printed, Said, Translated, fields, natives};
use crate::hook::catalogue::{Action, catalogue};
use crate::hook::{
    Actor, ActorKind, HookPattern, ObjectRef, Params, Phase, Power, Role, Status, Value,
};

/// Where cPanel looks for scripts of hooks, and the names of the program there.
const HOOK: &str = "/usr/local/cpanel/3rdparty/bin/palisade-hook";
const ROLLBACK: &str = "/usr/local/cpanel/3rdparty/bin/palisade-cpanel-rollback";
/// The place among other hooks: before those of the default, which is 100.
const WEIGHT: u8 = 50;
/// The category whose scripts run as the account, which cannot speak to the host; with `escalateprivs` they do not.
const OF_ACCOUNTS: &str = "Cpanel";
/// Keys that hold what a thing was, with those of what it becomes.
const OLD: [(&str, &str); 3] =
    [("cur_pkg", "new_pkg"), ("current_shell", "new_shell"), ("oldip", "newip")];
/// Characters of the reason for a failure.
const REASON: usize = 500;

/// What the program is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// To list what is to be registered.
    Describe,
    /// To say whether the hook is to be called.
    Check,
    /// For a hook.
    Hook,
    /// To take back what a hook did, since another one refused.
    Rollback,
}

/// What a call says, read once.
struct Request {
    mode: Mode,
    category: String,
    event: String,
    is_pre: bool,
    /// Whether the panel heeds a refusal.
    is_blocking: bool,
    data: Map<String, Json>,
}

/// One event to register, in the words of `--describe`.
#[derive(Debug, PartialEq, Serialize)]
struct Described {
    category: String,
    event: String,
    stage: &'static str,
    hook: &'static str,
    exectype: &'static str,
    blocking: u8,
    weight: u8,
    escalateprivs: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<&'static str>,
}

/// What the program is called for.
pub(super) fn mode(said: &Said<'_>) -> Result<Mode, BridgeError> {
    match said.argument(0).as_deref() {
        None => Ok(Mode::Hook),
        Some("--describe") => Ok(Mode::Describe),
        Some("check") => Ok(Mode::Check),
        Some("rollback") => Ok(Mode::Rollback),
        Some(word) => Err(BridgeError::UnknownArgument(word.to_owned())),
    }
}

/// Translates one call. A check asks for nothing: it is the hook itself that decides.
pub(super) fn translate(said: &Said<'_>) -> Result<Vec<Translated>, BridgeError> {
    match mode(said)? {
        Mode::Describe | Mode::Check => Ok(Vec::new()),
        Mode::Hook | Mode::Rollback => Ok(vec![Request::read(said)?.translated(said)?]),
    }
}

/// Returns the line for the panel.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let is_before = Request::read(said).is_ok_and(|request| request.phase() == Phase::Before);
    match refusal(said.call.dialect, answers).filter(|_| is_before) {
        Some(line) => Printed::text(format!("0 BAILOUT {line}\n")),
        None => Printed::text("1 ok\n"),
    }
}

/// Returns the powers that the panel heeds: scripts can only refuse, and only where the hook is blocking.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match Request::read(said) {
        Ok(request) if request.phase() == Phase::Before && request.is_blocking => &[Power::Deny],
        _ => &[],
    }
}

/// What the panel is to register for these subscriptions. `failed` are those of handlers that want to know of an
/// action that failed: a rollback tells them.
pub(super) fn describe(hooks: &[HookPattern], failed: &[HookPattern]) -> Printed {
    let dialect = palisade_hook::Dialect::Cpanel;
    let rolled_back = natives(dialect, failed);
    let mut described: Vec<Described> = Vec::new();
    for hook in natives(dialect, hooks) {
        let Some((category, event)) = hook.native.split_once("::") else { continue };
        let is_pre = hook.phase == Phase::Before;
        let wants_rollback = is_pre && rolled_back.iter().any(|other| other.native == hook.native);
        let entry = Described {
            category: category.to_owned(),
            event: event.to_owned(),
            stage: if is_pre { "pre" } else { "post" },
            hook: HOOK,
            exectype: "script",
            blocking: is_pre.into(),
            weight: WEIGHT,
            escalateprivs: (category == OF_ACCOUNTS).into(),
            rollback: wants_rollback.then_some(ROLLBACK),
        };
        if !described.contains(&entry) {
            described.push(entry);
        }
    }
    match serde_json::to_string(&described) {
        Ok(json) => Printed::text(format!("{json}\n")),
        Err(error) => Printed::failure("[]\n").with_note(error.to_string()),
    }
}

impl Request {
    fn read(said: &Said<'_>) -> Result<Self, BridgeError> {
        let mode = mode(said)?;
        let wrong = |what: &str| BridgeError::Stdin(what.to_owned());
        let document: Json = serde_json::from_str(&said.stdin).map_err(|error| {
            // The error's own text could quote what stands there.
            BridgeError::Stdin(format!(
                "not JSON at line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
        let context = |key: &str| {
            document.pointer("/context")?.get(key).and_then(text).filter(|text| !text.is_empty())
        };
        let is_pre = match context("stage").as_deref() {
            Some("pre") => true,
            Some("post") => false,
            Some(_) => return Err(wrong("`context.stage` is neither `pre` nor `post`")),
            None => return Err(wrong("it has no `context.stage`")),
        };
        let said_blocking = ["/hook/blocking", "/context/blocking"]
            .into_iter()
            .find_map(|pointer| document.pointer(pointer));
        let is_blocking = said_blocking.is_none_or(is_true);
        let category = context("category").ok_or_else(|| wrong("it has no `context.category`"))?;
        let event = context("event").ok_or_else(|| wrong("it has no `context.event`"))?;
        let data = match document {
            Json::Object(mut members) => members.remove("data"),
            _ => None,
        };
        let data = match data {
            Some(Json::Object(data)) => data,
            None | Some(Json::Null) => Map::new(),
            Some(other) => Map::from_iter([("data".to_owned(), other)]),
        };
        Ok(Self { mode, category, event, is_pre, is_blocking, data })
    }

    fn phase(&self) -> Phase {
        match self.mode == Mode::Hook && self.is_pre {
            true => Phase::Before,
            false => Phase::After,
        }
    }

    fn translated(self, said: &Said<'_>) -> Result<Translated, BridgeError> {
        let dialect = said.call.dialect;
        let native = format!("{}::{}", self.category, self.event);
        let known = |name: &str| catalogue().by_native(dialect.name(), name, None);
        let action = known(&native).or_else(|| known(&self.category));
        let name = fields::action_name(dialect, action, &native)?;
        let phase = self.phase();
        let actor = self.actor();
        let output = self.data.get("output").filter(|_| phase == Phase::After);
        let failure = output.and_then(failure);
        let status = match failure.is_some() || self.mode == Mode::Rollback {
            true => Status::Failed,
            false => Status::Succeeded,
        };
        let mut translated = Translated {
            actor,
            status,
            result: output.cloned(),
            ..Translated::new(phase, name, &native)
        };
        let reason = failure.unwrap_or_default();
        if !reason.is_empty() {
            translated.attributes.insert("failure.reason".to_owned(), one_line(&reason, REASON));
        }
        let mut sent = self.data;
        sent.remove("output");
        let args = match sent.remove("args") {
            Some(Json::Object(args)) => args,
            Some(other) => {
                sent.insert("args".to_owned(), other);
                sent
            }
            None => sent,
        };
        translated.object = object(phase, action, &args);
        let old = OLD.iter().filter_map(|(old, new)| Some(((*new).to_owned(), args.get(*old)?)));
        let old = old.map(|(key, value)| (key, value.clone().into())).collect();
        translated.old = fields::named_values(dialect, action, old);
        translated.params = params(said, action, args);
        Ok(translated)
    }

    /// Who is behind it, where the panel says so: the account that calls an API, or who administrates accounts.
    fn actor(&self) -> Option<Actor> {
        let (key, role) = match self.category.as_str() {
            OF_ACCOUNTS => ("user", Role::Customer),
            "Whostmgr" => ("owner", Role::Reseller),
            _ => return None,
        };
        let id = self.data.get(key).and_then(text).filter(|id| !id.is_empty())?;
        let role = if id == "root" { Role::Superuser } else { role };
        Some(Actor { kind: ActorKind::Person, role: Some(role), id, name: None })
    }
}

fn params(said: &Said<'_>, action: Option<&Action>, args: Map<String, Json>) -> Params {
    let sent = args.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    let mut params = fields::named_values(said.call.dialect, action, sent);
    fields::join_address(&mut params);
    params
}

/// The account that the event is about, if it exists.
fn object(phase: Phase, action: Option<&Action>, data: &Map<String, Json>) -> Option<ObjectRef> {
    let kind = fields::account(phase, action?)?;
    let id = data.get("user").and_then(text).filter(|id| !id.is_empty())?;
    Some(ObjectRef { kind, id })
}

/// Why the call of an API failed, if its output says that it did: API 2 has a list of results, UAPI a status.
fn failure(output: &Json) -> Option<String> {
    let failed = |item: &&Json| {
        ["result", "status"].iter().any(|key| item.get(key).is_some_and(|value| !is_true(value)))
    };
    let item = match output {
        Json::Array(items) => items.iter().find(failed)?,
        item => Some(item).filter(failed)?,
    };
    let reason = ["reason", "error", "statusmsg"].iter().find_map(|key| item.get(key));
    let errors = item.get("errors").and_then(Json::as_array).and_then(|errors| errors.first());
    Some(reason.or(errors).and_then(text).unwrap_or_default())
}

/// A text or a number as text.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What Perl takes for true.
fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !matches!(text.as_str(), "" | "0"),
        Json::Array(_) | Json::Object(_) => true,
    }
}

#[cfg(test)]
mod tests;
