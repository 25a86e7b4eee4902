//! What a person waits for: a page of a hundred rows as HTML, against the same page as JSON, both through the sandbox;
//! and how long the slowest wait when many ask at one time.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that fails says so and ends")]

#[expect(dead_code, reason = "other benches use the rest")]
#[path = "support/client.rs"]
mod client;
#[expect(dead_code, reason = "other benches use the rest")]
#[path = "support/guests.rs"]
mod guests;
#[expect(dead_code, reason = "no figure here has a lower limit")]
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/server.rs"]
mod server;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use client::Client;
use ratio::{Limit, in_turn, ratio, report};
use serde_json::{Value, json};
use server::{Server, install};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

/// Rows of the page.
const ROWS: usize = 100;
/// Pages that are measured together.
const CALLS: u32 = 5;
/// Connections that ask at one time, and for how long.
const CONNECTIONS: usize = 16;
const LOAD: Duration = Duration::from_secs(5);
/// How long a call about a page may take, by default.
const DEADLINE_MS: f64 = 2_000.0;
/// The page.
const PAGE: &str = "mailbox-insights/mailboxes?limit=100";

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("pages");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    install(&runtime, &data, std::iter::once(guests::packed("mailbox-insights")));
    let port = free_port();
    let config = format!("[gui]\nlisten = \"{port}\"");
    let server = Server::palisade(&data, data.join("palisade.sock"), &config);
    runtime.block_on(count_mailboxes(&server.socket));
    let (session, cookie) = runtime.block_on(open_session(&server.socket, port));

    let as_json = head("GET", &format!("/v1/gui/pages/{PAGE}"), "palisade-session", &session);
    let as_html = head("GET", &format!("/s/{session}/{PAGE}"), "cookie", &cookie);
    let mut json_client = runtime.block_on(async {
        let stream = UnixStream::connect(&server.socket).await.expect("it listens");
        Client::over(stream, as_json)
    });
    let mut html_client = runtime.block_on(async {
        let stream = TcpStream::connect(port).await.expect("it listens");
        Client::over(stream, as_html.clone())
    });
    let sizes = (
        runtime.block_on(json_client.call()).len(),
        check_page(runtime.block_on(html_client.call())),
    );
    let mut json_page = || {
        for _ in 0..CALLS {
            assert!(!runtime.block_on(json_client.call()).is_empty());
        }
    };
    let mut html_page = || {
        for _ in 0..CALLS {
            assert!(!runtime.block_on(html_client.call()).is_empty());
        }
    };
    let [json_time, html_time] = in_turn(101, 1, [&mut json_page, &mut html_page]);
    let (json_time, html_time) = (json_time / CALLS, html_time / CALLS);
    println!(
        "a page of {ROWS} rows: JSON {json_time:.2?} and {} KiB, HTML {html_time:.2?} and {} KiB",
        sizes.0 / 1024,
        sizes.1 / 1024
    );
    report("page-html-to-json", ratio(html_time, json_time), Limit::AtMost(3.0));

    let mut times = runtime.block_on(load(port, &as_html));
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    println!(
        "{CONNECTIONS} connections: {:.0} pages/s, median {:.1} ms, slowest {:.1} ms",
        times.len() as f64 / LOAD.as_secs_f64(),
        at(0.5),
        at(1.0 - f64::EPSILON)
    );
    report("page-p99-milliseconds", at(0.99), Limit::AtMost(DEADLINE_MS));
}

/// An address that is free now: the server says only in its log which it chose.
fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

fn head(method: &str, path: &str, name: &str, value: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{name}: {value}\r\n\r\n").into_bytes()
}

/// Has something happen to a hundred mailboxes.
async fn count_mailboxes(socket: &Path) {
    for number in 0..ROWS {
        let body = json!({ "params": { "address": format!("box-{number:03}@shop.example") } });
        let path = "/v1/actions/mailbox.create/after";
        Client::connect(socket, path, &body.to_string()).await.call().await;
    }
}

/// Opens a session, and lets a browser in: its identifier and its cookie.
async fn open_session(socket: &Path, gui: SocketAddr) -> (String, String) {
    let request = json!({
        "person": { "id": "7", "role": "superuser" },
        "page": { "extension": "mailbox-insights", "page": "mailboxes" },
    });
    let mut client = Client::connect(socket, "/v1/gui/sessions", &request.to_string()).await;
    let session: Value = serde_json::from_slice(client.call().await).expect("it is JSON");
    let text = |name: &str| session.get(name).and_then(Value::as_str).expect("a text").to_owned();
    let url = text("url");
    let path = url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).expect("a path").1;
    let stream = TcpStream::connect(gui).await.expect("it listens");
    let entered = exchange(stream, &head("GET", &format!("/{path}"), "connection", "close")).await;
    let cookie = entered.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie")
            .then(|| value.split(';').next().map(str::to_owned))?
    });
    (text("id"), cookie.unwrap_or_else(|| panic!("no cookie: {entered}")))
}

/// What is answered to one request, with its head.
async fn exchange(mut stream: TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the server answers");
    answer
}

/// The length of a page that has all rows.
fn check_page(page: &[u8]) -> usize {
    let text = String::from_utf8_lossy(page);
    assert!(
        text.contains("box-000@shop.example") && text.contains("box-099@shop.example"),
        "{text}"
    );
    page.len()
}

/// Asks for the page over many connections, and returns how long each took.
async fn load(gui: SocketAddr, request: &[u8]) -> Vec<Duration> {
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(gui).await.expect("it listens");
        let mut client = Client::over(stream, request.to_vec());
        tasks.push(tokio::spawn(async move {
            let (begun, mut times) = (Instant::now(), Vec::new());
            while begun.elapsed() < LOAD {
                let asked = Instant::now();
                client.call().await;
                times.push(asked.elapsed());
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("it ends"));
    }
    times
}
