//! After the action: who runs by how it ended, and what becomes of the result.

use super::*;

fn on_every_status() -> [Scene; 4] {
    [Status::Succeeded, Status::Skipped, Status::Denied, Status::Failed].map(|status| {
        Scene::after(status, None)
            .handler("default", WATCH, proceed())
            .handler("denied", "status = ['denied']", proceed())
            .handler("failed", "status = ['failed']", proceed())
            .handler("skipped", "status = ['skipped']", proceed())
            .handler("not-denied", "status = ['succeeded', 'skipped', 'failed']", proceed())
    })
}

#[tokio::test]
async fn after_a_success_run_those_that_name_no_status_or_this() {
    let [scene, ..] = on_every_status();
    assert_eq!(scene.play().await.called(), ["default", "not-denied"]);
}

#[tokio::test]
async fn after_a_skip_run_only_those_that_name_it() {
    let [_, scene, ..] = on_every_status();
    assert_eq!(scene.play().await.called(), ["not-denied", "skipped"]);
}

#[tokio::test]
async fn after_a_denial_run_only_those_that_name_it() {
    let [.., scene, _] = on_every_status();
    assert_eq!(scene.play().await.called(), ["denied"]);
}

#[tokio::test]
async fn after_a_failure_run_only_those_that_name_it() {
    let [.., scene] = on_every_status();
    assert_eq!(scene.play().await.called(), ["failed", "not-denied"]);
}

#[tokio::test]
async fn without_handlers_the_result_is_that_of_the_panel() {
    let verdict = Scene::after(Status::Succeeded, Some(json!([1]))).verdict().await;
    assert_eq!(line(&verdict), "proceed | result [1]");
}

#[tokio::test]
async fn an_alteration_changes_members_of_the_result() {
    let scene = Scene::after(Status::Succeeded, Some(json!({ "id": 5, "url": "x", "note": "n" })));
    let changes = [set("url", "y"), take_out("note"), set("new", json!([1]))];
    assert_eq!(
        line(&scene.handler("a", ALTER, alter(changes)).verdict().await),
        "proceed | a changed url \"x\"→\"y\" | a changed note \"n\"→- | a changed new -→[1] \
         | result {\"id\":5,\"url\":\"y\",\"new\":[1]} | a:alter"
    );
}

#[tokio::test]
async fn an_alteration_after_the_action_leaves_the_parameters() {
    let ended = Ended { status: Status::Succeeded, result: None };
    let scene = Scene::of("mailbox.create", json!({ "quota": 1 }), Some(ended));
    let verdict = scene.handler("a", ALTER, alter([set("quota", 2)])).verdict().await;
    assert_eq!(
        line(&verdict),
        "proceed | quota=1 | a changed quota -→2 | result {\"quota\":2} | a:alter"
    );
}

#[tokio::test]
async fn a_handler_sees_the_result_that_those_before_it_changed() {
    let played = Scene::after(Status::Succeeded, Some(json!({ "id": 1 })))
        .handler("a", ALTER, alter([set("id", 2)]))
        .handler("b", ALTER, alter([set("id", 3)]))
        .play()
        .await;
    assert_eq!(played.call_of("b").event.result.as_deref(), Some(&json!({ "id": 2 })));
    assert_eq!(
        line(&played.verdict),
        "proceed | a changed id 1→2 | b changed id 2→3 | result {\"id\":3} | a:alter b:alter"
    );
}

#[tokio::test]
async fn an_absent_result_becomes_an_object() {
    let scene = Scene::after(Status::Succeeded, None).handler("a", ALTER, alter([set("id", 1)]));
    assert_eq!(
        line(&scene.verdict().await),
        "proceed | a changed id -→1 | result {\"id\":1} | a:alter"
    );
}

#[tokio::test]
async fn a_result_that_is_not_an_object_is_not_altered() {
    let scene = Scene::after(Status::Succeeded, Some(json!("<doc/>")));
    let verdict = scene.handler("a", ALTER, alter([set("id", 1)])).verdict().await;
    assert_eq!(bad_answer(&verdict), "it altered a result that is not a JSON object");
    assert_eq!(verdict.result.as_deref(), Some(&json!("<doc/>")));
}

#[tokio::test]
async fn one_bad_change_leaves_the_result() {
    let scene = Scene::after(Status::Succeeded, Some(json!({ "id": 1 })));
    let on = "powers = ['alter'], alter = ['id']";
    let verdict = scene.handler("a", on, alter([set("id", 2), set("url", "x")])).verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `url`, which is not among the fields that it may alter"
    );
    assert_eq!(line(&verdict), "proceed | result {\"id\":1} | a:bad-answer");
}

#[tokio::test]
async fn an_alteration_of_the_result_needs_the_power() {
    let scene = Scene::after(Status::Succeeded, Some(json!({})));
    let verdict = scene.handler("a", WATCH, alter([set("id", 2)])).verdict().await;
    assert_eq!(line(&verdict), "proceed | result {} | a:bad-answer");
}

#[tokio::test]
async fn what_changes_nothing_in_the_result_is_not_listed() {
    let result = json!({ "id": 1, "names": ["x"], "more": { "a": [1] }, "none": null });
    let scene = Scene::after(Status::Succeeded, Some(result));
    let changes = [
        set("id", 1),
        set("names", json!(["x"])),
        set("more", json!({ "a": [1] })),
        set("none", json!(null)),
        take_out("missing"),
    ];
    let verdict = scene.handler("a", ALTER, alter(changes)).verdict().await;
    assert_eq!(verdict.alterations, []);
}

#[tokio::test]
async fn bytes_that_the_result_already_has_are_not_listed() {
    let bytes = Change { name: "icon".into(), value: Some(Value::Bytes(vec![0, 1])) };
    let verdict = Scene::after(Status::Succeeded, None)
        .handler("a", ALTER, alter([bytes.clone()]))
        .handler("b", ALTER, alter([bytes]))
        .verdict()
        .await;
    assert_eq!(
        line(&verdict),
        "proceed | a changed icon -→{\"$bytes\":\"AAE=\"} | result {\"icon\":{\"$bytes\":\"AAE=\"}} \
         | a:alter b:alter"
    );
}

#[tokio::test]
async fn an_action_that_is_done_is_neither_skipped_nor_denied() {
    let verdict = Scene::after(Status::Succeeded, Some(json!(1)))
        .handler("a", ALTER, skip(Some(json!(2))))
        .handler("b", ALTER, deny("no"))
        .verdict()
        .await;
    assert_eq!(line(&verdict), "proceed | result 1 | a:bad-answer b:bad-answer");
}

#[tokio::test]
async fn a_fault_after_the_action_leaves_the_others() {
    let verdict = Scene::after(Status::Succeeded, None)
        .handler("a", WATCH, fail())
        .handler("b", ALTER, alter([set("id", 1)]))
        .verdict()
        .await;
    assert_eq!(line(&verdict), "proceed | b changed id -→1 | result {\"id\":1} | a:fuel b:alter");
}
