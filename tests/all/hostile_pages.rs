//! Pages that no page may be, over JSON: each is a fault that says what it was, and nobody else notices.

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost};
use serde_json::{Value, json};

const TOLD: &str = "/v1/gui/pages/hostile-pages/told";
const NOTES: &str = "/v1/gui/pages/site-notes/notes";

/// A host with `hostile-pages` and a neighbour, and a session of somebody who may see a domain.
async fn host(config: &str) -> (Running, String) {
    let host = TestHost::new().config(config).start().await;
    for name in ["hostile-pages", "site-notes"] {
        host.install(name).await;
    }
    let objects = json!([{ "kind": "domain", "id": "example.com" }]);
    let person = json!({ "id": "7", "role": "customer", "objects": objects });
    let session = host.post("/v1/gui/sessions", json!({ "person": person })).await;
    (host, session["id"].as_str().unwrap().to_owned())
}

/// Has the page show what a command says.
async fn tell(host: &Running, session: &str, command: &str) -> Answer {
    let path = format!("{TOLD}?search={}", palisade_tests::percent_encoded(command));
    host.request_in(session, Method::GET, &path, &Value::Null).await
}

/// What is said of a page, without what differs from call to call.
fn said(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    let hint = error["hint"].as_str().unwrap_or_default();
    let id = hint.split('`').nth(1).unwrap_or_default();
    assert!(palisade_tests::is_generated(id), "no call is named: {}", answer.text);
    answer.refusal().replace(id, "ID")
}

/// Has the neighbour's page shown, which must be as ever.
async fn neighbour(host: &Running, session: &str) {
    let path = format!("{NOTES}?object=domain:example.com");
    let answer = host.request_in(session, Method::GET, &path, &Value::Null).await;
    assert_eq!(answer.json()["view"]["title"], "Notes about example.com", "{}", answer.text);
}

/// Says what becomes of pages, one in a line, and has the neighbour's page shown after each.
async fn outcomes(host: &Running, session: &str, commands: &[&str]) -> String {
    let mut lines = Vec::new();
    for command in commands {
        let answer = tell(host, session, command).await;
        assert_eq!(answer.status, 424, "{command}: {}", answer.text);
        lines.push(format!("{command}: {}", said(&answer)));
        neighbour(host, session).await;
    }
    lines.join("\n")
}

#[tokio::test]
async fn a_page_that_has_too_much_is_a_fault_that_says_of_what() {
    let (host, session) = host("").await;
    let commands = [
        "rows:1000000",
        "text:10485760",
        "columns:51",
        "buttons:51",
        "notes:51",
        "sections:51",
        "fields:201",
        "choices:1001",
        "widgets:51",
        "series:21",
        "points:5001",
        "nodes:201",
        "deep:13",
        "deep:200",
    ];
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await);
}

#[tokio::test]
async fn a_layout_that_is_no_tree_is_a_fault() {
    let (host, session) = host("").await;
    let commands = [
        "cycle",
        "to-root",
        "to-itself",
        "two-parents",
        "orphan",
        "missing-child",
        "no-nodes",
        "shares",
        "titles",
        "leaf-parent",
    ];
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await);
}

#[tokio::test]
async fn a_page_whose_parts_do_not_fit_is_a_fault() {
    let (host, session) = host("").await;
    let commands = [
        "cells:0",
        "cells:2",
        "row-twice",
        "column-twice",
        "buttons:2",
        "sections:2",
        "fields:2",
        "choices:2",
        "widgets:2",
        "secret-cell",
        "control-name",
        "empty-name",
        "url:javascript:alert(1)",
        "url:data:text/html,x",
        "url:no address",
        "pattern:(",
        "props:{",
        "state:{",
        "span:0",
        "span:13",
        "point:NaN",
        "point:inf",
    ];
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await);
}

#[tokio::test]
async fn a_page_that_never_ends_is_stopped() {
    let (host, session) = host("").await;
    let commands = ["loop", "memory", "recurse", "panic", "fail:no `such` thing"];
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await);
}

#[tokio::test]
async fn a_page_is_stopped_at_its_deadline() {
    let (host, session) = host("[limits.page]\nfuel = 10000000000\ndeadline-ms = 200\n").await;
    insta::assert_snapshot!(outcomes(&host, &session, &["loop"]).await);
}

#[tokio::test]
async fn a_call_that_failed_is_in_the_journal_under_the_identifier_that_is_named() {
    let (host, session) = host("").await;
    let answer = tell(&host, &session, "cycle").await;
    let id = answer.json()["error"]["hint"].as_str().unwrap().split('`').nth(1).unwrap().to_owned();
    let journal = host.get(&format!("/v1/journal/{id}")).await;
    let entry = &journal["entries"][0];
    assert_eq!(entry["action"], "page.render");
    assert_eq!(entry["trace"][0]["extension"], "hostile-pages");
    assert_eq!(entry["trace"][0]["fault"]["code"], "answer");
}

#[tokio::test]
async fn drawing_a_page_writes_nothing() {
    let (host, session) = host("").await;
    let title = async |command: &str| {
        let answer = tell(&host, &session, command).await;
        answer.json()["view"]["title"].as_str().unwrap().to_owned()
    };
    assert_eq!(title("write:key").await, "dry-run");
    assert_eq!(title("read:key").await, "none");

    let act = json!({ "button": "write", "inputs": {} });
    let path = format!("{TOLD}/actions");
    let written = host.request_in(&session, Method::POST, &path, &act).await.json();
    assert_eq!(written["view"]["title"], "written");
    assert_eq!(title("read:key").await, "written");
}

#[tokio::test]
async fn texts_that_would_be_markup_are_texts() {
    let (host, session) = host("").await;
    for view in ["form", "listing", "empty", "dashboard", "layout"] {
        let answer = tell(&host, &session, &format!("{view}:1")).await;
        let shown = &answer.json()["view"];
        assert_eq!(shown["title"], "<script>pwned(1)</script>", "{}", answer.text);
    }
}
