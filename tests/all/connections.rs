//! Connections end in their time, do not take the place of others, and a host ends when it is told to.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use palisade_tests::{PATIENCE, Running, TestHost, cli_command, wait_until};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixSocket, UnixStream};

use crate::guests;

/// Timeouts that a test can wait for; the defaults are 10 s and more.
const SHORT: &str =
    "[server]\nheader-timeout-ms = 200\nbody-timeout-ms = 200\nwrite-timeout-ms = 200\n";
/// What is over before this was no default timeout.
const SOON: Duration = Duration::from_secs(8);

/// Sends this, then nothing; returns what comes until the host closes the connection.
async fn closed_soon(host: &Running, sent: &str) -> String {
    let begun = Instant::now();
    let mut stream = host.connect().await;
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await;
    // A connection that is cut under unread bytes ends with an error.
    let _ = read.expect("the host closes the connection");
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let host = TestHost::new().config(SHORT).start().await;
    assert_eq!(closed_soon(&host, "").await, "");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let host = TestHost::new().config(SHORT).start().await;
    let heard = closed_soon(&host, "GET /healthz HTTP/1.1\r\nhost: x\r\n").await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
}

#[tokio::test]
async fn a_head_that_comes_letter_by_letter_is_cut_off_too() {
    let host = TestHost::new().config(SHORT).start().await;
    let begun = Instant::now();
    let mut stream = host.connect().await;
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    // Each letter is in time; the head is not.
    while stream.write_all(b"x").await.is_ok() {
        pace.tick().await;
        assert!(begun.elapsed() < SOON);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_and_the_connection_closed() {
    let host = TestHost::new().config(SHORT).start().await;
    for path in ["/v1/actions/custom.test/before", "/v1/extensions/nothing/settings"] {
        let method = if path.ends_with("settings") { "PUT" } else { "POST" };
        let heard = closed_soon(
            &host,
            &format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{{"),
        )
        .await;
        assert!(
            heard.starts_with("HTTP/1.1 408")
                && heard.contains("the body did not come within 200 ms"),
            "{heard}"
        );
    }
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_waited_for_longer() {
    let host = TestHost::new().config(SHORT).start().await;
    let heard =
        closed_soon(&host, "POST /v1/nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
            .await;
    assert!(heard.starts_with("HTTP/1.1 404") && heard.contains("route.unknown"), "{heard}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let host = TestHost::new().config(SHORT).start().await;
    let heard = closed_soon(&host, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(heard.ends_with("\r\n\r\nok\n"), "{heard}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let host = TestHost::new().config(SHORT).start().await;
    let mut stream = host.connect().await;
    let many = "GET /v1/actions HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
    let _ = stream.write_all(many.as_bytes()).await;
    // The one that asks.
    wait_until("the connection", async || host.metric("palisade_connections").await == 1.0).await;
}

#[tokio::test]
async fn half_open_connections_do_not_stop_others() {
    let config = format!("{SHORT}connections = 8");
    let host = TestHost::new().config(&config).listen("127.0.0.1:0").start().await;
    let mut flood = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(b"POST /v1/actions/custom.test/before HTTP/1.1\r\n").await.unwrap();
        flood.push(stream);
    }
    // The socket has places of its own, and over TCP places come free as the flood is cut off.
    assert_eq!(host.before("custom.test", json!({})).await["verdict"], "proceed");
    let panel = format!("Bearer {}", host.token("panel"));
    let path = "/v1/actions/custom.test/before";
    let answer = host.request_over_tcp(Method::POST, path, Some(&panel), "{}").await;
    assert_eq!(answer.json()["verdict"], "proceed");
}

#[tokio::test]
async fn no_more_connections_are_served_than_configured() {
    let host =
        TestHost::new().config("[server]\nconnections = 2").listen("127.0.0.1:0").start().await;
    let connect = async || TcpStream::connect(host.address()).await.unwrap();
    let held = (connect().await, connect().await);
    // With the one that asks.
    wait_until("both", async || host.metric("palisade_connections").await == 3.0).await;
    let mut third = connect().await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // The host had time to answer others meanwhile.
    for _ in 0..20 {
        host.get("/v1/extensions").await;
    }
    assert!(third.try_read(&mut [0; 1]).is_err(), "the third was answered");
    drop(held);
    let mut heard = [0; 12];
    third.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"HTTP/1.1 200");
}

/// Begins a hook call on a connection of its own, and returns it when the handler runs.
async fn begin(host: &Running, path: &str, command: &str) -> UnixStream {
    let mut stream = host.connect().await;
    let body = json!({ "params": { "do": command } }).to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    wait_until("the call", async || host.metric("palisade_hook_calls_in_flight").await == 1.0)
        .await;
    stream
}

#[tokio::test]
async fn a_host_that_is_told_to_stop_finishes_what_runs() {
    let directory = guests::directory().await;
    let mut host = TestHost::new().data(&directory.path().join("data")).start().await;
    let mut idle = host.connect().await;
    let mut running = begin(&host, "/v1/actions/custom.test/before", "sleep:1000").await;
    let heard = async {
        let mut heard = String::new();
        running.read_to_string(&mut heard).await.unwrap();
        heard
    };
    let (status, heard) = tokio::join!(host.stop(), heard);
    assert_eq!(status.code(), Some(0));
    assert!(
        heard.starts_with("HTTP/1.1 200 OK") && heard.contains("\"outcome\":\"proceed\""),
        "{heard}"
    );
    assert!(!host.socket().exists());
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap(), 0);
    assert!(host.log().contains("stopping: running calls are finished first"), "{}", host.log());
}

#[tokio::test]
async fn a_call_after_an_action_is_finished_although_its_panel_left_and_the_host_stops() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let mut host = TestHost::new().data(&data).start().await;
    drop(begin(&host, "/v1/actions/custom.test/after", "sleep:1000").await);
    assert_eq!(host.stop().await.code(), Some(0));
    let host = TestHost::new().data(&data).start().await;
    let entry = &host.get("/v1/journal").await["entries"][0];
    assert_eq!(
        (&entry["phase"], &entry["trace"][0]["outcome"]),
        (&json!("after"), &json!("proceed"))
    );
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_off_at_the_grace_of_a_stop() {
    let directory = guests::directory().await;
    let config = "[server]\nshutdown-ms = 200\n[extension.misbehaving.limits]\ndeadline-ms = 60000";
    let mut host =
        TestHost::new().config(config).data(&directory.path().join("data")).start().await;
    let _running = begin(&host, "/v1/actions/custom.test/before", "sleep:60000").await;
    let begun = Instant::now();
    assert_eq!(host.stop().await.code(), Some(0));
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn an_interrupt_stops_the_host_too() {
    let mut host = TestHost::new().start().await;
    let status = Command::new("kill").args(["-INT", &host.process().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(host.ended().await.code(), Some(0));
}

#[tokio::test]
async fn the_socket_of_a_killed_host_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    TestHost::new().data(&data).start().await.kill();
    assert!(data.join("palisade.sock").exists());
    let host = TestHost::new().data(&data).start().await;
    assert_eq!(host.get("/v1/extensions").await, json!([]));
}

/// Starts a host that is expected to refuse, and returns its exit status and what it says last.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = cli_command(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let error = said.find("error:").unwrap_or_else(|| panic!("no error: {said}"));
    (output.status.code(), said[error..].to_owned())
}

#[tokio::test]
async fn a_second_host_on_the_same_data_is_refused() {
    let host = TestHost::new().start().await;
    let data = host.data().to_str().unwrap();
    let (status, said) =
        refused(&["serve", "--data", data, "--socket", &format!("{data}/second.sock")]);
    assert_eq!(status, Some(78));
    insta::assert_snapshot!(said.replace(data, "DATA"), @r#"
    error: the database in `DATA/db` is in use by another process
    hint: stop the host that uses it, or give this one a directory of its own by --data
    "#);
    assert_eq!(host.get("/v1/extensions").await, json!([]));
}

#[tokio::test]
async fn a_second_host_on_the_same_socket_is_refused() {
    let host = TestHost::new().start().await;
    let other = tempfile::tempdir().unwrap();
    let socket = host.socket();
    let socket = socket.to_str().unwrap();
    let (status, said) =
        refused(&["serve", "--data", other.path().to_str().unwrap(), "--socket", socket]);
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said.replace(socket, "SOCKET"), @"error: the socket `SOCKET` cannot be used: another host listens on it");
    assert_eq!(host.get("/v1/extensions").await, json!([]));
}

#[tokio::test]
async fn a_file_that_is_no_socket_stays() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("precious");
    std::fs::write(&file, "mine").unwrap();
    let path = file.to_str().unwrap();
    let (status, said) = refused(&[
        "serve",
        "--data",
        directory.path().join("data").to_str().unwrap(),
        "--socket",
        path,
    ]);
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said.replace(path, "FILE"), @"error: the socket `FILE` cannot be used: there is a file of this name that is no socket");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test]
async fn the_socket_of_a_host_that_is_too_busy_to_accept_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("busy.sock");
    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut queue = Vec::new();
    // Until the queue of connections is full.
    while let Ok(connection) = UnixStream::connect(&path).await {
        queue.push(connection);
    }
    let (status, said) = refused(&[
        "serve",
        "--data",
        directory.path().join("data").to_str().unwrap(),
        "--socket",
        path.to_str().unwrap(),
    ]);
    assert_eq!(status, Some(1));
    assert!(said.contains("another host listens on it"), "{said}");
    assert!(path.exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let host = TestHost::new().listen("127.0.0.1:0").start().await;
    let other = tempfile::tempdir().unwrap();
    let address = host.address().to_string();
    let (status, said) =
        refused(&["serve", "--data", other.path().to_str().unwrap(), "--listen", &address]);
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said.replace(&address, "ADDRESS"), @"error: cannot listen on `ADDRESS`: Address already in use (os error 98)");
}
