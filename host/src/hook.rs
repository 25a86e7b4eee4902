//! The vocabulary of a hook call: data, no I/O, not async.
//!
//! The words are those of the architecture page. Everything above this module speaks them; this module knows
//! nothing of what is above: no HTTP, no wasm, no database.

pub mod catalogue;
mod fault;
mod pattern;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::fault::Fault;
pub use self::pattern::{HookPattern, HookPatternError, Pattern};
pub use self::value::{BYTES_KEY, Disclosed, Params, SECRET_KEY, Secret, Value};
use crate::suggest::shown;

/// Bytes of an identifier, a name or a role.
pub const MAX_NAME_BYTES: usize = 512;
/// Attributes of a hook call.
pub const MAX_ATTRIBUTES: usize = 100;
/// Bytes of the value of an attribute.
pub const MAX_ATTRIBUTE_BYTES: usize = 4 << 10;

/// Whether this can be an identifier or a name: 1 to [`MAX_NAME_BYTES`] bytes without control characters.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)
}

/// When, in the course of an action, a handler runs.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the action, which the handler can still influence.
    Before,
    /// After the action.
    After,
}

impl Phase {
    /// The phase of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "before" => Some(Phase::Before),
            "after" => Some(Phase::After),
            _ => None,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Before => "before",
            Phase::After => "after",
        })
    }
}

/// How an action ended, as the panel reports it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was done.
    #[default]
    Succeeded,
    /// A handler took it over.
    Skipped,
    /// A handler or the panel refused it.
    Denied,
    /// It failed.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Succeeded => "succeeded",
            Status::Skipped => "skipped",
            Status::Denied => "denied",
            Status::Failed => "failed",
        })
    }
}

/// What a handler may do to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Change parameters, or after the action its result.
    Alter,
    /// Keep the panel from running its standard action.
    Skip,
    /// Refuse the action.
    Deny,
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Power::Alter => "alter",
            Power::Skip => "skip",
            Power::Deny => "deny",
        })
    }
}

/// What an actor is; an unknown word is the panel's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ActorKind {
    /// A person.
    #[default]
    Person,
    /// A program with a token of its own.
    Token,
    /// The panel itself.
    System,
    /// An extension.
    Extension,
    /// Anything else, by the panel's name for it.
    Other(String),
}

impl ActorKind {
    /// The kind of this name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "person" => Self::Person,
            "token" => Self::Token,
            "system" => Self::System,
            "extension" => Self::Extension,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name of the kind.
    pub fn name(&self) -> &str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::System => "system",
            Self::Extension => "extension",
            Self::Other(name) => name,
        }
    }
}

/// What an actor may do in the panel; an unknown word is the panel's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Everything, on the machine too.
    Superuser,
    /// Everything in the panel.
    Administrator,
    /// Customers of one's own.
    Reseller,
    /// What one has bought.
    Customer,
    /// One mailbox.
    MailboxUser,
    /// Anything else, by the panel's name for it.
    Other(String),
}

impl Role {
    /// The role of this name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "superuser" => Self::Superuser,
            "administrator" => Self::Administrator,
            "reseller" => Self::Reseller,
            "customer" => Self::Customer,
            "mailbox-user" => Self::MailboxUser,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Whether everything in the panel is theirs.
    pub fn runs_the_panel(&self) -> bool {
        matches!(self, Self::Superuser | Self::Administrator)
    }

    /// The name of the role.
    pub fn name(&self) -> &str {
        match self {
            Self::Superuser => "superuser",
            Self::Administrator => "administrator",
            Self::Reseller => "reseller",
            Self::Customer => "customer",
            Self::MailboxUser => "mailbox-user",
            Self::Other(name) => name,
        }
    }
}

/// Who is behind an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What the actor is.
    pub kind: ActorKind,
    /// What the actor may do, if the panel says so.
    pub role: Option<Role>,
    /// The identifier, unique within the kind.
    pub id: String,
    /// A name to show.
    pub name: Option<String>,
}

/// An object of the panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// The kind, such as `mailbox`.
    pub kind: String,
    /// The identifier, unique within the kind.
    pub id: String,
}

/// How an action ended and what the panel is about to show for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub status: Status,
    /// Its result, if the panel gave one.
    pub result: Option<Arc<serde_json::Value>>,
}

/// One occurrence of a hook.
#[derive(Debug, Clone)]
pub struct HookCall {
    /// The identifier of the action, the same in both phases.
    pub id: String,
    /// The action, such as `mailbox.create`.
    pub action: String,
    /// Who is behind it, if the panel says so.
    pub actor: Option<Actor>,
    /// What it is about, if it is about an object that exists.
    pub object: Option<ObjectRef>,
    /// The values that it is to set.
    pub params: Arc<Params>,
    /// The values that the object has now.
    pub old: Params,
    /// Facts about the request, such as `remote.address`.
    pub attributes: indexmap::IndexMap<String, String>,
    /// Whether it is a rehearsal.
    pub rehearsal: Rehearsal,
    /// How many actions of extensions led to this one; at least as many as `caused_by` names.
    pub depth: u32,
    /// The actions of extensions that led to this one, the first cause first.
    pub caused_by: Vec<Cause>,
    /// Milliseconds since the epoch at which the host was told.
    pub time_ms: u64,
    /// `None` before the action; how it ended after it.
    pub ended: Option<Ended>,
}

/// An action in which an extension did something that led to another action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The extension.
    pub extension: String,
    /// The identifier of the action in which it did it.
    pub action_id: String,
}

/// Whether a hook call is a rehearsal, in which nothing may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rehearsal {
    /// The action is meant.
    #[default]
    No,
    /// The panel only asks what would happen (`dry_run`).
    DryRun,
}

impl HookCall {
    /// The phase of the call.
    pub fn phase(&self) -> Phase {
        match self.ended {
            None => Phase::Before,
            Some(_) => Phase::After,
        }
    }

    /// Whether the extension of this identifier led to this action, or is itself the one behind it.
    pub fn is_caused_by(&self, extension: &str) -> bool {
        let actor = self.actor.as_ref();
        self.caused_by.iter().any(|cause| cause.extension == extension)
            || actor
                .is_some_and(|actor| actor.kind == ActorKind::Extension && actor.id == extension)
    }

    /// Turns the values of secret fields into secrets: those that the catalogue calls so, and those whose name
    /// says so, since a panel's own actions are not in the catalogue.
    pub fn seal_secrets(&mut self) {
        let action = &self.action;
        let seal = |params: &mut Params| {
            for (name, value) in params.iter_mut() {
                if is_secret(action, name) {
                    *value = std::mem::replace(value, Value::Null).sealed();
                }
            }
        };
        seal(Arc::make_mut(&mut self.params));
        seal(&mut self.old);
    }
}

/// Checks the name of an action, of the catalogue or a panel's own: 1 to 128 of `a-z A-Z 0-9 . _ - :`, with no
/// empty part between dots.
pub fn check_action(action: &str) -> Result<(), String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':');
    if action.len() <= 128
        && action.split('.').all(|part| !part.is_empty() && part.bytes().all(letter))
    {
        return Ok(());
    }
    let shown = shown(action);
    Err(format!("an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `{shown}`"))
}

/// Whether the values of a field are secret: the catalogue says so, or, for a field that is not in it, its name.
pub fn is_secret(action: &str, field: &str) -> bool {
    match catalogue::catalogue().field(action, field) {
        Some(field) => field.secret,
        None => looks_secret(field),
    }
}

/// Returns a nested document without the values of its members whose name says that they are secret.
pub fn redacted(json: &serde_json::Value) -> serde_json::Value {
    match json {
        serde_json::Value::Array(items) => items.iter().map(redacted).collect(),
        serde_json::Value::Object(members) => {
            let member = |(name, value): (&String, &serde_json::Value)| match looks_secret(name)
                && !value.is_null()
            {
                true => (name.clone(), serde_json::json!({ SECRET_KEY: null })),
                false => (name.clone(), redacted(value)),
            };
            serde_json::Value::Object(members.iter().map(member).collect())
        }
        plain => plain.clone(),
    }
}

/// Whether a field's name alone says that its value is secret.
pub(crate) fn looks_secret(name: &str) -> bool {
    const PARTS: [&str; 7] =
        ["passw", "secret", "token", "private_key", "privkey", "passphrase", "session_key"];
    // Too short to be looked for inside of words, such as `bypass` and `passive`.
    const WORDS: [&str; 2] = ["pass", "pwd"];
    let has = |part: &str| {
        name.as_bytes()
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    PARTS.iter().any(|part| has(part))
        || words.any(|word| WORDS.iter().any(|secret| word.eq_ignore_ascii_case(secret)))
}

/// A hook call as one handler sees it: with what the handlers before it changed.
#[derive(Debug, Clone)]
pub struct Event {
    /// The call.
    pub call: Arc<HookCall>,
    /// The parameters so far.
    pub params: Arc<Params>,
    /// After the action: its result so far.
    pub result: Option<Arc<serde_json::Value>>,
}

/// One record of an extension's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// How important it is.
    pub level: LogLevel,
    /// The message with its named values, without control characters.
    pub message: String,
}

/// The importance of a log record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Values of variables and the flow of control.
    Trace,
    /// Of interest to someone debugging the extension.
    Debug,
    /// Of interest to someone operating the extension.
    Info,
    /// Something that may lead to an error.
    Warn,
    /// Something failed.
    Error,
}

/// A field to set, or with `None` to take out.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The field.
    pub name: String,
    /// The value that it is to have.
    pub value: Option<Value>,
}

/// Something wrong with what the panel is about to do, as a handler says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code for programs.
    pub code: String,
    /// The parameter at fault.
    pub field: Option<String>,
    /// What is wrong, for a person.
    pub message: String,
}

/// What one handler decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Go on.
    Proceed,
    /// Go on with these changes.
    Alter(Vec<Change>),
    /// Do not run the action.
    Skip {
        /// Why, for the journal.
        reason: String,
        /// What the panel shows as the action's result.
        result: Option<serde_json::Value>,
    },
    /// Refuse the action.
    Deny(Vec<Problem>),
}

impl Outcome {
    /// The word for the outcome.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Proceed => "proceed",
            Outcome::Alter(_) => "alter",
            Outcome::Skip { .. } => "skip",
            Outcome::Deny(_) => "deny",
        }
    }
}

/// What all handlers of a hook call decide together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Run the action, with the final parameters.
    Proceed,
    /// Do not run the action and show the result.
    Skip,
    /// Do not run the action and show the problems.
    Deny,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Proceed => "proceed",
            Decision::Skip => "skip",
            Decision::Deny => "deny",
        })
    }
}

/// One field that a handler changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Alteration {
    /// The field: a parameter before the action, a member of the result after it.
    pub field: String,
    /// What it was; `None` if it was not there.
    pub from: Option<Value>,
    /// What it is; `None` if it was taken out.
    pub to: Option<Value>,
    /// Who changed it.
    pub extension: Arc<str>,
}

/// A problem and who found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The problem.
    pub problem: Problem,
    /// Who found it.
    pub extension: Arc<str>,
}

/// What one handler did in a hook call.
#[derive(Debug, Clone, PartialEq)]
pub struct HandlerTrace {
    /// The extension.
    pub extension: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// What it decided, or the fault that kept it from deciding.
    pub outcome: Result<&'static str, Fault>,
    /// Why it skipped the action.
    pub reason: Option<String>,
    /// Units of fuel that it used.
    pub fuel: u64,
    /// Bytes of memory that it had.
    pub memory: u64,
    /// How long it took.
    pub duration: Duration,
    /// What it wrote to its log.
    pub log: Vec<LogRecord>,
    /// What it used outside its sandbox.
    pub uses: Vec<Use>,
}

/// What a handler used outside its sandbox in one call, for the record: `reveal` `password`, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Use {
    /// The capability, by the word that begins its grants: `reveal`, `use`, `http`, `command`.
    pub capability: String,
    /// What of it: a field, an origin, a command.
    pub what: String,
    /// How often it was used.
    pub times: u32,
    /// How often it was refused, for lack of a grant or by a limit.
    pub refused: u32,
}

/// What the panel is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The final parameters.
    pub params: Arc<Params>,
    /// Who changed what, in the order of the changes.
    pub alterations: Vec<Alteration>,
    /// The result to show: of a skipped action, or as altered after the action.
    pub result: Option<Arc<serde_json::Value>>,
    /// Why the action is refused.
    pub problems: Vec<Objection>,
    /// What each handler did, in the order in which they ran.
    pub trace: Vec<HandlerTrace>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_secret_is_taken_out_of_a_document() {
        let json = serde_json::json!({ "user": { "name": "u1", "password": "canary" }, "list": [{ "api_token": "canary" }], "token": null });
        let shown = redacted(&json).to_string();
        assert!(
            !shown.contains("canary") && shown.contains("u1") && shown.contains("\"token\":null"),
            "{shown}"
        );
    }

    #[test]
    fn names_that_say_so_are_secret() {
        for name in ["password", "NEW_PASSWORD", "api_token", "client-secret", "passwd"] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["name", "address", "passage", "quota"] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
