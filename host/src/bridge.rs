//! Dialects: what a panel hands to a script and reads from it, as hook calls and verdicts.
//!
//! A panel that knows nothing of Palisade starts the bridge as it would start any script of an
//! administrator, with arguments, variables and perhaps a document. A [`Dialect`] translates such a
//! [`PanelCall`] to hook calls, and the answers to the text that the panel is to read. No I/O, no
//! HTTP: who runs the bridge does those.

mod calls;
mod coremanager;
mod fields;
mod plesk;
mod xml;

use std::sync::Arc;

use indexmap::IndexMap;

pub use self::calls::{BridgeError, PanelCall, recorded_calls};
use crate::hook::{
    Actor, Change, Decision, HookCall, ObjectRef, Params, Phase, Power, Problem, Rehearsal, Status,
};

/// How one kind of panel calls a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Plesk's event handlers: they observe what was done.
    Plesk,
    /// ISPsystem's COREmanager with ISPmanager on it: its handlers can also refuse, skip and change
    /// what is shown.
    Coremanager,
    /// COREmanager with BILLmanager on it, whose functions are others.
    Billmanager,
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
    /// The values that it is to set. Secrets are sealed: only [`crate::hook::Disclosed`] writes
    /// them out.
    pub params: Params,
    /// The values that the object had.
    pub old: Params,
    /// Facts about the request.
    pub attributes: IndexMap<String, String>,
    /// How it ended; of no meaning before it.
    pub status: Status,
}

/// What the bridge needs of a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// Why the action is refused.
    pub problems: Vec<Problem>,
    /// What a handler changed in the result that the panel is about to show; not the changes to
    /// parameters.
    pub shown: Vec<Change>,
}

impl Answer {
    /// The answer that changes nothing.
    pub const PROCEED: Answer =
        Answer { decision: Decision::Proceed, problems: Vec::new(), shown: Vec::new() };
}

impl Dialect {
    /// The dialect of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "plesk" => Some(Self::Plesk),
            "coremanager" => Some(Self::Coremanager),
            "billmanager" => Some(Self::Billmanager),
            _ => None,
        }
    }

    /// The name of the dialect, which is the panel's name in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plesk => "plesk",
            Self::Coremanager => "coremanager",
            Self::Billmanager => "billmanager",
        }
    }

    /// The panel under which the catalogue has the keys of fields.
    fn field_panel(self) -> &'static str {
        match self {
            Self::Plesk => "plesk",
            Self::Coremanager | Self::Billmanager => "coremanager",
        }
    }

    /// Translates a call to the hook calls that it stands for: one, or one for each object of a
    /// group operation.
    pub fn translate(self, call: &PanelCall) -> Result<Vec<Translated>, BridgeError> {
        let mut translated = match self {
            Self::Plesk => vec![plesk::translate(call)?],
            Self::Coremanager | Self::Billmanager => coremanager::translate(self, call)?,
        };
        translated.iter_mut().for_each(Translated::seal_secrets);
        Ok(translated)
    }

    /// Returns exactly what the panel is to read, given the answers to what [`Dialect::translate`]
    /// returned. Whatever the call looks like it is valid for the panel; without answers, it lets
    /// the panel go on.
    pub fn answer(self, call: &PanelCall, answers: &[Answer]) -> String {
        match self {
            Self::Plesk => String::new(),
            Self::Coremanager | Self::Billmanager => coremanager::answer(self, call, answers),
        }
    }

    /// The powers that the panel heeds in this call. A verdict that uses another one has no effect
    /// on it.
    pub fn powers(self, call: &PanelCall) -> &'static [Power] {
        match self {
            Self::Plesk => &[],
            Self::Coremanager | Self::Billmanager => coremanager::powers(self, call),
        }
    }
}

impl Translated {
    /// Seals what the host would seal, so that nothing that prints the translation shows it.
    fn seal_secrets(&mut self) {
        let mut call = HookCall {
            id: String::new(),
            action: std::mem::take(&mut self.action),
            actor: None,
            object: None,
            params: std::mem::take(&mut self.params).into(),
            old: std::mem::take(&mut self.old),
            attributes: IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: 0,
            ended: None,
        };
        call.seal_secrets();
        self.action = call.action;
        self.params = Arc::unwrap_or_clone(call.params);
        self.old = call.old;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::catalogue::catalogue;

    /// A call as a test writes it.
    pub fn call(argv: &[&str], env: &[(&str, &str)], stdin: &str) -> PanelCall {
        PanelCall {
            at: "08:00:00".to_owned(),
            panel: String::new(),
            argv: argv.iter().map(|text| text.to_string()).collect(),
            env: env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            stdin: stdin.to_owned(),
        }
    }

    /// The recorded day with what each call translates to.
    fn day() -> Vec<(PanelCall, Vec<Translated>)> {
        let calls = recorded_calls(include_bytes!("../../tests/fixtures/day.jsonl")).unwrap();
        let translated =
            |call: &PanelCall| Dialect::from_name(&call.panel).unwrap().translate(call).unwrap();
        calls
            .into_iter()
            .map(|call| (translated(&call), call))
            .map(|(calls, call)| (call, calls))
            .collect()
    }

    #[test]
    fn every_call_of_the_recorded_day_translates() {
        assert!(day().len() >= 60);
        assert!(day().iter().all(|(_, translated)| !translated.is_empty()));
    }

    #[test]
    fn the_recorded_day_is_in_order_of_time() {
        assert!(day().is_sorted_by(|(one, _), (next, _)| one.at < next.at));
    }

    #[test]
    fn the_recorded_day_has_one_action_that_the_catalogue_does_not_know() {
        let actions =
            day().into_iter().flat_map(|(_, translated)| translated).map(|call| call.action);
        let unknown = actions.filter(|action| catalogue().action(action).is_none());
        assert_eq!(unknown.collect::<Vec<_>>(), ["plesk.ext_uptime_probe_added"]);
    }

    #[test]
    fn passwords_of_the_recorded_day_show_nowhere() {
        let day = day();
        let recorded = day
            .iter()
            .filter(|(call, _)| call.env.values().any(|text| text.contains("canary")))
            .count();
        let shown = format!("{day:?}");
        assert!(recorded >= 5, "{recorded}");
        assert!(!shown.contains("canary"));
    }

    #[test]
    fn names_of_dialects_are_found() {
        for name in ["plesk", "coremanager", "billmanager"] {
            assert_eq!(Dialect::from_name(name).map(Dialect::name), Some(name));
        }
        assert_eq!(Dialect::from_name("Plesk"), None);
    }
}
