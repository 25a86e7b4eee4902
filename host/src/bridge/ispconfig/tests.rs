use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Dialect, PanelCall};
use crate::hook::catalogue::NativePhase;
use crate::hook::{ActorKind, Role};

fn event(event: &str, document: &serde_json::Value) -> PanelCall {
    call(Dialect::Ispconfig, &[event], &[], &document.to_string())
}

fn row(new: &serde_json::Value, old: &serde_json::Value) -> serde_json::Value {
    json!({ "phase": "after", "vars": new, "old": old, "actor": { "role": "system", "id": "server" } })
}

#[test]
fn a_row_has_the_catalogues_names() {
    let new = json!({ "mailuser_id": "12", "server_id": 1, "email": "info@example.com", "quota": "1024", "password": "canary" });
    let hook = one(&event("mail_user_insert", &row(&new, &json!({}))));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::After, "mailbox.create"));
    assert_eq!(hook.object, Some(ObjectRef { kind: "mailbox".into(), id: "12".into() }));
    assert_eq!(hook.params.get("address"), Some(&Value::Text("info@example.com".into())));
    assert_eq!(hook.params.get("quota"), Some(&Value::Integer(1024)));
    assert_eq!(hook.actor.as_ref().unwrap().kind, ActorKind::System);
    assert!(!format!("{hook:?}").contains("canary"));
}

#[test]
fn an_update_has_both_rows_and_a_deletion_the_old_one() {
    let (new, old) =
        (json!({ "domain": "new.example" }), json!({ "domain_id": 7, "domain": "old.example" }));
    let hook = one(&event("web_domain_update", &row(&new, &old)));
    assert_eq!(hook.action, "site.update");
    assert_eq!(hook.old.get("name"), Some(&Value::Text("old.example".into())));
    assert_eq!(hook.params.get("name"), Some(&Value::Text("new.example".into())));
    let hook = one(&event("web_domain_delete", &row(&json!({}), &old)));
    assert_eq!(hook.object.unwrap().id, "7");
}

#[test]
fn a_form_can_be_kept_open() {
    let document = json!({
        "phase": "before", "vars": { "email": "root@example.com" }, "object": "0",
        "actor": { "role": "customer", "id": "4" },
    });
    let call = event("mail:mail_user:on_before_insert", &document);
    let hook = one(&call);
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "mailbox.create"));
    assert!(hook.object.is_none());
    assert_eq!(hook.actor.unwrap().role, Some(Role::Customer));
    let printed = |answer| crate::bridge::answer(&call, &[answer]).stdout.text().into_owned();
    assert_eq!(printed(denied("<Reserved>")), "{\"errors\":[\"&lt;Reserved&gt;\"]}\n");
    assert_eq!(printed(skipped()), format!("{{\"errors\":[\"{TAKEN_OVER}\"]}}\n"));
    assert_eq!(printed(Answer::PROCEED), "null\n");
    assert_eq!(crate::bridge::powers(&call), [Power::Deny]);
}

#[test]
fn the_server_refuses_nothing() {
    let call = event("client_insert", &row(&json!({ "client_id": 3 }), &json!({})));
    assert_eq!(crate::bridge::answer(&call, &[denied("No")]).stdout.text(), "null\n");
    assert!(crate::bridge::powers(&call).is_empty());
}

#[test]
fn a_document_of_another_phase_is_refused() {
    let call = event("client_insert", &json!({ "phase": "before" }));
    let error = hooks(&call).unwrap_err().to_string();
    assert_eq!(
        error,
        "standard input is not what it must be: its `phase` is not that of `client_insert`"
    );
}

#[test]
fn an_unknown_event_keeps_its_name() {
    let hook =
        one(&event("dns:dns_template:on_after_update", &row(&json!({ "a": 1 }), &json!({}))));
    assert_eq!(hook.action, "ispconfig.dns:dns_template:on_after_update");
}

#[test]
fn every_event_of_the_catalogue_is_in_a_phase_of_its_action() {
    for action in catalogue().actions() {
        let Some(native) = action.panels.get("ispconfig") else { continue };
        for name in native.names.iter().chain(&native.unverified) {
            let wanted = match phase(name) {
                Phase::Before => NativePhase::Before,
                Phase::After => NativePhase::After,
            };
            assert!(native.phases.contains(&wanted), "{name} of {}", action.name);
        }
    }
}
