//! Over TCP a token decides who may do what; over the socket the permissions of its file do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hyper::Method;
use palisade_tests::{Running, TestHost, cli_command};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn listening() -> Running {
    TestHost::new().listen("127.0.0.1:0").start().await
}

/// How the host takes a request with this header `Authorization`.
async fn taken(
    host: &Running,
    method: &Method,
    path: &str,
    authorization: Option<&str>,
) -> &'static str {
    let answer = host.request_over_tcp(method.clone(), path, authorization, "").await;
    match answer.status.as_u16() {
        401 => {
            assert_eq!(answer.code(), "auth.token");
            "401"
        }
        403 => {
            assert_eq!(answer.code(), "auth.role");
            "403"
        }
        404 if answer.code() == "route.unknown" => "no such route",
        405 => "no such method",
        _ => "yes",
    }
}

#[tokio::test]
async fn each_route_takes_the_tokens_that_it_should() {
    let host = listening().await;
    let (panel, operator) =
        (format!("Bearer {}", host.token("panel")), format!("Bearer {}", host.token("operator")));
    let document = host.get("/v1/openapi.json").await;
    let mut lines = vec!["none wrong panel operator".to_owned()];
    for (path, methods) in document["paths"].as_object().unwrap() {
        let real = path
            .replace("{action}", "custom.test")
            .replace("{id}", "nothing")
            .replace("{action_id}", "nothing")
            .replace("{extension}", "nothing")
            .replace("{page}", "nothing")
            .replace("{name}", "nothing")
            .replace("{place}", "menu.main");
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut line = Vec::new();
            for authorization in [
                None,
                Some("Bearer 0123456789012345678901234567890123456789012"),
                Some(&panel),
                Some(&operator),
            ] {
                line.push(taken(&host, &method, &real, authorization).await);
            }
            lines.push(format!("{} {method} {path}", line.join(" ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    none wrong panel operator
    yes yes yes yes GET /healthz
    401 401 403 yes GET /metrics
    yes yes yes yes GET /readyz
    401 401 yes yes GET /v1/actions
    401 401 yes yes POST /v1/actions/{action}/after
    401 401 yes yes POST /v1/actions/{action}/after/batch
    401 401 yes yes POST /v1/actions/{action}/before
    401 401 yes yes POST /v1/actions/{action}/before/batch
    401 401 yes yes POST /v1/bridge
    401 401 403 yes GET /v1/bridge/recording
    401 401 403 yes POST /v1/bridge/recording
    401 401 403 yes DELETE /v1/bridge/recording
    401 401 403 yes GET /v1/config
    401 401 403 yes POST /v1/console/tickets
    401 401 403 yes GET /v1/extensions
    401 401 403 yes POST /v1/extensions
    401 401 403 yes GET /v1/extensions/{id}
    401 401 403 yes DELETE /v1/extensions/{id}
    401 401 403 yes POST /v1/extensions/{id}/disable
    401 401 403 yes POST /v1/extensions/{id}/enable
    401 401 403 yes GET /v1/extensions/{id}/grants
    401 401 403 yes PUT /v1/extensions/{id}/grants
    401 401 403 yes POST /v1/extensions/{id}/grants
    401 401 403 yes GET /v1/extensions/{id}/settings
    401 401 403 yes PUT /v1/extensions/{id}/settings
    401 401 yes yes POST /v1/gui/overlays
    401 401 yes yes GET /v1/gui/pages/{extension}/{page}
    401 401 yes yes POST /v1/gui/pages/{extension}/{page}/actions
    401 401 yes yes GET /v1/gui/pages/{extension}/{page}/lookups/{name}
    401 401 yes yes GET /v1/gui/places/{place}
    401 401 yes yes POST /v1/gui/sessions
    401 401 yes yes DELETE /v1/gui/sessions
    401 401 yes yes DELETE /v1/gui/sessions/{id}
    401 401 403 yes GET /v1/journal
    401 401 403 yes GET /v1/journal/{action_id}
    401 401 yes yes GET /v1/openapi.json
    401 401 403 yes GET /v1/orders
    401 401 403 yes GET /v1/status
    401 401 403 yes GET /v1/store/export
    "#);
}

#[tokio::test]
async fn what_there_is_not_is_told_to_operators_alone() {
    let host = listening().await;
    let operator = format!("Bearer {}", host.token("operator"));
    for path in ["/", "/v1/nothing", "/v1/extensions/../status", "/v1/actions", "//v1/actions/"] {
        let unknown = host.request_over_tcp(Method::DELETE, path, None, "").await;
        assert_eq!(unknown.code(), "auth.token", "{path}");
        let unknown = host.request_over_tcp(Method::DELETE, path, Some(&operator), "").await;
        assert!(unknown.code().starts_with("route."), "{path}: {}", unknown.text);
    }
}

#[tokio::test]
async fn a_token_is_taken_only_as_a_bearer_token() {
    let host = listening().await;
    let token = host.token("operator");
    let status = Method::GET;
    for (authorization, expected) in [
        (format!("Bearer {token}"), "yes"),
        (format!("bearer {token}"), "yes"),
        (format!("Bearer  {token}"), "yes"),
        (format!("Basic {token}"), "401"),
        (token.clone(), "401"),
        ("Bearer ".to_owned(), "401"),
        (format!("Bearer {}", &token[1..]), "401"),
        (format!("Bearer {token}x"), "401"),
        (format!("Bearer {}", token.to_uppercase()), "401"),
        ("Bearer \u{e4}".to_owned(), "401"),
    ] {
        let taken = taken(&host, &status, "/v1/status", Some(&authorization)).await;
        assert_eq!(taken, expected, "{authorization}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_send() {
    let host = listening().await;
    let answer = host.request_over_tcp(Method::GET, "/v1/status", None, "").await;
    insta::assert_snapshot!(answer.refusal(), @"401 auth.token: over TCP a request needs a token (hint: send `Authorization: Bearer <token>`; the tokens are in the files panel.token and operator.token of the host's data directory)");
    let panel = format!("Bearer {}", host.token("panel"));
    let answer = host.request_over_tcp(Method::GET, "/v1/status", Some(&panel), "").await;
    insta::assert_snapshot!(answer.refusal(), @"403 auth.role: the panel's token may only call hooks and show pages (hint: use the operator's token)");

    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream
        .write_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.contains("\r\nwww-authenticate: Bearer\r\n"), "{heard}");
}

#[tokio::test]
async fn whoever_sends_much_without_a_token_can_read_the_refusal() {
    let host = listening().await;
    let body = " ".repeat(8 << 20);
    let answer = host.request_over_tcp(Method::POST, "/v1/extensions", None, &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "auth.token".into()));
}

#[tokio::test]
async fn a_panel_with_its_token_can_call_hooks_over_tcp() {
    let host = listening().await;
    let panel = format!("Bearer {}", host.token("panel"));
    let path = "/v1/actions/custom.test/before";
    let answer = host.request_over_tcp(Method::POST, path, Some(&panel), "{\"id\":\"1\"}").await;
    assert_eq!(answer.json()["verdict"], "proceed");
}

#[tokio::test]
async fn tokens_are_for_their_owner_alone_and_never_shown() {
    let host = listening().await;
    for role in ["panel", "operator"] {
        let metadata = fs::metadata(host.data().join(format!("{role}.token"))).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert!(!host.log().contains(&host.token(role)));
        assert!(
            !host.request(Method::GET, "/v1/config", "").await.text.contains(&host.token(role))
        );
    }
    assert_ne!(host.token("panel"), host.token("operator"));
}

#[tokio::test]
async fn tokens_outlive_a_restart_and_there_are_none_without_tcp() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut host = TestHost::new().data(&data).start().await;
    assert!(!data.join("operator.token").exists());
    host.stop().await;
    let mut host = TestHost::new().data(&data).listen("127.0.0.1:0").start().await;
    let token = host.token("operator");
    host.stop().await;
    let host = TestHost::new().data(&data).listen("127.0.0.1:0").start().await;
    assert_eq!(host.token("operator"), token);
}

#[tokio::test]
async fn a_token_that_is_easy_to_guess_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("panel.token"), "secret").unwrap();
    let mut serve = cli_command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let output = serve.arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("panel.token` has 6 characters, it needs 32 or more"), "{said}");
}

#[tokio::test]
async fn the_socket_has_the_permissions_of_the_configuration() {
    for (config, mode) in [
        ("", 0o660),
        ("[server]\nsocket-mode = \"0600\"", 0o600),
        ("[server]\nsocket-mode = \"666\"", 0o666),
    ] {
        let host = TestHost::new().config(config).start().await;
        let metadata = fs::metadata(host.socket()).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{config}");
        assert_eq!(host.get("/v1/extensions").await, json!([]));
    }
}

#[tokio::test]
async fn the_state_of_the_host_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut serve = cli_command(&["serve", "--data"]).arg(&data).spawn().unwrap();
    palisade_tests::wait_until("the socket", async || data.join("palisade.sock").exists()).await;
    let mode = fs::metadata(&data).unwrap().permissions().mode() & 0o777;
    serve.kill().unwrap();
    serve.wait().unwrap();
    assert_eq!(mode, 0o700);
}
