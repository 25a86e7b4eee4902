//! The variable parts of a URL, refused in the same form as everything else that is wrong with a request.

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::suggest;

/// The variable part of a path.
pub(super) struct Path<T>(pub T);

/// What stands behind the `?`.
pub(super) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match AxumPath::from_request_parts(parts, state).await {
            Ok(AxumPath(part)) => Ok(Self(part)),
            Err(rejection) => {
                let message = format!(
                    "the path `{}` cannot be read: {}",
                    shown(parts.uri.path()),
                    reason(&rejection.body_text())
                );
                Err(ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", message))
            }
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match AxumQuery::try_from_uri(&parts.uri) {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(rejection) => {
                let reason = reason(&rejection.body_text());
                let message = format!(
                    "the query `{}`: {reason}",
                    shown(parts.uri.query().unwrap_or_default())
                );
                Err(ApiError::invalid(message).with_hint(suggest::for_unknown_field(&reason)))
            }
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// What is wrong, without the sentence that the framework puts in front of it.
fn reason(text: &str) -> String {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    text.strip_prefix("Invalid URL: ").unwrap_or(text).to_owned()
}
