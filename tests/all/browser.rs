//! Pages in a real browser: what a person sees and does, on a desk and on a telephone, in light and dark, with keys
//! alone and without scripts; and what a page must never do.

mod console;
mod examples;
mod framing;
mod panel;
mod payloads;

use palisade_tests::browser::{Browser, Page};
use palisade_tests::{Running, TestHost};
use serde_json::{Value, json};

/// A host that shows pages to browsers, with these extensions.
async fn host(extensions: &[&str], config: &str) -> Running {
    let config = format!("[gui]\nlisten = \"127.0.0.1:0\"\n{config}");
    let host = TestHost::new().config(&config).start().await;
    for name in extensions {
        host.install(name).await;
    }
    host
}

/// A customer with two domains.
fn customer() -> Value {
    json!({ "id": "7", "name": "Ada", "role": "customer", "objects": [domain(), domain_of("blog.example")] })
}

fn domain() -> Value {
    domain_of("shop.example")
}

fn domain_of(name: &str) -> Value {
    json!({ "kind": "domain", "id": name })
}

/// The address that opens a session of a customer at a page.
async fn address(host: &Running, extension: &str, page: &str, more: Value) -> String {
    let mut start = json!({ "extension": extension, "page": page });
    if extension == "site-notes" {
        start["object"] = domain();
    }
    let mut request = json!({ "person": customer(), "page": start });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let session = host.post("/v1/gui/sessions", request).await;
    session["url"].as_str().unwrap_or_else(|| panic!("no address: {session}")).to_owned()
}

/// Opens a page of an extension.
async fn open(host: &Running, page: &Page, extension: &str, name: &str) {
    page.open(&address(host, extension, name, json!({})).await).await;
}

/// Has something happen to as many mailboxes, more often to those that come later.
async fn mailboxes(host: &Running, number: usize) {
    for index in 0..number {
        let address = format!("box-{index:02}@shop.example");
        let request = json!({ "params": { "address": address } });
        host.after("mailbox.create", request.clone()).await;
        if index % 3 == 0 {
            host.after("mailbox.password.change", request.clone()).await;
        }
        if index % 7 == 0 {
            host.after("mailbox.delete", request).await;
        }
    }
}

/// Looks at a page in every way, and takes pictures of it.
async fn look_at(page: &Page, name: &str) {
    page.fits().await;
    page.accessible().await;
    page.reached_by_keys().await;
    page.picture(name).await;
    page.check().await;
}

/// The browser, unless there is none and the test is skipped.
macro_rules! browser {
    () => {
        match palisade_tests::browser::Browser::start().await {
            Some(browser) => browser,
            None => return,
        }
    };
}
pub(crate) use browser;

/// The first browser of a test, for what is not about how it looks.
async fn desk(browser: &Browser) -> Page {
    browser.page(palisade_tests::browser::Look::default()).await
}
