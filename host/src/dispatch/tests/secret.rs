//! Secret fields: only who names one may change it, and what it becomes is as secret.

use super::*;

/// What names the secret field of `mailbox.create`.
const PASSWORD: &str = "powers = ['alter'], alter = ['password', 'note']";

#[tokio::test]
async fn a_secret_field_is_not_altered_by_who_does_not_name_it() {
    let scene = Scene::before(json!({ "password": "canary" }));
    let verdict = scene.handler("a", ALTER, alter([set("password", "new")])).verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `password`, which is secret and not named among the fields that it may alter"
    );
}

#[tokio::test]
async fn a_secret_field_is_not_taken_out_by_who_does_not_name_it() {
    let scene = Scene::before(json!({ "password": "canary" }));
    let verdict = scene.handler("a", ALTER, alter([take_out("password")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | password=secret | a:bad-answer");
}

#[tokio::test]
async fn a_secret_field_is_not_added_by_who_does_not_name_it() {
    let scene = Scene::before(json!({})).handler("a", ALTER, alter([set("password", "new")]));
    assert_eq!(line(&scene.verdict().await), "proceed | a:bad-answer");
}

#[tokio::test]
async fn who_names_a_secret_field_replaces_it_with_a_secret() {
    let scene = Scene::before(json!({ "password": "canary" }));
    let verdict = scene.handler("a", PASSWORD, alter([set("password", "new")])).verdict().await;
    assert_eq!(
        line(&verdict),
        "proceed | password=secret | a changed password secret→secret | a:alter"
    );
    assert_eq!(verdict.params["password"], Value::Text("new".into()).sealed());
}

#[tokio::test]
async fn who_names_a_secret_field_adds_a_secret() {
    let scene = Scene::before(json!({})).handler("a", PASSWORD, alter([set("password", "new")]));
    assert_eq!(
        line(&scene.verdict().await),
        "proceed | password=secret | a changed password -→secret | a:alter"
    );
}

#[tokio::test]
async fn who_names_a_secret_field_takes_it_out() {
    let scene = Scene::before(json!({ "password": "canary" }));
    let verdict = scene.handler("a", PASSWORD, alter([take_out("password")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | a changed password secret→- | a:alter");
}

#[tokio::test]
async fn a_secret_that_is_replaced_with_itself_is_not_changed() {
    let scene = Scene::before(json!({ "password": "canary" }));
    let verdict = scene.handler("a", PASSWORD, alter([set("password", "canary")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | password=secret | a:alter");
}

#[tokio::test]
async fn what_the_panel_marks_is_secret_in_any_field() {
    let scene = Scene::before(json!({ "note": { "$secret": "canary" } }));
    let verdict = scene.handler("a", ALTER, alter([set("note", "new")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | note=secret | a:bad-answer");
}

#[tokio::test]
async fn what_replaces_what_the_panel_marked_is_secret() {
    let scene = Scene::before(json!({ "note": { "$secret": "canary" } }));
    let verdict = scene.handler("a", PASSWORD, alter([set("note", "new")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | note=secret | a changed note secret→secret | a:alter");
}

#[tokio::test]
async fn a_secret_keeps_its_type_and_is_not_told() {
    let scene = Scene::before(json!({ "note": { "$secret": "canary" } }));
    let verdict = scene.handler("a", PASSWORD, alter([set("note", 5)])).verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `note`, a field of type text, to a value of type integer"
    );
}

#[tokio::test]
async fn no_secret_shows_in_a_verdict() {
    let verdict = Scene::before(json!({ "password": "canary", "note": { "$secret": "canary" } }))
        .handler("a", PASSWORD, alter([set("password", "canary2"), set("note", "canary3")]))
        .handler("b", PASSWORD, alter([take_out("password"), set("note", 5)]))
        .verdict()
        .await;
    assert!(!format!("{verdict:?}").contains("canary"), "{verdict:?}");
}

#[tokio::test]
async fn a_new_field_whose_name_says_so_is_secret() {
    let scene = Scene::of("acme.thing", json!({}), None);
    let on = "powers = ['alter'], alter = ['api_token']";
    let verdict = scene.handler("a", on, alter([set("api_token", "new")])).verdict().await;
    assert_eq!(
        line(&verdict),
        "proceed | api_token=secret | a changed api_token -→secret | a:alter"
    );
}

#[tokio::test]
async fn a_new_field_whose_name_says_that_it_is_secret_must_be_named() {
    let scene = Scene::of("acme.thing", json!({}), None);
    let verdict = scene.handler("a", ALTER, alter([set("api_token", "new")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | a:bad-answer");
}

#[tokio::test]
async fn what_the_panel_marked_stays_secret_when_it_was_taken_out_and_is_set_again() {
    let verdict = Scene::before(json!({ "note": { "$secret": "canary" } }))
        .handler("a", PASSWORD, alter([take_out("note")]))
        .handler("b", PASSWORD, alter([set("note", "new")]))
        .verdict()
        .await;
    assert_eq!(
        line(&verdict),
        "proceed | note=secret | a changed note secret→- | b changed note -→secret | a:alter b:alter"
    );
}
