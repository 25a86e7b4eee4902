//! The operator's console, as an operator sees and uses it.

use palisade_tests::browser::{Look, Page};
use palisade_tests::{Running, TestHost};
use serde_json::json;

use super::framing::{Site, frame, framed, listener};
use super::{browser, desk, look_at, mailboxes};

/// Bytes of the first view of the console.
const MAX_FIRST_VIEW: u64 = 150 * 1024;

/// A host with a console, and these extensions.
async fn host(extensions: &[&str]) -> Running {
    let host = TestHost::new().config("[console]\nlisten = \"127.0.0.1:0\"").start().await;
    for name in extensions {
        host.install(name).await;
    }
    host
}

fn url(host: &Running, path: &str) -> String {
    format!("http://{}{path}", host.console_address())
}

/// Signs an operator in by an address that can be used once.
async fn enter(host: &Running, page: &Page) {
    let ticket = host.post("/v1/console/tickets", json!({})).await;
    page.open(ticket["url"].as_str().unwrap()).await;
}

/// A customer who wants a name that is reserved. Returns the call's identifier.
async fn denied(host: &Running) -> String {
    let verdict = host
        .before(
            "mailbox.create",
            json!({
                "params": { "address": "root@shop.example" },
                "actor": { "id": "7", "role": "customer" },
            }),
        )
        .await;
    assert_eq!(verdict["verdict"], "deny");
    verdict["action_id"].as_str().unwrap().to_owned()
}

/// Looks at pages of the console on a desk and on a telephone, in light and dark.
async fn look_at_all(host: &Running, paths: &[(&str, &str)]) {
    let browser = browser!();
    for look in Look::all() {
        let page = browser.page(look).await;
        enter(host, &page).await;
        for (name, path) in paths {
            page.open(&url(host, path)).await;
            look_at(&page, &format!("console-{name}")).await;
        }
    }
}

#[tokio::test]
async fn every_page_of_the_console_works_where_nothing_is_installed() {
    let host = host(&[]).await;
    let paths = [
        ("empty-overview", "/"),
        ("empty-extensions", "/extensions"),
        ("empty-hooks", "/hooks"),
        ("empty-journal", "/journal"),
        ("empty-live", "/live"),
    ];
    look_at_all(&host, &paths).await;
}

#[tokio::test]
async fn every_page_of_the_console_works_on_desk_and_telephone_in_light_and_dark() {
    let host = host(&["reserved-names", "site-notes", "mailbox-insights", "domain-defaults"]).await;
    mailboxes(&host, 20).await;
    let call = format!("/journal/{}", denied(&host).await);
    let paths = [
        ("overview", "/"),
        ("extensions", "/extensions"),
        ("extension", "/extensions/site-notes"),
        ("grants", "/extensions/site-notes/grants"),
        ("settings", "/extensions/reserved-names/settings"),
        ("remove", "/extensions/site-notes/remove"),
        ("install", "/install"),
        ("hooks", "/hooks"),
        ("hook", "/hooks/before/mailbox.create"),
        ("journal", "/journal"),
        ("call", &call),
        ("live", "/live"),
        ("fire-action", "/fire?action=mailbox.create"),
        ("about", "/about"),
    ];
    look_at_all(&host, &paths).await;
}

#[tokio::test]
async fn only_the_token_of_the_operator_lets_somebody_in() {
    let browser = browser!();
    let host = host(&[]).await;
    for look in Look::all() {
        let page = browser.page(look).await;
        page.open(&url(&host, "/journal")).await;
        assert_eq!(page.text("h1").await, "Sign in");
        look_at(&page, "console-sign-in").await;
        page.fill("input[name=token]", &host.token("panel")).await;
        page.follow("button[type=submit]").await;
        page.refused_once(401).await;
        look_at(&page, "console-sign-in-problem").await;
        page.fill("input[name=token]", &host.token("operator")).await;
        page.follow("button[type=submit]").await;
        assert_eq!(page.text("h1").await, "Journal");
        page.check().await;
    }
}

#[tokio::test]
async fn the_first_view_of_the_console_is_small() {
    let browser = browser!();
    let host = host(&["reserved-names", "site-notes"]).await;
    mailboxes(&host, 20).await;
    let page = desk(&browser).await;
    enter(&host, &page).await;
    let bytes = page.noted().bytes;
    assert!((1..=MAX_FIRST_VIEW).contains(&bytes), "{bytes} bytes");
    page.check().await;
}

#[tokio::test]
async fn an_event_is_fired_by_a_form_and_its_verdict_shown() {
    let browser = browser!();
    let host = host(&["reserved-names"]).await;
    let page = desk(&browser).await;
    enter(&host, &page).await;
    page.open(&url(&host, "/fire?action=mailbox.create")).await;
    page.fill("input[name='in.address']", "root@shop.example").await;
    page.eval("document.querySelector('select[name=role]').value = 'customer'").await;
    page.fill("input[name=actor]", "person:7").await;
    page.follow("main form button[type=submit]").await;
    let shown = page.text("main").await;
    assert!(
        shown.contains("the name `root` is reserved by the provider")
            || shown.contains("the name root is reserved by the provider"),
        "{shown}"
    );
    look_at(&page, "console-fired").await;
}

#[tokio::test]
async fn nobody_frames_the_console() {
    let browser = browser!();
    let host = host(&[]).await;
    let page = desk(&browser).await;
    enter(&host, &page).await;
    let other = Site::new(listener().await, frame(&url(&host, "/"))).await;
    let shown = framed(&page, &format!("http://{}/", other.address)).await;
    assert!(!shown.contains("Overview") && !shown.contains("Sign in"), "{shown}");
    let violations = page.noted().violations.join("\n");
    assert!(violations.contains("frame-ancestors"), "{violations}");
}
