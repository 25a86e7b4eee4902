//! What was sent by a form of the console: read within a size and a time, and taken only with what no other site knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};

use super::gate::{Failure, Signed};
use super::sessions::Session;
use crate::server::error::ApiError;
use crate::server::{App, body};

/// The field that shows that a form was given to this session.
pub(super) const TOKEN: &str = ".token";
/// Fields of a form.
const MAX_FIELDS: usize = 10_000;

/// A form that this session was given.
#[derive(Debug)]
pub(super) struct Form {
    /// Who sent it.
    pub(super) session: Session,
    /// Its fields.
    pub(super) fields: Fields,
    /// The file that it brought.
    pub(super) file: Option<Bytes>,
}

/// Names and values, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of these pairs.
    pub(super) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// A value; of several the last one, so that a box that is not ticked can have a value too.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    /// A value, or nothing if it is empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Every value of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(its, _)| its == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let Some(Signed(session)) = request.extensions().get::<Signed>().cloned() else {
            return Err(forged());
        };
        let (fields, file) = read(request, app).await?;
        match fields.get(TOKEN) {
            Some(token) if session.gave(token) => Ok(Self { session, fields, file }),
            _ => Err(forged()),
        }
    }
}

fn forged() -> Failure {
    ApiError::new(StatusCode::FORBIDDEN, "console.form", "this form was not given to your session")
        .with_hint(Some("open its page anew, and send it again"))
        .into()
}

/// Reads a form without asking whose it is: for signing in, before which nobody has a session.
pub(super) async fn read(request: Request, app: &App) -> Result<(Fields, Option<Bytes>), Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    let time = Duration::from_millis(app.config.body_timeout_ms.into());
    if kind.starts_with("application/x-www-form-urlencoded") {
        let headers = request.headers().clone();
        let bytes = body::read(&headers, request.into_body(), app.config.body_bytes, time).await?;
        let pairs = url::form_urlencoded::parse(&bytes).take(MAX_FIELDS);
        return Ok((Fields::of(pairs.map(|(name, value)| (name.into(), value.into()))), None));
    }
    if kind.starts_with("multipart/form-data") {
        // A package may be large, as at the API.
        return match tokio::time::timeout(time * 6, read_parts(request, app)).await {
            Ok(read) => read,
            Err(_) => Err(ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "request.timeout",
                "the form did not come in its time",
            )
            .into()),
        };
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.malformed",
        "the body is not that of a form",
    )
    .into())
}

async fn read_parts(request: Request, app: &App) -> Result<(Fields, Option<Bytes>), Failure> {
    let malformed = |error: &dyn std::fmt::Display| -> Failure {
        ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", error.to_string()).into()
    };
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| malformed(&error.body_text()))?;
    let (mut fields, mut file) = (Fields::default(), None);
    let mut room = app.config.body_bytes;
    while let Some(mut part) =
        parts.next_field().await.map_err(|error| malformed(&error.body_text()))?
    {
        let is_file = part.file_name().is_some();
        let name = part.name().unwrap_or_default().to_owned();
        let most = if is_file { app.config.component_bytes } else { room };
        let mut content = BytesMut::new();
        while let Some(chunk) = part.chunk().await.map_err(|error| malformed(&error.body_text()))? {
            if (content.len() + chunk.len()) as u64 > most || fields.0.len() >= MAX_FIELDS {
                let message =
                    format!("`{}` has more than {most} bytes", crate::suggest::shown(&name));
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(ApiError::new(status, "request.too-large", message).into());
            }
            content.extend_from_slice(&chunk);
        }
        if is_file {
            file = Some(content.freeze());
            continue;
        }
        room -= content.len() as u64;
        let value = String::from_utf8(content.to_vec()).map_err(|error| malformed(&error))?;
        fields.0.push((name, value));
    }
    Ok((fields, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_last_value_of_a_name_counts() {
        let sent = fields(&[("in.a", "false"), ("in.a", "true"), ("b", " ")]);
        assert_eq!(sent.get("in.a"), Some("true"));
        assert_eq!(sent.all("in.a").count(), 2);
        assert_eq!((sent.filled("b"), sent.get("c")), (None, None));
    }
}
