//! The panel API: hook calls before and after an action, one by one and in batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::error::{ApiError, ErrorBody};
use super::extract::Path;
use super::wire::{AfterRequest, BatchRequest, BatchResponse, BeforeRequest, HookResponse};
use super::{App, AppState, body};
use crate::hook::{HookCall, Phase};
use crate::host::Decided;

/// Items of a batch that are decided at one time.
pub(super) const BATCH_PARALLEL: usize = 8;
/// Bytes that most answers need.
const USUAL_BYTES: usize = 1 << 10;

/// Decides what is to become of an action, before the panel runs it.
///
/// When the panel disconnects, the call is dropped: nobody will run the action on its verdict.
#[utoipa::path(post, path = "/v1/actions/{action}/before", tag = "hooks", operation_id = "before",
    params(("action" = String, Path, description = "The action, such as `mailbox.create`")),
    request_body = BeforeRequest,
    responses((status = 200, body = HookResponse<'static>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn before(
    State(app): AppState,
    Path(action): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let bytes = read(&app, &headers, request).await?;
    let request: BeforeRequest = body::parse(&bytes)?;
    let id = request.id.clone();
    let call = request.into_call(&action, &app.config)?;
    let decide = async { one(&decide(&app, call, None).await) };
    Ok(json(match id {
        Some(id) => app.idempotency.once(Phase::Before, &id, &action, &bytes, decide).await?,
        None => decide.await,
    }))
}

/// Tells handlers how an action ended.
///
/// When the panel disconnects, the handlers run all the same: the action has happened.
#[utoipa::path(post, path = "/v1/actions/{action}/after", tag = "hooks", operation_id = "after",
    params(("action" = String, Path, description = "The action, such as `mailbox.create`")),
    request_body = AfterRequest,
    responses((status = 200, body = HookResponse<'static>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn after(
    State(app): AppState,
    Path(action): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let bytes = read(&app, &headers, request).await?;
    let request: AfterRequest = body::parse(&bytes)?;
    let id = request.id.clone();
    let call = request.into_call(&action, &app.config)?;
    let its = app.clone();
    detached(&app, async move {
        let decide = async { one(&decide(&its, call, None).await) };
        match id {
            Some(id) => its.idempotency.once(Phase::After, &id, &action, &bytes, decide).await,
            None => Ok(decide.await),
        }
    })
    .await
}

/// Decides what is to become of an action on several objects: one verdict for each.
#[utoipa::path(post, path = "/v1/actions/{action}/before/batch", tag = "hooks", operation_id = "before_batch",
    params(("action" = String, Path, description = "The action, such as `customer.delete`")),
    request_body = BatchRequest,
    responses((status = 200, body = BatchResponse<'static>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn before_batch(
    State(app): AppState,
    Path(action): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let bytes = read(&app, &headers, request).await?;
    let (id, calls) = batch(&app, Phase::Before, &action, &bytes)?;
    let decide = many(&app, calls);
    Ok(json(match id {
        Some(id) => app.idempotency.once(Phase::Before, &id, &action, &bytes, decide).await?,
        None => decide.await,
    }))
}

/// Tells handlers how an action on several objects ended.
#[utoipa::path(post, path = "/v1/actions/{action}/after/batch", tag = "hooks", operation_id = "after_batch",
    params(("action" = String, Path, description = "The action, such as `customer.delete`")),
    request_body = BatchRequest,
    responses((status = 200, body = BatchResponse<'static>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn after_batch(
    State(app): AppState,
    Path(action): Path<String>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let bytes = read(&app, &headers, request).await?;
    let (id, calls) = batch(&app, Phase::After, &action, &bytes)?;
    let its = app.clone();
    detached(&app, async move {
        let decide = many(&its, calls);
        match id {
            Some(id) => its.idempotency.once(Phase::After, &id, &action, &bytes, decide).await,
            None => Ok(decide.await),
        }
    })
    .await
}

/// Reads the body of a request.
async fn read(app: &App, headers: &HeaderMap, request: Body) -> Result<Bytes, ApiError> {
    body::read(
        headers,
        request,
        app.config.body_bytes,
        Duration::from_millis(app.config.body_timeout_ms.into()),
    )
    .await
}

fn batch(
    app: &App,
    phase: Phase,
    action: &str,
    bytes: &[u8],
) -> Result<(Option<String>, Vec<HookCall>), ApiError> {
    let request: BatchRequest = body::parse(bytes)?;
    let id = request.id.clone();
    Ok((id, request.into_calls(phase, action, &app.config)?))
}

/// Runs work that goes on when the connection is gone.
pub(super) async fn detached(
    app: &App,
    work: impl Future<Output = Result<Bytes, ApiError>> + Send + 'static,
) -> Result<Response, ApiError> {
    match app.detached.spawn(work).await {
        Ok(answer) => Ok(json(answer?)),
        Err(error) => Err(ApiError::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            error.to_string(),
        )),
    }
}

/// Decides a hook call, until `end` if there is one, and counts it.
pub(super) async fn decide(app: &App, call: HookCall, end: Option<Instant>) -> Decided {
    app.metrics.in_flight.inc();
    let _flying = Flying(app);
    let decided = app.host.decide(call, end).await;
    app.metrics.decided(&decided);
    decided
}

/// Counts a hook call that is being decided, also when it is dropped.
struct Flying<'a>(&'a App);

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

fn one(decided: &Decided) -> Bytes {
    written(&HookResponse::new(decided))
}

async fn many(app: &Arc<App>, calls: Vec<HookCall>) -> Bytes {
    let decided: Vec<Decided> = stream::iter(calls)
        .map(|call| decide(app, call, None))
        .buffered(BATCH_PARALLEL)
        .collect()
        .await;
    let verdicts = decided.iter().map(HookResponse::new).collect();
    written(&BatchResponse { verdicts })
}

/// An answer as JSON.
pub(super) fn written(answer: &impl serde::Serialize) -> Bytes {
    let mut json = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut json, answer) {
        Ok(()) => json.into(),
        Err(_) => Bytes::new(),
    }
}

/// A body of JSON as an answer.
pub(super) fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
