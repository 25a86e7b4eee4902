//! The operator's console, as a browser without scripts gets it.

mod entrance;
mod extensions;
mod journal;

use hyper::StatusCode;
use palisade_tests::visitor::{Visited, Visitor};
use palisade_tests::{Running, TestHost};

/// A host with a console.
async fn host() -> Running {
    TestHost::new().config("[console]\nlisten = \"127.0.0.1:0\"").start().await
}

/// The path of an address that opens the console once.
async fn ticket(host: &Running) -> String {
    let ticket = host.post("/v1/console/tickets", serde_json::json!({})).await;
    let url = ticket["url"].as_str().unwrap().to_owned();
    let origin = format!("http://{}", host.console_address());
    url.strip_prefix(&origin).unwrap().to_owned()
}

/// An operator who is signed in.
async fn operator(host: &Running) -> Visitor {
    let mut visitor = Visitor::new(host.console_address());
    let answer = visitor.get(&ticket(host).await).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    visitor.keep_cookie(&answer);
    visitor
}

/// A page that is shown.
async fn shown(visitor: &Visitor, path: &str) -> Visited {
    let answer = visitor.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer
}

/// Sends a form with the token of a page that has one.
async fn send(visitor: &Visitor, page: &str, path: &str, form: &[(&str, &str)]) -> Visited {
    let token = shown(visitor, page).await.value_of(".token");
    let form: Vec<(&str, &str)> =
        [(".token", token.as_str())].into_iter().chain(form.iter().copied()).collect();
    visitor.post(path, &form).await
}

/// Sends a form that is taken, and returns the page that it leads to.
async fn taken(visitor: &Visitor, page: &str, path: &str, form: &[(&str, &str)]) -> Visited {
    let answer = send(visitor, page, path, form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
    shown(visitor, answer.header("location")).await
}

#[track_caller]
fn has(page: &Visited, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "`{text}` is not in {}", page.text);
    }
}

#[tokio::test]
async fn every_page_is_shown_where_nothing_is_installed() {
    let host = host().await;
    let visitor = operator(&host).await;
    has(&shown(&visitor, "/").await, &["No extension is installed yet", "Nothing waits for you"]);
    has(&shown(&visitor, "/extensions").await, &["palisade install FILE"]);
    has(&shown(&visitor, "/hooks").await, &["No hook has a handler here"]);
    has(&shown(&visitor, "/journal").await, &["Nothing happened yet"]);
    has(&shown(&visitor, "/live").await, &["data-live=\"/live/rows\""]);
    has(&shown(&visitor, "/fire").await, &["mailbox.create"]);
    has(&shown(&visitor, "/about").await, &["[console]", "slots = 256"]);
    has(&shown(&visitor, "/install").await, &["type=\"file\""]);
}

#[tokio::test]
async fn a_page_that_there_is_not_is_named_with_the_request() {
    let host = host().await;
    let visitor = operator(&host).await;
    let answer = visitor.get("/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let id = answer.header("x-request-id").to_owned();
    assert!(palisade_tests::is_generated(&id), "{id}");
    has(&answer, &["the console has no page <code>/nothing</code>", &id]);
    for path in ["/extensions/nobody", "/journal/nothing", "/hooks/during/x", "/hooks/before/a..b"]
    {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
    let answer = visitor.get("/sign-out").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn every_answer_is_for_this_browser_alone() {
    let host = host().await;
    let visitor = operator(&host).await;
    for path in ["/", "/nothing", "/sign-in", "/live/rows"] {
        let answer = visitor.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
    }
}

#[tokio::test]
async fn pages_have_no_script_and_no_style_within_them_and_load_nothing_from_elsewhere() {
    let host = host().await;
    let visitor = operator(&host).await;
    for path in ["/", "/extensions", "/fire", "/about", "/live"] {
        let page = shown(&visitor, path).await.text;
        for part in [" style=", "<style", " onclick", "javascript:", "src=\"http", "href=\"http"] {
            assert!(!page.contains(part), "{path} has `{part}`");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}");
    }
}

#[tokio::test]
async fn the_first_view_is_small_and_its_files_are_kept() {
    let host = host().await;
    let visitor = operator(&host).await;
    let page = shown(&visitor, "/").await.text;
    let files: Vec<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .map(|text| text.split('"').next().unwrap())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let zipped = [("accept-encoding", "gzip")];
    let mut bytes = 0;
    for path in files.into_iter().chain(["/"]) {
        let answer = visitor.request(hyper::Method::GET, path, &zipped, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let length: usize = answer.header("content-length").parse().unwrap_or(answer.text.len());
        bytes += length;
        if path != "/" {
            assert!(answer.header("cache-control").contains("immutable"), "{path}");
        }
    }
    assert!(bytes < 150 << 10, "{bytes}");
}
