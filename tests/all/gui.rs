//! Pages over JSON: sessions, what a person may see, signed rows and forms, and changes to pages of the panel.

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost};
use serde_json::{Value, json};

const NOTES: &str = "/v1/gui/pages/site-notes/notes";

/// A host with `site-notes`.
async fn host() -> Running {
    let host = TestHost::new().start().await;
    host.install("site-notes").await;
    host
}

/// Opens a session of a customer who may see one domain.
async fn customer(host: &Running, id: &str, domain: &str) -> String {
    let person = json!({
        "id": id, "name": id, "role": "customer",
        "objects": [{ "kind": "domain", "id": domain }],
    });
    open(host, json!({ "person": person })).await
}

async fn open(host: &Running, request: Value) -> String {
    let session = host.post("/v1/gui/sessions", request).await;
    session["id"].as_str().unwrap().to_owned()
}

async fn get(host: &Running, session: &str, path: &str) -> Answer {
    host.request_in(session, Method::GET, path, &Value::Null).await
}

/// The page of a domain's note.
async fn note(host: &Running, session: &str, domain: &str) -> Value {
    let answer = get(host, session, &format!("{NOTES}?object=domain:{domain}")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.json()["view"].clone()
}

async fn press(host: &Running, session: &str, act: &Value) -> Answer {
    host.request_in(session, Method::POST, &format!("{NOTES}/actions"), act).await
}

/// Keeps a note by the form that the session was given.
async fn keep(host: &Running, session: &str, domain: &str, text: &str) -> Value {
    let view = note(host, session, domain).await;
    let answer = press(
        host,
        session,
        &json!({
            "button": "save",
            "object": { "kind": "domain", "id": domain },
            "state": view["state"],
            "inputs": { "text": text, "colour": "red" },
        }),
    )
    .await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.json()
}

fn text_of(view: &Value) -> &Value {
    &view["sections"][0]["fields"][0]["value"]
}

#[tokio::test]
async fn a_form_is_shown_filled_in_and_shown_again_with_what_was_kept() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let view = note(&host, &session, "example.com").await;
    assert_eq!(view["type"], "form");
    assert_eq!(view["title"], "Notes about example.com");
    assert_eq!(text_of(&view), "");
    let reply = keep(&host, &session, "example.com", "call back").await;
    assert_eq!(reply, json!({ "type": "done", "message": "The note is kept." }));
    assert_eq!(text_of(&note(&host, &session, "example.com").await), "call back");
}

#[tokio::test]
async fn what_the_extension_finds_wrong_stands_at_its_field() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let reply = keep(&host, &session, "example.com", " ").await;
    let problem = json!({ "field": "text", "message": "Write something, or remove the note." });
    assert_eq!(reply, json!({ "type": "invalid", "problems": [problem] }));
}

#[tokio::test]
async fn a_value_of_another_type_does_not_reach_the_extension() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let state = note(&host, &session, "example.com").await["state"].clone();
    let object = json!({ "kind": "domain", "id": "example.com" });
    let act =
        json!({ "button": "save", "object": object, "state": state, "inputs": { "text": 7 } });
    let reply = press(&host, &session, &act).await.json();
    assert_eq!(reply["problems"], json!([{ "field": "text", "message": "must be a text" }]));
    let act =
        json!({ "button": "save", "object": object, "state": state, "inputs": { "owner": "1" } });
    let reply = press(&host, &session, &act).await.json();
    assert_eq!(reply["problems"][0]["message"], "the form has no field `owner`");
}

#[tokio::test]
async fn a_customer_reaches_no_object_of_another() {
    let host = host().await;
    let mine = customer(&host, "7", "example.com").await;
    let theirs = customer(&host, "8", "example.org").await;
    keep(&host, &theirs, "example.org", "theirs").await;
    let answer = get(&host, &mine, &format!("{NOTES}?object=domain:example.org")).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.object: this session does not show the domain `example.org`");
    let state = note(&host, &mine, "example.com").await["state"].clone();
    let object = json!({ "kind": "domain", "id": "example.org" });
    let act = json!({ "button": "remove", "object": object, "state": state });
    let answer = press(&host, &mine, &act).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.object: this session does not show the domain `example.org`");
    let answer = get(&host, &mine, "/v1/gui/places/object.tab?object=domain:example.org").await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.object: this session does not show the domain `example.org`");
    assert_eq!(text_of(&note(&host, &theirs, "example.org").await), "theirs");
}

#[tokio::test]
async fn a_form_of_one_session_is_refused_in_another() {
    let host = host().await;
    let mine = customer(&host, "7", "example.com").await;
    let other = customer(&host, "8", "example.com").await;
    let state = note(&host, &other, "example.com").await["state"].clone();
    let object = json!({ "kind": "domain", "id": "example.com" });
    let inputs = json!({ "text": "x", "colour": "red" });
    let act = json!({ "button": "save", "object": object, "state": state, "inputs": inputs });
    let answer = press(&host, &mine, &act).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.state: the state of the form was not given in this session, or was changed (hint: show the page anew, and send its `state` as it is)");
    let act = json!({ "button": "save", "object": object, "rows": ["example.com"], "inputs": {} });
    let answer = press(&host, &mine, &act).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.row: this row was not shown in this session: `example.com`");
}

#[tokio::test]
async fn a_page_is_shown_to_its_roles_alone() {
    let host = host().await;
    let person = json!({
        "id": "9", "role": "mailbox-user", "objects": [{ "kind": "domain", "id": "example.com" }],
    });
    let session = open(&host, json!({ "person": person })).await;
    let answer = get(&host, &session, &format!("{NOTES}?object=domain:example.com")).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.not-visible: the page `notes` of `site-notes` is not shown to the role `mailbox-user`");
    let place = get(&host, &session, "/v1/gui/places/object.tab?object=domain:example.com").await;
    assert_eq!(place.json(), json!({ "pages": [] }));
}

#[tokio::test]
async fn a_place_has_what_was_granted_for_it() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let path = "/v1/gui/places/object.tab?object=domain:example.com";
    let page = json!({
        "extension": "site-notes", "page": "notes", "title": "Notes", "icon": "note", "priority": 50,
    });
    assert_eq!(get(&host, &session, path).await.json(), json!({ "pages": [page] }));
    let change = json!({ "revoke": ["show object.tab domain"] });
    host.post("/v1/extensions/site-notes/grants", change).await;
    assert_eq!(get(&host, &session, path).await.json(), json!({ "pages": [] }));
    let answer = get(&host, &session, &format!("{NOTES}?object=domain:example.com")).await;
    insta::assert_snapshot!(answer.refusal(), @r#"403 page.not-granted: `show object.tab domain` is not granted; the operator can: palisade grants add site-notes "show object.tab domain""#);
}

#[tokio::test]
async fn an_overlay_adds_a_column_with_a_cell_for_each_row() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    keep(&host, &session, "example.com", "first\nsecond").await;
    let page = json!({
        "page": "domain.list",
        "rows": [
            { "id": "example.com", "cells": { "name": "example.com" } },
            { "id": "example.net", "cells": { "name": "example.net" } },
        ],
    });
    let answer = host.request_in(&session, Method::POST, "/v1/gui/overlays", &page).await;
    let overlays = answer.json()["overlays"].clone();
    assert_eq!(overlays[0]["place"], "list.column");
    assert_eq!(overlays[0]["edits"][0]["type"], "add-column");
    assert_eq!(overlays[0]["edits"][0]["cells"], json!(["first", ""]));
}

#[tokio::test]
async fn a_page_of_the_panel_is_about_an_object_that_the_person_sees() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let page =
        json!({ "page": "domain.list", "object": { "kind": "domain", "id": "example.org" } });
    let answer = host.request_in(&session, Method::POST, "/v1/gui/overlays", &page).await;
    insta::assert_snapshot!(answer.refusal(), @"403 page.object: this session does not show the domain `example.org`");
}

#[tokio::test]
async fn a_session_ends_when_the_panel_says_so() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let other = customer(&host, "7", "example.com").await;
    let path = format!("/v1/gui/sessions/{session}");
    let answer = host.request(Method::DELETE, &path, "").await;
    assert_eq!(answer.json(), json!({ "closed": 1 }));
    let answer = get(&host, &session, "/v1/gui/places/menu.main").await;
    insta::assert_snapshot!(answer.refusal(), @"404 session.unknown: there is no such session, or it ended (hint: open a new one)");
    let closed = host.request(Method::DELETE, "/v1/gui/sessions?person=7", "").await.json();
    assert_eq!(closed, json!({ "closed": 1 }));
    assert_eq!(get(&host, &other, "/v1/gui/places/menu.main").await.status, 404);
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    let mut refusals = Vec::new();
    for path in [
        "/v1/gui/places/menu.mian",
        "/v1/gui/pages/nobody/notes",
        "/v1/gui/pages/site-notes/nothing",
        NOTES,
        "/v1/gui/pages/site-notes/notes?object=domain",
        "/v1/gui/pages/site-notes/notes?object=mailbox:1",
        "/v1/gui/pages/site-notes/notes?object=domain:example.com&row=forged",
    ] {
        refusals.push(get(&host, &session, path).await.refusal());
    }
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    404 place.unknown: there is no place `menu.mian` (hint: did you mean `menu.main`?)
    404 extension.unknown: no extension `nobody` is installed
    404 page.unknown: `site-notes` has no page `nothing`
    403 page.object: the page `notes` is about a `domain`, and none is named
    422 request.invalid: `object` must be a kind and an identifier: `domain` (hint: such as `domain:example.com`)
    403 page.object: the page `notes` is about a `domain`, not about a `mailbox`
    403 page.row: this row was not shown in this session: `forged`
    "#);
}

#[tokio::test]
async fn a_session_that_makes_no_sense_is_refused() {
    let host = host().await;
    let person = json!({ "id": "7", "role": "customer" });
    let mut refusals = Vec::new();
    for request in [
        json!({ "person": { "id": "", "role": "customer" } }),
        json!({ "person": { "id": "7\n", "role": "customer" } }),
        json!({ "person": person, "locale": "not a language" }),
        json!({ "person": person, "lifetime_s": 86_401 }),
        json!({ "person": person, "theme": { "variables": { "accent": "red;} body{" } } }),
        json!({ "person": person, "theme": { "variables": { "accent": "url(//example.net)" } } }),
        json!({ "person": person, "panel_pages": { "home": "javascript:alert(1)" } }),
        json!({ "person": person, "page": {
            "extension": "site-notes", "page": "notes",
            "object": { "kind": "domain", "id": "example.org" },
        } }),
    ] {
        let answer = host.request(Method::POST, "/v1/gui/sessions", request.to_string()).await;
        refusals.push(answer.refusal());
    }
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    422 request.invalid: `person.id` is empty
    422 request.invalid: `person.id` must be at most 256 bytes without control characters: `7\n`
    422 request.invalid: `locale` is not a language tag such as `de` or `pt-BR`: `not a language`
    422 request.invalid: `lifetime_s` must be 1 to 86400: 86401
    422 request.invalid: `theme.variables` has `accent: red;} body{`, which is no colour, length or font
    422 request.invalid: `theme.variables` has `accent: url(//example.net)`, which is no colour, length or font
    422 request.invalid: `panel_pages` has an address that is neither https, http nor a path: `javascript:alert(1)`
    422 request.invalid: `page.object` is the domain `example.org`, which is not among `person.objects`
    "#);
}

#[tokio::test]
async fn every_button_is_in_the_journal_and_no_drawing_of_a_page() {
    let host = host().await;
    let session = customer(&host, "7", "example.com").await;
    keep(&host, &session, "example.com", "x").await;
    let journal = host.get("/v1/journal").await;
    let actions: Vec<_> = journal["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["page.act"]);
}
