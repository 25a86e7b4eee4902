//! What happened, which handlers there are, and firing calls, in the console.

use hyper::StatusCode;
use serde_json::json;

use super::{has, host, operator, send, shown};

#[tokio::test]
async fn calls_are_listed_and_filtered() {
    let host = host().await;
    host.install("reserved-names").await;
    let about = |address: &str| json!({ "params": { "address": address } });
    host.before("mailbox.create", about("root@customer.example")).await;
    host.before("mailbox.create", about("me@customer.example")).await;
    let other =
        json!({ "object": { "kind": "domain", "id": "example.com" }, "actor": { "id": "admin" } });
    host.before("domain.delete", other).await;
    let visitor = operator(&host).await;
    let all = shown(&visitor, "/journal").await;
    has(
        &all,
        &[
            "before:mailbox.create",
            "before:domain.delete",
            "denied",
            "by reserved-names",
            "example.com",
            "admin",
        ],
    );
    let count = async |query: &str| {
        shown(&visitor, &format!("/journal?{query}"))
            .await
            .text
            .matches("<tr data-position")
            .count()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("verdict=deny").await, 1);
    assert_eq!(count("extension=reserved-names&verdict=").await, 2);
    assert_eq!(count("action=domain.delete").await, 1);
    assert_eq!(count("object=example.com").await, 1);
    assert_eq!(count("phase=after").await, 0);
    assert_eq!(count("faults=true").await, 0);
    assert_eq!(count("until=2026-01-01T00%3A00").await, 0);
    for query in ["since=yesterday", "before=x"] {
        let answer = visitor.get(&format!("/journal?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test]
async fn a_long_journal_comes_in_parts() {
    let host = host().await;
    for _ in 0..60 {
        host.before("domain.delete", json!({})).await;
    }
    let visitor = operator(&host).await;
    let first = shown(&visitor, "/journal").await;
    assert_eq!(first.text.matches("<tr data-position").count(), 50);
    let (link, _) = first.text.split_once("\" rel=\"next\"").unwrap();
    let next = link.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    let second = shown(&visitor, &next).await;
    assert_eq!(second.text.matches("<tr data-position").count(), 10);
    has(&second, &["Newest"]);
}

#[tokio::test]
async fn a_call_shows_who_changed_what() {
    let host = host().await;
    host.install("domain-defaults").await;
    let params = json!({ "domain": "EXAMPLE.com.", "password": "canary" });
    host.before("site.create", json!({ "id": "made", "params": params })).await;
    let visitor = operator(&host).await;
    let page = shown(&visitor, "/journal/made").await;
    has(
        &page,
        &[
            "What changed",
            "<del>EXAMPLE.com.</del>",
            "<ins>example.com</ins>",
            "domain-defaults",
            "altered",
        ],
    );
    assert!(!page.text.contains("canary"));
    has(&page, &["a secret, which nobody is shown"]);
}

#[tokio::test]
async fn a_fault_is_told_with_its_log_and_counted() {
    let host = host().await;
    host.install("misbehaving").await;
    host.before("custom.test", json!({ "id": "broken", "params": { "do": "unreachable" } })).await;
    let visitor = operator(&host).await;
    has(&shown(&visitor, "/journal/broken").await, &["trap", "Who decided what", "misbehaving"]);
    has(&shown(&visitor, "/").await, &["Recent faults", "/journal/broken"]);
    has(&shown(&visitor, "/extensions?state=failing").await, &["Misbehaving"]);
}

#[tokio::test]
async fn texts_of_panels_and_extensions_are_text() {
    let host = host().await;
    host.install("reserved-names").await;
    let bad = "<script>alert(1)</script>\"'>";
    let request = json!({
        "id": "evil", "params": { "address": format!("root@{bad}"), bad: bad },
        "object": { "kind": bad, "id": bad }, "actor": { "id": bad, "role": bad },
    });
    host.before("mailbox.create", request).await;
    let visitor = operator(&host).await;
    for path in ["/journal", "/journal/evil", "/live", "/live/rows", "/"] {
        let page = shown(&visitor, path).await;
        assert!(
            !page.text.contains("<script>") && !page.text.contains("\"'>"),
            "{path}: {}",
            page.text
        );
    }
}

#[tokio::test]
async fn what_is_newer_than_what_a_page_has_comes_as_rows() {
    let host = host().await;
    host.before("domain.delete", json!({ "id": "first" })).await;
    let visitor = operator(&host).await;
    let page = shown(&visitor, "/live").await;
    has(&page, &["/journal/first"]);
    let position = page.text.split("data-position=\"").nth(1).unwrap().split('"').next().unwrap();
    host.before("domain.delete", json!({ "id": "second" })).await;
    let rows = shown(&visitor, &format!("/live/rows?after={position}")).await;
    has(&rows, &["/journal/second"]);
    assert!(!rows.text.contains("/journal/first") && !rows.text.contains("<html"));
}

#[tokio::test]
async fn hooks_show_their_handlers_in_order() {
    let host = host().await;
    host.install("reserved-names").await;
    host.install("domain-defaults").await;
    host.install("audit-trail").await;
    let visitor = operator(&host).await;
    let list = shown(&visitor, "/hooks").await;
    has(&list, &["after:*", "before:site.create", "domain-defaults → reserved-names"]);
    let page = shown(&visitor, "/hooks/before/site.create").await;
    has(&page, &["First: who may alter or skip", "Then: who sees what is decided", "Fire it"]);
    let (first, then) = page.text.split_once("Then: who sees").unwrap();
    assert!(
        first.contains("/extensions/domain-defaults")
            && then.contains("/extensions/reserved-names")
    );
    has(&shown(&visitor, "/hooks/before/domain.delete").await, &["No extension handles this hook"]);
    has(&shown(&visitor, "/hooks/after/my.own").await, &["audit-trail", "a panel's own"]);
}

#[tokio::test]
async fn a_call_is_rehearsed_unless_it_is_meant() {
    let host = host().await;
    host.install("reserved-names").await;
    let visitor = operator(&host).await;
    let page = "/fire?action=mailbox.create";
    has(
        &shown(&visitor, page).await,
        &["name=\"in.address\"", "Rehearse", "popovertarget=\"meant\""],
    );
    let form = [
        ("action", "mailbox.create"),
        ("phase", "before"),
        ("in.address", "root@customer.example"),
        ("in.password", "canary"),
    ];
    let answer = send(&visitor, page, "/fire", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    has(&answer, &["denied", "rehearsal", "reserved-names", "value=\"root@customer.example\""]);
    assert!(!answer.text.contains("canary"));
    let entry = &host.get("/v1/journal?limit=1").await["entries"][0];
    assert_eq!((&entry["dry_run"], &entry["verdict"]), (&json!(true), &json!("deny")));
    has(&shown(&visitor, "/").await, &["<dt>Calls</dt><dd><span class=\"value\">0</span>"]);
    let meant = [&form[..], &[("mode", "real")]].concat();
    send(&visitor, page, "/fire", &meant).await;
    let entry = &host.get("/v1/journal?limit=1").await["entries"][0];
    assert_eq!(entry["dry_run"], false);
    has(&shown(&visitor, "/").await, &["<dt>Calls</dt><dd><span class=\"value\">1</span>"]);
}

#[tokio::test]
async fn what_cannot_be_fired_is_said_and_stays_entered() {
    let host = host().await;
    let visitor = operator(&host).await;
    let page = "/fire?action=mailbox.create";
    let wrong = [("json", "{", "not JSON"), ("object", "example.com", "a kind and an identifier")];
    for (name, value, reason) in wrong {
        let form = [("action", "mailbox.create"), ("in.address", "me@example.com"), (name, value)];
        let answer = send(&visitor, page, "/fire", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        has(&answer, &["It was not fired.", reason, "value=\"me@example.com\""]);
    }
    assert_eq!(visitor.get("/fire?action=a..b").await.status, StatusCode::BAD_REQUEST);
    has(&shown(&visitor, "/fire?action=mailbox.creat").await, &["Did you mean"]);
}
