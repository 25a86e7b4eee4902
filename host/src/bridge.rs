//! Dialects: what a panel hands to a script and reads from it, as hook calls and verdicts.
//!
//! A panel that knows nothing of Palisade starts `palisade-hook` as it would start any script of an administrator,
//! with arguments, variables and perhaps a document. What it was given comes here as a [`PanelCall`]. [`read`] says
//! what it means, and [`answer`] what the panel is to read, given what the handlers decided. One file for each panel;
//! pure: no I/O, no HTTP, and no panel's names but in the catalogue and in its own file.

mod bitrix;
mod coremanager;
mod cpanel;
mod directadmin;
mod domains;
mod fields;
mod fit;
mod generic;
mod hestia;
mod ispconfig;
mod natives;
mod panel;
mod plesk;
mod recording;
mod redaction;
mod refusal;
pub mod registration;
mod ring;
mod said;
mod shim;
mod simulate;
mod virtualmin;
mod whmcs;
mod xml;

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
pub use palisade_hook::{Dialect, PanelCall, Printed, Raw};

pub use self::bitrix::{Provided, ProviderCall, ProviderVerb, failed, provided};
pub use self::natives::{NativeHook, natives};
pub use self::panel::{
    PanelHook, Shortfall, Unmet, check_required, panel_hooks, shortfalls, title,
};
pub use self::recording::{RecordedCall, RecordingError, recorded_calls};
pub use self::ring::{LONGEST, MAX_CALLS, Ring};
use self::said::Said;
pub use self::simulate::{Simulation, SimulationError, find};
use crate::hook::{
    Actor, Change, Decision, Ended, HookCall, HookPattern, ObjectRef, Params, Phase, Power,
    Problem, Rehearsal, Status, Value, Verdict, redacted,
};

/// What every private key in PEM has in its first line.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// What a panel's call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// To decide hook calls: one, or one for each object of a group operation.
    Hooks(Vec<Translated>),
    /// To ask a provider. What it answers, [`provided`] prints, and [`failed`] that it has no answer.
    Provider(ProviderCall),
    /// To list what the panel is to register; [`registration()`] answers.
    Registration,
}

/// What a panel's call says, in the words of a hook call.
#[derive(Clone, PartialEq)]
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
    /// An identifier is none.
    #[error("{0}")]
    Id(String),
    /// Standard input is not what the dialect says.
    #[error("standard input is not what it must be: {0}")]
    Stdin(String),
}

/// Finds out what a panel's call means.
pub fn read(call: &PanelCall) -> Result<Asked, BridgeError> {
    let said = Said::of(call);
    let mut translated = match call.dialect {
        Dialect::Bitrix => return bitrix::read(&said).map(Asked::Provider),
        Dialect::Plesk => vec![plesk::translate(&said)?],
        Dialect::Coremanager | Dialect::Billmanager => coremanager::translate(&said)?,
        Dialect::Cpanel if cpanel::mode(&said)? == cpanel::Mode::Describe => {
            return Ok(Asked::Registration);
        }
        Dialect::Cpanel => cpanel::translate(&said)?,
        Dialect::Directadmin => vec![directadmin::translate(&said)?],
        Dialect::Virtualmin => vec![virtualmin::translate(&said)?],
        Dialect::Hestia => vec![hestia::translate(&said)?],
        Dialect::Generic => vec![generic::translate(&said)?],
        Dialect::Whmcs => vec![whmcs::translate(&said)?],
        Dialect::Ispconfig => vec![ispconfig::translate(&said)?],
    };
    for hook_call in &mut translated {
        hook_call.seal_secrets();
        domains::label(hook_call);
        said.keep_bytes(hook_call);
    }
    Ok(Asked::Hooks(translated))
}

/// Returns exactly what the panel is to read, given the answers to the hook calls that [`read`] returned. Whatever the
/// call looks like it is valid for the panel; without answers, it lets the panel go on.
pub fn answer(call: &PanelCall, answers: &[Answer]) -> Printed {
    let said = Said::of(call);
    match call.dialect {
        // The last is answered by its provider.
        Dialect::Plesk | Dialect::Hestia | Dialect::Bitrix => Printed::nothing(),
        Dialect::Coremanager | Dialect::Billmanager => coremanager::answer(&said, answers),
        Dialect::Cpanel => cpanel::answer(&said, answers),
        Dialect::Directadmin => directadmin::answer(&said, answers),
        Dialect::Virtualmin => virtualmin::answer(&said, answers),
        Dialect::Generic => generic::answer(&said, answers),
        Dialect::Whmcs => whmcs::answer(&said, answers),
        Dialect::Ispconfig => ispconfig::answer(&said, answers),
    }
}

/// What the panel is to read of a call that [`read`] refused, if its dialect has words for that. Who selects more
/// objects than can be decided gets around no policy: the panel reads a refusal.
pub fn unreadable(call: &PanelCall, error: &BridgeError) -> Option<Printed> {
    match (call.dialect, error) {
        (Dialect::Bitrix, _) => Some(bitrix::refused(call, error)),
        (_, BridgeError::TooManyObjects(_)) => {
            let problem = Problem {
                code: "objects.too-many".to_owned(),
                field: None,
                message: format!("{error}; select fewer at a time"),
            };
            let denial =
                Answer { decision: Decision::Deny, problems: vec![problem], ..Answer::PROCEED };
            Some(answer(call, &[denial]))
        }
        _ => None,
    }
}

/// The powers that the panel heeds in this call. A verdict that uses another one has no effect on it.
pub fn powers(call: &PanelCall) -> &'static [Power] {
    match call.dialect {
        Dialect::Plesk | Dialect::Hestia | Dialect::Bitrix => &[],
        Dialect::Coremanager | Dialect::Billmanager => coremanager::powers(&Said::of(call)),
        Dialect::Cpanel => cpanel::powers(&Said::of(call)),
        Dialect::Directadmin => directadmin::powers(&Said::of(call)),
        Dialect::Virtualmin => virtualmin::powers(&Said::of(call)),
        Dialect::Generic => generic::powers(&Said::of(call)),
        Dialect::Whmcs => whmcs::powers(&Said::of(call)),
        Dialect::Ispconfig => ispconfig::powers(&Said::of(call)),
    }
}

/// Returns what the panel is to register for these subscriptions, in its own words. `failed` are those of handlers that
/// want to know of actions that failed.
pub fn registration(call: &PanelCall, hooks: &[HookPattern], failed: &[HookPattern]) -> Printed {
    match call.dialect {
        Dialect::Cpanel => cpanel::describe(hooks, failed),
        _ => Printed::nothing(),
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

    /// Seals what the host would seal and private keys, so that nothing that prints the translation shows them.
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
        for value in self.params.values_mut().chain(self.old.values_mut()) {
            // A certificate and its key often share a field.
            if holds_private_key(value) {
                *value = std::mem::replace(value, Value::Null).sealed();
            }
        }
    }
}

/// Whether a private key stands anywhere in the value.
fn holds_private_key(value: &Value) -> bool {
    let has = |text: &str| text.contains(PRIVATE_KEY);
    match value {
        Value::Text(text) => has(text),
        Value::Texts(texts) => texts.iter().any(|text| has(text)),
        // In JSON the dashes and the words are as they are.
        Value::Json(json) => has(&json.to_string()),
        Value::Bytes(bytes) => has(&String::from_utf8_lossy(bytes)),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => false,
        Value::Secret(_) => false,
    }
}

impl fmt::Debug for Translated {
    /// Shows no secret, in the result neither.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Translated")
            .field("phase", &self.phase)
            .field("action", &self.action)
            .field("native", &self.native)
            .field("actor", &self.actor)
            .field("object", &self.object)
            .field("params", &self.params)
            .field("old", &self.old)
            .field("attributes", &self.attributes)
            .field("status", &self.status)
            .field("result", &self.result.as_ref().map(redacted))
            .finish()
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
