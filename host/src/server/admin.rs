//! The admin API: what is installed, what happened, and the host itself.

use std::io::Write;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::error::{ApiError, ErrorBody};
use super::extract::{Path, Query};
use super::grants::{self, GrantsResponse};
use super::{AppState, body, changes};
use crate::bridge::Dialect;
use crate::conduct::Bypassed;
use crate::extension::{Access, Extension, Settings, State as ExtensionState};
use crate::hook::catalogue::{FieldKind, catalogue};
use crate::hook::{Decision, Phase, Power, Status};
use crate::host::{InstallChange, Replace};
use crate::journal::{Entry, Faults, Filter};
use crate::order::Provides;
use crate::package::OnFailure;
use crate::suggest::shown;

/// An installed extension, in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExtensionSummary {
    /// The identifier.
    pub id: String,
    /// The name to show.
    pub name: String,
    /// The version.
    pub version: String,
    /// Whether its handlers run.
    pub state: ExtensionState,
    /// The hooks that it subscribes to.
    pub hooks: Vec<String>,
    /// What it may do to actions.
    #[schema(value_type = Vec<String>)]
    pub powers: Vec<Power>,
    /// Its handlers that are bypassed, for what they did.
    pub bypassed: Vec<BypassedHandler>,
    /// Whether it denied more of its calls than it should.
    pub veto_alarm: bool,
    /// Its calls that run.
    pub running: u32,
    /// When it was installed, in milliseconds since the epoch.
    pub installed_ms: u64,
}

/// A handler that is bypassed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BypassedHandler {
    /// Its hook; null for all of the extension's.
    pub hook: Option<String>,
    /// Why.
    pub reason: String,
    /// Milliseconds until it is called again.
    pub remaining_ms: u64,
}

impl From<Bypassed> for BypassedHandler {
    fn from(bypassed: Bypassed) -> Self {
        Self {
            hook: bypassed.hook.map(|hook| hook.to_string()),
            reason: bypassed.reason,
            remaining_ms: u64::try_from(bypassed.remaining.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Everything about an installed extension.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExtensionDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: ExtensionSummary,
    /// One sentence about it.
    pub description: String,
    /// Its licence.
    pub license: Option<String>,
    /// Where to read more.
    pub homepage: Option<String>,
    /// The SHA-256 of its component.
    pub digest: String,
    /// Its handlers.
    pub handlers: Vec<HandlerDetail>,
    /// What it provides, if panels can order something of it.
    pub provider: Option<ProviderDetail>,
    /// What it asks for, and what of it is granted.
    #[serde(flatten)]
    pub grants: GrantsResponse,
    /// Its settings, with defaults.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub settings: Settings,
    /// The JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
}

/// One handler and what bounds it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HandlerDetail {
    /// The hook.
    pub hook: String,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// What it may do to the action.
    pub powers: Vec<Power>,
    /// What it cannot do without.
    pub requires: Vec<Power>,
    /// The fields that it may change; `*` for all that are not secret.
    pub alter: Vec<String>,
    /// After the action: on which endings it runs.
    pub status: Vec<Status>,
    /// The condition on which it is called.
    pub when: Option<String>,
    /// What a fault becomes.
    #[schema(value_type = String)]
    pub on_failure: OnFailure,
    /// Units of fuel.
    pub fuel: u64,
    /// Milliseconds of wall time.
    pub deadline_ms: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// What an extension provides, and what bounds a call of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProviderDetail {
    /// What can be ordered.
    #[schema(value_type = String)]
    pub provides: Provides,
    /// Units of fuel.
    pub fuel: u64,
    /// Milliseconds of wall time.
    pub deadline_ms: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// What an installation did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InstallResponse {
    /// `installed`, `unchanged`, `replaced`, or `waiting` for what it asks for and nobody decided on.
    pub change: &'static str,
    /// The version that it took the place of, or that goes on while it waits.
    pub replaced: Option<String>,
    /// The panel that it serves, if it is known.
    #[schema(value_type = Option<String>)]
    pub panel: Option<Dialect>,
    /// The extension as it is now.
    pub extension: ExtensionDetail,
}

/// How to install.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct InstallQuery {
    /// Whether it may take the place of a version that is not lower.
    #[serde(default)]
    replace: bool,
    /// What the operator grants: `all`, `none`, or a JSON list of grants. Without it nothing is decided: a new
    /// extension that asks for anything is refused, and an upgrade that asks for more waits.
    grants: Option<String>,
    /// The panel that it is to serve, by its dialect's name; the host's own if this is not given. An extension that
    /// cannot do without a power which the panel does not heed is refused.
    #[param(value_type = Option<String>)]
    panel: Option<Dialect>,
}

/// Which entries of the journal to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct JournalQuery {
    /// Of this action.
    action: Option<String>,
    /// Of this phase.
    #[param(inline)]
    phase: Option<Phase>,
    /// With this verdict.
    #[param(inline)]
    verdict: Option<Decision>,
    /// In which this extension took part.
    extension: Option<String>,
    /// Only entries in which some handler failed.
    #[serde(default)]
    faults: bool,
    /// Not older than this, in milliseconds since the epoch.
    since_ms: Option<u64>,
    /// At most so many, 50 if not given and never more than 1,000.
    limit: Option<usize>,
}

/// Entries of the journal, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JournalResponse {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// One action of the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CatalogueAction {
    /// The name.
    pub name: &'static str,
    /// What happens.
    pub description: &'static str,
    /// Whether nearly every panel has it.
    pub core: bool,
    /// Its parameters.
    pub fields: Vec<CatalogueField>,
    /// The panels that have it, each with the phases in which they call out.
    pub panels: std::collections::BTreeMap<&'static str, Vec<String>>,
}

/// One parameter of an action of the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CatalogueField {
    /// The name.
    pub name: &'static str,
    /// What its values are.
    #[schema(value_type = String)]
    pub r#type: FieldKind,
    /// Whether its values are withheld from extensions, logs and the journal.
    pub secret: bool,
    /// What it says.
    pub description: &'static str,
}

/// The state of the host.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusResponse {
    /// The version of the host.
    pub version: &'static str,
    /// The panel that it serves, if it is configured.
    #[schema(value_type = Option<String>)]
    pub panel: Option<Dialect>,
    /// Extensions installed, and of these enabled.
    pub extensions: usize,
    /// Enabled extensions.
    pub enabled: usize,
    /// Bytes of the database on disk.
    pub store_bytes: u64,
    /// Entries that the journal could not take since the start.
    pub journal_dropped: u64,
    /// Whether every write could be made durable.
    pub healthy: bool,
}

fn summary(app: &super::App, extension: &Extension) -> ExtensionSummary {
    let report = app.host.conduct.report(&extension.id, Instant::now());
    let subscriptions = &extension.manifest.subscriptions;
    let mut powers: Vec<Power> = Vec::new();
    for power in subscriptions.iter().flat_map(|on| Access::new(on, &extension.granted).powers) {
        if !powers.contains(&power) {
            powers.push(power);
        }
    }
    ExtensionSummary {
        id: extension.id.to_string(),
        name: extension.manifest.name.clone(),
        version: extension.version.to_string(),
        state: extension.state,
        hooks: subscriptions.iter().map(|subscription| subscription.hook.to_string()).collect(),
        powers,
        bypassed: report.bypassed.into_iter().map(BypassedHandler::from).collect(),
        veto_alarm: report.veto_alarm,
        running: report.running,
        installed_ms: extension.installed_ms,
    }
}

pub(super) fn detail(app: &super::App, extension: &Extension) -> ExtensionDetail {
    let policy = app.host.registry.policy();
    let unset = crate::registry::Overrides::default();
    let set = policy.overrides.get(&*extension.id).unwrap_or(&unset);
    let handlers = extension.manifest.subscriptions.iter().map(|subscription| {
        let access = Access::new(subscription, &extension.granted);
        let limits =
            policy.limits.resolve(subscription.hook.phase, &subscription.asked, &set.limits);
        HandlerDetail {
            hook: subscription.hook.to_string(),
            priority: set.priority.unwrap_or(subscription.priority),
            powers: access.powers,
            requires: subscription.requires.clone(),
            alter: access.alter.to_list(),
            status: match subscription.hook.phase {
                Phase::Before => Vec::new(),
                Phase::After => subscription.statuses.clone(),
            },
            when: subscription.when.as_ref().map(ToString::to_string),
            on_failure: match subscription.hook.phase {
                Phase::Before => set.on_failure.unwrap_or(subscription.on_failure),
                Phase::After => OnFailure::Proceed,
            },
            fuel: limits.fuel,
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: limits.memory_bytes,
        }
    });
    ExtensionDetail {
        summary: summary(app, extension),
        description: extension.manifest.description.clone(),
        license: extension.manifest.license.clone(),
        homepage: extension.manifest.homepage.clone(),
        digest: extension.digest.to_string(),
        handlers: handlers.collect(),
        provider: policy.provider(extension).map(|(provides, limits)| ProviderDetail {
            provides,
            fuel: limits.fuel,
            deadline_ms: u64::try_from(limits.deadline.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: limits.memory_bytes,
        }),
        grants: GrantsResponse::new(extension),
        settings: extension.shown_settings(),
        settings_schema: extension.manifest.settings_schema.clone(),
    }
}

pub(super) fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Lists what is installed.
#[utoipa::path(get, path = "/v1/extensions", tag = "extensions", responses((status = 200, body = Vec<ExtensionSummary>)))]
pub(super) async fn list_extensions(State(app): AppState) -> Response {
    let snapshot = app.host.registry.snapshot_owned();
    json(
        &snapshot.extensions.values().map(|extension| summary(&app, extension)).collect::<Vec<_>>(),
    )
}

/// Installs a packed extension: the component with its manifest inside.
#[utoipa::path(post, path = "/v1/extensions", tag = "extensions", params(InstallQuery),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 200, body = InstallResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn install(
    State(app): AppState,
    Query(query): Query<InstallQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let time = Duration::from_millis(u64::from(app.config.body_timeout_ms) * 6);
    let bytes = body::read(&headers, request, app.config.component_bytes, time).await?;
    let replace = if query.replace { Replace::Any } else { Replace::Older };
    let granting = grants::parse_granting(query.grants.as_deref())?;
    let panel = query.panel.or(app.shown_config.panel);
    let installed = changes::install(&app, bytes, replace, granting, panel).await?;
    let extension = &installed.extension;
    let change = installed.change.word();
    let replaced = match &installed.change {
        InstallChange::New | InstallChange::Unchanged => None,
        InstallChange::Replaced(version) | InstallChange::Waiting(version) => {
            Some(version.to_string())
        }
    };
    Ok(json(&InstallResponse { change, replaced, panel, extension: detail(&app, extension) }))
}

/// Shows one extension.
#[utoipa::path(get, path = "/v1/extensions/{id}", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = ExtensionDetail), (status = 404, body = ErrorBody)))]
pub(super) async fn show_extension(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(json(&detail(&app, &*app.host.registry.get(&id)?)))
}

/// Removes an extension and what it keeps.
#[utoipa::path(delete, path = "/v1/extensions/{id}", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = ExtensionSummary), (status = 404, body = ErrorBody)))]
pub(super) async fn remove(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let removed = changes::remove(&app, &id).await?;
    Ok(json(&summary(&app, &removed)))
}

/// Lets the handlers of an extension run.
#[utoipa::path(post, path = "/v1/extensions/{id}/enable", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = ExtensionDetail), (status = 404, body = ErrorBody)))]
pub(super) async fn enable(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(json(&detail(&app, &*changes::switch(&app, &id, ExtensionState::Enabled).await?)))
}

/// Keeps the handlers of an extension from running.
#[utoipa::path(post, path = "/v1/extensions/{id}/disable", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = ExtensionDetail), (status = 404, body = ErrorBody)))]
pub(super) async fn disable(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(json(&detail(&app, &*changes::switch(&app, &id, ExtensionState::Disabled).await?)))
}

/// Shows the settings that an operator gave, without defaults; a secret one is `{"$secret": null}`.
#[utoipa::path(get, path = "/v1/extensions/{id}/settings", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ErrorBody)))]
pub(super) async fn show_settings(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    Ok(json(&app.host.registry.given_settings(&id)?))
}

/// Gives an extension settings, in place of all that it had. `{"$secret": null}` keeps a secret one as it is.
#[utoipa::path(put, path = "/v1/extensions/{id}/settings", tag = "extensions", params(("id" = String, Path, description = "The identifier of the extension")),
    request_body = serde_json::Value,
    responses((status = 200, body = ExtensionDetail), (status = "4XX", body = ErrorBody)))]
pub(super) async fn set_settings(
    State(app): AppState,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let settings: Settings = body::read_json(&app, &headers, request).await?;
    let extension = app.host.set_settings(&id, settings).await?;
    Ok(json(&detail(&app, &extension)))
}

/// Lists hook calls and their verdicts, newest first.
#[utoipa::path(get, path = "/v1/journal", tag = "host", params(JournalQuery), responses((status = 200, body = JournalResponse)))]
pub(super) async fn journal(
    State(app): AppState,
    Query(query): Query<JournalQuery>,
) -> Result<Response, ApiError> {
    let filter = Filter {
        action: query.action,
        phase: query.phase,
        verdict: query.verdict,
        extension: query.extension,
        faults: query.faults.then_some(Faults::Only),
        since_ms: query.since_ms,
        ..Filter::default()
    };
    let entries = app.host.journal.list(filter, query.limit.unwrap_or(50)).await?;
    Ok(json(&JournalResponse { entries }))
}

/// Shows the hook calls of one action: before it and after it.
#[utoipa::path(get, path = "/v1/journal/{action_id}", tag = "host", params(("action_id" = String, Path, description = "The identifier of the action")),
    responses((status = 200, body = JournalResponse), (status = 404, body = ErrorBody)))]
pub(super) async fn journal_action(
    State(app): AppState,
    Path(action_id): Path<String>,
) -> Result<Response, ApiError> {
    let filter = Filter { action_id: Some(action_id.clone()), ..Filter::default() };
    let mut entries = app.host.journal.list(filter, 100).await?;
    if entries.is_empty() {
        let shown = shown(&action_id);
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "journal.unknown",
            format!("the journal has no action `{shown}`"),
        ));
    }
    entries.reverse();
    Ok(json(&JournalResponse { entries }))
}

/// Lists the catalogue of actions.
#[utoipa::path(get, path = "/v1/actions", tag = "hooks", responses((status = 200, body = Vec<CatalogueAction>)))]
pub(super) async fn list_actions() -> Response {
    let actions = catalogue().actions().map(|action| CatalogueAction {
        name: &action.name,
        description: &action.description,
        core: action.core,
        fields: action
            .fields
            .iter()
            .map(|field| CatalogueField {
                name: field.short(),
                r#type: field.kind,
                secret: field.secret,
                description: &field.description,
            })
            .collect(),
        panels: action
            .panels
            .iter()
            .map(|(panel, native)| {
                (
                    panel.as_str(),
                    native.phases.iter().map(|phase| format!("{phase:?}").to_lowercase()).collect(),
                )
            })
            .collect(),
    });
    json(&actions.collect::<Vec<_>>())
}

/// Shows the state of the host.
#[utoipa::path(get, path = "/v1/status", tag = "host", responses((status = 200, body = StatusResponse)))]
pub(super) async fn status(State(app): AppState) -> Response {
    let snapshot = app.host.registry.snapshot_owned();
    json(&StatusResponse {
        version: env!("CARGO_PKG_VERSION"),
        panel: app.shown_config.panel,
        extensions: snapshot.extensions.len(),
        enabled: snapshot
            .extensions
            .values()
            .filter(|extension| extension.state == ExtensionState::Enabled)
            .count(),
        store_bytes: app.host.storage.size(),
        journal_dropped: app.host.journal.dropped(),
        healthy: app.host.storage.is_healthy(),
    })
}

/// Shows the configuration that the host runs with, as TOML.
#[utoipa::path(get, path = "/v1/config", tag = "host", responses((status = 200, body = String, content_type = "application/toml")))]
pub(super) async fn config(State(app): AppState) -> Result<Response, ApiError> {
    let text = toml::to_string(&app.shown_config).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], text).into_response())
}

/// Exports the whole store, for a backup or another machine.
#[utoipa::path(get, path = "/v1/store/export", tag = "host", responses((status = 200, body = Vec<u8>, content_type = "application/zstd")))]
pub(super) async fn export(State(app): AppState) -> Response {
    let (to, mut chunks) = mpsc::channel(4);
    let its = app.clone();
    app.detached.spawn(async move {
        let failed = to.clone();
        if let Err(error) = its.host.export(ChunkWriter { to }).await {
            tracing::error!(%error, "the export broke off");
            // An error in the stream breaks the connection, so that the client knows that the file is cut.
            let _ = failed.send(Err(std::io::Error::other(error.to_string()))).await;
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| chunks.poll_recv(context));
    ([(header::CONTENT_TYPE, "application/zstd")], Body::from_stream(stream)).into_response()
}

/// Hands chunks to a stream; waits when the client reads slowly.
struct ChunkWriter {
    to: mpsc::Sender<std::io::Result<Bytes>>,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "host", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn openapi() -> Response {
    json(&super::openapi::document())
}

/// Says that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "host", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Says whether hook calls can be decided and changes be kept.
#[utoipa::path(get, path = "/readyz", tag = "host", security(()), responses((status = 200, body = String, content_type = "text/plain"), (status = 503, body = ErrorBody)))]
pub(super) async fn readyz(State(app): AppState) -> Result<&'static str, ApiError> {
    match app.host.storage.is_healthy() {
        true => Ok("ok\n"),
        false => Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store.unavailable",
            "the database failed; restart the host",
        )),
    }
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "host", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(app): AppState) -> Result<Response, ApiError> {
    let text = app.metrics.text(&app.host).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    Ok((
        [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
        text,
    )
        .into_response())
}
