//! Bodies of requests: read within a size and a time, then parsed with errors that name the place.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::suggest;

/// Bytes of a body over its limit that are read and thrown away, so that the client comes to read the answer.
const MAX_DRAINED_BYTES: usize = 512 << 20;

/// Reads a body of at most `limit` bytes within `time`.
pub async fn read(headers: &HeaderMap, body: Body, limit: u64, time: Duration) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let reading = async {
        match announced {
            Some(length) if length > limit => Err(too_large(drain(body, length).await, limit)),
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

async fn collect(mut body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", format!("the body broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if (collected.len() + data.len()) as u64 > limit {
            let seen = (collected.len() + data.len()) as u64;
            drop(collected);
            return Err(too_large(drain(body, seen).await, limit));
        }
        // Mostly the whole body comes as one frame, which is taken as it is.
        if collected.is_empty() && body.size_hint_is_zero() {
            return Ok(data);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

/// Whether nothing more can come.
trait SizeHint {
    fn size_hint_is_zero(&self) -> bool;
}

impl SizeHint for Body {
    fn size_hint_is_zero(&self) -> bool {
        hyper::body::Body::is_end_stream(self)
    }
}

async fn drain(mut body: Body, announced: u64) -> u64 {
    let mut drained = 0;
    while let Some(Ok(frame)) = body.frame().await {
        drained += frame.data_ref().map_or(0, Bytes::len);
        if drained > MAX_DRAINED_BYTES {
            break;
        }
    }
    announced.max(drained as u64)
}

fn too_large(bytes: u64, limit: u64) -> ApiError {
    let message = format!("the body has {bytes} bytes or more, the limit is {limit}");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too-large", message)
}

/// Parses JSON. The first try is the fast one; a second one finds the place of an error.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let error = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => error,
        Ok(_) => return Err(ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", "there is more than one JSON value in the body")),
    };
    let path = error.path().to_string();
    let inner = error.into_inner();
    if inner.is_data() {
        let message = match path.as_str() {
            "." => inner.to_string(),
            path => format!("`{path}`: {inner}"),
        };
        return Err(ApiError::invalid(message.clone()).with_hint(suggest::for_unknown_field(&message)));
    }
    Err(ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", format!("the body is not JSON: {inner}")))
}
