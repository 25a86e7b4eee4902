//! In which order handlers run, and what each sees.

use super::*;

#[tokio::test]
async fn a_higher_priority_runs_first() {
    let scene = Scene::before(json!({}))
        .handler("a", "priority = 10", proceed())
        .handler("b", "priority = 100", proceed())
        .handler("c", "priority = 0", proceed());
    assert_eq!(scene.play().await.called(), ["b", "a", "c"]);
}

#[tokio::test]
async fn the_priority_is_50_unless_it_is_given() {
    let scene = Scene::before(json!({}))
        .handler("a", "priority = 49", proceed())
        .handler("b", WATCH, proceed())
        .handler("c", "priority = 51", proceed());
    assert_eq!(scene.play().await.called(), ["c", "b", "a"]);
}

#[tokio::test]
async fn of_equal_priority_the_lower_identifier_runs_first() {
    let scene = Scene::before(json!({}))
        .handler("c", WATCH, proceed())
        .handler("a.z", WATCH, proceed())
        .handler("b", WATCH, proceed());
    assert_eq!(scene.play().await.called(), ["a.z", "b", "c"]);
}

#[tokio::test]
async fn what_can_alter_or_skip_runs_before_what_cannot_whatever_the_priority() {
    let scene = Scene::before(json!({}))
        .handler("a", "powers = ['deny'], priority = 100", proceed())
        .handler("b", "priority = 99", proceed())
        .handler("c", "powers = ['skip'], priority = 1", proceed())
        .handler("d", "powers = ['alter', 'deny'], alter = ['*'], priority = 0", proceed());
    assert_eq!(scene.play().await.called(), ["c", "d", "a", "b"]);
}

#[tokio::test]
async fn after_the_action_there_is_one_round() {
    let scene = Scene::after(Status::Succeeded, None)
        .handler("a", "powers = ['alter'], alter = ['*'], priority = 10", proceed())
        .handler("b", "priority = 90", proceed());
    assert_eq!(scene.play().await.called(), ["b", "a"]);
}

#[tokio::test]
async fn a_handler_sees_what_those_before_it_changed() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 2), set("note", "a")]))
        .answering("b", ALTER, |event, _| match event.params["quota"] {
            Value::Integer(quota) => alter([set("quota", quota * 10)]),
            _ => fail(),
        })
        .play()
        .await;
    assert_eq!(format!("{:?}", played.call_of("b").event.params), r#"{"quota": 2, "note": "a"}"#);
    assert_eq!(played.verdict.params["quota"], Value::Integer(20));
}

#[tokio::test]
async fn the_second_round_sees_the_final_parameters() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", "powers = ['deny'], priority = 100", proceed())
        .handler("b", "priority = 99", proceed())
        .handler("c", ALTER, alter([set("quota", 2)]))
        .handler("d", ALTER, alter([set("quota", 3)]))
        .play()
        .await;
    assert_eq!(played.called(), ["c", "d", "a", "b"]);
    assert_eq!(played.call_of("a").event.params["quota"], Value::Integer(3));
    assert_eq!(played.call_of("b").event.params["quota"], Value::Integer(3));
}

#[tokio::test]
async fn the_second_round_sees_what_was_changed_before_a_skip() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 2)]))
        .handler("b", SKIP, skip(None))
        .handler("c", DENY, proceed())
        .play()
        .await;
    assert_eq!(played.call_of("c").event.params["quota"], Value::Integer(2));
}

#[tokio::test]
async fn the_call_itself_stays_as_the_panel_made_it() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 2)]))
        .handler("b", DENY, proceed())
        .play()
        .await;
    assert_eq!(played.call_of("b").event.call.params["quota"], Value::Integer(1));
}

/// The contract says so of `event.result`: a result is what the panel is about to show after the action.
#[tokio::test]
async fn before_the_action_nobody_sees_a_result() {
    let played = Scene::before(json!({}))
        .handler("a", SKIP, skip(Some(json!({ "id": 1 }))))
        .handler("b", DENY, proceed())
        .play()
        .await;
    assert_eq!(played.call_of("b").event.result, None);
}

#[tokio::test]
async fn what_a_failed_handler_asked_for_is_not_seen() {
    let played = Scene::before(json!({ "quota": 1 }))
        .handler("a", DENY, alter([set("quota", 2)]))
        .handler("b", DENY, proceed())
        .play()
        .await;
    assert_eq!(played.call_of("b").event.params["quota"], Value::Integer(1));
}

#[tokio::test]
async fn an_extension_without_a_handler_of_this_hook_is_not_called() {
    let mut scene = Scene::before(json!({})).handler("a", WATCH, proceed());
    scene.extensions.push(Arc::new(extension("b", "before:mailbox.delete", WATCH)));
    scene.extensions.push(Arc::new(extension("c", "after:mailbox.create", WATCH)));
    assert_eq!(scene.play().await.called(), ["a"]);
}

#[tokio::test]
async fn the_trace_has_one_entry_for_each_handler_that_ran() {
    let played = Scene::before(json!({}))
        .handler("a", WATCH, proceed())
        .handler("b", SKIP, skip(None))
        .handler("c", SKIP, skip(None))
        .handler("d", DENY, fail())
        .handler("e", DENY, deny("no"))
        .handler("f", DENY, deny("no"))
        .play()
        .await;
    let traced: Vec<&str> = played.verdict.trace.iter().map(|trace| &*trace.extension).collect();
    assert_eq!(traced, ["b", "a", "d", "e"]);
    assert_eq!(traced, played.called());
}

#[tokio::test]
async fn the_trace_tells_what_a_handler_used() {
    let verdict = Scene::before(json!({})).handler("a", WATCH, fail()).verdict().await;
    let trace = &verdict.trace[0];
    assert_eq!((&*trace.version, trace.fuel, trace.memory), ("1.2.3", 11, 22));
    assert_eq!(trace.log, [LogRecord { level: LogLevel::Info, message: "a was here".into() }]);
}
