//! The example `mailbox-insights`: what its handler counted, its pages show to whoever may see it.

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost};
use serde_json::{Value, json};

const PAGES: &str = "/v1/gui/pages/mailbox-insights";

async fn host() -> Running {
    let host = TestHost::new().start().await;
    host.install("mailbox-insights").await;
    host
}

async fn event(host: &Running, action: &str, address: &str) {
    host.after(action, json!({ "params": { "address": address } })).await;
}

/// Opens a session of a customer who may see these domains.
async fn customer(host: &Running, domains: &[&str]) -> String {
    let objects: Vec<Value> =
        domains.iter().map(|id| json!({ "kind": "domain", "id": id })).collect();
    let person = json!({ "id": "7", "role": "customer", "objects": objects });
    let session = host.post("/v1/gui/sessions", json!({ "person": person })).await;
    session["id"].as_str().unwrap().to_owned()
}

async fn view(host: &Running, session: &str, page: &str) -> Value {
    let answer =
        host.request_in(session, Method::GET, &format!("{PAGES}/{page}"), &Value::Null).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.json()["view"].clone()
}

/// The first cells of a list.
async fn addresses(host: &Running, session: &str, query: &str) -> Vec<String> {
    let listing = view(host, session, &format!("mailboxes?{query}")).await;
    let rows = listing["rows"].as_array().unwrap();
    rows.iter().map(|row| row["cells"][0].as_str().unwrap().to_owned()).collect()
}

async fn forget(host: &Running, session: &str, row: &Value) -> Answer {
    let act = json!({ "button": "forget", "rows": [row], "inputs": {} });
    host.request_in(session, Method::POST, &format!("{PAGES}/mailboxes/actions"), &act).await
}

#[tokio::test]
async fn what_happened_is_counted_and_shown() {
    let host = host().await;
    let session = customer(&host, &["shop.example"]).await;
    event(&host, "mailbox.create", "ada@shop.example").await;
    event(&host, "mailbox.password.change", "Ada@Shop.example").await;
    event(&host, "mailbox.delete", "ben@shop.example").await;

    let listing = view(&host, &session, "mailboxes").await;
    let cells = |row: usize| {
        let cells = listing["rows"][row]["cells"].as_array().unwrap();
        cells.iter().take(3).cloned().collect::<Value>()
    };
    assert_eq!(cells(0), json!(["ada@shop.example", true, 2]));
    assert_eq!(cells(1), json!(["ben@shop.example", false, 1]));

    let widgets = view(&host, &session, "overview").await["widgets"].clone();
    assert_eq!(widgets[0]["body"]["value"], 1);
    assert_eq!(widgets[1]["body"]["value"], 3);
    let created = widgets[2]["body"]["series"][0]["points"].as_array().unwrap();
    assert_eq!((created.len(), &created[13][1]), (14, &json!(1.0)));
}

#[tokio::test]
async fn a_rehearsal_is_not_shown() {
    let host = host().await;
    let session = customer(&host, &["shop.example"]).await;
    let request = json!({ "params": { "address": "ada@shop.example" }, "dry_run": true });
    host.after("mailbox.create", request).await;
    assert!(addresses(&host, &session, "").await.is_empty());
}

#[tokio::test]
async fn a_list_is_searched_sorted_and_comes_in_parts() {
    let host = host().await;
    let session = customer(&host, &["shop.example"]).await;
    for address in ["ada@shop.example", "ben@shop.example", "zoe@shop.example"] {
        event(&host, "mailbox.create", address).await;
    }
    event(&host, "mailbox.update", "ben@shop.example").await;
    assert_eq!(addresses(&host, &session, "search=ZO").await, ["zoe@shop.example"]);
    let busiest = addresses(&host, &session, "sort=events&descending=true&limit=1").await;
    assert_eq!(busiest, ["ben@shop.example"]);

    let first = view(&host, &session, "mailboxes?limit=2").await;
    assert_eq!((&first["total"], first["rows"].as_array().unwrap().len()), (&json!(3), 2));
    let after = format!("limit=2&after={}", first["next"].as_str().unwrap());
    assert_eq!(addresses(&host, &session, &after).await, ["zoe@shop.example"]);
}

#[tokio::test]
async fn mailboxes_of_others_are_not_shown_and_not_forgotten() {
    let host = host().await;
    let mine = customer(&host, &["shop.example"]).await;
    let theirs = customer(&host, &["blog.example"]).await;
    event(&host, "mailbox.create", "ada@shop.example").await;
    event(&host, "mailbox.create", "ben@blog.example").await;
    assert_eq!(addresses(&host, &mine, "").await, ["ada@shop.example"]);
    assert_eq!(view(&host, &mine, "overview").await["widgets"][1]["body"]["value"], 1);

    let listing = view(&host, &theirs, "mailboxes").await;
    let row = &listing["rows"][0]["id"];
    let refused = forget(&host, &mine, row).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "page.row".into()));
    let reply = forget(&host, &theirs, row).await.json();
    assert_eq!(reply["message"], "ben@blog.example is forgotten.");
    assert!(addresses(&host, &theirs, "").await.is_empty());
}

#[tokio::test]
async fn a_mailbox_that_was_chosen_has_a_page() {
    let host = host().await;
    let session = customer(&host, &["shop.example"]).await;
    event(&host, "mailbox.create", "ada@shop.example").await;
    let listing = view(&host, &session, "mailboxes").await;
    let row = palisade_tests::percent_encoded(listing["rows"][0]["id"].as_str().unwrap());
    let page = view(&host, &session, &format!("mailbox?row={row}")).await;
    assert_eq!((&page["type"], &page["title"]), (&json!("layout"), &json!("ada@shop.example")));
}
