//! What an operator changes: carried out and logged, for the API and for the console alike.

use std::sync::Arc;

use axum::http::StatusCode;
use bytes::Bytes;

use super::App;
use super::error::ApiError;
use crate::bridge::Dialect;
use crate::extension::{Extension, State};
use crate::host::{Installed, Replace};
use crate::registry::{GrantChange, Granting};

/// Installs a packed extension. An installation that has begun is finished, whether the operator waits or not.
pub(super) async fn install(
    app: &Arc<App>,
    bytes: Bytes,
    replace: Replace,
    granting: Granting,
    panel: Option<Dialect>,
) -> Result<Installed, ApiError> {
    let its = app.clone();
    let installed = app
        .detached
        .spawn(async move { its.host.install(bytes, replace, granting, panel).await })
        .await;
    let installed = installed.map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })??;
    let (extension, change) = (&installed.extension, installed.change.word());
    tracing::info!(extension.id = %extension.id, version = %extension.version, "`{}` {} is {change}", extension.id, extension.version);
    Ok(installed)
}

/// Removes an extension and what it keeps.
pub(super) async fn remove(app: &App, id: &str) -> Result<Arc<Extension>, ApiError> {
    let removed = app.host.remove(id).await?;
    tracing::info!(extension.id = %removed.id, "`{}` is removed", removed.id);
    Ok(removed)
}

/// Lets the handlers of an extension run, or keeps them from it.
pub(super) async fn switch(app: &App, id: &str, state: State) -> Result<Arc<Extension>, ApiError> {
    let extension = app.host.set_state(id, state).await?;
    tracing::info!(extension.id = %extension.id, ?state, "`{}` is switched", extension.id);
    Ok(extension)
}

/// Grants and revokes.
pub(super) async fn grants(
    app: &App,
    id: &str,
    change: GrantChange,
) -> Result<Arc<Extension>, ApiError> {
    let extension = app.host.change_grants(id, change).await?;
    tracing::info!(extension.id = %extension.id, version = %extension.version, "the grants of `{}` changed", extension.id);
    Ok(extension)
}
