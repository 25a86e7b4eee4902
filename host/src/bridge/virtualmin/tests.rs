//! Virtualmin's variables and lines, byte for byte.

use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Dialect, PanelCall, answer, powers};

fn command(arguments: &[&str], env: &[(&str, &str)]) -> PanelCall {
    call(Dialect::Virtualmin, arguments, env, "")
}

fn json(params: &Params) -> String {
    serde_json::to_string(params).unwrap()
}

fn printed(printed: &Printed) -> (String, u8) {
    (printed.stdout.text().into_owned(), printed.status)
}

#[test]
fn v10_before_a_change_the_wanted_values_are_the_parameters() {
    let env = [
        ("VIRTUALSERVER_ACTION", "MODIFY_DOMAIN"),
        ("VIRTUALSERVER_ID", "17"),
        ("VIRTUALSERVER_DOM", "example.com"),
        ("VIRTUALSERVER_USER", "joe"),
        ("VIRTUALSERVER_NEWSERVER_DOM", "example.net"),
        ("VIRTUALSERVER_NEWSERVER_USER", "joe"),
    ];
    let hook = one(&command(&["pre"], &env));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::Before, "subscription.update"));
    assert_eq!(json(&hook.params), r#"{"domain":"example.net","login":"joe"}"#);
    assert_eq!(
        json(&hook.old),
        r#"{"id":"17","domain":"example.com","login":"joe"}"#.replace("\"17\"", "17")
    );
    assert_eq!(hook.object, Some(ObjectRef { kind: "subscription".into(), id: "17".into() }));
}

#[test]
fn v10_after_a_change_the_former_values_are_old() {
    let env = [
        ("VIRTUALSERVER_ACTION", "MODIFY_DOMAIN"),
        ("VIRTUALSERVER_DOM", "example.net"),
        ("VIRTUALSERVER_OLDSERVER_DOM", "example.com"),
    ];
    let hook = one(&command(&["post"], &env));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::After, "subscription.update"));
    assert_eq!(json(&hook.params), r#"{"domain":"example.net"}"#);
    assert_eq!(json(&hook.old), r#"{"domain":"example.com"}"#);
}

#[test]
fn v10_a_change_may_have_neither() {
    let env = [("VIRTUALSERVER_ACTION", "MODIFY_DOMAIN"), ("VIRTUALSERVER_DOM", "example.com")];
    for phase in ["pre", "post"] {
        let hook = one(&command(&[phase], &env));
        assert_eq!(json(&hook.params), r#"{"domain":"example.com"}"#);
        assert!(hook.old.is_empty());
    }
}

#[test]
fn v10_values_of_the_other_phase_are_left_over() {
    let env = [
        ("VIRTUALSERVER_ACTION", "MODIFY_DOMAIN"),
        ("VIRTUALSERVER_DOM", "b.example"),
        ("VIRTUALSERVER_OLDSERVER_DOM", "a.example"),
        ("VIRTUALSERVER_NEWSERVER_DOM", "c.example"),
    ];
    let values = |phase: &str| {
        let hook = one(&command(&[phase], &env));
        (json(&hook.params), json(&hook.old))
    };
    let domain = |name: &str| format!(r#"{{"domain":"{name}"}}"#);
    assert_eq!(values("pre"), (domain("c.example"), domain("b.example")));
    assert_eq!(values("post"), (domain("b.example"), domain("a.example")));
}

#[test]
fn v10_a_denial_is_a_line_and_a_failure() {
    let env = [("VIRTUALSERVER_ACTION", "DELETE_DOMAIN")];
    let before = command(&["pre"], &env);
    assert_eq!(
        printed(&answer(&before, &[denied("Name is reserved")])),
        ("Name is reserved\n".into(), 1)
    );
    assert_eq!(printed(&answer(&before, &[Answer::PROCEED])), (String::new(), 0));
    assert_eq!(powers(&before), [Power::Deny]);
    let after = command(&["post"], &env);
    assert_eq!(printed(&answer(&after, &[denied("No")])), (String::new(), 0));
    assert!(powers(&after).is_empty());
}

#[test]
fn a_skip_is_a_denial_that_says_so() {
    let (line, status) = printed(&answer(&command(&["pre"], &[]), &[skipped()]));
    assert!(line.contains("Virtualmin cannot leave it out") && status == 1, "{line}");
}

#[test]
fn a_new_domain_has_the_names_of_the_catalogue() {
    let env = [
        ("VIRTUALSERVER_ACTION", "CREATE_DOMAIN"),
        ("VIRTUALSERVER_DOM", "xn--bcher-kva.example"),
        ("VIRTUALSERVER_IDNDOM", "bücher.example"),
        ("VIRTUALSERVER_PASS", "canary"),
        ("VIRTUALSERVER_ENC_PASS", "canary"),
        ("VIRTUALSERVER_ID", "18"),
        ("RESELLER_NAME", "dealer"),
        ("PARENT_VIRTUALSERVER_DOM", "parent.example"),
        ("PARENT_VIRTUALSERVER_PASS", "canary"),
        ("ALIAS_VIRTUALSERVER_DOM", "left.over.example"),
    ];
    let hook = one(&command(&["pre"], &env));
    assert_eq!(hook.action, "subscription.create");
    assert_eq!(
        json(&hook.params),
        r#"{"domain":"xn--bcher-kva.example","idndom":"bücher.example","password":{"$secret":null},"enc_pass":{"$secret":null},"id":18,"reseller_name":"dealer"}"#
    );
    let attributes: Vec<_> =
        hook.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(attributes, ["parent.domain=parent.example", "unicode.domain=bücher.example"]);
    assert_eq!(hook.object, None);
    assert!(!format!("{hook:?}").contains("canary"));
}

#[test]
fn an_alias_of_mail_is_set_and_deleted() {
    let env = |action| {
        [
            ("ALIAS_ACTION", action),
            ("ALIAS_FROM", "info@example.com"),
            ("ALIAS_TO", "a@x.example,|/bin/reply --for b"),
            ("ALIAS_CMT", "ours"),
        ]
    };
    let params = r#"{"address":"info@example.com","domain":"example.com","targets":["a@x.example","|/bin/reply --for b"],"comment":"ours"}"#;
    for (native, action) in [
        ("CREATE_ALIAS", "mail.forward.set"),
        ("MODIFY_ALIAS", "mail.forward.set"),
        ("DELETE_ALIAS", "mail.forward.delete"),
    ] {
        let call = command(&["pre"], &env(native));
        let hook = one(&call);
        assert_eq!((hook.action.as_str(), hook.native.as_str()), (action, native));
        assert_eq!(json(&hook.params), params);
        assert_eq!(printed(&answer(&call, &[denied("No")])), ("No\n".into(), 1));
    }
}

#[test]
fn the_argument_tells_the_command_where_variables_were_left() {
    let env = [
        ("VIRTUALSERVER_ACTION", "CREATE_DOMAIN"),
        ("VIRTUALSERVER_DOM", "example.com"),
        ("ALIAS_ACTION", "CREATE_ALIAS"),
        ("ALIAS_FROM", "info@example.com"),
        ("RESELLER_ACTION", "MODIFY_RESELLER"),
        ("RESELLER_NAME", "dealer"),
    ];
    let action = |arguments: &[&str]| one(&command(arguments, &env)).action;
    assert_eq!(action(&["pre"]), "subscription.create");
    assert_eq!(action(&["pre", "alias"]), "mail.forward.set");
    assert_eq!(action(&["post", "reseller"]), "reseller.update");
}

#[test]
fn a_reseller_has_the_names_of_an_account() {
    let env = [
        ("RESELLER_ACTION", "CREATE_RESELLER"),
        ("RESELLER_NAME", "dealer"),
        ("RESELLER_EMAIL", "d@example.com"),
        ("RESELLER_DOMS", "a.example b.example"),
        ("RESELLER_PASS", "canary"),
    ];
    let hook = one(&command(&["pre"], &env));
    assert_eq!(hook.action, "reseller.create");
    assert_eq!(
        json(&hook.params),
        r#"{"login":"dealer","email":"d@example.com","doms":"a.example b.example","password":{"$secret":null}}"#
    );
    assert!(!format!("{hook:?}").contains("canary"));
}

#[test]
fn what_is_no_call_is_refused() {
    let error = |arguments: &[&str], env: &[(&str, &str)]| {
        hooks(&command(arguments, env)).unwrap_err().to_string()
    };
    assert_eq!(error(&[], &[]), "the call has no argument `pre|post`");
    assert_eq!(
        error(&["before"], &[]),
        "the call has an argument that the dialect does not know: `before`"
    );
    assert_eq!(error(&["pre"], &[]), "the call has no variable `VIRTUALSERVER_ACTION`");
    assert_eq!(error(&["pre", "alias"], &[]), "the call has no variable `ALIAS_ACTION`");
    let odd = [("VIRTUALSERVER_ACTION", "A B")];
    assert!(error(&["pre"], &odd).starts_with("the panel's name for the action cannot be one"));
}

#[test]
fn an_action_that_the_catalogue_does_not_know_keeps_its_name() {
    let hook = one(&command(&["post"], &[("VIRTUALSERVER_ACTION", "MOVE_DOMAIN")]));
    assert_eq!(hook.action, "virtualmin.MOVE_DOMAIN");
}

#[test]
fn passwords_of_every_action_are_sealed() {
    let variables =
        ["PASS", "ENC_PASS", "MYSQL_PASS", "POSTGRES_PASS", "SSL_PASS", "SSL_KEY", "PLAINPASSWORD"];
    for action in ["CREATE_DOMAIN", "MODIFY_DOMAIN", "DBPASS_DOMAIN", "SSL_DOMAIN", "ELSE"] {
        let names =
            ["", NEW, OLD].map(|part| variables.map(|name| format!("{DOMAIN}{part}{name}")));
        let mut env: Vec<(&str, &str)> =
            names.iter().flatten().map(|name| (name.as_str(), "canary")).collect();
        env.push(("VIRTUALSERVER_ACTION", action));
        for phase in ["pre", "post"] {
            let hook = one(&command(&[phase], &env));
            assert!(!format!("{hook:?}").contains("canary"), "{hook:?}");
        }
    }
}
