//! What holds for every dialect.

use super::*;
use crate::hook::catalogue::catalogue;

/// A call as a test writes it.
pub fn call(dialect: Dialect, arguments: &[&str], env: &[(&str, &str)], stdin: &str) -> PanelCall {
    PanelCall {
        dialect,
        arguments: arguments.iter().map(|&argument| argument.into()).collect(),
        env: env.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect(),
        stdin: stdin.into(),
    }
}

/// The hook calls that a call asks for.
pub fn hooks(call: &PanelCall) -> Result<Vec<Translated>, BridgeError> {
    read(call).map(|asked| match asked {
        Asked::Hooks(hooks) => hooks,
        Asked::Provider(call) => panic!("it asks a provider: {call:?}"),
    })
}

/// The recorded day with what each call translates to.
fn day() -> Vec<(RecordedCall, Vec<Translated>)> {
    let calls = recorded_calls(include_bytes!("../../../tests/fixtures/day.jsonl")).unwrap();
    let translated = |recorded: &RecordedCall| hooks(&recorded.call).unwrap();
    calls
        .into_iter()
        .map(|recorded| (translated(&recorded), recorded))
        .map(|(a, b)| (b, a))
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
    let actions = day().into_iter().flat_map(|(_, translated)| translated).map(|call| call.action);
    let unknown = actions.filter(|action| catalogue().action(action).is_none());
    assert_eq!(unknown.collect::<Vec<_>>(), ["plesk.ext_uptime_probe_added"]);
}

#[test]
fn passwords_of_the_recorded_day_show_nowhere() {
    let day = day();
    let has_canary = |value: &Raw| value.text().contains("canary");
    let recorded =
        day.iter().filter(|(recorded, _)| recorded.call.env.values().any(has_canary)).count();
    assert!(recorded >= 5, "{recorded}");
    assert!(!format!("{day:?}").contains("canary"));
}

#[test]
fn bytes_that_are_no_text_are_kept_beside_the_text() {
    let mut call = call(Dialect::Plesk, &["client_update"], &[], "");
    call.env.insert("NEW_COMPANY_NAME".into(), Raw(b"Caf\xe9".to_vec()));
    call.env.insert("NEW_PASSWORD".into(), Raw(b"\xff\xfe".to_vec()));
    let hooks = hooks(&call).unwrap();
    assert_eq!(
        serde_json::to_value(&hooks[0].params).unwrap(),
        serde_json::json!({ "company": "Caf\u{fffd}", "password": { "$secret": null } })
    );
    let attributes: Vec<_> = hooks[0].attributes.iter().collect();
    assert_eq!(attributes, [(&"bytes.NEW_COMPANY_NAME".to_owned(), &"Q2Fm6Q==".to_owned())]);
}
