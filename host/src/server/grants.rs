//! The part of the admin API that is about grants: what an extension asks for, and what the operator lets it do.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::admin::{ExtensionDetail, detail, json};
use super::error::{ApiError, ErrorBody};
use super::extract::Path;
use super::{AppState, body, changes};
use crate::extension::Extension;
use crate::grant::{Ask, Grant, Grants, Standing};
use crate::registry::{GrantChange, Granting};

/// What an extension asks for, and what of it is granted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GrantsResponse {
    /// What it asks for, in the order of its manifest.
    pub asks: Vec<AskDetail>,
    /// A newer version that waits for what it asks for beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingDetail>,
}

/// One thing that an extension asks for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AskDetail {
    /// The grant, as it is written: `deny before:mailbox.create`.
    #[schema(value_type = String)]
    pub grant: Grant,
    /// The same as what the extension wants to do, for a person.
    pub words: String,
    /// Why, as the extension says; empty where none is owed.
    pub reason: String,
    /// Whether it is granted.
    pub granted: bool,
}

/// A version that waits for grants.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WaitingDetail {
    /// The version.
    pub version: String,
    /// The SHA-256 of its component.
    pub digest: String,
    /// What it asks for.
    pub asks: Vec<AskDetail>,
}

/// A change of what is granted.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrantsRequest {
    /// What to grant.
    #[schema(value_type = Vec<String>)]
    pub add: Grants,
    /// What to revoke.
    #[schema(value_type = Vec<String>)]
    pub revoke: Grants,
    /// Whether to grant everything that it asks for.
    pub all: bool,
}

impl GrantsResponse {
    /// What an extension asks for.
    pub fn new(extension: &Extension) -> Self {
        let standing = |ask: &Ask| extension.standing(&ask.grant) == Standing::Granted;
        Self {
            asks: extension.manifest.asks.iter().map(|ask| detail_of(ask, standing(ask))).collect(),
            waiting: extension.waiting.as_ref().map(|waiting| WaitingDetail {
                version: waiting.version.to_string(),
                digest: waiting.digest.to_string(),
                asks: waiting
                    .manifest
                    .asks
                    .iter()
                    .map(|ask| detail_of(ask, extension.granted.contains(&ask.grant)))
                    .collect(),
            }),
        }
    }
}

fn detail_of(ask: &Ask, granted: bool) -> AskDetail {
    AskDetail {
        grant: ask.grant.clone(),
        words: ask.grant.in_words(),
        reason: ask.reason.clone(),
        granted,
    }
}

/// What an operator decides at an installation, from the query.
pub(super) fn parse_granting(text: Option<&str>) -> Result<Granting, ApiError> {
    match text {
        None => Ok(Granting::Undecided),
        Some("all") => Ok(Granting::All),
        Some("none") => Ok(Granting::These(Grants::new())),
        Some(list) => serde_json::from_str(list).map(Granting::These).map_err(|error| {
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "grants.invalid",
                format!("`grants` is `all`, `none` or a JSON list of grants: {error}"),
            )
        }),
    }
}

/// Shows what an extension asks for and what of it is granted.
#[utoipa::path(get, path = "/v1/extensions/{id}/grants", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = GrantsResponse), (status = 404, body = ErrorBody)))]
pub(super) async fn show_grants(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(json(&GrantsResponse::new(&*app.host.registry.get(&id)?)))
}

/// Grants and revokes. A version that waited for these grants is put to use.
#[utoipa::path(post, path = "/v1/extensions/{id}/grants", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    request_body = GrantsRequest,
    responses((status = 200, body = ExtensionDetail), (status = "4XX", body = ErrorBody)))]
pub(super) async fn change_grants(
    State(app): AppState,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let request: GrantsRequest = body::read_json(&app, &headers, request).await?;
    let change = match (request.all, request.add.is_empty() && request.revoke.is_empty()) {
        (true, true) => GrantChange::All,
        (true, false) => {
            return Err(ApiError::invalid("`all` and a list of grants exclude each other"));
        }
        (false, _) => GrantChange::Change { add: request.add, revoke: request.revoke },
    };
    apply(&app, &id, change).await
}

/// Grants these, in place of all that was granted.
#[utoipa::path(put, path = "/v1/extensions/{id}/grants", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    request_body = Vec<String>,
    responses((status = 200, body = ExtensionDetail), (status = "4XX", body = ErrorBody)))]
pub(super) async fn set_grants(
    State(app): AppState,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let grants: Grants = body::read_list(&app, &headers, request).await?;
    apply(&app, &id, GrantChange::These(grants)).await
}

async fn apply(app: &super::App, id: &str, change: GrantChange) -> Result<Response, ApiError> {
    Ok(json(&detail(app, &*changes::grants(app, id, change).await?)))
}
