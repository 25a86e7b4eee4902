//! Bodies of requests: read within a size and a time, then parsed with errors that name the place.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use serde::de::DeserializeOwned;

use super::App;
use super::error::ApiError;
use crate::suggest;

/// Bytes of a body that nobody wants which are read and thrown away.
const MAX_DRAINED_BYTES: usize = 512 << 20;

/// The body of a request while it is being answered. What the answer leaves unread comes back to [`Unread`].
pub struct Lent {
    body: Option<Incoming>,
    begun: bool,
    back: Arc<Mutex<Option<Incoming>>>,
}

/// What was left unread of a body.
pub struct Unread(Arc<Mutex<Option<Incoming>>>);

/// Lends the body of a request to whatever answers it.
pub fn lend(request: Request<Incoming>) -> (Request<Lent>, Unread) {
    // A client that waits to be asked for its body is not asked for one that nobody wants.
    let begun = !request.headers().contains_key(header::EXPECT);
    let back = Arc::new(Mutex::new(None));
    let unread = Unread(back.clone());
    (request.map(|body| Lent { body: Some(body), begun, back }), unread)
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.begun = true;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(body) =
            self.body.take().filter(|body| self.begun && !HttpBody::is_end_stream(body))
        {
            *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Unread {
    /// Reads what is left until `end` and throws it away: a client that still sends does not read its answer, and
    /// loses it when the connection is closed under it.
    pub async fn drain(self, end: Instant) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left else { return };
        let reading = async {
            let mut drained = 0;
            while let Some(Ok(frame)) = body.frame().await {
                drained += frame.data_ref().map_or(0, Bytes::len);
                if drained > MAX_DRAINED_BYTES {
                    return;
                }
            }
        };
        // What is still to come after this is cut off.
        let _ = tokio::time::timeout_at(end.into(), reading).await;
    }
}

/// Reads a body of at most `limit` bytes within `time`.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    time: Duration,
) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let reading = async {
        match announced {
            Some(length) if length > limit => Err(too_large(length, limit)),
            _ => collect(body, limit).await,
        }
    };
    match tokio::time::timeout(time, reading).await {
        Ok(read) => read,
        Err(_) => {
            let message = format!("the body did not come within {} ms", time.as_millis());
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "request.timeout", message))
        }
    }
}

/// Reads and parses a body of ordinary size.
pub async fn read_json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let time = Duration::from_millis(app.config.body_timeout_ms.into());
    parse(&read(headers, body, app.config.body_bytes, time).await?)
}

/// Reads and parses a body of ordinary size that is a JSON list.
pub async fn read_list<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let time = Duration::from_millis(app.config.body_timeout_ms.into());
    let bytes = read(headers, body, app.config.body_bytes, time).await?;
    match bytes.trim_ascii_start().first() {
        Some(b'[') | None => parse_any(&bytes),
        Some(first) => Err(ApiError::invalid(format!(
            "the body must be a JSON list, and it begins with `{}`",
            first.escape_ascii()
        ))),
    }
}

async fn collect(mut body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "request.malformed",
                format!("the body broke off: {error}"),
            )
        })?;
        let Ok(data) = frame.into_data() else { continue };
        let seen = (collected.len() + data.len()) as u64;
        if seen > limit {
            return Err(too_large(seen, limit));
        }
        // Mostly the whole body comes as one frame, which is taken as it is.
        if collected.is_empty() && HttpBody::is_end_stream(&body) {
            return Ok(data);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

fn too_large(bytes: u64, limit: u64) -> ApiError {
    let message = format!("the body has {bytes} bytes or more, the limit is {limit}");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too-large", message)
}

/// Parses a JSON object. The first try is the fast one; a second one finds the place of an error.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {
            if let Ok(value) = serde_json::from_slice(bytes) {
                return Ok(value);
            }
        }
        // An array would be taken for the members of the object in their order.
        Some(first) if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() => {
            return Err(ApiError::invalid(format!(
                "the body must be a JSON object, and it begins with `{}`",
                first.escape_ascii()
            )));
        }
        _ => {}
    }
    parse_any(bytes)
}

/// Parses JSON of any kind, and finds the place of an error.
fn parse_any<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let error = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error,
        Ok(value) if deserializer.end().is_ok() => return Ok(value),
        Ok(_) => {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "request.malformed",
                "there is more than one JSON value in the body",
            ));
        }
    };
    let path = error.path().to_string();
    let inner = error.into_inner();
    if inner.is_data() {
        let inner = match holds_values(&path) {
            true => without_text(&inner.to_string()),
            false => inner.to_string(),
        };
        let message = match path.as_str() {
            "." => inner,
            path => format!("`{path}`: {inner}"),
        };
        return Err(
            ApiError::invalid(message.clone()).with_hint(suggest::for_unknown_field(&message))
        );
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "request.malformed",
        format!("the body is not JSON: {inner}"),
    ))
}

/// Whether what is at this place of a body is a value of a panel, which may be secret.
fn holds_values(path: &str) -> bool {
    let first = path.split(['.', '[']).next().unwrap_or_default();
    matches!(first, "" | "params" | "old" | "result" | "items")
}

/// What is wrong with a value, without the value if it is a text: who puts a password where an object belongs is not
/// to read it in an error, nor in a log of errors.
fn without_text(message: &str) -> String {
    for wrong in ["invalid type: string ", "invalid value: string ", "invalid length: string "] {
        let Some(rest) = message.strip_prefix(wrong) else { continue };
        // The text itself may have this in it; what is expected never has.
        if let Some((_, expected)) = rest.rsplit_once(", expected ") {
            return format!("{}, expected {expected}", wrong.trim_end());
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_panel_sent_is_a_value_wherever_it_stands() {
        assert!(
            [".", "params", "params.a", "items[0].params", "old"].into_iter().all(holds_values)
        );
        assert!(!["actor", "dry_run", "paramss"].into_iter().any(holds_values));
    }

    #[test]
    fn an_error_about_a_text_does_not_repeat_it() {
        assert_eq!(
            without_text("invalid type: string \"canary\", expected a map at line 1 column 2"),
            "invalid type: string, expected a map at line 1 column 2"
        );
        assert_eq!(
            without_text("invalid type: string \"a, expected b\", expected a map"),
            "invalid type: string, expected a map"
        );
        assert_eq!(
            without_text("invalid type: integer `5`, expected a map"),
            "invalid type: integer `5`, expected a map"
        );
    }
}
