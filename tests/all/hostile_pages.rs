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

/// What is said of a page that is a fault, without what is said of each.
fn said(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status.as_u16(), &error["code"]),
        (424, &json!("page.fault")),
        "{}",
        answer.text
    );
    let hint = error["hint"].as_str().unwrap_or_default();
    let id = hint.split('`').nth(1).unwrap_or_default();
    assert!(palisade_tests::is_generated(id), "no call is named: {}", answer.text);
    let message = answer.message();
    message.strip_prefix("`hostile-pages` failed: ").unwrap_or(&message).to_owned()
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
        "rows:1001",
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
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await, @"
    rows:1000000: out of fuel: the limit is 100000000 units
    rows:1001: bad answer: it has 1001 rows, the limit is 1000
    text:10485760: too much data handed to the host in one call: the limit is 1048576 bytes
    columns:51: bad answer: it has 51 columns, the limit is 50
    buttons:51: bad answer: it has 51 buttons, the limit is 50
    notes:51: bad answer: it has 51 notes, the limit is 50
    sections:51: bad answer: it has 51 sections, the limit is 50
    fields:201: bad answer: it has 201 fields, the limit is 200
    choices:1001: bad answer: it has 1001 choices, the limit is 1000
    widgets:51: bad answer: it has 51 widgets, the limit is 50
    series:21: bad answer: it has 21 series, the limit is 20
    points:5001: bad answer: it has 5001 points, the limit is 5000
    nodes:201: bad answer: it has 201 nodes, the limit is 200
    deep:13: bad answer: its nodes nest more than 12 deep
    deep:200: bad answer: its nodes nest more than 12 deep
    ");
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
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await, @"
    cycle: bad answer: node 2 has the child 1, which is not after it
    to-root: bad answer: node 1 has the child 0, which is not after it
    to-itself: bad answer: node 0 has the child 0, which is not after it
    two-parents: bad answer: node 3 is not there, or is there twice
    orphan: bad answer: node 1 belongs to no other
    missing-child: bad answer: node 4294967295 is not there, or is there twice
    no-nodes: bad answer: node 0 is not there, or is there twice
    shares: bad answer: node 0 shares 255 of 12 columns
    titles: bad answer: node 0 has 1 titles and 0 children
    leaf-parent: bad answer: node 0 is of a kind that has no children, and has 1
    ");
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
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await, @r"
    cells:0: bad answer: the row `r` has 0 cells, and there are 1 columns
    cells:2: bad answer: the row `r` has 2 cells, and there are 1 columns
    row-twice: bad answer: the row `r` is there twice
    column-twice: bad answer: the column `c` is there twice
    buttons:2: bad answer: the button `b` is there twice
    sections:2: bad answer: the section `s` is there twice
    fields:2: bad answer: the field `f` is there twice
    choices:2: bad answer: the choice `v` is there twice
    widgets:2: bad answer: the widget `w` is there twice
    secret-cell: bad answer: the case `secret` of a value is never valid in an answer
    control-name: bad answer: a button must be a name without control characters: `b\u{1}`
    empty-name: bad answer: a button must be a name without control characters: ``
    url:javascript:alert(1): bad answer: an address is https, http or mailto, not `javascript`
    url:data:text/html,x: bad answer: an address is https, http or mailto, not `data`
    url:no address: bad answer: not an address: relative URL without a base: `no address`
    pattern:(: bad answer: not a regular expression: regex parse error:
        (
        ^
    error: unclosed group: `(`
    props:{: bad answer: properties are not JSON: EOF while parsing an object at line 1 column 1
    state:{: bad answer: the state of a form is not JSON: EOF while parsing an object at line 1 column 1
    span:0: bad answer: a widget takes 1 to 12 columns, not 0
    span:13: bad answer: a widget takes 1 to 12 columns, not 13
    point:NaN: bad answer: the value of a point is NaN, which is no number to show
    point:inf: bad answer: the value of a point is inf, which is no number to show
    ");
}

#[tokio::test]
async fn a_page_that_never_ends_is_stopped() {
    let (host, session) = host("").await;
    let commands = ["loop", "memory", "recurse", "panic", "fail:no `such` thing"];
    insta::assert_snapshot!(outcomes(&host, &session, &commands).await, @"
    loop: out of fuel: the limit is 100000000 units
    memory: out of memory: 67174400 bytes asked for, the limit is 67108864
    recurse: out of stack: the limit is 524288 bytes
    panic: trapped: wasm trap: wasm `unreachable` instruction executed: thread '<unnamed>' (1) panicked at hostile-pages/src/burn.rs:17:20: told to panic note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    fail:no `such` thing: failed: no `such` thing
    ");
}

#[tokio::test]
async fn a_page_is_stopped_at_its_deadline() {
    let (host, session) = host("[limits.page]\nfuel = 10000000000\ndeadline-ms = 200\n").await;
    insta::assert_snapshot!(outcomes(&host, &session, &["loop"]).await, @"loop: past its deadline of 200 ms");
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
    assert_eq!(entry["trace"][0]["fault"]["code"], "bad-answer");
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
