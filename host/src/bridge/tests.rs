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
        Asked::Registration => panic!("the call asks for no hook"),
    })
}

/// The one hook call that a call asks for.
pub fn one(call: &PanelCall) -> Translated {
    let [hook] = <[Translated; 1]>::try_from(hooks(call).unwrap()).unwrap();
    hook
}

/// The answer that denies with these words.
pub fn denied(message: &str) -> Answer {
    let problem =
        Problem { code: "name.reserved".into(), field: None, message: message.to_owned() };
    Answer { decision: Decision::Deny, problems: vec![problem], ..Answer::PROCEED }
}

/// The answer that skips.
pub fn skipped() -> Answer {
    Answer { decision: Decision::Skip, ..Answer::PROCEED }
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
    let recorded = day.iter().filter(|(RecordedCall { call, .. }, _)| {
        call.env.values().chain([&call.stdin]).any(has_canary)
    });
    let recorded = recorded.count();
    assert!(recorded >= 15, "{recorded}");
    assert!(!format!("{day:?}").contains("canary"));
}

#[test]
fn bytes_that_are_no_text_are_kept_beside_the_text() {
    let mut call = call(Dialect::Plesk, &["client_update"], &[], "");
    call.env.insert("NEW_COMPANY_NAME".into(), Raw(b"Caf\xe9".to_vec()));
    call.env.insert("NEW_PASSWORD".into(), Raw(b"\xff\xfe".to_vec()));
    let key = [b"\xff".as_slice(), PRIVATE_KEY.as_bytes()].concat();
    call.env.insert("NEW_CERTIFICATE".into(), Raw(key));
    let hooks = hooks(&call).unwrap();
    assert_eq!(
        serde_json::to_value(&hooks[0].params).unwrap(),
        serde_json::json!({ "company": "Caf\u{fffd}", "password": { "$secret": null }, "certificate": { "$secret": null } })
    );
    let attributes: Vec<_> = hooks[0].attributes.iter().collect();
    assert_eq!(attributes, [(&"bytes.NEW_COMPANY_NAME".to_owned(), &"Q2Fm6Q==".to_owned())]);
}

#[test]
fn letters_of_every_script_arrive_intact_and_never_as_question_marks() {
    let hook = one(&call(
        Dialect::Plesk,
        &["client_update"],
        &[
            ("NEW_CONTACT_NAME", "Иван Петров"),
            ("NEW_COMPANY_NAME", "株式会社 例え"),
            ("NEW_CITY", "Besançon — Ωmega 🜚"),
        ],
        "",
    ));
    assert_eq!(
        serde_json::to_string(&hook.params).unwrap(),
        r#"{"contact":"Иван Петров","company":"株式会社 例え","city":"Besançon — Ωmega 🜚"}"#
    );
    assert!(hook.attributes.is_empty());
}

#[test]
fn letters_beyond_ascii_come_back_in_a_refusal() {
    let call = call(Dialect::Directadmin, &["user_create_pre"], &[], "");
    let printed = answer(&call, &[denied("Имя занято: 例え")]);
    assert_eq!(printed.stdout, Raw::from("Имя занято: 例え\n"));
}

#[test]
fn latin_1_bytes_keep_their_bytes_in_every_dialect_with_variables() {
    for (dialect, arguments, variable) in [
        (Dialect::Plesk, &["client_update"][..], "NEW_COMPANY_NAME"),
        (Dialect::Coremanager, &["before", "cgi"], "PARAM_note"),
        (Dialect::Directadmin, &["user_create_pre"], "name"),
        (Dialect::Virtualmin, &["pre"], "VIRTUALSERVER_OWNER"),
    ] {
        let env = [
            ("PARAM_func", "user.add"),
            ("PARAM_sok", "ok"),
            ("VIRTUALSERVER_ACTION", "CREATE_DOMAIN"),
        ];
        let mut call = call(dialect, arguments, &env, "");
        call.env.insert(variable.to_owned(), Raw(b"Caf\xe9".to_vec()));
        let hook = one(&call);
        let kept = hook.attributes.get(&format!("bytes.{variable}"));
        assert_eq!(kept.map(String::as_str), Some("Q2Fm6Q=="), "{dialect}");
        let text = Value::Text("Caf\u{fffd}".to_owned());
        assert!(hook.params.values().any(|value| *value == text), "{dialect}: {hook:?}");
    }
}

#[test]
fn bytes_of_a_secret_are_kept_nowhere() {
    for (dialect, arguments, variable) in [
        (Dialect::Plesk, &["client_update"][..], "NEW_PASSWORD"),
        (Dialect::Coremanager, &["before", "cgi"], "PARAM_passwd"),
        (Dialect::Directadmin, &["session_create_pre"], "session_id"),
        (Dialect::Virtualmin, &["pre"], "VIRTUALSERVER_NEWSERVER_PASS"),
        (Dialect::Virtualmin, &["pre"], "VIRTUALSERVER_SSL_KEY"),
    ] {
        let env = [
            ("PARAM_func", "user.add"),
            ("PARAM_sok", "ok"),
            ("VIRTUALSERVER_ACTION", "MODIFY_DOMAIN"),
        ];
        let mut call = call(dialect, arguments, &env, "");
        call.env.insert(variable.to_owned(), Raw(b"\xff\xfe".to_vec()));
        let hook = one(&call);
        assert!(hook.attributes.is_empty(), "{dialect} {variable}: {hook:?}");
    }
}

#[test]
fn a_private_key_is_secret_whatever_its_field_is_called() {
    let key = "-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----";
    let env = [("NEW_NOTE", key), ("OLD_NOTE", key)];
    let hook = one(&call(Dialect::Plesk, &["client_update"], &env, ""));
    assert!(!format!("{hook:?}").contains("canary"));
}

#[test]
fn domain_names_have_both_forms_in_every_dialect() {
    let stdin = r#"{"context":{"category":"Whostmgr","event":"Accounts::Create","stage":"pre"},
        "data":{"domain":"Bücher.example"}}"#;
    let generic =
        r#"{"phase":"before","action":"customer.create","params":{"domain":"bücher.example"}}"#;
    let generic = generic.replace("customer.create", "subscription.create");
    let name = "bücher.example";
    let virtualmin = [("VIRTUALSERVER_ACTION", "CREATE_DOMAIN"), ("VIRTUALSERVER_DOM", name)];
    let coremanager = [("PARAM_func", "webdomain.edit"), ("PARAM_sok", "ok"), ("PARAM_name", name)];
    let calls = [
        call(Dialect::Plesk, &["site_create"], &[("NEW_DOMAIN_NAME", name)], ""),
        call(Dialect::Coremanager, &["before", "cgi"], &coremanager, ""),
        call(Dialect::Directadmin, &["domain_create_pre"], &[("domain", name)], ""),
        call(Dialect::Virtualmin, &["pre"], &virtualmin, ""),
        call(Dialect::Hestia, &["add-mail-domain", "admin", name], &[], ""),
        call(Dialect::Generic, &[], &[], &generic),
        call(Dialect::Cpanel, &[], &[], &stdin.replace("Accounts::Create", "Domain::zone_add")),
    ];
    for call in calls {
        let hook = one(&call);
        let ascii = Value::Text("xn--bcher-kva.example".to_owned());
        assert!(hook.params.values().any(|value| *value == ascii), "{hook:?}");
        let unicode: Vec<_> =
            hook.attributes.iter().filter(|(key, _)| key.starts_with("unicode.")).collect();
        assert!(matches!(unicode.as_slice(), [(_, text)] if *text == name), "{hook:?}");
    }
}
