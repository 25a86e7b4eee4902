//! Calls of panels as `palisade-hook` brings them: translated, decided, and answered in the panel's own words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::actions::{BATCH_PARALLEL, decide, detached, json, written};
use super::error::{ApiError, ErrorBody};
use super::extract::Query;
use super::wire::{self, HookResponse};
use super::{App, AppState, body};
use crate::bridge::{
    self, Answer, Asked, Dialect, PanelCall, Printed, Provided, ProviderCall, ProviderVerb,
    Translated,
};
use crate::hook::{Decision, HookCall, ObjectRef, Phase, Power, Rehearsal, Status};
use crate::host::{Decided, new_id, now_ms};

/// Bytes of a call. A kernel hands over up to 6 MiB of variables, each byte of which is up to six in JSON; beside them
/// there is a document. What is refused here gets by every policy if `on-failure` lets it, so it must be hard to reach.
const MAX_CALL_BYTES: u64 = 48 << 20;

/// How a call of a panel is to be answered.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BridgeQuery {
    /// Whether the answer says what was decided, too.
    #[serde(default)]
    explain: bool,
    /// Whether this is a rehearsal: handlers answer, and nothing is changed.
    #[serde(default)]
    dry_run: bool,
    /// Milliseconds in which the answer is wanted: whatever handlers have not answered then is decided by their
    /// `on-failure`. Without it they have the time that the configuration gives them.
    within_ms: Option<u32>,
}

/// All that a panel handed to a script. Bytes are a string, or `{"$bytes": "<base64>"}` where they are no UTF-8.
#[derive(utoipa::ToSchema)]
#[schema(as = PanelCall)]
#[expect(
    dead_code,
    reason = "it only describes `palisade_hook::PanelCall`, which knows nothing of OpenAPI"
)]
pub struct PanelCallShape {
    /// How the panel calls scripts: `plesk`, `coremanager`, `cpanel`, and so on.
    dialect: String,
    /// The arguments, without the program's name and the dialect's.
    #[schema(required = false)]
    arguments: Vec<String>,
    /// The variables that the dialect reads.
    #[schema(required = false)]
    env: std::collections::HashMap<String, String>,
    /// What stood on standard input.
    #[schema(required = false)]
    stdin: String,
}

/// What the panel is to read.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BridgeResponse<'a> {
    /// What goes to standard output, byte for byte: a string, or `{"$bytes": "<base64>"}`.
    #[schema(value_type = String)]
    stdout: bridge::Raw,
    /// The exit status.
    status: u8,
    /// A line for standard error.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    /// What was decided, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    hooks: Option<Vec<BridgedHook<'a>>>,
}

/// One hook call that a panel's call stood for.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BridgedHook<'a> {
    /// The hook, such as `before:mailbox.create`.
    hook: String,
    /// The panel's own name for the action.
    native: &'a str,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a ObjectRef>,
    /// A power that the verdict used and the panel does not heed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    without_effect: Option<Power>,
    /// What was decided.
    verdict: HookResponse<'a>,
}

/// A hook call that was decided, with the panel's name for it.
struct Bridged {
    native: String,
    decided: Decided,
}

/// Answers one call that a panel made to a script.
///
/// Before an action the call is dropped when the connection ends; after it the handlers run all the same.
#[utoipa::path(post, path = "/v1/bridge", tag = "hooks", operation_id = "bridge", params(BridgeQuery),
    request_body = PanelCallShape,
    responses((status = 200, body = BridgeResponse<'static>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn bridge(
    State(app): AppState,
    Query(query): Query<BridgeQuery>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let end = query.within_ms.map(|ms| Instant::now() + Duration::from_millis(ms.into()));
    let time = Duration::from_millis(app.config.body_timeout_ms.into());
    let bytes = body::read(&headers, request, MAX_CALL_BYTES, time).await?;
    let call: PanelCall = body::parse(&bytes)?;
    app.recording.keep(&call);
    let asked = match bridge::read(&call) {
        Ok(asked) => asked,
        Err(error) => {
            if let Some(printed) = bridge::unreadable(&call, &error) {
                return Ok(json(written(&BridgeResponse::of(printed))));
            }
            let message = format!("this is no call of the dialect `{}`: {error}", call.dialect);
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bridge.call", message));
        }
    };
    match asked {
        // What is ordered is ordered, and who asks how far it is moves it on: neither can be a rehearsal.
        Asked::Provider(ProviderCall {
            verb: ProviderVerb::Order(_) | ProviderVerb::OrderStatus(_),
            ..
        }) if query.dry_run => {
            let printed = bridge::failed("an order cannot be rehearsed");
            Ok(json(written(&BridgeResponse::of(printed))))
        }
        Asked::Provider(asked) => {
            let its = app.clone();
            // What was ordered is kept, whether the panel waits or not.
            let work = async move { Ok(written(&BridgeResponse::of(provide(&its, asked).await))) };
            detached(&app, work).await
        }
        Asked::Registration => Ok(json(registration(&app, &call))),
        Asked::Hooks(hooks) => {
            let calls = calls(&app, hooks, query.dry_run)?;
            let explain = query.explain;
            match calls.iter().any(|(_, call)| call.phase() == Phase::After) {
                false => Ok(json(hooked(&app, &call, calls, end, explain).await)),
                true => {
                    let its = app.clone();
                    let work = async move { Ok(hooked(&its, &call, calls, end, explain).await) };
                    detached(&app, work).await
                }
            }
        }
    }
}

impl BridgeResponse<'_> {
    /// What the panel is to read, where nothing was decided.
    fn of(printed: Printed) -> Self {
        let Printed { stdout, status, note } = printed;
        Self { stdout, status, note, hooks: None }
    }
}

/// Asks a provider, and says what the panel is to read.
async fn provide(app: &App, asked: ProviderCall) -> Printed {
    let ProviderCall { provider: id, verb } = asked;
    let host = &app.host;
    let provided = match &verb {
        ProviderVerb::Help => host.readiness(&id).map(Provided::Ready),
        ProviderVerb::Configs => host.offers(&id).await.map(Provided::Offers),
        ProviderVerb::Order(offer) => host.order(&id, offer).await.map(Provided::Ordered),
        ProviderVerb::OrderStatus(task) => host.order_status(&id, task).await.map(Provided::Status),
    };
    match provided {
        Ok(provided) => bridge::provided(&provided),
        Err(error) => {
            let known = error.id().map_or(String::new(), |id| format!(": `palisade journal {id}`"));
            bridge::failed(&error.to_string()).with_note(format!("{error}{known}"))
        }
    }
}

/// What the panel is to register for what is installed.
fn registration(app: &App, call: &PanelCall) -> Bytes {
    let snapshot = app.host.registry.snapshot();
    let subscriptions = || snapshot.all_handlers().map(|handler| &handler.subscription);
    let hooks: Vec<_> = subscriptions().map(|subscription| subscription.hook.clone()).collect();
    let failed = subscriptions().filter(|subscription| {
        subscription.hook.phase == Phase::After && subscription.statuses.contains(&Status::Failed)
    });
    let failed: Vec<_> = failed.map(|subscription| subscription.hook.clone()).collect();
    written(&BridgeResponse::of(bridge::registration(call, &hooks, &failed)))
}

/// The hook calls to decide, each with the panel's name for its action.
fn calls(
    app: &App,
    hooks: Vec<Translated>,
    dry_run: bool,
) -> Result<Vec<(String, HookCall)>, ApiError> {
    let rehearsal = if dry_run { Rehearsal::DryRun } else { Rehearsal::No };
    let time_ms = now_ms();
    let checked = |mut hook: Translated| {
        hook.fit(app.config.params as usize);
        let native = hook.native.clone();
        let call = hook.into_call(new_id(), rehearsal, time_ms);
        wire::check(call, &app.config).map(|call| (native, call))
    };
    hooks.into_iter().map(checked).collect()
}

/// Decides hook calls, and says what the panel is to read.
async fn hooked(
    app: &Arc<App>,
    call: &PanelCall,
    calls: Vec<(String, HookCall)>,
    end: Option<Instant>,
    explain: bool,
) -> Bytes {
    let decide = async |(native, call)| Bridged { native, decided: decide(app, call, end).await };
    let decided: Vec<Bridged> =
        stream::iter(calls).map(decide).buffered(BATCH_PARALLEL).collect().await;
    let answers: Vec<Answer> =
        decided.iter().map(|bridged| Answer::of(&bridged.decided.verdict)).collect();
    let Printed { stdout, status, note } = bridge::answer(call, &answers);
    let powers = bridge::powers(call);
    let notes = decided.iter().filter_map(|bridged| bridged.note(call.dialect, powers));
    let note = (!note.is_empty()).then_some(note).into_iter().chain(notes).collect::<Vec<_>>();
    let hooks = explain.then(|| decided.iter().map(|bridged| bridged.explained(powers)).collect());
    written(&BridgeResponse { stdout, status, note: note.join("; "), hooks })
}

impl Bridged {
    /// The power that the verdict used, if it used one.
    fn used(&self) -> Option<Power> {
        let verdict = &self.decided.verdict;
        match verdict.decision {
            Decision::Deny => Some(Power::Deny),
            Decision::Skip => Some(Power::Skip),
            Decision::Proceed if !verdict.alterations.is_empty() => Some(Power::Alter),
            Decision::Proceed => None,
        }
    }

    /// What somebody who wonders about the panel's answer looks for, with the identifier to look it up by.
    fn note(&self, dialect: Dialect, powers: &[Power]) -> Option<String> {
        let used = self.used()?;
        let HookCall { id, action, .. } = &*self.decided.call;
        let done = match used {
            Power::Deny => "denied",
            Power::Skip => "skipped",
            Power::Alter => "altered",
        };
        Some(match powers.contains(&used) {
            true => format!("{action} was {done}: `palisade journal {id}`"),
            false => format!(
                "{action} was {done}, which has no effect on {dialect}: `palisade journal {id}`"
            ),
        })
    }

    fn explained(&self, powers: &[Power]) -> BridgedHook<'_> {
        let call = &*self.decided.call;
        BridgedHook {
            hook: format!("{}:{}", call.phase(), call.action),
            native: &self.native,
            object: call.object.as_ref(),
            without_effect: self.used().filter(|used| !powers.contains(used)),
            verdict: HookResponse::new(&self.decided),
        }
    }
}
