//! Calls of panels that speak JSON.

use serde_json::json;

use super::*;
use crate::bridge::tests::{call, denied, hooks, one, skipped};
use crate::bridge::{Dialect, PanelCall, answer, powers};
use crate::hook::Change;

fn generic(stdin: &Json) -> PanelCall {
    call(Dialect::Generic, &[], &[], &stdin.to_string())
}

fn before(params: Json) -> PanelCall {
    generic(&json!({ "phase": "before", "action": "mailbox.create", "params": params }))
}

fn printed(call: &PanelCall, answers: &[Answer]) -> String {
    let printed = answer(call, answers);
    assert_eq!(printed.status, 0);
    printed.stdout.text().into_owned()
}

fn error(stdin: &str) -> String {
    hooks(&call(Dialect::Generic, &[], &[], stdin)).unwrap_err().to_string()
}

#[test]
fn all_that_a_call_can_say_is_read() {
    let hook = one(&generic(&json!({
        "phase": "after",
        "action": "mailbox.update",
        "actor": { "kind": "token", "role": "reseller", "id": 7, "name": "A" },
        "object": { "kind": "mailbox", "id": 12 },
        "params": { "quota": "500", "Extra": [1, null] },
        "old": { "quota": 250.0 },
        "attributes": { "remote.address": "192.0.2.1", "attempt": 2 },
        "status": "failed",
        "result": { "id": 12 }
    })));
    assert_eq!((hook.phase, hook.action.as_str()), (Phase::After, "mailbox.update"));
    assert_eq!(serde_json::to_string(&hook.params).unwrap(), r#"{"quota":500,"Extra":[1,null]}"#);
    assert_eq!(serde_json::to_string(&hook.old).unwrap(), r#"{"quota":250}"#);
    assert_eq!(hook.object, Some(ObjectRef { kind: "mailbox".into(), id: "12".into() }));
    let actor = hook.actor.unwrap();
    assert_eq!(
        (actor.kind, actor.role, actor.id.as_str()),
        (ActorKind::Token, Some(Role::Reseller), "7")
    );
    assert_eq!(hook.attributes.values().collect::<Vec<_>>(), ["192.0.2.1", "2"]);
    assert_eq!((hook.status, hook.result), (Status::Failed, Some(json!({ "id": 12 }))));
}

#[test]
fn a_call_needs_only_a_phase_and_an_action() {
    let hook = one(&generic(&json!({ "phase": "before", "action": "mailbox.create" })));
    assert!(hook.params.is_empty() && hook.actor.is_none() && hook.object.is_none());
}

#[test]
fn an_actor_may_be_a_text() {
    let call =
        json!({ "phase": "before", "action": "a.b", "actor": "joe", "params": [], "old": null });
    let actor = one(&generic(&call)).actor.unwrap();
    assert_eq!((actor.kind, actor.id.as_str()), (ActorKind::Person, "joe"));
}

#[test]
fn names_that_are_not_in_the_catalogue_pass_through() {
    let action = |name: &str| {
        hooks(&generic(&json!({ "phase": "before", "action": name })))
            .map(|hooks| hooks[0].action.clone())
            .map_err(|error| error.to_string())
    };
    assert_eq!(action("mailbox.create").unwrap(), "mailbox.create");
    assert_eq!(action("game-server.restart").unwrap(), "game-server.restart");
    assert_eq!(action("restart").unwrap(), "generic.restart");
    for name in ["", "a b", "a..b", ".a", "ä.b", "a.b\n"] {
        assert!(action(name).unwrap_err().contains("cannot be one"), "{name}");
    }
}

#[test]
fn the_decision_is_one_line_of_json() {
    let call = before(json!({ "address": "a@b.example" }));
    assert_eq!(
        printed(&call, &[Answer::PROCEED]),
        "{\"verdict\":\"proceed\",\"params\":{},\"problems\":[],\"result\":null}\n"
    );
    assert_eq!(
        printed(&call, &[denied("Name is\nreserved")]),
        "{\"verdict\":\"deny\",\"params\":{},\"problems\":[{\"code\":\"name.reserved\",\"field\":null,\
         \"message\":\"Name is\\nreserved\"}],\"result\":null}\n"
    );
    let taken_over = Answer { result: Some(json!({ "id": 7 })), ..skipped() };
    assert_eq!(
        printed(&call, &[taken_over]),
        "{\"verdict\":\"skip\",\"params\":{},\"problems\":[],\"result\":{\"id\":7}}\n"
    );
}

#[test]
fn changed_parameters_have_their_final_values() {
    let change = |name: &str, value| Change { name: name.to_owned(), value };
    let changes = vec![
        change("quota", Some(Value::Integer(100))),
        change("password", Some(Value::Text("new".into()).sealed())),
        change("quota", Some(Value::Integer(500))),
        change("note", None),
    ];
    let altered = Answer { changes, ..Answer::PROCEED };
    let call = before(json!({ "quota": 0, "password": "old", "note": "x" }));
    assert_eq!(
        printed(&call, &[altered]),
        "{\"verdict\":\"proceed\",\"params\":{\"quota\":500,\"password\":\"new\",\"note\":null},\
         \"problems\":[],\"result\":null}\n"
    );
    assert_eq!(powers(&call), [Power::Alter, Power::Skip, Power::Deny]);
}

#[test]
fn after_the_action_only_the_result_is_left() {
    let call = generic(&json!({ "phase": "after", "action": "mailbox.create", "result": {} }));
    let shown = Answer { result: Some(json!({ "note": "x" })), ..denied("No") };
    assert_eq!(
        printed(&call, &[shown]),
        "{\"verdict\":\"proceed\",\"params\":{},\"problems\":[],\"result\":{\"note\":\"x\"}}\n"
    );
    assert_eq!(powers(&call), [Power::Alter]);
}

#[test]
fn what_is_no_call_is_refused_without_saying_what_stood_there() {
    let wrong = |what: &str| format!("standard input is not what it must be: {what}");
    for (stdin, what) in [
        ("", "not JSON at line 1 column 0"),
        ("[\"canary\"]", "it is no JSON object"),
        ("{}", "its `phase` is neither `before` nor `after`"),
        (r#"{"phase":"before"}"#, "it has no `action`"),
        (r#"{"phase":"before","action":7}"#, "`action` is no text"),
        (
            r#"{"phase":"before","action":"a.b","status":"failed"}"#,
            "`status` means nothing before an action",
        ),
        (
            r#"{"phase":"before","action":"a.b","result":1}"#,
            "`result` means nothing before an action",
        ),
        (
            r#"{"phase":"before","action":"a.b","params":"canary"}"#,
            "`params` is no object of values",
        ),
        (r#"{"phase":"before","action":"a.b","old":["canary"]}"#, "`old` is no object of values"),
        (
            r#"{"phase":"before","action":"a.b","actor":["canary"]}"#,
            "`actor` is neither an object nor a text",
        ),
        (r#"{"phase":"before","action":"a.b","actor":{}}"#, "`actor` has no `id`"),
        (r#"{"phase":"before","action":"a.b","actor":{"id":{}}}"#, "`actor.id` is no text"),
        (
            r#"{"phase":"before","action":"a.b","object":"canary"}"#,
            "`object` has no `kind` and `id`",
        ),
        (
            r#"{"phase":"before","action":"a.b","attributes":{"a":[]}}"#,
            "`attributes` has a value that is no text",
        ),
        (r#"{"phase":"before","action":"a.b","attributes":"canary"}"#, "`attributes` is no object"),
        (
            r#"{"phase":"after","action":"a.b","status":"canary"}"#,
            "`status` is none of `succeeded`, `skipped`, `denied`, `failed`",
        ),
    ] {
        assert_eq!(error(stdin), wrong(what));
    }
    let unknown = error(r#"{"phase":"before","action":"a.b","canary":1}"#);
    assert!(unknown.contains("it has a member beside `phase`, `action`"), "{unknown}");
}

#[test]
fn marked_and_named_secrets_are_sealed() {
    let call = generic(&json!({
        "phase": "after", "action": "a.b",
        "params": { "x": { "$secret": "canary" }, "pass": "canary", "d": { "api_token": "canary" } },
        "old": { "db_password": "canary" },
        "result": { "password": "canary" }
    }));
    let hook = one(&call);
    assert!(!format!("{hook:?}").contains("canary"), "{hook:?}");
}
