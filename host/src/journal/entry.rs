//! One entry of the journal, as it is read: a hook call, its verdict and who decided what. Secret values are never in
//! it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::hook::{Decision, LogLevel, ObjectRef, Phase, Status, Use};

/// Problems and handlers that an abridged entry keeps, and bytes of a text in it.
const MAX_ABRIDGED: usize = 50;
const MAX_ABRIDGED_BYTES: usize = 200;
/// Uses of each handler that an abridged entry keeps.
const MAX_ABRIDGED_USES: usize = 5;

/// A hook call and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entry {
    /// When the host was told, in milliseconds since the epoch.
    pub time_ms: u64,
    /// The identifier of the action, the same in both phases.
    pub action_id: String,
    /// The action.
    pub action: String,
    /// The phase.
    pub phase: Phase,
    /// How the action ended; absent before the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Who is behind the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<EntryActor>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// Whether it was a rehearsal.
    pub dry_run: bool,
    /// The verdict.
    pub verdict: Decision,
    /// The parameters as the panel sent them; long values are cut.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Who changed what.
    pub alterations: Vec<EntryAlteration>,
    /// The result to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// Why the action was refused.
    pub problems: Vec<EntryProblem>,
    /// What each handler did.
    pub trace: Vec<EntryTrace>,
    /// Microseconds that the decision took.
    pub duration_us: u64,
    /// Whether the entry was too large, and values, logs and long texts were left out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abridged: bool,
}

/// Who is behind an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryActor {
    /// What the actor is.
    pub kind: String,
    /// What the actor may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The identifier.
    pub id: String,
}

/// One field that a handler changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryAlteration {
    /// The field.
    pub field: String,
    /// What it was; absent if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<serde_json::Value>,
    /// What it is; absent if it was taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<serde_json::Value>,
    /// Who changed it.
    pub extension: String,
}

/// A problem and who found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryProblem {
    /// A stable code.
    pub code: String,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Who found it.
    pub extension: String,
}

/// What one handler did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryTrace {
    /// The extension.
    pub extension: String,
    /// Its version.
    pub version: String,
    /// What it decided: `proceed`, `alter`, `skip` or `deny`; of a provider what it answered: `offers`, `pending`,
    /// `done` or `refused`. Absent if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it did not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<EntryFault>,
    /// Why it skipped the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Units of fuel used.
    pub fuel: u64,
    /// Bytes of memory that it had.
    pub memory_bytes: u64,
    /// Microseconds that it took.
    pub duration_us: u64,
    /// What it used outside its sandbox: secrets that it read, origins, commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// What it wrote to its log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<EntryLog>,
}

/// Why a handler did not decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryFault {
    /// The stable code, such as `fuel` or `deadline`.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// The number that was exceeded, in the unit that the message names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The guest's call stack, innermost function first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backtrace: Vec<String>,
}

/// One record of an extension's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryLog {
    /// How important it is.
    pub level: LogLevel,
    /// The message.
    pub message: String,
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl Entry {
    /// What is left of an entry that is too large: who decided what, without values.
    pub(super) fn abridge(&mut self) {
        self.abridged = true;
        self.params.clear();
        self.result = None;
        for alteration in &mut self.alterations {
            (alteration.from, alteration.to) = (None, None);
        }
        self.problems.truncate(MAX_ABRIDGED);
        for problem in &mut self.problems {
            cut(&mut problem.message);
        }
        self.trace.truncate(MAX_ABRIDGED);
        for trace in &mut self.trace {
            trace.log.clear();
            trace.uses.truncate(MAX_ABRIDGED_USES);
            trace.uses.iter_mut().for_each(|entry| cut(&mut entry.what));
            if let Some(reason) = &mut trace.reason {
                cut(reason);
            }
            if let Some(fault) = &mut trace.fault {
                fault.backtrace.clear();
                cut(&mut fault.message);
            }
        }
    }
}

/// Cuts a text to what an abridged entry keeps.
fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(MAX_ABRIDGED_BYTES));
}

impl EntryFault {
    /// What is told of a fault.
    pub fn new(fault: &crate::hook::Fault) -> Self {
        let backtrace = match fault {
            crate::hook::Fault::Trap { backtrace, .. } => backtrace.clone(),
            _ => Vec::new(),
        };
        Self {
            code: fault.code().to_owned(),
            message: fault.to_string(),
            limit: fault.limit(),
            backtrace,
        }
    }
}
