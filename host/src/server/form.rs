//! Forms that browsers send: read within their sizes and a time, as names and what was sent for each, in order.

use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};

use super::body;
use super::error::ApiError;
use crate::suggest::shown;

/// What bounds a form.
pub(super) struct FormLimits {
    /// Bytes of all that is no file, and of files too unless they have a limit of their own.
    pub(super) bytes: u64,
    /// Bytes of one file.
    pub(super) file_bytes: Option<u64>,
    /// Names with what was sent for them, so that many small ones cost no more than a few large ones.
    pub(super) parts: usize,
    /// How long it may take.
    pub(super) time: Duration,
}

/// What was sent for a name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    /// A text.
    Text(String),
    /// A file; nothing if none was chosen.
    File(Option<Bytes>),
}

/// Reads a form. How large one in parts may be as a whole, heads included, is the router's own limit of bodies.
pub(super) async fn read(
    request: Request,
    limits: &FormLimits,
) -> Result<Vec<(String, Sent)>, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => {
            let headers = request.headers().clone();
            let bytes =
                body::read(&headers, request.into_body(), limits.bytes, limits.time).await?;
            let mut sent = Vec::new();
            for (name, value) in url::form_urlencoded::parse(&bytes) {
                limits.check_parts(sent.len())?;
                sent.push((name.into_owned(), Sent::Text(value.into_owned())));
            }
            Ok(sent)
        }
        "multipart/form-data" => {
            let reading = tokio::time::timeout(limits.time, read_parts(request, limits));
            reading.await.unwrap_or_else(|_| {
                let message =
                    format!("the form did not come within {} ms", limits.time.as_millis());
                Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "request.timeout", message))
            })
        }
        other => {
            let message = format!(
                "a form is `application/x-www-form-urlencoded` or `multipart/form-data`, not `{}`",
                shown(other)
            );
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.malformed", message))
        }
    }
}

async fn read_parts(
    request: Request,
    limits: &FormLimits,
) -> Result<Vec<(String, Sent)>, ApiError> {
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| malformed(&error.body_text()))?;
    let mut room = limits.bytes;
    let mut sent = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        limits.check_parts(sent.len())?;
        let name = unquoted(part.name().unwrap_or_default());
        let file = part.file_name().map(str::to_owned);
        let own = limits.file_bytes.filter(|_| file.is_some());
        let content = collect(part, &name, own.unwrap_or(room)).await?;
        if own.is_none() {
            room -= content.len() as u64;
        }
        sent.push((
            name,
            match file {
                Some(file) => Sent::File((!file.is_empty()).then_some(content)),
                None => Sent::Text(
                    String::from_utf8(content.into()).map_err(|error| malformed(&error))?,
                ),
            },
        ));
    }
    Ok(sent)
}

/// The content of a part, if it has no more bytes than this.
async fn collect(mut part: Field<'_>, name: &str, most: u64) -> Result<Bytes, ApiError> {
    let mut content = BytesMut::new();
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        if (content.len() + chunk.len()) as u64 > most {
            let message = format!("`{}` has more than {most} bytes", shown(name));
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(ApiError::new(status, "request.too-large", message));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

fn broken(error: MultipartError) -> ApiError {
    match error.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(status, "request.too-large", "the form as a whole is too large")
        }
        _ => malformed(&error.body_text()),
    }
}

fn malformed(error: &dyn std::fmt::Display) -> ApiError {
    let message = format!("the form is not well-formed: {error}");
    ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", message)
}

/// A name of a part as it is. Browsers write three characters of it so that it can stand between quotes.
fn unquoted(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

impl FormLimits {
    /// Whether there is room for one more part after so many.
    fn check_parts(&self, number: usize) -> Result<(), ApiError> {
        let most = self.parts;
        match number < most {
            true => Ok(()),
            false => Err(ApiError::invalid(format!("the form has more than {most} parts"))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use axum::body::Body;

    use super::*;

    const LIMITS: FormLimits =
        FormLimits { bytes: 1_000, file_bytes: None, parts: 3, time: Duration::from_secs(10) };

    /// A request with a form.
    pub(in crate::server) fn request(kind: &str, body: &str) -> Request {
        Request::builder()
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()))
            .unwrap()
    }

    /// A form in parts: what stands behind the name, and the content.
    fn parts(parts: &[(&str, &str)]) -> Request {
        let mut body = String::new();
        for (name, content) in parts {
            body +=
                &format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n{content}\r\n");
        }
        request("multipart/form-data; boundary=b", &(body + "--b--\r\n"))
    }

    #[tokio::test]
    async fn both_kinds_of_forms_are_names_and_what_was_sent_for_them() {
        let urlencoded = request("Application/X-WWW-Form-URLencoded; charset=utf-8", "a=b+c&a=");
        let text = |name: &str, text: &str| (name.to_owned(), Sent::Text(text.to_owned()));
        let sent = read(urlencoded, &LIMITS).await.unwrap();
        assert_eq!(sent, [text("a", "b c"), text("a", "")]);
        let sent = read(parts(&[("\"a\"", "b"), ("\"f\"; filename=\"x\"", "c")]), &LIMITS).await;
        let file = ("f".to_owned(), Sent::File(Some(Bytes::from_static(b"c"))));
        assert_eq!(sent.unwrap(), [text("a", "b"), file]);
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_wherever_it_stands() {
        let large = "x".repeat(1_001);
        let half = "x".repeat(501);
        let status = async |request, limits| read(request, limits).await.unwrap_err().status();
        for form in [
            request("application/x-www-form-urlencoded", &large),
            parts(&[("a", &large)]),
            parts(&[("a", &half), ("b", &half)]),
            parts(&[("a", &half), ("f; filename=x", &half)]),
        ] {
            assert_eq!(status(form, &LIMITS).await, StatusCode::PAYLOAD_TOO_LARGE);
        }
        let of_its_own = FormLimits { file_bytes: Some(1_001), ..LIMITS };
        assert!(read(parts(&[("a", &half), ("f; filename=x", &large)]), &of_its_own).await.is_ok());
    }

    #[tokio::test]
    async fn a_form_of_too_many_parts_is_refused_whole() {
        let message =
            async |request| read(request, &LIMITS).await.unwrap_err().detail().message.clone();
        let urlencoded = request("application/x-www-form-urlencoded", "a&b&c&d");
        assert_eq!(message(urlencoded).await, "the form has more than 3 parts");
        let several = parts(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]);
        assert_eq!(message(several).await, "the form has more than 3 parts");
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        let status =
            async |kind, body| read(request(kind, body), &LIMITS).await.unwrap_err().status();
        let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        assert_eq!(status("application/json", "{}").await, unsupported);
        for (kind, body) in
            [("multipart/form-data", ""), ("multipart/form-data; boundary=b", "--b\r\nrubbish")]
        {
            assert_eq!(status(kind, body).await, StatusCode::BAD_REQUEST, "{kind}: {body}");
        }
    }
}
