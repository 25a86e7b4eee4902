use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::json;

use super::*;
use crate::hook::{Actor, ActorKind, Ended, HookCall, ObjectRef, Params, Rehearsal, Role, Status};

fn call(params: serde_json::Value) -> HookCall {
    let mut call = HookCall {
        id: "1".into(),
        action: "mailbox.create".into(),
        actor: Some(Actor {
            kind: ActorKind::Person,
            role: Some(Role::Reseller),
            id: "7".into(),
            name: None,
        }),
        object: Some(ObjectRef { kind: "mailbox".into(), id: "9".into() }),
        params: Arc::new(serde_json::from_value(params).unwrap()),
        old: serde_json::from_value(json!({ "quota": 1 })).unwrap(),
        attributes: IndexMap::from([("remote.address".to_owned(), "192.0.2.1".to_owned())]),
        rehearsal: Rehearsal::No,
        depth: 2,
        caused_by: Vec::new(),
        time_ms: 0,
        ended: None,
    };
    call.seal_secrets();
    call
}

fn seen(
    text: &str,
    params: serde_json::Value,
    sees: &dyn Fn(&str) -> bool,
) -> Result<bool, String> {
    let call = call(params);
    let condition = Condition::parse(text, Phase::Before).unwrap();
    condition.holds(&Given { call: &call, params: &call.params, sees })
}

fn holds(text: &str, params: serde_json::Value) -> Result<bool, String> {
    seen(text, params, &|_| true)
}

fn refused(text: &str) -> String {
    Condition::parse(text, Phase::Before).unwrap_err()
}

#[test]
fn it_sees_every_variable() {
    for text in [
        "action == 'mailbox.create'",
        "phase == 'before'",
        "params.quota == 5",
        "old.quota < params.quota",
        "actor.role == 'reseller' && actor.kind == 'person' && actor.id == '7' && actor.name == ''",
        "object.kind == 'mailbox' && object.id == '9'",
        "attributes['remote.address'].startsWith('192.0.2.')",
        "!dry_run",
        "depth >= 2",
    ] {
        assert_eq!(holds(text, json!({ "quota": 5 })), Ok(true), "{text}");
    }
}

#[test]
fn after_an_action_it_sees_how_that_ended() {
    let mut call = call(json!({}));
    call.ended = Some(Ended { status: Status::Failed, result: None });
    let condition = Condition::parse("status == 'failed'", Phase::After).unwrap();
    let given = Given { call: &call, params: &call.params, sees: &|_| true };
    assert_eq!(condition.holds(&given), Ok(true));
}

#[test]
fn it_can_ask_for_a_value_of_every_type() {
    let params = json!({
        "text": "a", "texts": ["a", "b"], "yes": true, "none": null, "half": 0.5,
        "nested": { "list": [{ "n": 1 }, { "n": 2 }] },
    });
    for text in [
        "params.text in ['a', 'b']",
        "'b' in params.texts && params.texts[1] == 'b' && size(params.texts) == 2",
        "params.yes && params.none == null && params.half < 1.0",
        "params.nested.list.exists(item, item.n == 2)",
        "params.nested.list.all(item, has(item.n) && item.n > 0)",
        "params.texts.exists_one(text, text == 'a')",
        "params['text'].endsWith('a') && 'text' in params && !('other' in params)",
        "has(params.text) && !has(params.other) && size(params) == 6",
        "params.yes ? true : params.other == 1",
    ] {
        assert_eq!(holds(text, params.clone()), Ok(true), "{text}");
    }
}

#[test]
fn what_is_missing_is_an_error_and_can_be_asked_for() {
    assert_eq!(
        holds("params.quota > 0", json!({})),
        Err("there is no `quota`; `has(..)` asks whether there is".into())
    );
    assert_eq!(holds("has(params.quota) && params.quota > 0", json!({})), Ok(false));
}

#[test]
fn a_value_of_another_type_is_an_error_that_does_not_show_it() {
    let error = holds("params.quota > 0", json!({ "quota": "canary" })).unwrap_err();
    assert_eq!(error, "`>` does not go with string and int");
}

#[test]
fn what_yields_no_boolean_for_an_event_is_an_error_that_does_not_show_it() {
    let error = holds("params.quota", json!({ "quota": "canary" })).unwrap_err();
    assert_eq!(error, "it yields a string, not true or false");
}

#[test]
fn a_secret_is_absent() {
    let params = json!({ "password": { "$secret": "canary" }, "nested": { "token": "canary" } });
    for text in [
        "has(params.password)",
        "'password' in params",
        "has(params.nested.token)",
        "params.exists(name, name == 'password')",
    ] {
        assert_eq!(holds(text, params.clone()), Ok(false), "{text}");
    }
}

#[test]
fn a_field_that_the_handler_does_not_see_is_absent() {
    let params = json!({ "quota": 5, "name": "a" });
    for text in ["has(params.quota)", "has(old.quota)", "'quota' in params", "size(params) == 2"] {
        assert_eq!(seen(text, params.clone(), &|name| name == "name"), Ok(false), "{text}");
    }
}

#[test]
fn only_what_it_mentions_is_converted() {
    let many: Vec<u32> = (0..10_000).collect();
    assert_eq!(holds("params.quota == 5", json!({ "quota": 5, "many": many })), Ok(true));
}

#[test]
fn what_it_mentions_is_bounded() {
    let values: Vec<u32> = (0..300).collect();
    let text = "x".repeat(MAX_TEXT + 1);
    assert_eq!(
        holds("size(params.many) > 0", json!({ "many": values })),
        Err("what it mentions has more than 256 values".into())
    );
    assert_eq!(
        holds("size(params.text) > 0", json!({ "text": text })),
        Err("what it mentions has more than 16384 bytes of text".into())
    );
}

#[test]
fn the_costliest_condition_that_is_accepted_ends_soon() {
    // One macro over a full list, whose every step searches all the text that a condition can be given.
    let search = "params.long.contains(x)";
    let body: Vec<&str> = std::iter::repeat_n(search, 6).collect();
    let text = format!("params.list.all(x, !({}))", body.join(" || "));
    let list: Vec<String> = (0..200).map(|n| format!("aab{n}")).collect();
    let long = "a".repeat(MAX_TEXT - 2_000);
    let begun = Instant::now();
    assert_eq!(holds(&text, json!({ "list": list, "long": long })), Ok(true));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_condition_whose_steps_are_too_many_is_refused() {
    let text = ["params.a.all(x, x > 1 && x < 9)"; 10].join(" && ");
    assert!(
        refused(&text).starts_with("it can take more than 10000 steps: "),
        "{}",
        refused(&text)
    );
}

#[test]
fn what_could_cost_more_than_its_length_is_refused() {
    for (text, reason) in [
        ("params.a.all(x, params.b.all(y, x == y))", "a macro cannot be used inside another"),
        (
            "[1, 2].all(x, x > 0)",
            "a macro can be used only on a list of the event, such as `params.x`",
        ),
        (
            "params.a.map(x, x) == []",
            "its macros are has, all, exists and exists_one; `map` and `filter` are not",
        ),
        (
            "params.a.filter(x, x > 1) == []",
            "its macros are has, all, exists and exists_one; `map` and `filter` are not",
        ),
        ("params.a.all(x, x + x == 'aa')", "`+` cannot be used inside a macro"),
        ("params.a.all(params, true)", "a macro cannot call its element `params`"),
    ] {
        assert_eq!(refused(text), reason, "{text}");
    }
}

#[test]
fn what_lies_too_deep_is_refused() {
    for (open, close) in [("[", "]"), ("!(", ")"), ("size([", "])"), ("true?(", "):true")] {
        let count = 1_000 / (open.len() + close.len());
        let text = format!("{}true{}", open.repeat(count), close.repeat(count));
        assert!(Condition::parse(&text, Phase::Before).is_err(), "{text}");
    }
    let sum = vec!["depth"; 40].join(" + ");
    assert_eq!(refused(&format!("{sum} > 1")), "its parts lie more than 32 deep in one another");
}

#[test]
fn parentheses_alone_cost_nothing() {
    let text = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    assert_eq!(holds(&text, json!({})), Ok(true));
}

#[test]
fn what_is_too_long_is_refused() {
    let text = format!("params.a == '{}'", "x".repeat(MAX_BYTES));
    assert_eq!(refused(&text), "it has 1038 bytes, the limit is 1024");
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in ["", "params.quota >", "params..x", "'open", "a b", "\u{0}", "[", "has(params)"] {
        assert!(refused(text).starts_with("it is not an expression"), "{text}: {}", refused(text));
    }
}

#[test]
fn a_name_that_is_not_known_is_refused_with_the_nearest() {
    assert_eq!(
        refused("parms.quota > 0"),
        "its variables are action, phase, params, old, actor, object, attributes, dry_run, depth, \
         status (did you mean `params`?); there is no `parms`"
    );
    assert_eq!(
        refused("params.a.startswith('x')"),
        "its functions are contains, startsWith, endsWith, size, int, double, string (did you mean \
         `startsWith`?); there is no `startswith`"
    );
    assert_eq!(
        refused("actor.rolle == 'reseller'"),
        "`actor` has kind, role, id, name (did you mean `role`?), and no `rolle`"
    );
}

#[test]
fn a_regular_expression_is_no_part_of_it() {
    assert!(refused("params.a.matches('(a+)+')").ends_with("there is no `matches`"));
}

#[test]
fn the_status_is_not_known_before_an_action() {
    assert_eq!(refused("status == 'failed'"), "`status` is known only after an action");
}

#[test]
fn what_can_never_be_true_or_false_is_refused() {
    for text in ["1", "'yes'", "params.a + 1", "size(params.a)", "[true]", "action"] {
        assert_eq!(refused(text), "it yields something else than true or false", "{text}");
    }
}

#[test]
fn a_division_by_zero_and_an_overflow_are_errors() {
    assert_eq!(
        holds("1 / depth == 1 / (depth - 2)", json!({})),
        Err("a number is divided by zero".into())
    );
    assert_eq!(
        holds("9223372036854775807 + depth > 0", json!({})),
        Err("a number is too large".into())
    );
}

#[test]
fn a_condition_on_one_field_of_twelve_costs_little() {
    let params: serde_json::Map<String, serde_json::Value> =
        (0..12).map(|n| (format!("field{n}"), json!(n))).collect();
    let call = call(params.into());
    let condition =
        Condition::parse("has(params.field5) && params.field5 > 3", Phase::Before).unwrap();
    let given = Given { call: &call, params: &call.params, sees: &|_| true };
    let mut fastest = Duration::MAX;
    for _ in 0..200 {
        let begun = Instant::now();
        assert_eq!(condition.holds(&given), Ok(true));
        fastest = fastest.min(begun.elapsed());
    }
    // A bound with room for a debug build; the benches have the figure.
    assert!(fastest < Duration::from_micros(50), "{fastest:?}");
    eprintln!("a condition took {fastest:?}");
}

#[test]
fn params_are_those_that_the_handlers_before_left() {
    let call = call(json!({ "quota": 5 }));
    let altered: Params = serde_json::from_value(json!({ "quota": 6 })).unwrap();
    let condition = Condition::parse("params.quota == 6", Phase::Before).unwrap();
    assert_eq!(
        condition.holds(&Given { call: &call, params: &altered, sees: &|_| true }),
        Ok(true)
    );
}
