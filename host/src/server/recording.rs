//! The part of the admin API that records calls of panels. Off unless somebody turned it on; it ends by itself, and
//! nothing of it is on disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::admin::json;
use super::error::{ApiError, ErrorBody};
use super::extract::Query;
use super::{AppState, body};
use crate::bridge::{Dialect, LONGEST, MAX_CALLS, PanelCall, RecordedCall, Ring};

/// Calls in one answer.
const PAGE: usize = 500;

/// The recording of a host, if one is on or was and nobody dropped it.
#[derive(Default)]
pub(super) struct Recording {
    // A std mutex: what is done under it is short and waits for nothing.
    ring: Mutex<Option<Ring>>,
}

/// What to record.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingRequest {
    /// Milliseconds until it ends, at most a day.
    pub for_ms: u64,
    /// The panel whose calls are kept, by its dialect's name; all if this is not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub panel: Option<Dialect>,
    /// Calls that are kept, the newest, at most 10,000.
    #[serde(default = "max_calls")]
    pub max: usize,
}

fn max_calls() -> usize {
    1_000
}

/// Which of the recorded calls to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RecordingQuery {
    /// Those after this number.
    #[serde(default)]
    after: u64,
}

/// A recording.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RecordingResponse {
    /// Whether calls are being kept.
    pub on: bool,
    /// Milliseconds until it ends.
    pub remaining_ms: u64,
    /// Calls that were kept and made room for newer ones.
    pub left_out: u64,
    /// Calls, the oldest first, at most 500.
    pub calls: Vec<NumberedCall>,
}

/// One call of a recording.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NumberedCall {
    /// Its number, from 1.
    pub number: u64,
    /// The call, with its time of the day and without what is secret.
    #[schema(value_type = serde_json::Value)]
    pub recorded: RecordedCall,
}

impl Recording {
    /// Keeps a call if somebody wants it kept.
    pub fn keep(&self, call: &PanelCall) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = ring.as_mut().filter(|ring| ring.wants(call.dialect, Instant::now())) {
            ring.keep(jiff::Zoned::now().strftime("%H:%M:%S").to_string(), call);
        }
    }

    fn told(&self, after: u64) -> RecordingResponse {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let numbered = |(number, recorded): (u64, &RecordedCall)| NumberedCall {
            number,
            recorded: recorded.clone(),
        };
        match &*ring {
            None => {
                RecordingResponse { on: false, remaining_ms: 0, left_out: 0, calls: Vec::new() }
            }
            Some(ring) => RecordingResponse {
                on: ring.is_on(now),
                remaining_ms: u64::try_from(ring.remaining(now).as_millis()).unwrap_or(u64::MAX),
                left_out: ring.left_out(),
                calls: ring.after(after).take(PAGE).map(numbered).collect(),
            },
        }
    }
}

/// Begins to record the calls of panels, in place of a recording that was there.
#[utoipa::path(post, path = "/v1/bridge/recording", tag = "host", request_body = RecordingRequest,
    responses((status = 200, body = RecordingResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn begin(
    State(app): AppState,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let request: RecordingRequest = body::read_json(&app, &headers, request).await?;
    let between = |name: &str, value: u64, most: u64| match (1..=most).contains(&value) {
        true => Ok(()),
        false => Err(ApiError::invalid(format!("`{name}` must be 1 to {most}: {value}"))),
    };
    between("for_ms", request.for_ms, u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX))?;
    between("max", request.max as u64, MAX_CALLS as u64)?;
    let until = Instant::now() + Duration::from_millis(request.for_ms);
    let ring = Ring::new(until, request.panel, request.max);
    *app.recording.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(ring);
    tracing::info!("calls of panels are recorded for {} ms", request.for_ms);
    Ok(json(&app.recording.told(0)))
}

/// Lists what was recorded, without what is secret.
#[utoipa::path(get, path = "/v1/bridge/recording", tag = "host", params(RecordingQuery),
    responses((status = 200, body = RecordingResponse)))]
pub(super) async fn show(State(app): AppState, Query(query): Query<RecordingQuery>) -> Response {
    json(&app.recording.told(query.after))
}

/// Ends the recording and drops what is left of it.
#[utoipa::path(delete, path = "/v1/bridge/recording", tag = "host",
    responses((status = 200, body = RecordingResponse), (status = 404, body = ErrorBody)))]
pub(super) async fn end(State(app): AppState) -> Result<Response, ApiError> {
    let told = app.recording.told(0);
    let ended = app.recording.ring.lock().unwrap_or_else(PoisonError::into_inner).take();
    ended.ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "recording.none", "nothing is being recorded")
    })?;
    tracing::info!("calls of panels are no longer recorded");
    Ok(json(&RecordingResponse { on: false, remaining_ms: 0, ..told }))
}
