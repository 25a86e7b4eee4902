//! Dialects: what a panel hands to a script and reads from it, as hook calls and verdicts.
//!
//! A panel that knows nothing of Palisade starts `palisade-hook` as it would start any script of an administrator,
//! with arguments, variables and perhaps a document. What it was given comes here as a [`PanelCall`]. [`read`] says
//! what it means, and [`answer`] what the panel is to read, given what the handlers decided. One file for each panel;
//! pure: no I/O, no HTTP, and no panel's names but in the catalogue and in its own file.

mod coremanager;
mod fields;
mod hestia;
mod natives;
mod panel;
mod plesk;
mod recording;
mod redaction;
pub mod registration;
mod ring;
mod said;
mod simulate;
mod xml;

use std::sync::Arc;

use indexmap::IndexMap;
pub use palisade_hook::{Dialect, PanelCall, Printed, Raw};

pub use self::natives::{NativeHook, natives};
pub use self::panel::{
    PanelHook, Shortfall, Unmet, check_required, panel_hooks, shortfalls, title,
};
pub use self::recording::{RecordedCall, RecordingError, recorded_calls};
pub use self::redaction::{REDACTED, redacted};
pub use self::ring::{LONGEST, MAX_CALLS, Ring};
use self::said::Said;
pub use self::simulate::{Simulation, SimulationError, find};
use crate::hook::{
    Actor, Change, Decision, Ended, HookCall, ObjectRef, Params, Phase, Power, Problem, Rehearsal,
    Status, Verdict,
};

/// What a panel's call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// To decide hook calls: one, or one for each object of a group operation.
    Hooks(Vec<Translated>),
}

/// What a panel's call says, in the words of a hook call.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// When the handlers run.
    pub phase: Phase,
    /// The action.
    pub action: String,
    /// The panel's own name for the action.
    pub native: String,
    /// Who is behind it, if the panel says so.
    pub actor: Option<Actor>,
    /// What it is about, if it is about an object that exists.
    pub object: Option<ObjectRef>,
    /// The values that it is to set. Secrets are sealed: only [`crate::hook::Disclosed`] writes them out.
    pub params: Params,
    /// The values that the object had.
    pub old: Params,
    /// Facts about the request.
    pub attributes: IndexMap<String, String>,
    /// How it ended; of no meaning before it.
    pub status: Status,
    /// What the panel is about to show for it; of no meaning before it.
    pub result: Option<serde_json::Value>,
}

/// What a dialect needs of a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// Why the action is refused.
    pub problems: Vec<Problem>,
    /// What handlers changed: parameters before the action, members of its result after it.
    pub changes: Vec<Change>,
    /// What the panel is to show for a skipped action.
    pub result: Option<serde_json::Value>,
}

/// Why a call cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BridgeError {
    /// An argument is missing.
    #[error("the call has no argument `{0}`")]
    MissingArgument(&'static str),
    /// An argument is not known or has a value that is not.
    #[error("the call has an argument that the dialect does not know: `{0}`")]
    UnknownArgument(String),
    /// A variable is missing or empty.
    #[error("the call has no variable `{0}`")]
    MissingVariable(&'static str),
    /// A group operation is too large.
    #[error("the call names more than {0} objects")]
    TooManyObjects(usize),
    /// The panel's name for the action cannot be a name.
    #[error("the panel's name for the action cannot be one: {0}")]
    Action(String),
    /// Standard input is not what the dialect says.
    #[error("standard input is not what it must be: {0}")]
    Stdin(String),
}

/// Finds out what a panel's call means.
pub fn read(call: &PanelCall) -> Result<Asked, BridgeError> {
    let said = Said::of(call);
    let mut translated = match call.dialect {
        Dialect::Plesk => vec![plesk::translate(&said)?],
        Dialect::Coremanager | Dialect::Billmanager => coremanager::translate(&said)?,
        _ => return Err(BridgeError::UnknownArgument(call.dialect.to_string())),
    };
    for hook_call in &mut translated {
        hook_call.seal_secrets();
        said.keep_bytes(hook_call);
    }
    Ok(Asked::Hooks(translated))
}

/// Returns exactly what the panel is to read, given the answers to the hook calls that [`read`] returned. Whatever the
/// call looks like it is valid for the panel; without answers, it lets the panel go on.
pub fn answer(call: &PanelCall, answers: &[Answer]) -> Printed {
    let said = Said::of(call);
    match call.dialect {
        Dialect::Plesk => Printed::nothing(),
        Dialect::Coremanager | Dialect::Billmanager => coremanager::answer(&said, answers),
        _ => Printed::nothing(),
    }
}

/// The powers that the panel heeds in this call. A verdict that uses another one has no effect on it.
pub fn powers(call: &PanelCall) -> &'static [Power] {
    match call.dialect {
        Dialect::Plesk => &[],
        Dialect::Coremanager | Dialect::Billmanager => coremanager::powers(&Said::of(call)),
        _ => &[],
    }
}

impl Answer {
    /// The answer that changes nothing.
    pub const PROCEED: Answer = Answer {
        decision: Decision::Proceed,
        problems: Vec::new(),
        changes: Vec::new(),
        result: None,
    };

    /// What a dialect needs of this verdict.
    pub fn of(verdict: &Verdict) -> Self {
        let changes = verdict.alterations.iter().map(|alteration| Change {
            name: alteration.field.clone(),
            value: alteration.to.clone(),
        });
        Self {
            decision: verdict.decision,
            problems: verdict.problems.iter().map(|objection| objection.problem.clone()).collect(),
            changes: changes.collect(),
            result: verdict.result.as_deref().cloned(),
        }
    }
}

impl Translated {
    /// What the panel says of an action in one phase, with nothing beyond its name.
    fn new(phase: Phase, action: String, native: &str) -> Self {
        Self {
            phase,
            action,
            native: native.to_owned(),
            actor: None,
            object: None,
            params: Params::new(),
            old: Params::new(),
            attributes: IndexMap::new(),
            status: Status::Succeeded,
            result: None,
        }
    }

    /// The hook call of this identifier.
    pub fn into_call(self, id: String, rehearsal: Rehearsal, time_ms: u64) -> HookCall {
        let ended = match self.phase {
            Phase::Before => None,
            Phase::After => Some(Ended { status: self.status, result: self.result.map(Arc::new) }),
        };
        HookCall {
            id,
            action: self.action,
            actor: self.actor,
            object: self.object,
            params: Arc::new(self.params),
            old: self.old,
            attributes: self.attributes,
            rehearsal,
            depth: 0,
            caused_by: Vec::new(),
            time_ms,
            ended,
        }
    }

    /// Seals what the host would seal, so that nothing that prints the translation shows it.
    fn seal_secrets(&mut self) {
        let own = Self::new(self.phase, self.action.clone(), "");
        let whole = std::mem::replace(self, own);
        let (native, phase, status) = (whole.native.clone(), whole.phase, whole.status);
        let mut call = whole.into_call(String::new(), Rehearsal::No, 0);
        call.seal_secrets();
        *self = Self {
            phase,
            action: call.action,
            native,
            actor: call.actor,
            object: call.object,
            params: Arc::unwrap_or_clone(call.params),
            old: call.old,
            attributes: call.attributes,
            status,
            result: call.ended.and_then(|ended| ended.result).map(Arc::unwrap_or_clone),
        };
    }
}

#[cfg(test)]
mod tests;
