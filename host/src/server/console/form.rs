//! What was sent by a form of the console: taken only with what no other site knows.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;

use super::gate::{Failure, Signed};
use super::sessions::Session;
use crate::server::App;
use crate::server::error::ApiError;
use crate::server::form::{self, FormLimits, Sent};

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
    let limits = FormLimits {
        bytes: app.config.body_bytes,
        // A package may be large, as at the API, and takes longer.
        file_bytes: Some(app.config.component_bytes),
        parts: MAX_FIELDS,
        time: Duration::from_millis(app.config.body_timeout_ms.into()) * 6,
    };
    let (mut texts, mut file) = (Vec::new(), None);
    for (name, sent) in form::read(request, &limits).await? {
        match sent {
            Sent::Text(text) => texts.push((name, text)),
            Sent::File(sent) => file = sent,
        }
    }
    Ok((Fields::of(texts), file))
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
