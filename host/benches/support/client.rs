//! A client that costs little: it writes one prepared request again and again, and reads the answers.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Bytes of the largest answer.
const LARGEST: usize = 1 << 20;

/// A connection that is kept.
pub struct Client<S> {
    stream: S,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client<UnixStream> {
    /// Connects, and prepares a request.
    pub async fn connect(socket: &Path, path: &str, body: &str) -> Self {
        let stream = UnixStream::connect(socket).await.expect("the server listens");
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self::over(stream, request.into_bytes())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Prepares a request over a connection.
    pub fn over(stream: S, request: Vec<u8>) -> Self {
        Self { stream, request, buffer: vec![0; LARGEST] }
    }

    /// Makes the request and returns the body of its answer.
    pub async fn call(&mut self) -> &[u8] {
        self.stream.write_all(&self.request).await.expect("the server reads");
        let mut have = 0;
        loop {
            let room = self.buffer.get_mut(have..).expect("the answer fits");
            let read = self.stream.read(room).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            have += read;
            let seen = self.buffer.get(..have).expect("just read");
            if let Some(body) = whole_body(seen) {
                return self.buffer.get(body..have).expect("just read");
            }
        }
    }
}

/// Where the body begins, if the answer is whole.
fn whole_body(seen: &[u8]) -> Option<usize> {
    let head_end = seen.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(seen.get(..head_end)?).expect("a head is text");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
    });
    let length = length.expect("the answer has a length");
    (seen.len() >= head_end + length).then_some(head_end)
}

/// Requests a second over `connections` connections, for `time`.
pub async fn throughput(
    socket: &Path,
    path: &str,
    body: &str,
    connections: usize,
    time: Duration,
) -> f64 {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(socket, path, body).await);
    }
    let begun = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                let mut calls = 0_u64;
                while begun.elapsed() < time {
                    client.call().await;
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await.expect("it ends");
    }
    calls as f64 / begun.elapsed().as_secs_f64()
}
