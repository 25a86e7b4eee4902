//! Errors of the API: a status, a stable code, what is wrong and what to do.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::host::InstallError;
use crate::registry::RegistryError;
use crate::storage::StorageError;

/// The body of every answer that is an error.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// A stable code for programs, such as `request.invalid`.
    pub code: String,
    /// What is wrong, naming the value.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// An answer that is an error. It decides its status once.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    detail: ErrorDetail,
}

impl ApiError {
    /// An error with this status, code and message.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            detail: ErrorDetail { code: code.to_owned(), message: message.into(), hint: None },
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.detail.hint = hint.map(Into::into);
        self
    }

    /// The same, with the place in front of the message.
    #[must_use]
    pub fn with_prefix(mut self, place: &str) -> Self {
        self.detail.message = format!("{place}: {}", self.detail.message);
        self
    }

    /// A request whose values are wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", message)
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong.
    pub(super) fn detail(&self) -> &ErrorDetail {
        &self.detail
    }

    /// A failure of the host itself. What it was is in the host's log, not in the answer.
    pub(super) fn internal(what: &str, error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "{what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", what)
            .with_hint(Some("the host's log says more"))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&ErrorBody { error: self.detail }).unwrap_or_default();
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Poisoned | StorageError::Failed(_) => {
                tracing::error!(%error, "the storage failed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.unavailable", error.to_string())
            }
            error => Self::internal("the storage failed", &error),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let (Some(code), hint) = (error.code(), error.hint()) else {
            return match error {
                RegistryError::Storage(error) => error.into(),
                error => Self::internal("the registry failed", &error),
            };
        };
        let status = match &error {
            RegistryError::Unknown { .. } => StatusCode::NOT_FOUND,
            RegistryError::Undecided { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, code, error.to_string()).with_hint(hint)
    }
}

impl From<InstallError> for ApiError {
    fn from(error: InstallError) -> Self {
        let status = match error.code() {
            "internal" => return Self::internal("the extension could not be installed", &error),
            "extension.not-newer" | "grants.undecided" => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), error.to_string()).with_hint(error.hint())
    }
}

/// Answers a request for a path that there is not.
pub async fn no_such_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(StatusCode::NOT_FOUND, "route.unknown", format!("there is no `{path}`"))
        .with_hint(Some("GET /v1/openapi.json lists all paths"))
}

/// Answers a request by a method that the path does not have.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("`{path}` does not take the method {method}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "route.method", message)
        .with_hint(Some("GET /v1/openapi.json lists all paths"))
}
