//! A client of the host's API, over its Unix socket.

use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::output::{Failure, UNREACHABLE};

/// A client of one host.
pub struct Client {
    socket: PathBuf,
}

/// What a request sends.
pub enum Content {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A component.
    Component(Vec<u8>),
}

impl Client {
    /// A client of the host that listens on this socket.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Makes a request and returns the JSON of its answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Value, Failure> {
        let mut response = self.send(method, path, content).await?;
        let status = response.status();
        let body =
            response.body_mut().collect().await.map_err(|error| self.broken(&error))?.to_bytes();
        if status.is_success() {
            return Ok(serde_json::from_slice(&body)?);
        }
        Err(refused(status, &body))
    }

    /// Makes a request and gives the body of its answer to `take`, part by part.
    pub async fn download(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        let mut response = self.send(Method::GET, path, Content::None).await?;
        if !response.status().is_success() {
            let status = response.status();
            let body = response
                .body_mut()
                .collect()
                .await
                .map_err(|error| self.broken(&error))?
                .to_bytes();
            return Err(refused(status, &body));
        }
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.map_err(|error| self.broken(&error))?;
            if let Some(data) = frame.data_ref() {
                take(data)?;
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<hyper::Response<hyper::body::Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| {
            Failure::new(format!("no host can be reached at `{}`: {error}", self.socket.display()))
                .with_hint("start one with `palisade serve`, or name its socket by --socket or PALISADE_SOCKET")
                .with_status(UNREACHABLE)
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(&error))?;
        // Ends with the connection, which ends with this request.
        tokio::spawn(connection);
        let (kind, body) = match content {
            Content::None => (None, Vec::new()),
            Content::Json(json) => (Some("application/json"), serde_json::to_vec(&json)?),
            Content::Component(bytes) => (Some("application/wasm"), bytes),
        };
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Failure::new(format!("`{path}` is no path of the API: {error}")))?;
        sender.send_request(request).await.map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        Failure::new(format!(
            "the connection to the host at `{}` broke: {error}",
            self.socket.display()
        ))
        .with_status(UNREACHABLE)
    }
}

fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| {
        error
            .get("error")
            .and_then(|error| error.get(key))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let message = text("message").unwrap_or_else(|| format!("the host answered {status}"));
    Failure { code: text("code"), hint: text("hint"), ..Failure::new(message) }
}

/// A part of a path or of a query, with what may not stand there escaped.
pub fn segment(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
