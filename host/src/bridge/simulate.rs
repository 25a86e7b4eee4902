//! Simulated calls: what a panel would start a script with for one of its hooks, byte for byte.
//!
//! The other way round from the dialects: a hook and values in, a [`PanelCall`] out. It serves those who try out a
//! panel without one, and it says what a panel heeds before the panel has called at all.

use indexmap::IndexMap;
use palisade_hook::write::{PROLOG, xml_escaped};
use serde_json::{Map, Value as Json, json};

use super::{Dialect, NativeHook, PanelCall, Raw, fields, natives};
use crate::hook::catalogue::{Action, When, catalogue};
use crate::hook::{HookPattern, Pattern, Phase, check_action};

/// What a panel is to call out for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The panel.
    pub dialect: Dialect,
    /// The hook, in the panel's words.
    pub hook: NativeHook,
    /// The object that it is about, where the panel names one.
    pub object: Option<String>,
    /// The values that it is to set, by the panel's names or the catalogue's.
    pub params: Vec<(String, String)>,
    /// The values that the object has, likewise.
    pub old: Vec<(String, String)>,
}

/// Why a call cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// The panel does not call out in this phase.
    #[error("{dialect} does not call out {phase} `{event}`")]
    Phase {
        /// The panel.
        dialect: Dialect,
        /// The phase.
        phase: Phase,
        /// What was asked for.
        event: String,
    },
    /// The catalogue knows the action, and the panel has no hook of its own for it.
    #[error("{dialect} has no hook of its own for `{event}`")]
    NoHook {
        /// The panel.
        dialect: Dialect,
        /// The action.
        event: String,
    },
    /// The name cannot be one.
    #[error("`{event}` cannot be an event: {reason}")]
    Name {
        /// The name.
        event: String,
        /// Why.
        reason: String,
    },
}

/// What stands for a value where the panel always gives one.
const EXAMPLE: &str = "example";

/// Finds the panel's hook: by the catalogue's name of the action or by the panel's own. A name that nobody knows is
/// taken for the panel's own. Without a phase it is the first in which the panel calls out.
pub fn find(
    dialect: Dialect,
    event: &str,
    phase: Option<Phase>,
    when: Option<When>,
) -> Result<NativeHook, SimulationError> {
    let phases = phase.map_or(vec![Phase::Before, Phase::After], |phase| vec![phase]);
    let is_known = catalogue().action(event).is_some();
    let mut found = phases.iter().flat_map(|&phase| hooks_of(dialect, event, phase));
    let has_use = |hook: &NativeHook| when.is_none() || hook.when.is_none() || hook.when == when;
    if let Some(hook) = found.find(has_use) {
        return Ok(hook);
    }
    let own = |phase| own_hook(dialect, event, phase);
    match (dialect, is_known, phase) {
        (Dialect::Generic, _, phase) => own(phase.unwrap_or(Phase::Before)),
        (Dialect::Bitrix, _, _) => own(Phase::Before),
        (_, true, Some(phase)) if !hooks_of(dialect, event, other(phase)).is_empty() => {
            Err(SimulationError::Phase { dialect, phase, event: event.to_owned() })
        }
        (_, true, _) => Err(SimulationError::NoHook { dialect, event: event.to_owned() }),
        (Dialect::Plesk, false, Some(Phase::Before)) => {
            Err(SimulationError::Phase { dialect, phase: Phase::Before, event: event.to_owned() })
        }
        (_, false, phase) => own(phase.unwrap_or(Phase::After)),
    }
}

/// The panel's hooks of this name in this phase.
fn hooks_of(dialect: Dialect, event: &str, phase: Phase) -> Vec<NativeHook> {
    if catalogue().action(event).is_some() {
        let pattern = Pattern::Exact(event.to_owned());
        return natives(dialect, [&HookPattern { phase, pattern }]);
    }
    let all = HookPattern { phase, pattern: Pattern::Under(String::new()) };
    natives(dialect, [&all]).into_iter().filter(|hook| hook.native == event).collect()
}

fn own_hook(dialect: Dialect, event: &str, phase: Phase) -> Result<NativeHook, SimulationError> {
    let action = match dialect {
        Dialect::Generic if event.contains('.') => event.to_owned(),
        _ => format!("{dialect}.{event}"),
    };
    check_action(&action)
        .map_err(|reason| SimulationError::Name { event: event.to_owned(), reason })?;
    Ok(NativeHook { phase, native: event.to_owned(), action, when: None, verified: false })
}

fn other(phase: Phase) -> Phase {
    match phase {
        Phase::Before => Phase::After,
        Phase::After => Phase::Before,
    }
}

impl Simulation {
    /// A call for this hook that says nothing beyond what it must.
    pub fn bare(dialect: Dialect, hook: NativeHook) -> Self {
        Self { dialect, hook, object: None, params: Vec::new(), old: Vec::new() }
    }

    /// What the panel would start the script with.
    pub fn panel_call(&self) -> PanelCall {
        let (arguments, env, stdin) = match self.dialect {
            Dialect::Plesk => self.plesk(),
            Dialect::Coremanager | Dialect::Billmanager => self.coremanager(),
            Dialect::Cpanel => (Vec::new(), Vec::new(), self.cpanel()),
            Dialect::Directadmin => self.directadmin(),
            Dialect::Virtualmin => self.virtualmin(),
            Dialect::Bitrix => (self.bitrix(), Vec::new(), String::new()),
            Dialect::Hestia => (self.hestia(), Vec::new(), String::new()),
            Dialect::Whmcs => (vec![self.hook.native.clone()], Vec::new(), self.whmcs()),
            Dialect::Ispconfig => (vec![self.hook.native.clone()], Vec::new(), self.ispconfig()),
            Dialect::Generic => (Vec::new(), Vec::new(), self.generic()),
        };
        PanelCall {
            dialect: self.dialect,
            arguments: arguments.into_iter().map(Raw::from).collect(),
            env: env.into_iter().map(|(name, value)| (name, value.into())).collect(),
            stdin: stdin.into(),
        }
    }

    fn plesk(&self) -> Parts {
        let values = |prefix: &str, values| {
            let named = self.named(values, |name| name.to_uppercase().replace(' ', "_"));
            named
                .into_iter()
                .map(|(key, value)| (format!("{prefix}{key}"), value))
                .collect::<Vec<_>>()
        };
        let env = [values("OLD_", &self.old), values("NEW_", &self.params)].concat();
        (vec![self.hook.native.clone()], env, String::new())
    }

    /// Before an action a handler of type `cgi`, after it one of type `xml`: that is how they are registered.
    fn coremanager(&self) -> Parts {
        let (phase, kind) = match self.hook.phase {
            Phase::Before => ("before", "cgi"),
            Phase::After => ("after", "xml"),
        };
        let object = match self.hook.when {
            Some(When::Create) => String::new(),
            Some(When::Change) => self.object.clone().unwrap_or_else(|| EXAMPLE.to_owned()),
            None => self.object.clone().unwrap_or_default(),
        };
        let mut env: IndexMap<String, String> = IndexMap::from_iter([
            ("PARAM_func".to_owned(), self.hook.native.clone()),
            ("PARAM_sok".to_owned(), "ok".to_owned()),
            ("PARAM_elid".to_owned(), object),
        ]);
        for (key, value) in self.named(&self.params, str::to_owned) {
            env.insert(format!("PARAM_{key}"), value);
        }
        env.insert("AUTH_USER".to_owned(), EXAMPLE.to_owned());
        env.insert("AUTH_LEVEL".to_owned(), "16".to_owned());
        let function = xml_escaped(&self.hook.native);
        let stdin = match self.hook.phase {
            Phase::Before => String::new(),
            Phase::After => format!("{PROLOG}<doc lang=\"en\" func=\"{function}\"><ok/></doc>\n"),
        };
        (vec![phase.to_owned(), kind.to_owned()], env.into_iter().collect(), stdin)
    }

    fn cpanel(&self) -> String {
        let (category, event) =
            self.hook.native.split_once("::").unwrap_or((self.hook.native.as_str(), ""));
        let stage = match self.hook.phase {
            Phase::Before => "pre",
            Phase::After => "post",
        };
        let blocking = if self.hook.phase == Phase::Before { "1" } else { "0" };
        let values = object(self.named(&self.params, str::to_owned));
        let is_api_call = event.starts_with("UAPI::") || event.starts_with("Api2::");
        let user = self.object.clone().unwrap_or_else(|| EXAMPLE.to_owned());
        let data = match (is_api_call, self.hook.phase) {
            (false, _) => Json::Object(values),
            (true, Phase::Before) => json!({ "args": values, "user": user }),
            (true, Phase::After) => {
                json!({ "args": values, "user": user, "output": [{ "result": 1 }] })
            }
        };
        let document = json!({
            "context": { "category": category, "event": event, "stage": stage, "point": "main", "blocking": blocking },
            "data": data,
            "hook": { "id": "simulated", "exectype": "script", "stage": stage, "weight": 50, "escalateprivs": 0, "blocking": blocking },
        });
        document.to_string()
    }

    fn directadmin(&self) -> Parts {
        let hook = format!("{}_{}", self.hook.native, pre_or_post(self.hook.phase));
        (vec![hook], self.named(&self.params, str::to_owned), String::new())
    }

    fn virtualmin(&self) -> Parts {
        let phase = pre_or_post(self.hook.phase);
        let mut env = vec![("VIRTUALSERVER_ACTION".to_owned(), self.hook.native.clone())];
        let modifies = self.hook.native == "MODIFY_DOMAIN";
        // What stands in the plain variables is what holds now: before a change the old values, after it the new ones.
        let (plain, prefix, beside) = match (modifies, self.hook.phase) {
            (true, Phase::Before) => (&self.old, "VIRTUALSERVER_NEWSERVER_", &self.params),
            (true, Phase::After) => (&self.params, "VIRTUALSERVER_OLDSERVER_", &self.old),
            (false, _) => (&self.params, "", &EMPTY),
        };
        for (prefix, values) in [("VIRTUALSERVER_", plain), (prefix, beside)] {
            for (key, value) in self.named(values, str::to_uppercase) {
                env.push((format!("{prefix}{key}"), value));
            }
        }
        (vec![phase.to_owned()], env, String::new())
    }

    fn bitrix(&self) -> Vec<String> {
        let provider = self.object.clone().unwrap_or_else(|| EXAMPLE.to_owned());
        let id = self.params.first().map(|(_, id)| id.clone());
        [provider, self.hook.native.clone()].into_iter().chain(id).collect()
    }

    /// The script and its arguments, in the panel's order.
    fn hestia(&self) -> Vec<String> {
        let given = |names: &[&str]| {
            let found = self.params.iter().find(|(name, _)| names.contains(&name.as_str()));
            found.map(|(_, value)| value.clone())
        };
        let user = given(&["user", "login"]).or(self.object.clone());
        let domain = given(&["domain", "name"]);
        let mut arguments = vec![self.hook.native.clone()];
        if !self.hook.native.ends_with("_install") {
            arguments.push(user.unwrap_or_else(|| EXAMPLE.to_owned()));
            arguments.push(domain.unwrap_or_else(|| "example.com".to_owned()));
        }
        if self.hook.native.starts_with("le_") {
            arguments.push(given(&["aliases"]).unwrap_or_default());
            arguments.push(given(&["mail"]).unwrap_or_default());
        }
        arguments
    }

    fn whmcs(&self) -> String {
        let mut values = object(self.named(&self.params, str::to_owned));
        // A check of what somebody filled in is about one who exists if it says whom.
        if self.hook.when == Some(When::Change) {
            let key = if self.hook.native.starts_with("Contact") { "contactid" } else { "userid" };
            let id = self.object.clone().unwrap_or_else(|| "1".to_owned());
            values.entry(key).or_insert(Json::String(id));
        }
        let in_params = ["PreModule", "AfterModule", "PreRegistrar", "AfterRegistrar"];
        let vars = match in_params.iter().any(|family| self.hook.native.starts_with(family)) {
            true => json!({ "params": values }),
            false => Json::Object(values),
        };
        json!({ "phase": self.hook.phase, "vars": vars }).to_string()
    }

    fn ispconfig(&self) -> String {
        let row = |values| object(self.named(values, str::to_owned));
        json!({ "phase": self.hook.phase, "vars": row(&self.params), "old": row(&self.old) })
            .to_string()
    }

    fn generic(&self) -> String {
        let plain = |values: &[(String, String)]| Json::Object(object(values.to_vec()));
        let mut document = json!({
            "phase": self.hook.phase.to_string(),
            "action": self.hook.native,
            "params": plain(&self.params),
        });
        let kind = self.hook.action.rsplit_once('.').map_or(EXAMPLE, |(kind, _)| kind);
        if let Some(members) = document.as_object_mut() {
            if let Some(id) = &self.object {
                members.insert("object".to_owned(), json!({ "type": kind, "id": id }));
            }
            if !self.old.is_empty() {
                members.insert("old".to_owned(), plain(&self.old));
            }
        }
        document.to_string()
    }

    /// Values under the panel's keys: the first that the catalogue has for the field, the panel's own as it is
    /// written, and else the name in the panel's style.
    fn named(
        &self,
        values: &[(String, String)],
        style: impl Fn(&str) -> String,
    ) -> Vec<(String, String)> {
        let action = catalogue().action(&self.hook.action);
        let key =
            |name: &str| native_key(self.dialect, action, name).unwrap_or_else(|| style(name));
        values.iter().map(|(name, value)| (key(name), value.clone())).collect()
    }
}

/// Arguments, variables and standard input.
type Parts = (Vec<String>, Vec<(String, String)>, String);

static EMPTY: Vec<(String, String)> = Vec::new();

/// The panel's key for a parameter, if the catalogue knows one. `name` is the panel's own, the field's short name or
/// its whole one.
fn native_key(dialect: Dialect, action: Option<&Action>, name: &str) -> Option<String> {
    let (action, panel) = (action?, fields::panel(dialect));
    if action.native_field(panel, name).is_some() {
        return Some(name.to_owned());
    }
    let field = action.fields.iter().find(|field| field.short() == name || field.name == name)?;
    field.native.get(panel)?.first().cloned()
}

fn object(values: Vec<(String, String)>) -> Map<String, Json> {
    values.into_iter().map(|(key, value)| (key, Json::String(value))).collect()
}

fn pre_or_post(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "pre",
        Phase::After => "post",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::tests::hooks;

    fn pairs(values: &[(&str, &str)]) -> Vec<(String, String)> {
        values.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The call for an event, as one line of JSON.
    fn simulated(
        dialect: Dialect,
        event: &str,
        phase: Option<Phase>,
        params: &[(&str, &str)],
    ) -> String {
        let hook = find(dialect, event, phase, None).unwrap();
        let simulation = Simulation { params: pairs(params), ..Simulation::bare(dialect, hook) };
        serde_json::to_string(&simulation.panel_call()).unwrap()
    }

    #[test]
    fn v1_plesk_gets_the_panels_keys_for_the_catalogues_names() {
        assert_eq!(
            simulated(Dialect::Plesk, "mailbox.create", None, &[("address", "info@example.com")]),
            r#"{"dialect":"plesk","arguments":["mailname_create"],"env":{"NEW_MAILNAME":"info@example.com"}}"#
        );
        assert_eq!(
            simulated(Dialect::Plesk, "ext_x_y", None, &[("System User", "a"), ("NEW", "b")]),
            r#"{"dialect":"plesk","arguments":["ext_x_y"],"env":{"NEW_SYSTEM_USER":"a","NEW_NEW":"b"}}"#
        );
    }

    #[test]
    fn v3_coremanager_gets_a_form_that_is_sent() {
        let call = simulated(
            Dialect::Coremanager,
            "user.edit",
            Some(Phase::Before),
            &[("customer.login", "admin"), ("note", "x")],
        );
        assert_eq!(
            call,
            r#"{"dialect":"coremanager","arguments":["before","cgi"],"env":{"PARAM_func":"user.edit","PARAM_sok":"ok","PARAM_elid":"","PARAM_name":"admin","PARAM_note":"x","AUTH_USER":"example","AUTH_LEVEL":"16"}}"#
        );
        let after = simulated(Dialect::Coremanager, "customer.create", Some(Phase::After), &[]);
        assert!(
            after.ends_with(r#"<doc lang=\"en\" func=\"user.add\"><ok/></doc>\n"}"#),
            "{after}"
        );
    }

    #[test]
    fn a_form_that_changes_is_about_an_object() {
        let hook = find(Dialect::Coremanager, "user.edit", None, Some(When::Change)).unwrap();
        assert_eq!((hook.action.as_str(), hook.phase), ("customer.update", Phase::Before));
        let call = Simulation::bare(Dialect::Coremanager, hook.clone()).panel_call();
        assert_eq!(call.variable("PARAM_elid").unwrap(), "example");
        let of = Simulation {
            object: Some("u1".into()),
            ..Simulation::bare(Dialect::Coremanager, hook)
        };
        assert_eq!(hooks(&of.panel_call()).unwrap()[0].object.as_ref().unwrap().id, "u1");
    }

    #[test]
    fn v9_directadmin_has_the_phase_in_the_hooks_name() {
        let env = [("address", "info"), ("passwd", "x")];
        let call = simulated(Dialect::Directadmin, "email_create", Some(Phase::Before), &env);
        assert!(call.contains(r#""arguments":["email_create_pre"]"#), "{call}");
        assert!(call.contains(r#""passwd":"x""#), "{call}");
    }

    #[test]
    fn v10_virtualmin_has_old_and_new_values_where_it_puts_them() {
        let hook = |phase| find(Dialect::Virtualmin, "MODIFY_DOMAIN", Some(phase), None).unwrap();
        let call = |phase| {
            Simulation {
                params: pairs(&[("dom", "new.example")]),
                old: pairs(&[("dom", "old.example")]),
                ..Simulation::bare(Dialect::Virtualmin, hook(phase))
            }
            .panel_call()
        };
        let (pre, post) = (call(Phase::Before), call(Phase::After));
        assert_eq!(pre.variable("VIRTUALSERVER_DOM").unwrap(), "old.example");
        assert_eq!(pre.variable("VIRTUALSERVER_NEWSERVER_DOM").unwrap(), "new.example");
        assert_eq!(post.variable("VIRTUALSERVER_DOM").unwrap(), "new.example");
        assert_eq!(post.variable("VIRTUALSERVER_OLDSERVER_DOM").unwrap(), "old.example");
        assert_eq!((pre.is_before(), post.is_before()), (true, false));
    }

    #[test]
    fn v13_hestia_gets_its_arguments_in_order() {
        let params = [("domain", "a.example"), ("aliases", "www.a.example"), ("user", "joe")];
        assert_eq!(
            simulated(Dialect::Hestia, "ssl.issue", Some(Phase::Before), &params),
            r#"{"dialect":"hestia","arguments":["le_pre","joe","a.example","www.a.example",""]}"#
        );
    }

    #[test]
    fn v12_a_provider_is_the_object() {
        let hook = find(Dialect::Bitrix, "order", None, None).unwrap();
        let order = Simulation {
            object: Some("mock-cloud".into()),
            params: pairs(&[("id", "7")]),
            ..Simulation::bare(Dialect::Bitrix, hook)
        };
        let arguments: Vec<String> =
            order.panel_call().arguments.iter().map(|raw| raw.text().into_owned()).collect();
        assert_eq!(arguments, ["mock-cloud", "order", "7"]);
    }

    #[test]
    fn a_phase_in_which_the_panel_never_calls_is_refused() {
        let error = |dialect, event, phase| find(dialect, event, Some(phase), None).unwrap_err();
        assert_eq!(
            error(Dialect::Plesk, "mailbox.create", Phase::Before).to_string(),
            "plesk does not call out before `mailbox.create`"
        );
        assert_eq!(
            error(Dialect::Plesk, "ext_own", Phase::Before).to_string(),
            "plesk does not call out before `ext_own`"
        );
        assert_eq!(
            error(Dialect::Hestia, "mailbox.create", Phase::After).to_string(),
            "hestia has no hook of its own for `mailbox.create`"
        );
        let error = find(Dialect::Cpanel, "a b", None, None).unwrap_err().to_string();
        assert!(error.starts_with("`a b` cannot be an event: "), "{error}");
    }

    #[test]
    fn every_hook_of_a_panel_is_read_as_the_action_that_it_is() {
        let all = [Phase::Before, Phase::After]
            .map(|phase| HookPattern { phase, pattern: Pattern::Under(String::new()) });
        let provides = |dialect| matches!(dialect, Dialect::Bitrix | Dialect::Generic);
        for dialect in Dialect::ALL.into_iter().filter(|&dialect| !provides(dialect)) {
            let hooks_of_panel = crate::bridge::panel_hooks(dialect, &all);
            assert!(hooks_of_panel.len() > 4, "{dialect}");
            for hook in hooks_of_panel.into_iter().map(|hook| hook.native) {
                let call = Simulation::bare(dialect, hook.clone()).panel_call();
                let read = hooks(&call).unwrap();
                assert_eq!(
                    (read[0].phase, read[0].action.as_str(), read[0].native.as_str()),
                    (hook.phase, hook.action.as_str(), hook.native.as_str()),
                    "{dialect}"
                );
            }
        }
    }
}
