//! Coming in, going out, and what keeps others from coming in.

use hyper::{Method, StatusCode};
use palisade_tests::TestHost;
use palisade_tests::visitor::Visitor;
use serde_json::json;

use super::{has, host, operator, send, shown, taken, ticket};

#[tokio::test]
async fn whoever_is_not_signed_in_is_asked_to() {
    let host = host().await;
    let stranger = Visitor::new(host.console_address());
    let answer = stranger.get("/journal?verdict=deny").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fjournal%3Fverdict%3Ddeny");
    let answer = stranger.post("/extensions/x/state", &[("state", "disabled")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_operators_token_lets_in_and_the_panels_does_not() {
    let host = host().await;
    let mut visitor = Visitor::new(host.console_address());
    let panel = host.token("panel");
    for wrong in ["", "wrong", &panel] {
        let answer = visitor.post("/sign-in", &[("token", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        has(&answer, &["not the operator"]);
        assert_eq!(answer.header("set-cookie"), "");
    }
    let token = host.token("operator");
    let answer = visitor.post("/sign-in?next=%2Fhooks", &[("token", &token)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.header("location"), "/hooks");
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("palisade-console="), "{cookie}");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    visitor.keep_cookie(&answer);
    shown(&visitor, "/hooks").await;
}

#[tokio::test]
async fn tries_to_sign_in_are_limited_and_the_log_says_so() {
    let host = host().await;
    let visitor = Visitor::new(host.console_address());
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(visitor.post("/sign-in", &[("token", "guess")]).await.status);
    }
    assert_eq!(statuses[0], StatusCode::UNAUTHORIZED);
    assert_eq!(statuses[11], StatusCode::TOO_MANY_REQUESTS);
    let token = host.token("operator");
    let answer = visitor.post("/sign-in", &[("token", &token)]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(host.log().contains("too many tries to sign in to the console"));
    assert!(!host.log().contains("guess"));
}

#[tokio::test]
async fn an_address_of_the_console_lets_one_in_once() {
    let host = host().await;
    let path = ticket(&host).await;
    let visitor = Visitor::new(host.console_address());
    assert_eq!(visitor.get(&path).await.status, StatusCode::SEE_OTHER);
    let answer = visitor.get(&path).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    has(&answer, &["this address was used already", "palisade console"]);
    assert_eq!(visitor.get("/enter/guess").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_command_line_prints_an_address_of_the_console() {
    let host = host().await;
    let output = host.cli(&["console"]);
    assert!(output.status.success(), "{output:?}");
    let url = String::from_utf8(output.stdout).unwrap();
    let origin = format!("http://{}", host.console_address());
    let path = url.trim().strip_prefix(&origin).unwrap();
    let answer = Visitor::new(host.console_address()).get(path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn without_a_console_there_is_no_address_of_one() {
    let host = TestHost::new().start().await;
    let answer = host.request(Method::POST, "/v1/console/tickets", "").await;
    insta::assert_snapshot!(answer.refusal(), @"409 console.off: this host serves no console (hint: set `listen` in the table `console` of palisade.toml, such as `127.0.0.1:8601`, and restart the host)");
}

#[tokio::test]
async fn whoever_signs_out_is_out() {
    let host = host().await;
    let visitor = operator(&host).await;
    let answer = send(&visitor, "/", "/sign-out", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(visitor.get("/").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn a_name_that_somebody_made_lead_here_is_refused() {
    let host = host().await;
    let visitor = operator(&host).await;
    for name in ["panel.example.com", "localhost.example.com:80", "192.0.2.1", ""] {
        let answer = visitor.request(Method::GET, "/", &[("host", name)], "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        has(&answer, &["console.host"]);
    }
    for name in ["localhost", "localhost:9000", "127.0.0.1:1", "[::1]:1"] {
        let answer = visitor.request(Method::GET, "/", &[("host", name)], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_also_with_the_right_token() {
    let host = host().await;
    let visitor = operator(&host).await;
    let token = shown(&visitor, "/").await.value_of(".token");
    let form = [(".token", token.as_str())];
    let own = format!("http://{}", host.console_address());
    for headers in [
        [("origin", "https://evil.example"), ("accept", "*/*")],
        [("origin", "null"), ("accept", "*/*")],
        [("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
        [("accept", "*/*"), ("sec-fetch-site", "same-site")],
    ] {
        let answer = visitor.post_from("/sign-out", &form, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        has(&answer, &["console.origin"]);
    }
    shown(&visitor, "/").await;
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_is_refused() {
    let host = host().await;
    let (visitor, other) = (operator(&host).await, operator(&host).await);
    let foreign = shown(&other, "/").await.value_of(".token");
    for token in ["", "x", &foreign] {
        let answer = visitor.post("/sign-out", &[(".token", token)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
        has(&answer, &["console.form"]);
    }
    let answer = visitor.upload("/install", &[(".token", &foreign)], b"x").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let host = host().await;
    let visitor = operator(&host).await;
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let headers = [("content-type", kind)];
        let answer = visitor.request(Method::POST, "/sign-out", &headers, "{}").await;
        assert!(answer.status.is_client_error(), "{kind}: {}", answer.status);
    }
    let long = format!(".token={}", "x".repeat(2 << 20));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = visitor.request(Method::POST, "/sign-out", &headers, long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    shown(&visitor, "/").await;
}

#[tokio::test]
async fn the_api_is_not_served_to_browsers() {
    let host = host().await;
    let visitor = operator(&host).await;
    assert_eq!(visitor.get("/v1/extensions").await.status, StatusCode::NOT_FOUND);
    let request = json!({ "params": {} }).to_string();
    let path = "/v1/actions/mailbox.create/before";
    let answer = visitor.request(Method::POST, path, &[], request).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_message_is_said_once() {
    let host = host().await;
    host.install("reserved-names").await;
    let visitor = operator(&host).await;
    let page = "/extensions/reserved-names";
    let path = format!("{page}/state");
    has(&taken(&visitor, page, &path, &[("state", "disabled")]).await, &["no longer run"]);
    assert!(!shown(&visitor, page).await.text.contains("no longer run"));
}
