//! Pages as HTML: the address of a session, its cookie, forms, and what keeps others out.

use hyper::{Method, StatusCode};
use palisade_tests::visitor::{Visited, Visitor};
use palisade_tests::{Running, TestHost};
use serde_json::{Value, json};

/// A host with `site-notes` that shows pages to browsers.
async fn host() -> Running {
    let config =
        "[gui]\nlisten = \"127.0.0.1:0\"\nframe-ancestors = [\"https://panel.example.com\"]";
    let host = TestHost::new().config(config).start().await;
    host.install("site-notes").await;
    host
}

/// Opens a session of a customer that begins at the note of their domain, and returns its address.
async fn address(host: &Running, person: &str, domain: &str, more: Value) -> String {
    let object = json!({ "kind": "domain", "id": domain });
    let mut request = json!({
        "person": { "id": person, "role": "customer", "objects": [object] },
        "page": { "extension": "site-notes", "page": "notes", "object": object },
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let session = host.post("/v1/gui/sessions", request).await;
    session["url"].as_str().unwrap().to_owned()
}

/// The path of an address.
fn path(url: &str) -> &str {
    let after = url.split_once("//").unwrap().1;
    &after[after.find('/').unwrap()..]
}

/// A visitor who came with the address of a session, and where it led.
async fn visitor(host: &Running, person: &str, domain: &str) -> (Visitor, String) {
    let url = address(host, person, domain, json!({})).await;
    let mut visitor = Visitor::new(host.gui_address());
    let answer = visitor.get(path(&url)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    visitor.keep_cookie(&answer);
    (visitor, answer.header("location").to_owned())
}

/// What a form of a page is sent with.
fn filled<'a>(
    token: &'a str,
    state: &'a str,
    text: &'a str,
    button: &'a str,
) -> [(&'a str, &'a str); 5] {
    [
        (".token", token),
        (".state", state),
        ("in.text", text),
        ("in.colour", "red"),
        (".button", button),
    ]
}

async fn save(visitor: &Visitor, page: &str, text: &str) -> Visited {
    let shown = visitor.get(page).await;
    let (token, state) = (shown.value_of(".token"), shown.value_of(".state"));
    visitor.post(page, &filled(&token, &state, text, "save")).await
}

#[tokio::test]
async fn an_address_lets_one_browser_in_and_only_once() {
    let host = host().await;
    let url = address(&host, "7", "example.com", json!({})).await;
    let first = Visitor::new(host.gui_address()).get(path(&url)).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    let cookie = first.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(cookie.contains("Path=/s/"), "{cookie}");
    let second = Visitor::new(host.gui_address()).get(path(&url)).await;
    assert_eq!(second.status, StatusCode::FORBIDDEN);
    assert!(
        second.text.contains("this address was used before, or not in time"),
        "{}",
        second.text
    );
}

#[tokio::test]
async fn behind_tls_the_cookie_is_for_frames_of_another_site() {
    let config = "[gui]\nlisten = \"127.0.0.1:0\"\nurl = \"https://pages.example.com\"";
    let host = TestHost::new().config(config).start().await;
    host.install("site-notes").await;
    let url = address(&host, "7", "example.com", json!({})).await;
    assert!(url.starts_with("https://pages.example.com/enter/"), "{url}");
    let entered = Visitor::new(host.gui_address()).get(path(&url)).await;
    let cookie = entered.header("set-cookie");
    for attribute in ["Secure", "SameSite=None", "Partitioned", "HttpOnly"] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
}

#[tokio::test]
async fn a_form_is_kept_and_says_so_once() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    let saved = save(&visitor, &page, "call <back>").await;
    assert_eq!((saved.status, saved.header("location")), (StatusCode::SEE_OTHER, page.as_str()));
    let shown = visitor.get(&page).await;
    assert!(shown.text.contains("call &lt;back&gt;"), "{}", shown.text);
    assert!(shown.text.contains("The note is kept."), "{}", shown.text);
    assert!(!visitor.get(&page).await.text.contains("The note is kept."));
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_with_what_was_entered() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    let refused = save(&visitor, &page, " ").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Write something, or remove the note."), "{}", refused.text);
    assert!(refused.text.contains("aria-invalid=\"true\""), "{}", refused.text);
}

#[tokio::test]
async fn a_cookie_opens_its_session_alone() {
    let host = host().await;
    let (mine, page) = visitor(&host, "7", "example.com").await;
    let (_, theirs) = visitor(&host, "8", "example.org").await;
    let nobody = Visitor::new(host.gui_address());
    for (visitor, path) in [(&mine, &theirs), (&nobody, &page)] {
        let refused = visitor.get(path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text.contains("this session ended, or it is not yours"));
    }
    let other = page.replace("example.com", "example.org");
    let refused = mine.get(&other).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("this session does not show the domain"), "{}", refused.text);
}

#[tokio::test]
async fn a_session_that_the_panel_ended_shows_nothing() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    host.request(Method::DELETE, "/v1/gui/sessions?person=7", "").await;
    assert_eq!(visitor.get(&page).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_forged_form_changes_nothing() {
    let host = host().await;
    let (mine, page) = visitor(&host, "7", "example.com").await;
    let shown = mine.get(&page).await;
    let (token, state) = (shown.value_of(".token"), shown.value_of(".state"));
    let (other, other_page) = visitor(&host, "8", "example.org").await;
    let theirs = other.get(&other_page).await.value_of(".token");
    for token in ["", "x", &theirs] {
        let refused = mine.post(&page, &filled(token, &state, "forged", "save")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{token}");
    }
    for headers in [
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "null"), ("accept", "*/*")],
        [("accept", "*/*"), ("sec-fetch-site", "same-site")],
    ] {
        let form = filled(&token, &state, "forged", "save");
        let refused = mine.post_from(&page, &form, &headers).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
    let forged = format!("{state}x");
    let refused = mine.post(&page, &filled(&token, &forged, "forged", "save")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!mine.get(&page).await.text.contains("forged"));
}

#[tokio::test]
async fn only_the_panel_can_show_a_page_in_a_frame_and_a_page_loads_nothing_from_elsewhere() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    let shown = visitor.get(&page).await;
    insta::assert_snapshot!(shown.header("content-security-policy"), @"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors https://panel.example.com");
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    let closed = TestHost::new().config("[gui]\nlisten = \"127.0.0.1:0\"").start().await;
    let refused = Visitor::new(closed.gui_address()).get("/").await;
    assert!(refused.header("content-security-policy").ends_with("frame-ancestors 'none'"));
    assert_eq!(refused.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_says_so_with_an_identifier() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    let session = page.split('/').take(3).collect::<Vec<_>>().join("/");
    for (path, status, said) in [
        ("/x".to_owned(), 404, "there is no <code>/x</code>"),
        (format!("{session}/site-notes/other"), 404, "has no page <code>other</code>"),
        (format!("{session}/nothing/notes"), 404, "no extension <code>nothing</code> is installed"),
        (
            format!("{session}/site-notes/notes"),
            403,
            "is about a <code>domain</code>, and none is named",
        ),
        (
            format!("{page}&limit=many"),
            422,
            "<code>limit</code> must be a number: <code>many</code>",
        ),
        (format!("{page}&row=forged"), 403, "this row was not shown in this session"),
    ] {
        let answer = visitor.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert!(answer.text.contains(said), "{path}: {}", answer.text);
        let id = host.log().lines().last().unwrap().split("request.id=").nth(1).unwrap().to_owned();
        let id = id.split(' ').next().unwrap().to_owned();
        assert!(answer.text.contains(&id), "{path}: {id}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_or_none_is_refused() {
    let host = host().await;
    let (visitor, page) = visitor(&host, "7", "example.com").await;
    let shown = visitor.get(&page).await;
    let (token, state) = (shown.value_of(".token"), shown.value_of(".state"));
    let large = "x".repeat(2 << 20);
    let refused = visitor.post(&page, &filled(&token, &state, &large, "save")).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let refused = visitor.post(&page, &filled(&token, &state, "x", "other")).await;
    assert_eq!(refused.status, StatusCode::FAILED_DEPENDENCY);
    let origin = format!("http://{}", host.gui_address());
    let headers = [("content-type", "application/json"), ("origin", origin.as_str())];
    let refused = visitor.request(Method::POST, &page, &headers, "{}").await;
    assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_theme_of_the_panel_is_a_style_sheet_of_the_session() {
    let host = host().await;
    let theme = json!({ "theme": { "variables": { "accent": "#b00020" } } });
    let url = address(&host, "7", "example.com", theme).await;
    let mut visitor = Visitor::new(host.gui_address());
    let entered = visitor.get(path(&url)).await;
    visitor.keep_cookie(&entered);
    let page = visitor.get(entered.header("location")).await;
    let theme = page.text.split('"').find(|part| part.ends_with("/theme.css")).unwrap();
    let sheet = visitor.get(theme).await;
    assert_eq!(sheet.text, ":root{--palisade-accent:#b00020;}");
    assert_eq!(sheet.header("content-type"), "text/css");
    assert_eq!(Visitor::new(host.gui_address()).get(theme).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nothing_of_the_api_is_served_to_browsers() {
    let host = host().await;
    let visitor = Visitor::new(host.gui_address());
    for path in ["/v1/extensions", "/v1/gui/sessions", "/metrics", "/v1/openapi.json"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
