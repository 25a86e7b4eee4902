//! The client against servers of its own process, with names that lead where a test says.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A bound for a test that would hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that answers every connection with the same bytes and then closes it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// What it was sent.
    requests: Arc<Mutex<Vec<String>>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 64 << 10];
                let length = stream.read(&mut request).await.unwrap();
                request.truncate(length);
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                // The client may have had enough before the end.
                let _ = stream.write_all(&answer).await;
            }
        };
        Self { address, requests, _task: AbortOnDropHandle::new(tokio::spawn(serve)) }
    }

    /// A server whose answer is this text.
    pub(crate) async fn saying(text: &str) -> Self {
        Self::start(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()))
            .await
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A client for which every lookup gives the next of these answers, and how often it looked up.
fn client(config: HttpConfig, answers: &[&[SocketAddr]]) -> (Outbound, Arc<AtomicUsize>) {
    let answers: VecDeque<_> = answers.iter().map(|answer| answer.to_vec()).collect();
    let answers = Arc::new(Mutex::new(answers));
    let lookups = Arc::new(AtomicUsize::new(0));
    let counted = lookups.clone();
    let lookup: Lookup = Box::new(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        let answer = answers.lock().unwrap().pop_front().ok_or(io::ErrorKind::NotFound.into());
        Box::pin(std::future::ready(answer))
    });
    (Outbound::with_lookup(&config, lookup).unwrap(), lookups)
}

/// A configuration in which these origins may be private.
fn private(origins: &[&str]) -> HttpConfig {
    let private_origins = origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect();
    HttpConfig { private_origins, ..HttpConfig::default() }
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

async fn send(client: &Outbound, url: &str) -> Result<Answer, OutboundError> {
    client.send(&get(url), Instant::now() + PATIENCE).await
}

/// The answer of a server that says this, byte by byte.
async fn answer_to(bytes: impl Into<Vec<u8>>) -> Result<Answer, OutboundError> {
    let server = Server::start(bytes).await;
    let client = Outbound::open(&HttpConfig::default()).unwrap();
    send(&client, &server.origin()).await
}

#[tokio::test]
async fn a_request_goes_to_the_path_with_its_host_and_nothing_else() {
    let server = Server::saying("hello").await;
    let client = Outbound::open(&HttpConfig::default()).unwrap();
    let answer = send(&client, &format!("{}/a%20b?c=d#e", server.origin())).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, b"hello".as_slice()));
    let expected = format!("GET /a%20b?c=d HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    assert_eq!(server.requests(), [expected]);
}

#[tokio::test]
async fn nw02_a_name_that_is_bound_anew_is_not_looked_up_again() {
    let (good, internal) = (Server::saying("good").await, Server::saying("internal").await);
    let (client, lookups) =
        client(private(&["http://a.example"]), &[&[good.address], &[internal.address]]);
    let answer = send(&client, "http://a.example/").await.unwrap();
    assert_eq!((&answer.body[..], lookups.load(Ordering::Relaxed)), (b"good".as_slice(), 1));
    assert!(internal.requests().is_empty());
}

#[tokio::test]
async fn nw03_one_address_that_is_not_public_refuses_the_name() {
    let internal = Server::saying("internal").await;
    let public: SocketAddr = "8.8.8.8:80".parse().unwrap();
    let (client, _) = client(HttpConfig::default(), &[&[public, internal.address]]);
    let error = send(&client, "http://a.example/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a.example` is at 127.0.0.1, a loopback address; an operator can allow it: add the origin to `http.private-origins` in palisade.toml"
    );
    assert!(internal.requests().is_empty());
}

#[tokio::test]
async fn a_private_origin_is_private_with_its_port_and_scheme_alone() {
    let server = Server::saying("hello").await;
    let config = private(&["http://a.example:8080"]);
    let (client, _) = client(config, &[&[server.address], &[server.address], &[server.address]]);
    assert!(send(&client, "http://a.example:8080/").await.is_ok());
    for url in ["http://a.example/", "https://a.example:8080/"] {
        let refused = send(&client, url).await;
        assert!(matches!(refused, Err(OutboundError::Address { .. })), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn localhost_is_looked_up_and_leads_to_the_loopback() {
    let server = Server::saying("hello").await;
    let private: SocketAddr = "10.0.0.1:80".parse().unwrap();
    let (client, _) = client(HttpConfig::default(), &[&[server.address], &[private]]);
    assert!(send(&client, "http://localhost/").await.is_ok());
    let refused = send(&client, "http://localhost/").await;
    assert!(matches!(refused, Err(OutboundError::Address { kind: Kind::Private, .. })));
}

#[tokio::test]
async fn a_name_without_an_address_is_told_from_one_that_cannot_be_reached() {
    let (client, _) = client(HttpConfig::default(), &[&[]]);
    let error = send(&client, "http://a.example/").await.unwrap_err();
    assert_eq!(error.to_string(), "`a.example` cannot be resolved: it has 0 addresses");
    assert!(matches!(send(&client, "http://a.example/").await, Err(OutboundError::Dns { .. })));
}

#[tokio::test]
async fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let server = Server::saying("hello").await;
    let config = private(&["http://a.example"]);
    let (client, _) = client(config, &[&[closed, server.address], &[closed]]);
    assert!(send(&client, "http://a.example/").await.is_ok());
    let error = send(&client, "http://a.example/").await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("no connection: {closed}")), "{error}");
}

#[tokio::test]
async fn nw06_a_server_that_is_silent_is_left_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = Outbound::open(&HttpConfig::default()).unwrap();
    let end = Instant::now() + Duration::from_millis(50);
    assert!(matches!(client.send(&get(&url), end).await, Err(OutboundError::Timeout)));
}

#[tokio::test]
async fn a_request_over_the_ceiling_waits_and_is_left_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    let server = Server::saying("hello").await;
    let config = HttpConfig { connections: 1, ..HttpConfig::default() };
    let client = Outbound::open(&config).unwrap();
    let end = Instant::now() + Duration::from_millis(50);
    let (silent, url) = (get(&silent), get(&server.origin()));
    let both = tokio::join!(client.send(&silent, end), client.send(&url, end));
    assert!(matches!(both, (Err(OutboundError::Timeout), Err(OutboundError::Timeout))));
    assert!(server.requests().is_empty());
    assert!(send(&client, &server.origin()).await.is_ok());
}

#[tokio::test]
async fn nw07_an_answer_that_says_it_is_too_large_is_not_read() {
    let answer = answer_to("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
    assert!(matches!(answer, Err(OutboundError::TooLarge(1_048_576))), "{answer:?}");
}

#[tokio::test]
async fn nw07_an_answer_without_an_end_is_read_to_the_limit() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let endless =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(17));
    let answer = answer_to(endless).await;
    assert!(matches!(answer, Err(OutboundError::TooLarge(1_048_576))), "{answer:?}");
}

#[tokio::test]
async fn nw08_a_compressed_answer_is_not_decompressed() {
    let answer =
        answer_to("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1fgzi");
    assert_eq!(&answer.await.unwrap().body[..], b"\x1fgzi");
}

#[tokio::test]
async fn nw09_more_headers_than_the_limit_are_refused() {
    let many: String = (0..65).map(|number| format!("x-{number}: y\r\n")).collect();
    let answer = answer_to(format!("HTTP/1.1 200 OK\r\n{many}content-length: 0\r\n\r\n")).await;
    assert!(matches!(answer, Err(OutboundError::TooLarge(16_384))), "{answer:?}");
}

#[tokio::test]
async fn nw09_headers_over_the_limit_are_refused() {
    let long = "y".repeat(17 << 10);
    let answer = answer_to(format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\n\r\n")).await;
    assert!(matches!(answer, Err(OutboundError::TooLarge(16_384))), "{answer:?}");
}

#[tokio::test]
async fn what_is_not_http_is_a_broken_connection() {
    let answer = answer_to("SSH-2.0-OpenSSH\r\n").await;
    assert!(matches!(answer, Err(OutboundError::Connection(_))), "{answer:?}");
}

#[test]
fn authorities_that_cannot_be_read_are_an_error_at_the_start() {
    let config = HttpConfig { ca_file: Some("/nowhere/ca.pem".into()), ..HttpConfig::default() };
    let error = Outbound::open(&config).err().unwrap().to_string();
    assert_eq!(error, "`http.ca-file` cannot be read: `/nowhere/ca.pem`");
}

#[test]
fn an_extension_has_a_rate_of_its_own() {
    let config = HttpConfig { requests_per_minute: 40, ..HttpConfig::default() };
    let client = Outbound::open(&config).unwrap();
    let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
    let admitted = (0..40).filter(|_| client.admits(&one)).count();
    assert_eq!(admitted, 10);
    assert!(client.admits(&other));
}

#[test]
fn a_burst_is_a_quarter_of_a_minute_and_at_least_a_call() {
    let burst = |requests_per_minute, requests_per_call| {
        HttpConfig { requests_per_minute, requests_per_call, ..HttpConfig::default() }.burst()
    };
    assert_eq!((burst(60, 8), burst(20, 8), burst(4, 8)), (15, 8, 4));
}
