//! cPanel's documents and lines, byte for byte.

use serde_json::json;

use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Asked, Dialect, PanelCall, answer, powers, read, registration};

/// The document of the seventh vector.
const V7: &str = r#"{"context":{"category":"Passwd","event":"ChangePasswd","stage":"pre","point":"main","blocking":"1"},"data":{"user":"u","new_password":"canary"},"hook":{"id":"1","exectype":"script","hook":"/…","stage":"pre","weight":100,"escalateprivs":0,"blocking":"1"}}"#;

fn stdin(document: &str) -> PanelCall {
    call(Dialect::Cpanel, &[], &[], document)
}

fn event(category: &str, event: &str, stage: &str, data: Json) -> PanelCall {
    let context = json!({ "category": category, "event": event, "stage": stage });
    stdin(&json!({ "context": context, "data": data }).to_string())
}

fn params(hook: &Translated) -> String {
    serde_json::to_string(&hook.params).unwrap()
}

fn printed(printed: &Printed) -> (String, u8) {
    (printed.stdout.text().into_owned(), printed.status)
}

fn error(call: &PanelCall) -> String {
    hooks(call).unwrap_err().to_string()
}

#[test]
fn v7_a_change_of_a_password_is_translated() {
    let hook = one(&stdin(V7));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "customer.password.change"));
    assert_eq!(hook.native, "Passwd::ChangePasswd");
    assert_eq!(params(&hook), r#"{"login":"u","password":{"$secret":null}}"#);
    assert_eq!(hook.object, Some(ObjectRef { kind: "customer".into(), id: "u".into() }));
    assert!(!format!("{hook:?}").contains("canary"));
}

#[test]
fn v7_a_denial_is_one_line() {
    let call = stdin(V7);
    let line = answer(&call, &[denied("Name is\r\nreserved")]);
    assert_eq!(printed(&line), ("0 BAILOUT Name is reserved\n".into(), 0));
    assert_eq!(printed(&answer(&call, &[Answer::PROCEED])), ("1 ok\n".into(), 0));
    assert_eq!(powers(&call), [Power::Deny]);
}

#[test]
fn v7_flags_are_texts_or_numbers() {
    for blocking in [r#""1""#, "1", "true"] {
        let document = V7.replace(r#""blocking":"1""#, &format!(r#""blocking":{blocking}"#));
        assert_eq!(powers(&stdin(&document)), [Power::Deny], "{blocking}");
    }
    for blocking in [r#""0""#, "0", "null", r#""""#, "false", "0.0"] {
        let document = V7.replace(r#""blocking":"1""#, &format!(r#""blocking":{blocking}"#));
        assert!(powers(&stdin(&document)).is_empty(), "{blocking}");
    }
}

#[test]
fn v7_data_may_be_missing() {
    for data in ["", r#","data":null"#, r#","data":{}"#] {
        let context = r#""context":{"category":"System","event":"upcp","stage":"post"}"#;
        let hook = one(&stdin(&format!("{{{context}{data}}}")));
        assert_eq!((hook.phase, hook.action.as_str()), (Phase::After, "panel.update"));
        assert!(hook.params.is_empty() && hook.actor.is_none());
    }
}

#[test]
fn data_that_is_no_object_is_kept() {
    let hook = one(&event("System", "upcp", "pre", json!(["a"])));
    assert_eq!(params(&hook), r#"{"data":["a"]}"#);
}

#[test]
fn v8_what_is_subscribed_is_described_in_one_line() {
    let describe = call(Dialect::Cpanel, &["--describe"], &[], "");
    assert_eq!(read(&describe), Ok(Asked::Registration));
    let hooks = ["before:customer.create", "after:customer.create", "before:ftp.create"]
        .map(|hook| HookPattern::parse(hook).unwrap());
    let line = registration(&describe, &hooks, &[]);
    let hook = "/usr/local/cpanel/3rdparty/bin/palisade-hook";
    let entry = |category: &str, event: &str, stage: &str, blocking: u8, privs: u8| {
        format!(
            r#"{{"category":"{category}","event":"{event}","stage":"{stage}","hook":"{hook}","exectype":"script","blocking":{blocking},"weight":50,"escalateprivs":{privs}}}"#
        )
    };
    let all = [
        entry("Whostmgr", "Accounts::Create", "pre", 1, 0),
        entry("Whostmgr", "Accounts::Create", "post", 0, 0),
        entry("Cpanel", "UAPI::Ftp::add_ftp", "pre", 1, 1),
    ];
    assert_eq!(printed(&line), (format!("[{}]\n", all.join(",")), 0));
}

#[test]
fn v8_without_subscriptions_nothing_is_described() {
    let describe = call(Dialect::Cpanel, &["--describe"], &[], "");
    assert_eq!(printed(&registration(&describe, &[], &[])), ("[]\n".into(), 0));
}

#[test]
fn who_wants_to_know_of_failures_is_rolled_back() {
    let describe = call(Dialect::Cpanel, &["--describe"], &[], "");
    let pattern = |hook| HookPattern::parse(hook).unwrap();
    let hooks = [pattern("before:customer.create"), pattern("after:customer.create")];
    let line = registration(&describe, &hooks, &[pattern("after:customer.*")]);
    let described: Json = serde_json::from_slice(&line.stdout.0).unwrap();
    let rollback = "/usr/local/cpanel/3rdparty/bin/palisade-cpanel-rollback";
    assert_eq!(described[0]["rollback"], rollback);
    assert_eq!(
        (described[1]["stage"].as_str(), described[1].get("rollback")),
        (Some("post"), None)
    );
}

#[test]
fn every_event_of_the_catalogue_is_described() {
    let describe = call(Dialect::Cpanel, &["--describe"], &[], "");
    let hooks = ["before:*", "after:*"].map(|hook| HookPattern::parse(hook).unwrap());
    let line = registration(&describe, &hooks, &[]);
    assert_eq!(line.stdout.text().matches('\n').count(), 1);
    let described: Vec<Json> = serde_json::from_slice(&line.stdout.0).unwrap();
    assert!(described.len() > 100, "{}", described.len());
    let known = described.iter().all(|entry| {
        let native = format!(
            "{}::{}",
            entry["category"].as_str().unwrap(),
            entry["event"].as_str().unwrap()
        );
        catalogue().by_native("cpanel", &native, None).is_some()
            && (entry["blocking"] == 1) == (entry["stage"] == "pre")
    });
    assert!(known);
}

#[test]
fn a_new_account_has_the_names_of_the_catalogue() {
    let data = json!({
        "user": "u", "domain": "d.example", "plan": "p", "pass": "canary", "owner": "root",
        "contactemail": "a@b.example", "maxsub": "5", "hasshell": 0, "uid": 1001
    });
    let hook = one(&event("Whostmgr", "Accounts::Create", "pre", data));
    assert_eq!(hook.action, "customer.create");
    assert_eq!(
        params(&hook),
        r#"{"login":"u","domain":"d.example","plan":"p","password":{"$secret":null},"owner":"root","email":"a@b.example","maxsub":"5","hasshell":0,"uid":1001}"#
    );
    let actor = hook.actor.as_ref().unwrap();
    assert_eq!((actor.id.as_str(), &actor.role), ("root", &Some(Role::Superuser)));
    assert_eq!(hook.object, None);
}

#[test]
fn a_reseller_is_behind_its_accounts() {
    let data = json!({ "user": "u", "owner": "dealer" });
    let hook = one(&event("Whostmgr", "Accounts::Modify", "post", data));
    assert_eq!(hook.actor.unwrap().role, Some(Role::Reseller));
    assert_eq!(hook.object, Some(ObjectRef { kind: "customer".into(), id: "u".into() }));
}

#[test]
fn the_arguments_of_an_api_are_the_parameters() {
    let data = json!({
        "user": "joe",
        "args": { "email": "info", "domain": "example.com", "password": "canary", "quota": "250" }
    });
    let hook = one(&event("Cpanel", "UAPI::Email::add_pop", "pre", data));
    assert_eq!(hook.action, "mailbox.create");
    assert_eq!(
        params(&hook),
        r#"{"address":"info@example.com","domain":"example.com","password":{"$secret":null},"quota":250}"#
    );
    let actor = hook.actor.unwrap();
    assert_eq!((actor.id.as_str(), &actor.role), ("joe", &Some(Role::Customer)));
}

#[test]
fn api_2_says_after_the_call_that_it_failed() {
    let data = |result: Json| {
        json!({
            "user": "joe", "args": { "domain": "blog", "rootdomain": "example.com" },
            "output": [{ "reason": "It is\nthere already", "result": result }]
        })
    };
    for (result, status) in [
        (json!(0), Status::Failed),
        (json!("0"), Status::Failed),
        (json!(1), Status::Succeeded),
        (json!("1"), Status::Succeeded),
    ] {
        let hook = one(&event("Cpanel", "Api2::SubDomain::addsubdomain", "post", data(result)));
        assert_eq!((hook.action.as_str(), hook.status), ("subdomain.create", status));
        let reason = hook.attributes.get("failure.reason").map(String::as_str);
        assert_eq!(reason, (status == Status::Failed).then_some("It is there already"));
        assert!(hook.result.is_some() && !hook.params.contains_key("output"));
    }
}

#[test]
fn uapi_says_its_status() {
    let data = json!({ "args": {}, "output": { "status": "0", "errors": ["No room"] } });
    let hook = one(&event("Cpanel", "UAPI::Ftp::add_ftp", "post", data));
    assert_eq!(hook.status, Status::Failed);
    assert_eq!(hook.attributes.get("failure.reason").map(String::as_str), Some("No room"));
}

#[test]
fn what_a_thing_was_is_old() {
    let data = json!({ "cur_pkg": "small", "new_pkg": "large", "user": "u" });
    let hook = one(&event("Whostmgr", "Accounts::change_package", "pre", data));
    assert_eq!(hook.action, "subscription.plan.change");
    assert_eq!(serde_json::to_string(&hook.old).unwrap(), r#"{"plan":"small"}"#);
    assert_eq!(params(&hook), r#"{"cur_pkg":"small","plan":"large","login":"u"}"#);
}

#[test]
fn an_event_that_the_catalogue_does_not_know_keeps_its_name() {
    let hook = one(&event("Cpanel", "UAPI::Tokens::create_full_access", "pre", json!({})));
    assert_eq!(hook.action, "cpanel.Cpanel::UAPI::Tokens::create_full_access");
    assert_eq!(
        one(&event("ModSecurity", "add_rule", "pre", json!({}))).action,
        "firewall.rule.change"
    );
}

#[test]
fn an_event_that_cannot_be_a_name_is_refused() {
    for name in ["UAPI::a b", "UAPI::ä", "a\n", &"a".repeat(200)] {
        let error = error(&event("Cpanel", name, "pre", json!({})));
        assert!(error.starts_with("the panel's name for the action cannot be one"), "{error}");
    }
}

#[test]
fn a_skip_is_a_denial_that_says_so() {
    assert_eq!(
        printed(&answer(&stdin(V7), &[skipped()])).0,
        "0 BAILOUT An extension takes this action over, but cPanel cannot leave it out; so it is refused.\n"
    );
}

#[test]
fn nothing_is_refused_after_the_action() {
    let call = stdin(&V7.replace(r#""stage":"pre""#, r#""stage":"post""#));
    assert_eq!(printed(&answer(&call, &[denied("No")])), ("1 ok\n".into(), 0));
    assert!(powers(&call).is_empty());
}

#[test]
fn a_rollback_comes_after_an_action_that_failed() {
    let rollback = call(Dialect::Cpanel, &["rollback"], &[], V7);
    let hook = one(&rollback);
    assert_eq!((hook.phase, hook.status), (Phase::After, Status::Failed));
    assert_eq!(hook.action, "customer.password.change");
    assert_eq!(printed(&answer(&rollback, &[denied("No")])), ("1 ok\n".into(), 0));
    assert!(powers(&rollback).is_empty());
}

#[test]
fn a_check_lets_the_hook_decide() {
    let check = call(Dialect::Cpanel, &["check"], &[], V7);
    assert_eq!(read(&check), Ok(Asked::Hooks(Vec::new())));
    assert_eq!(printed(&answer(&check, &[])), ("1 ok\n".into(), 0));
}

#[test]
fn what_is_no_call_is_refused_without_saying_what_stood_there() {
    for (document, wrong) in [
        ("", "not JSON at line 1 column 0"),
        (r#"{"data":{"pass":"canary"#, "not JSON at line 1 column 23"),
        ("[]", "it has no `context.stage`"),
        (r#"{"context":{"stage":"canary"}}"#, "`context.stage` is neither `pre` nor `post`"),
        (r#"{"context":{"stage":"pre"}}"#, "it has no `context.category`"),
        (r#"{"context":{"stage":"pre","category":"A","event":""}}"#, "it has no `context.event`"),
    ] {
        let stdin = stdin(document);
        assert_eq!(error(&stdin), format!("standard input is not what it must be: {wrong}"));
        assert_eq!(printed(&answer(&stdin, &[denied("No")])), ("1 ok\n".into(), 0));
    }
    let wrong = call(Dialect::Cpanel, &["--list"], &[], V7);
    assert_eq!(error(&wrong), "the call has an argument that the dialect does not know: `--list`");
}

#[test]
fn passwords_of_every_call_are_sealed() {
    let secret = "canary";
    let data = json!({
        "pass": secret, "new_password": secret, "password": secret, "key": secret,
        "key_pem": secret, "crt": "-----BEGIN RSA PRIVATE KEY-----\ncanary",
        "nested": { "pass": secret, "list": [{ "dbpassword": secret }] },
        "output": [{ "result": 1, "password": secret, "passphrase": secret }]
    });
    let events = [
        ("Whostmgr", "Accounts::Create"),
        ("Whostmgr", "SSL::installssl"),
        ("Whostmgr", "AutoSSL::installssl"),
        ("Passwd", "ChangePasswd"),
        ("Cpanel", "UAPI::Anything::at_all"),
        ("Cpanel", "UAPI::Mysql::create_user"),
    ];
    for (category, name) in events {
        for stage in ["pre", "post"] {
            let hook = one(&event(category, name, stage, data.clone()));
            assert!(!format!("{hook:?}").contains("canary"), "{category} {name}: {hook:?}");
            let call = event(category, name, stage, json!({ "args": data }));
            assert!(!format!("{:?}", one(&call)).contains("canary"), "{category} {name}");
        }
    }
}
