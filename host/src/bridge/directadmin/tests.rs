//! DirectAdmin's variables and lines, byte for byte.

use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Dialect, PanelCall, Raw, answer, powers};

/// The variables of the ninth vector.
const V9: [(&str, &str); 5] = [
    ("user", "info"),
    ("domain", "example.com"),
    ("passwd", "canary"),
    ("passwd_is_crypted", "0"),
    ("quota", "50"),
];

fn script(hook: &str, env: &[(&str, &str)]) -> PanelCall {
    call(Dialect::Directadmin, &[hook], env, "")
}

fn params(hook: &Translated) -> String {
    serde_json::to_string(&hook.params).unwrap()
}

fn printed(printed: &Printed) -> (String, u8) {
    (printed.stdout.text().into_owned(), printed.status)
}

#[test]
fn v9_a_mailbox_is_about_to_be_created() {
    let hook = one(&script("email_create_pre", &V9));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "mailbox.create"));
    assert_eq!(
        params(&hook),
        r#"{"address":"info@example.com","domain":"example.com","password":{"$secret":null},"passwd_is_crypted":{"$secret":null},"quota":50}"#
    );
}

#[test]
fn v9_a_denial_is_a_line_and_a_failure() {
    let call = script("email_create_pre", &V9);
    assert_eq!(
        printed(&answer(&call, &[denied("Name is reserved")])),
        ("Name is reserved\n".into(), 1)
    );
    assert_eq!(printed(&answer(&call, &[Answer::PROCEED])), (String::new(), 0));
    assert_eq!(powers(&call), [Power::Deny]);
}

#[test]
fn v9_a_denial_is_short_and_no_html() {
    let call = script("email_create_pre", &V9);
    let (line, status) =
        printed(&answer(&call, &[denied(&format!("<script>\n{}", "x".repeat(900)))]));
    assert_eq!((line.trim_end().chars().count(), status), (200, 1));
    assert!(line.ends_with('\n') && !line.contains(['<', '>']) && line.matches('\n').count() == 1);
}

#[test]
fn a_skip_is_a_denial_that_says_so() {
    assert_eq!(
        printed(&answer(&script("user_create_pre", &[]), &[skipped()])),
        (
            "An extension takes this action over, but DirectAdmin cannot leave it out; so it is refused.\n"
                .into(),
            1
        )
    );
}

#[test]
fn nothing_is_refused_after_the_action() {
    let call = script("email_create_post", &V9);
    assert_eq!(one(&call).phase, Phase::After);
    assert_eq!(printed(&answer(&call, &[denied("No")])), (String::new(), 0));
    assert!(powers(&call).is_empty());
}

#[test]
fn what_earlier_scripts_said_is_an_attribute() {
    let env = [("username", "joe"), ("result", "2"), ("error", "no\nroom")];
    let hook = one(&script("user_modify_pre", &env));
    assert_eq!(params(&hook), r#"{"login":"joe"}"#);
    let attributes: Vec<_> =
        hook.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("earlier.result", "2"), ("earlier.error", "no room")]);
    assert_eq!(hook.object, Some(ObjectRef { kind: "customer".into(), id: "joe".into() }));
}

#[test]
fn a_long_error_of_an_earlier_script_is_cut() {
    let error = "é".repeat(100_000);
    let hook = one(&script("user_modify_pre", &[("error", error.as_str())]));
    let (_, kept) = hook.attributes.first().unwrap();
    assert!(kept.len() <= 4 << 10, "{}", kept.len());
}

#[test]
fn the_arrays_of_a_zone_are_records() {
    let env = [
        ("DOMAIN", "example.com"),
        ("A", "ftp=192.0.2.1&example.com.=192.0.2.1"),
        ("AAAA", ""),
        ("MX", "mail=10"),
        ("MX_FULL", "example.com.=10+mail"),
        ("TXT", "example.com.=%22v%3Dspf1+a+mx+-all%22"),
    ];
    let hook = one(&script("dns_write_post", &env));
    assert_eq!(hook.action, "dns.zone.write");
    assert_eq!(
        hook.params.get("records").unwrap().to_json(),
        serde_json::json!([
            "ftp A 192.0.2.1",
            "example.com. A 192.0.2.1",
            "example.com. MX 10 mail",
            "example.com. TXT \"v=spf1 a mx -all\""
        ])
    );
    assert_eq!(hook.params.keys().collect::<Vec<_>>(), ["zone", "records"]);
}

#[test]
fn an_array_of_a_file_is_a_list() {
    let env = [("name", "small"), ("limits", "a=1&b=%26+x"), ("note", "x = y"), ("quota", "50")];
    let hook = one(&script("package_write_pre", &env));
    assert_eq!(hook.action, "plan.update");
    assert_eq!(
        params(&hook),
        r#"{"name":"small","limits":["a=1","b=& x"],"note":"x = y","disk":50}"#
    );
    // Elsewhere a text with an equals sign is a text.
    let hook = one(&script("cron_set_pre", &[("line", "A=1")]));
    assert_eq!(params(&hook), r#"{"line":"A=1"}"#);
}

#[test]
fn a_login_is_about_to_happen() {
    let env = [
        ("username", "joe"),
        ("password", "canary"),
        ("session_id", "canary"),
        ("ip", "192.0.2.7"),
        ("user_agent", "curl"),
    ];
    let call = script("session_create_pre", &env);
    let hook = one(&call);
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "session.login"));
    assert_eq!(
        params(&hook),
        r#"{"login":"joe","password":{"$secret":null},"id":{"$secret":null},"ip":"192.0.2.7","agent":"curl"}"#
    );
    assert_eq!(hook.attributes.get("remote.address").map(String::as_str), Some("192.0.2.7"));
    assert_eq!(printed(&answer(&call, &[denied("Not from here")])), ("Not from here\n".into(), 1));
}

#[test]
fn a_restore_that_failed_failed() {
    let hook = one(&script("user_restore_fail_post", &[("username", "joe")]));
    assert_eq!((hook.action.as_str(), hook.status), ("backup.restore", Status::Failed));
    assert_eq!(one(&script("user_restore_post", &[])).status, Status::Succeeded);
}

#[test]
fn a_hook_that_the_catalogue_does_not_know_keeps_its_name() {
    let hook = one(&script("login_key_create_pre", &[("keyname", "k")]));
    assert_eq!(hook.action, "directadmin.login_key_create");
    assert_eq!(hook.native, "login_key_create");
    assert_eq!(one(&script("all_pre", &[("command", "/CMD_X")])).action, "directadmin.all");
}

#[test]
fn a_call_without_a_hook_is_refused() {
    let error = |arguments: &[&str]| {
        hooks(&call(Dialect::Directadmin, arguments, &[], "")).unwrap_err().to_string()
    };
    assert_eq!(error(&[]), "the call has no argument `<hook>`");
    assert!(error(&["../x_pre"]).starts_with("the panel's name for the action cannot be one"));
    assert!(error(&["_pre"]).starts_with("the panel's name for the action cannot be one"));
}

#[test]
fn latin_1_bytes_of_a_value_are_kept_but_not_those_of_a_secret() {
    let mut call = script("user_create_pre", &[]);
    call.env.insert("name".into(), Raw(b"Caf\xe9".to_vec()));
    call.env.insert("session_id".into(), Raw(b"canary\xff".to_vec()));
    call.env.insert("passwd".into(), Raw(b"canary\xff".to_vec()));
    let hook = one(&call);
    assert_eq!(hook.params.get("contact"), Some(&Value::Text("Caf\u{fffd}".into())));
    let attributes: Vec<_> = hook.attributes.iter().collect();
    assert_eq!(attributes, [(&"bytes.name".to_owned(), &"Q2Fm6Q==".to_owned())]);
}

#[test]
fn passwords_of_every_hook_are_sealed() {
    let env = [
        ("passwd", "canary"),
        ("password", "canary"),
        ("passwd2", "canary"),
        ("system_password", "canary"),
        ("session_id", "canary"),
        ("session_key", "canary"),
        ("certificate", "-----BEGIN PRIVATE KEY-----\ncanary"),
    ];
    for hook in
        ["user_create_pre", "session_create_pre", "database_create_post", "ssl_save_pre", "x_pre"]
    {
        let hook = one(&script(hook, &env));
        assert!(!format!("{hook:?}").contains("canary"), "{hook:?}");
    }
}
