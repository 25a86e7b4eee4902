//! What a handler may change before the action.

use super::*;

/// What can alter `quota` and `note`, of which the catalogue knows the first.
const TWO_FIELDS: &str = "powers = ['alter'], alter = ['quota', 'note']";

#[tokio::test]
async fn a_field_is_added() {
    let scene = Scene::before(json!({})).handler("a", ALTER, alter([set("quota", 5)]));
    assert_eq!(line(&scene.verdict().await), "proceed | quota=5 | a changed quota -→5 | a:alter");
}

#[tokio::test]
async fn a_field_is_taken_out() {
    let scene = Scene::before(json!({ "quota": 5, "note": "x", "address": "info" }));
    let scene = scene.handler("a", ALTER, alter([take_out("note")]));
    assert_eq!(
        line(&scene.verdict().await),
        "proceed | quota=5 | address=\"info\" | a changed note \"x\"→- | a:alter"
    );
}

#[tokio::test]
async fn a_changed_field_keeps_its_place() {
    let scene = Scene::before(json!({ "quota": 5, "note": "x" }));
    let verdict = scene.handler("a", ALTER, alter([set("quota", 6)])).verdict().await;
    assert_eq!(verdict.params.get_index_of("quota"), Some(0));
}

#[tokio::test]
async fn who_changed_what_is_told_for_each_handler() {
    let verdict = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 2)]))
        .handler("b", ALTER, alter([set("quota", 3), set("note", "b")]))
        .handler("c", ALTER, alter([take_out("quota")]))
        .verdict()
        .await;
    assert_eq!(
        line(&verdict),
        "proceed | note=\"b\" | a changed quota 1→2 | b changed quota 2→3 | b changed note -→\"b\" \
         | c changed quota 3→- | a:alter b:alter c:alter"
    );
}

#[tokio::test]
async fn what_changes_nothing_is_not_listed() {
    let scene = Scene::before(json!({ "quota": 5 }));
    let changes = [set("quota", 5), take_out("note"), set("address", "info")];
    assert_eq!(
        line(&scene.handler("a", ALTER, alter(changes)).verdict().await),
        "proceed | quota=5 | address=\"info\" | a changed address -→\"info\" | a:alter"
    );
}

#[tokio::test]
async fn a_change_that_is_taken_back_is_listed_twice() {
    let verdict = Scene::before(json!({ "quota": 1 }))
        .handler("a", ALTER, alter([set("quota", 2)]))
        .handler("b", ALTER, alter([set("quota", 1)]))
        .verdict()
        .await;
    assert_eq!(
        line(&verdict),
        "proceed | quota=1 | a changed quota 1→2 | b changed quota 2→1 | a:alter b:alter"
    );
}

#[tokio::test]
async fn an_alteration_without_the_power_is_a_bad_answer() {
    let scene = Scene::before(json!({})).handler("a", DENY, alter([set("quota", 5)]));
    let verdict = scene.verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it answered `alter`, a power that it does not have for this hook"
    );
}

#[tokio::test]
async fn a_field_that_is_not_listed_is_not_altered() {
    let scene = Scene::before(json!({})).handler("a", TWO_FIELDS, alter([set("domain", "a.test")]));
    let verdict = scene.verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `domain`, which is not among the fields that it may alter"
    );
    assert!(verdict.params.is_empty());
}

#[tokio::test]
async fn a_field_that_is_not_listed_is_not_taken_out() {
    let scene = Scene::before(json!({ "domain": "a.test" }));
    let verdict = scene.handler("a", TWO_FIELDS, alter([take_out("domain")])).verdict().await;
    assert_eq!(line(&verdict), "proceed | domain=\"a.test\" | a:bad-answer");
}

#[tokio::test]
async fn one_bad_change_undoes_all_of_an_answer() {
    let scene = Scene::before(json!({ "quota": 1, "note": "x" }));
    let changes = [set("quota", 2), take_out("note"), set("domain", "a.test")];
    let verdict = scene.handler("a", TWO_FIELDS, alter(changes)).verdict().await;
    assert_eq!(line(&verdict), "proceed | quota=1 | note=\"x\" | a:bad-answer");
}

#[tokio::test]
async fn one_bad_answer_leaves_the_changes_of_others() {
    let verdict = Scene::before(json!({ "quota": 1 }))
        .handler("a", TWO_FIELDS, alter([set("quota", 2)]))
        .handler("b", TWO_FIELDS, alter([set("quota", 3), set("domain", "a.test")]))
        .verdict()
        .await;
    assert_eq!(line(&verdict), "proceed | quota=2 | a changed quota 1→2 | a:alter b:bad-answer");
}

#[tokio::test]
async fn a_value_must_be_of_the_type_in_the_catalogue() {
    let scene = Scene::before(json!({})).handler("a", ALTER, alter([set("quota", "5")]));
    let verdict = scene.verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `quota`, a field of type integer, to a value of type text"
    );
}

#[tokio::test]
async fn the_type_in_the_catalogue_beats_that_of_the_current_value() {
    let scene =
        Scene::before(json!({ "quota": "5" })).handler("a", ALTER, alter([set("quota", 6)]));
    assert_eq!(
        line(&scene.verdict().await),
        "proceed | quota=6 | a changed quota \"5\"→6 | a:alter"
    );
}

#[tokio::test]
async fn a_value_must_be_of_the_current_type_if_the_catalogue_does_not_know_the_field() {
    let scene =
        Scene::before(json!({ "note": ["x"] })).handler("a", ALTER, alter([set("note", "y")]));
    let verdict = scene.verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `note`, a field of type list, to a value of type text"
    );
}

#[tokio::test]
async fn a_field_that_nobody_knows_takes_every_type() {
    let scene =
        Scene::before(json!({})).handler("a", ALTER, alter([set("note", json!({ "x": 1 }))]));
    let verdict = scene.verdict().await;
    assert_eq!(line(&verdict), "proceed | note={\"x\":1} | a changed note -→{\"x\":1} | a:alter");
}

#[tokio::test]
async fn a_field_without_a_value_takes_every_type_if_the_catalogue_does_not_know_it() {
    let scene = Scene::before(json!({ "note": null })).handler("a", ALTER, alter([set("note", 1)]));
    assert_eq!(line(&scene.verdict().await), "proceed | note=1 | a changed note null→1 | a:alter");
}

#[tokio::test]
async fn a_field_without_a_value_keeps_the_type_of_the_catalogue() {
    let scene =
        Scene::before(json!({ "quota": null })).handler("a", ALTER, alter([set("quota", true)]));
    let verdict = scene.verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `quota`, a field of type integer, to a value of type boolean"
    );
}

#[tokio::test]
async fn null_fits_every_field() {
    let scene = Scene::before(json!({ "quota": 5, "note": "x" }));
    let changes = [set("quota", json!(null)), set("note", json!(null))];
    assert_eq!(
        line(&scene.handler("a", ALTER, alter(changes)).verdict().await),
        "proceed | quota=null | note=null | a changed quota 5→null | a changed note \"x\"→null | a:alter"
    );
}

#[tokio::test]
async fn the_fields_of_a_panels_own_action_have_the_type_that_they_have() {
    let scene = Scene::of("acme.thing", json!({ "size": 1.5 }), None);
    let verdict = scene.handler("a", ALTER, alter([set("size", "big")])).verdict().await;
    assert_eq!(
        bad_answer(&verdict),
        "it altered `size`, a field of type number, to a value of type text"
    );
}

#[tokio::test]
async fn a_whole_number_fits_where_a_number_is() {
    let scene = Scene::of("acme.thing", json!({ "size": 1.5 }), None);
    let verdict = scene.handler("a", ALTER, alter([set("size", 2)])).verdict().await;
    assert_eq!(line(&verdict), "proceed | size=2 | a changed size 1.5→2 | a:alter");
}
