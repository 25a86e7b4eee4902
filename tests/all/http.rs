//! Requests of extensions: where they go and where not, what goes with them, and what comes back.
//!
//! The guest `requesting` sends what it is told. It is installed once, with the origins of listeners that tests take
//! for their servers.

mod server;

use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use hyper::Method;
use palisade_tests::{Running, TestHost, guest, root, wait_until};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use self::server::{Answer, Certificate, Server, answer, redirecting, saying};
use crate::guests::{self, logged, packed, trace};

/// The token in the settings of the guests. It must be seen by servers alone.
const CANARY: &str = "canary-0b5a11e7";
/// Servers that are granted.
const SERVERS: usize = 40;

/// Listeners whose origins the guest was granted.
fn granted() -> &'static Mutex<Vec<TcpListener>> {
    static LISTENERS: OnceLock<Mutex<Vec<TcpListener>>> = OnceLock::new();
    LISTENERS.get_or_init(|| Mutex::new((0..SERVERS).map(|_| listener()).collect()))
}

fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).unwrap()
}

/// A server that the guest may reach.
fn server(answer: Answer) -> Server {
    Server::plain(granted().lock().unwrap().pop().unwrap(), answer)
}

/// The same over TLS.
fn tls_server(answer: Answer, certificate: &Certificate) -> Server {
    Server::tls(granted().lock().unwrap().pop().unwrap(), answer, certificate)
}

/// A guest with these origins in its manifest.
fn with_origins(name: &str, origins: &[String]) -> Vec<u8> {
    let path = root().join(format!("guest-examples/{name}/extension.toml"));
    let manifest = std::fs::read_to_string(path).unwrap();
    let lines = manifest.lines().map(|line| match line.starts_with("origins = ") {
        true => format!("origins = {origins:?}\n"),
        false => format!("{line}\n"),
    });
    packed(&std::fs::read(guest(name)).unwrap(), &lines.collect::<String>())
}

/// The state of a host that has `requesting` installed, with its token.
async fn installed() -> &'static Path {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let install = async || {
        let data = guests::own_directory("requesting");
        let ports: Vec<u16> = granted()
            .lock()
            .unwrap()
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        let origins = ports.iter().flat_map(|port| {
            [format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}")]
        });
        let origins: Vec<String> = origins.collect();
        let mut host = TestHost::new().data(&data).start().await;
        let answer = host.install_granted(with_origins("requesting", &origins), "all").await;
        assert!(answer.status.is_success(), "{}", answer.text);
        set(&host, "requesting", json!({ "token": CANARY })).await;
        assert!(host.stop().await.success());
        std::fs::remove_file(data.join("log")).unwrap();
        data
    };
    INSTALLED.get_or_init(install).await
}

async fn set(host: &Running, id: &str, settings: Value) {
    let path = format!("/v1/extensions/{id}/settings");
    let answer = host.request(Method::PUT, &path, settings.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

/// A host with the guest, in a directory that goes with it.
struct Host {
    running: Running,
    _directory: tempfile::TempDir,
}

impl Deref for Host {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

async fn host(config: &str) -> Host {
    start(TestHost::new().config(config)).await
}

async fn start(host: TestHost) -> Host {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    guests::copy(installed().await, &data);
    Host { running: host.data(&data).start().await, _directory: directory }
}

/// Tells the guest to send this, and returns what it got each time.
async fn ask_all(host: &Running, request: Value) -> Vec<Value> {
    let verdict = host.after("custom.request", json!({ "params": { "request": request } })).await;
    let records = logged(host, &verdict).await;
    assert!(!records.is_empty(), "{verdict}");
    let answers = records.iter().map(|record| record.strip_prefix("info ").unwrap());
    answers.map(|answer| serde_json::from_str(answer).unwrap()).collect()
}

async fn ask(host: &Running, request: Value) -> Value {
    ask_all(host, request).await.remove(0)
}

/// The error that the guest gets for this.
async fn error(host: &Running, request: Value) -> String {
    let answer = ask(host, request).await;
    answer["error"].as_str().unwrap_or_else(|| panic!("it is answered: {answer}")).to_owned()
}

#[tokio::test]
async fn a_granted_origin_is_reached_and_stands_in_the_journal() {
    let host = host("").await;
    let server = server(saying("hello"));
    let request = json!({ "url": format!("{}/path?query", server.origin()), "method": "POST", "body": "sent" });
    let verdict = host.after("custom.request", json!({ "params": { "request": request } })).await;
    let answer: Value =
        serde_json::from_str(logged(&host, &verdict).await[0].strip_prefix("info ").unwrap())
            .unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("hello")));
    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /path?query HTTP/1.1\r\n") && sent.ends_with("\r\n\r\nsent"));
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    let entry = host.get(&path).await;
    let used = json!([{ "capability": "http", "what": server.origin(), "times": 1, "refused": 0 }]);
    assert_eq!(trace(&entry["entries"][0], "requesting")["uses"], used);
}

#[tokio::test]
async fn a_status_of_failure_is_an_answer() {
    let host = host("").await;
    let server = server(answer("503 Service Unavailable", &[("retry-after", "1")], "later"));
    let answer = ask(&host, json!({ "url": server.origin() })).await;
    assert_eq!((&answer["status"], &answer["body"]), (&json!(503), &json!("later")));
    assert_eq!(answer["headers"]["retry-after"], "1");
}

#[tokio::test]
async fn a_revoked_origin_is_denied_with_the_next_call() {
    let host = host("").await;
    let server = server(saying("hello"));
    let grant = format!("http {}", server.origin());
    host.post("/v1/extensions/requesting/grants", json!({ "revoke": [grant] })).await;
    assert_eq!(
        error(&host, json!({ "url": server.origin() })).await,
        format!(
            "denied: `{grant}` is not granted; the operator can: palisade grants add requesting \"{grant}\""
        )
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_rehearsal_sends_nothing_that_changes_something() {
    let host = host("").await;
    let server = server(saying("hello"));
    let request = json!({ "url": server.origin(), "method": "POST" });
    let call = json!({ "params": { "request": request }, "dry_run": true });
    let verdict = host.after("custom.request", call).await;
    assert_eq!(logged(&host, &verdict).await, [r#"info {"error":"dry-run"}"#]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw01_no_spelling_of_an_internal_address_is_reached() {
    let host = host("").await;
    let internal = Server::plain(listener(), saying("internal"));
    let port = internal.port();
    for spelling in [
        "127.0.0.1",
        "0",
        "2130706433",
        "0177.1",
        "0x7f.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "100.64.0.1",
        "[fd00:ec2::254]",
        "localhost",
    ] {
        let error = error(&host, json!({ "url": format!("http://{spelling}:{port}/") })).await;
        assert!(error.starts_with("denied: the manifest does not ask for"), "{spelling}: {error}");
    }
    let error = error(&host, json!({ "url": format!("http://[fe80::1%25lo]:{port}/") })).await;
    assert!(error.starts_with("invalid-request"), "{error}");
    assert!(internal.requests().is_empty());
}

#[tokio::test]
async fn nw04_a_redirect_is_the_answer_unless_it_is_to_be_followed() {
    let host = host("").await;
    let server = server(redirecting("302 Found", "/again"));
    let answer = ask(&host, json!({ "url": server.origin() })).await;
    assert_eq!((&answer["status"], server.requests().len()), (&json!(302), 1));
}

#[tokio::test]
async fn nw04_no_more_than_three_redirects_are_followed() {
    let host = host("").await;
    let server = server(redirecting("302 Found", "/again"));
    let answer = ask(&host, json!({ "url": server.origin(), "redirects": 20 })).await;
    assert_eq!((&answer["status"], server.requests().len()), (&json!(302), 4));
}

#[tokio::test]
async fn nw04_a_redirect_to_what_is_not_granted_is_not_followed() {
    let host = host("").await;
    let internal = Server::plain(listener(), saying("internal"));
    let server = server(redirecting("302 Found", &internal.origin()));
    let error = error(&host, json!({ "url": server.origin(), "redirects": 3 })).await;
    assert_eq!(
        error,
        format!("denied: the manifest does not ask for `http {}`", internal.origin())
    );
    assert!(internal.requests().is_empty());
}

#[tokio::test]
async fn nw04_a_redirect_takes_no_secret_to_another_origin() {
    let host = host("").await;
    let other = server(saying("hello"));
    let server = server(redirecting("307 Temporary Redirect", &other.origin()));
    let headers =
        json!([["authorization", "$bearer"], ["x-token", "$secret"], ["x-plain", "plain"]]);
    let request = json!({ "url": server.origin(), "redirects": 1, "headers": headers });
    assert_eq!(ask(&host, request).await["status"], 200);
    assert!(server.requests()[0].contains(CANARY));
    let sent = other.requests().remove(0);
    assert!(!sent.contains(CANARY) && sent.contains("x-plain: plain"), "{sent}");
}

#[tokio::test]
async fn nw05_only_the_origin_itself_is_granted() {
    let host = host("").await;
    let server = server(saying("hello"));
    let port = server.port();
    for url in [
        format!("http://127.0.0.1.example.com:{port}/"),
        format!("http://127.0.0.1:{port}.example.com/"),
        format!("http://127.0.0.1:{port}@example.com/"),
        format!("http://127.0.0.1%2eexample.com:{port}/"),
        format!("http://localhost:{port}/"),
        "http://127.0.0.1/".to_owned(),
        format!("ftp://127.0.0.1:{port}/"),
    ] {
        let error = error(&host, json!({ "url": url })).await;
        let is_refused = error.starts_with("denied: ") || error.starts_with("invalid-request: ");
        assert!(is_refused, "{url}: {error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw06_a_server_that_stops_in_the_middle_is_left_in_time() {
    let host = host("").await;
    let server =
        server(Answer::Silent(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()));
    let request = json!({ "url": server.origin(), "timeout_ms": 100 });
    assert_eq!(error(&host, request).await, "timeout");
}

#[tokio::test]
async fn nw06_the_host_has_a_limit_of_its_own() {
    let host = host("[http]\ntimeout-ms = 100").await;
    let server = server(Answer::Silent(Vec::new()));
    let request = json!({ "url": server.origin(), "timeout_ms": 3_600_000 });
    assert_eq!(error(&host, request).await, "timeout");
}

#[tokio::test]
async fn nw07_an_answer_without_an_end_is_cut_at_the_limit() {
    let host = host("").await;
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000)).into_bytes();
    let server = server(Answer::Endless(head, chunk));
    assert_eq!(error(&host, json!({ "url": server.origin() })).await, "too-large: 1048576");
}

#[tokio::test]
async fn nw07_headers_without_an_end_are_cut_at_the_limit() {
    let host = host("").await;
    let server = server(Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: b\r\n".to_vec()));
    assert_eq!(error(&host, json!({ "url": server.origin() })).await, "too-large: 16384");
}

#[tokio::test]
async fn nw08_a_compressed_answer_stays_compressed() {
    let host = host("").await;
    let server = server(answer("200 OK", &[("content-encoding", "gzip")], "\u{1f}gzip"));
    let answer = ask(&host, json!({ "url": server.origin() })).await;
    assert_eq!((&answer["bytes"], &answer["body"]), (&json!(5), &json!("\u{1f}gzip")));
    assert!(!server.requests()[0].contains("accept-encoding"));
}

#[tokio::test]
async fn nw09_headers_of_the_connection_are_not_the_guests() {
    let host = host("").await;
    let server = server(saying("hello"));
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Proxy-Authorization"]
    {
        let request = json!({ "url": server.origin(), "headers": [[name, "1"]] });
        let expected =
            format!("invalid-request: the host alone sends the header `{}`", name.to_lowercase());
        assert_eq!(error(&host, request).await, expected);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw09_a_header_cannot_become_two() {
    let host = host("").await;
    let server = server(saying("hello"));
    let request = json!({ "url": server.origin(), "headers": [["x-a", "b\r\nhost: evil"]] });
    assert_eq!(
        error(&host, request).await,
        "invalid-request: the value of a header has a control character"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw09_too_many_headers_are_not_sent() {
    let host = host("").await;
    let server = server(saying("hello"));
    let headers = vec![["x-a", "b"]; 10_000];
    let request = json!({ "url": server.origin(), "headers": headers });
    assert_eq!(
        error(&host, request).await,
        "invalid-request: it has 10000 headers, the limit is 64"
    );
    assert!(server.requests().is_empty());
}

/// A host that trusts this certificate.
async fn trusting(certificate: &Certificate) -> Host {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, &certificate.pem).unwrap();
    // It is read when the host starts, and not again.
    host(&format!("[http]\nca-file = {:?}", file.path())).await
}

#[tokio::test]
async fn nw10_a_server_whose_authority_the_operator_trusts_is_reached() {
    let certificate = Certificate::of(&["127.0.0.1"]);
    let host = trusting(&certificate).await;
    let server = tls_server(saying("hello"), &certificate);
    assert_eq!(ask(&host, json!({ "url": server.origin() })).await["body"], "hello");
}

#[tokio::test]
async fn nw10_a_server_that_nobody_vouches_for_is_refused() {
    let host = trusting(&Certificate::of(&["127.0.0.1"])).await;
    let server = tls_server(saying("hello"), &Certificate::of(&["127.0.0.1"]));
    let error = error(&host, json!({ "url": server.origin() })).await;
    assert!(error.starts_with("tls: no secure connection to `127.0.0.1`"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw10_a_certificate_of_another_name_is_refused() {
    let certificate = Certificate::of(&["other.example.com"]);
    let host = trusting(&certificate).await;
    let server = tls_server(saying("hello"), &certificate);
    let error = error(&host, json!({ "url": server.origin() })).await;
    assert!(error.starts_with("tls: ") && error.contains("not valid for"), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nw10_an_old_version_of_tls_is_refused() {
    let host = trusting(&Certificate::of(&["127.0.0.1"])).await;
    // A record with a hello of TLS 1.0: the version, 32 random bytes, no session, a cipher, no compression.
    let hello = [&[3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    let message = [&[2, 0, 0, 38][..], &hello].concat();
    let old = granted().lock().unwrap().pop().unwrap();
    let origin = format!("https://{}", old.local_addr().unwrap());
    old.set_nonblocking(true).unwrap();
    let old = tokio::net::TcpListener::from_std(old).unwrap();
    let served = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = old.accept().await.unwrap();
        stream.write_all(&[&[22, 3, 1, 0, 42][..], &message].concat()).await.unwrap();
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await;
        read
    });
    let error = error(&host, json!({ "url": origin })).await;
    assert!(error.starts_with("tls: ") && error.contains("peer is incompatible"), "{error}");
    let said = String::from_utf8_lossy(&served.await.unwrap()).into_owned();
    assert!(!said.contains("GET"), "{said}");
}

#[tokio::test]
async fn nw11_a_call_sends_eight_requests() {
    let host = host("").await;
    let server = server(saying("hello"));
    let answers = ask_all(&host, json!({ "url": server.origin(), "times": 20 })).await;
    let limited =
        answers.iter().filter(|answer| answer["error"] == "limited: a call may send 8 requests");
    assert_eq!((server.requests().len(), limited.count()), (8, 12));
}

#[tokio::test]
async fn nw11_an_extension_sends_no_more_than_its_minute_holds() {
    let host = host("[http]\nrequests-per-minute = 1").await;
    let server = server(saying("hello"));
    let answers = ask_all(&host, json!({ "url": server.origin(), "times": 3 })).await;
    let reason = "limited: an extension may send 1 requests in a minute; try again later";
    assert_eq!((&answers[0]["status"], &answers[1]["error"]), (&json!(200), &json!(reason)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nw12_a_proxy_of_the_environment_is_not_used() {
    let proxy = Server::plain(listener(), saying("proxy"));
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    let test_host =
        names.iter().fold(TestHost::new(), |host, name| host.env(name, &proxy.origin()));
    let host = start(test_host).await;
    let server = server(saying("hello"));
    assert_eq!(ask(&host, json!({ "url": server.origin() })).await["body"], "hello");
    assert!(proxy.requests().is_empty());
}

#[tokio::test]
async fn nw12_a_socket_of_the_host_is_no_origin() {
    let host = host("").await;
    for scheme in ["http+unix", "unix", "file"] {
        let url = format!("{scheme}://{}", host.socket().display());
        let error = error(&host, json!({ "url": url })).await;
        assert!(error.starts_with("invalid-request: the URL is wrong"), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_secret_reaches_the_server_and_not_the_guest() {
    let host = host("").await;
    // A server that says back what it was sent.
    let server = server(answer("200 OK", &[("x-echo", CANARY)], &format!("you are {CANARY}")));
    let request = json!({ "url": server.origin(), "headers": [["authorization", "$bearer"]] });
    let answer = ask(&host, request).await;
    assert!(server.requests()[0].contains(&format!("authorization: Bearer {CANARY}\r\n")));
    assert_eq!(
        (&answer["headers"]["x-echo"], &answer["body"]),
        (&json!("[secret]"), &json!("you are [secret]"))
    );
}

#[tokio::test]
async fn a_request_names_the_actions_that_led_to_it() {
    let host = host("").await;
    let server = server(saying("hello"));
    let call = json!({
        "params": { "request": { "url": server.origin() } },
        "action_id": "second",
        "caused_by": [{ "extension": "other", "action_id": "first" }],
    });
    host.after("custom.request", call).await;
    let sent = server.requests().remove(0);
    assert!(sent.contains("\r\npalisade-causation: other/first, requesting/second\r\n"), "{sent}");
}

/// A host with `crm-webhook`, told of this server.
async fn with_crm(crm: &Server) -> Running {
    let host = TestHost::new().start().await;
    let bytes = with_origins("crm-webhook", &[crm.origin()]);
    let answer = host.install_granted(bytes, "all").await;
    assert!(answer.status.is_success(), "{}", answer.text);
    set(
        &host,
        "crm-webhook",
        json!({ "url": format!("{}/customers", crm.origin()), "token": CANARY }),
    )
    .await;
    host
}

/// A new customer.
fn customer() -> Value {
    let params = json!({ "login": "ada", "email": "ada@example.com", "password": "correct-horse" });
    json!({ "params": params, "action_id": "created" })
}

#[tokio::test]
async fn the_crm_is_told_of_a_customer_with_a_token_that_nobody_else_sees() {
    let crm = Server::plain(listener(), answer("204 No Content", &[], ""));
    let host = with_crm(&crm).await;
    let verdict = host.after("customer.create", customer()).await;
    assert_eq!(trace(&verdict, "crm-webhook")["outcome"], "proceed", "{verdict}");
    let sent = crm.requests().remove(0);
    assert!(sent.starts_with("POST /customers HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains(&format!("\r\nauthorization: Bearer {CANARY}\r\n")), "{sent}");
    assert!(sent.contains("\r\nidempotency-key: created\r\n"), "{sent}");
    let body: Value = serde_json::from_str(sent.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["params"], json!({ "login": "ada", "email": "ada@example.com" }));
    logged(&host, &verdict).await;
    let shown = [
        host.log(),
        host.get("/v1/journal/created").await.to_string(),
        host.get("/v1/extensions/crm-webhook").await.to_string(),
        verdict.to_string(),
    ];
    assert!(!shown.concat().contains(CANARY));
}

#[tokio::test]
async fn a_crm_that_does_not_take_the_customer_is_a_failure() {
    let crm = Server::plain(listener(), answer("500 Internal Server Error", &[], ""));
    let host = with_crm(&crm).await;
    let verdict = host.after("customer.update", customer()).await;
    let fault = &trace(&verdict, "crm-webhook")["fault"];
    assert_eq!(fault["code"], "failure", "{verdict}");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains("unavailable") && message.contains("the CRM answered 500"),
        "{message}"
    );
}

#[tokio::test]
async fn a_rehearsed_customer_is_not_told_of() {
    let crm = Server::plain(listener(), answer("204 No Content", &[], ""));
    let host = with_crm(&crm).await;
    let mut call = customer();
    call["dry_run"] = true.into();
    let verdict = host.after("customer.create", call).await;
    assert_eq!(trace(&verdict, "crm-webhook")["outcome"], "proceed", "{verdict}");
    assert!(crm.requests().is_empty());
}

#[tokio::test]
async fn a_request_of_a_call_that_its_panel_left_is_in_the_journal() {
    let host = host("").await;
    let server = server(Answer::Silent(Vec::new()));
    let request = json!({ "url": server.origin(), "timeout_ms": 3_600_000 });
    let body = json!({ "id": "left", "params": { "request": request } });
    let leaving = host.request(Method::POST, "/v1/actions/custom.request/before", body.to_string());
    let asked = wait_until("the request", async || !server.requests().is_empty());
    tokio::select! {
        _ = leaving => panic!("the server never answers"),
        () = asked => {}
    }
    wait_until("the journal's entry", async || {
        host.request(Method::GET, "/v1/journal/left", "").await.status.is_success()
    })
    .await;
    let trace = &host.get("/v1/journal/left").await["entries"][0]["trace"][0];
    assert_eq!(trace["fault"]["code"], "abandoned");
    assert_eq!(
        trace["uses"],
        json!([{ "capability": "http", "what": server.origin(), "times": 1, "refused": 0 }])
    );
}
