//! The JSON of the panel API: what a panel sends and what it gets. Shapes and checks; no decisions.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::config::ServerConfig;
use crate::hook::{
    Actor, ActorKind, Cause, Decision, Disclosed, Ended, HookCall, MAX_ATTRIBUTE_BYTES,
    MAX_ATTRIBUTES, MAX_NAME_BYTES, ObjectRef, Params, Phase, Rehearsal, Role, Status, Use, Value,
    check_action, is_name,
};
use crate::host::{Decided, new_id, now_ms};
use crate::journal::EntryFault;
use crate::suggest::shown;

/// A hook call before an action.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeforeRequest {
    /// The identifier of the action. A request that comes again with the same one gets the same answer, for ten
    /// minutes. Without it the host makes one.
    pub id: Option<String>,
    /// Who is behind the action.
    pub actor: Option<RequestActor>,
    /// What the action is about, if that exists.
    pub object: Option<ObjectRef>,
    /// The values that the action is to set. `{"$secret": value}` marks a secret, `{"$bytes": "<base64>"}` is bytes.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub params: Params,
    /// The values that the object has now.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub old: Params,
    /// Facts about the request, such as `remote.address`.
    #[serde(default)]
    pub attributes: IndexMap<String, String>,
    /// Whether this is a rehearsal: handlers answer, and nothing is changed.
    #[serde(default)]
    pub dry_run: bool,
    /// How many actions of extensions led to this one.
    #[serde(default)]
    pub depth: u32,
    /// The actions of extensions that led to this one, the first cause first.
    #[serde(default)]
    pub caused_by: Vec<Cause>,
}

/// A hook call after an action.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AfterRequest {
    /// An identifier of this request: one that comes again gets the same answer, for ten minutes.
    pub id: Option<String>,
    /// The `action_id` that the host answered before the action.
    pub action_id: Option<String>,
    /// Who is behind the action.
    pub actor: Option<RequestActor>,
    /// What the action was about.
    pub object: Option<ObjectRef>,
    /// The values that the action set.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub params: Params,
    /// The values that the object had before.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub old: Params,
    /// Facts about the request.
    #[serde(default)]
    pub attributes: IndexMap<String, String>,
    /// Whether this is a rehearsal.
    #[serde(default)]
    pub dry_run: bool,
    /// How many actions of extensions led to this one.
    #[serde(default)]
    pub depth: u32,
    /// The actions of extensions that led to this one, the first cause first.
    #[serde(default)]
    pub caused_by: Vec<Cause>,
    /// How the action ended.
    #[serde(default)]
    pub status: Status,
    /// What the panel is about to show for it.
    pub result: Option<serde_json::Value>,
}

/// Hook calls before one action on several objects.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// The identifier of the batch; an item's is made of it by its place, as in `id.0`.
    pub id: Option<String>,
    /// Who is behind the action.
    pub actor: Option<RequestActor>,
    /// Facts about the request.
    #[serde(default)]
    pub attributes: IndexMap<String, String>,
    /// Whether this is a rehearsal.
    #[serde(default)]
    pub dry_run: bool,
    /// How many actions of extensions led to this one.
    #[serde(default)]
    pub depth: u32,
    /// The actions of extensions that led to this one, the first cause first.
    #[serde(default)]
    pub caused_by: Vec<Cause>,
    /// One for each object.
    pub items: Vec<BatchItem>,
}

/// What is special about one object of a batch.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct BatchItem {
    /// What the action is about.
    pub object: Option<ObjectRef>,
    /// The values that the action is to set.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub params: Params,
    /// The values that the object has now.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub old: Params,
    /// After the action: the `action_id` that the host answered before it.
    pub action_id: Option<String>,
    /// After the action: how it ended. Must be absent before it.
    pub status: Option<Status>,
    /// After the action: what the panel is about to show. Must be absent before it.
    pub result: Option<serde_json::Value>,
}

/// Who is behind an action.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub struct RequestActor {
    /// `person`, `token`, `system`, `extension`, or the panel's own word.
    #[serde(default = "person")]
    pub kind: String,
    /// `superuser`, `administrator`, `reseller`, `customer`, `mailbox-user`, or the panel's own word.
    pub role: Option<String>,
    /// The identifier, unique within the kind.
    pub id: String,
    /// A name to show.
    pub name: Option<String>,
}

fn person() -> String {
    "person".into()
}

/// What all handlers of a hook call decided together.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HookResponse<'a> {
    /// The identifier of the action, to be given back after it.
    pub action_id: &'a str,
    /// `proceed`: run the action with `params`. `skip`: do not run it, and show `result`. `deny`: do not run it, and
    /// show `problems`. After an action it is always `proceed`.
    pub verdict: Decision,
    /// The final parameters.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    #[serde(serialize_with = "disclose")]
    pub params: &'a Params,
    /// Who changed what, in the order of the changes.
    pub alterations: Vec<WireAlteration<'a>>,
    /// The result to show: of a skipped action, or as altered after the action.
    pub result: Option<&'a serde_json::Value>,
    /// Why the action is refused.
    pub problems: Vec<WireProblem<'a>>,
    /// What each handler did, in the order in which they ran.
    pub trace: Vec<WireTrace<'a>>,
}

/// One field that a handler changed. Secret values are `{"$secret": null}`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WireAlteration<'a> {
    /// The field: a parameter before the action, a member of the result after it.
    pub field: &'a str,
    /// What it was; null if it was not there.
    #[schema(value_type = Option<serde_json::Value>)]
    pub from: Option<&'a Value>,
    /// What it is; null if it was taken out.
    #[schema(value_type = Option<serde_json::Value>)]
    pub to: Option<&'a Value>,
    /// Who changed it.
    pub extension: &'a str,
}

/// Why an action is refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WireProblem<'a> {
    /// A stable code for programs, such as `name.reserved`.
    pub code: &'a str,
    /// The parameter at fault; null if it is the action as a whole.
    pub field: Option<&'a str>,
    /// What is wrong, for a person.
    pub message: &'a str,
    /// Who found it.
    pub extension: &'a str,
}

/// What one handler did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WireTrace<'a> {
    /// The extension.
    pub extension: &'a str,
    /// Its version.
    pub version: &'a str,
    /// `proceed`, `alter`, `skip` or `deny`; null if it failed.
    pub outcome: Option<&'static str>,
    /// Why it did not decide; null if it did.
    pub fault: Option<EntryFault>,
    /// Units of fuel used.
    pub fuel: u64,
    /// Bytes of memory that it had.
    pub memory_bytes: u64,
    /// Microseconds that it took.
    pub duration_us: u64,
    /// What it used outside its sandbox: secrets, origins, commands.
    pub uses: &'a [Use],
}

/// The verdicts of a batch, in the order of its items.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BatchResponse<'a> {
    /// One for each item.
    pub verdicts: Vec<HookResponse<'a>>,
}

fn disclose<S: serde::Serializer>(params: &&Params, serializer: S) -> Result<S::Ok, S::Error> {
    Disclosed(*params).serialize(serializer)
}

impl<'a> HookResponse<'a> {
    /// What the panel is told.
    pub fn new(decided: &'a Decided) -> Self {
        let verdict = &*decided.verdict;
        Self {
            action_id: &decided.call.id,
            verdict: verdict.decision,
            params: &verdict.params,
            alterations: verdict
                .alterations
                .iter()
                .map(|alteration| WireAlteration {
                    field: &alteration.field,
                    from: alteration.from.as_ref(),
                    to: alteration.to.as_ref(),
                    extension: &alteration.extension,
                })
                .collect(),
            result: verdict.result.as_deref(),
            problems: verdict
                .problems
                .iter()
                .map(|objection| WireProblem {
                    code: &objection.problem.code,
                    field: objection.problem.field.as_deref(),
                    message: &objection.problem.message,
                    extension: &objection.extension,
                })
                .collect(),
            trace: verdict
                .trace
                .iter()
                .map(|trace| WireTrace {
                    extension: &trace.extension,
                    version: &trace.version,
                    outcome: trace.outcome.as_ref().ok().copied(),
                    fault: trace.outcome.as_ref().err().map(EntryFault::new),
                    fuel: trace.fuel,
                    memory_bytes: trace.memory,
                    duration_us: u64::try_from(trace.duration.as_micros()).unwrap_or(u64::MAX),
                    uses: &trace.uses,
                })
                .collect(),
        }
    }
}

impl BeforeRequest {
    /// The hook call that this asks for.
    pub fn into_call(self, action: &str, config: &ServerConfig) -> Result<HookCall, ApiError> {
        let id = self.id.unwrap_or_else(new_id);
        let call = HookCall {
            id,
            action: action.to_owned(),
            actor: self.actor.map(Into::into),
            object: self.object,
            params: Arc::new(self.params),
            old: self.old,
            attributes: self.attributes,
            rehearsal: rehearsal(self.dry_run),
            depth: depth(self.depth, &self.caused_by),
            caused_by: self.caused_by,
            time_ms: now_ms(),
            ended: None,
        };
        check(call, config)
    }
}

impl AfterRequest {
    /// The hook call that this asks for.
    pub fn into_call(self, action: &str, config: &ServerConfig) -> Result<HookCall, ApiError> {
        self.id.as_ref().map_or(Ok(()), |id| check_name("id", id))?;
        let call = HookCall {
            id: self.action_id.or(self.id).unwrap_or_else(new_id),
            action: action.to_owned(),
            actor: self.actor.map(Into::into),
            object: self.object,
            params: Arc::new(self.params),
            old: self.old,
            attributes: self.attributes,
            rehearsal: rehearsal(self.dry_run),
            depth: depth(self.depth, &self.caused_by),
            caused_by: self.caused_by,
            time_ms: now_ms(),
            ended: Some(Ended { status: self.status, result: self.result.map(Arc::new) }),
        };
        check(call, config)
    }
}

impl BatchRequest {
    /// The hook calls that this asks for.
    pub fn into_calls(
        self,
        phase: Phase,
        action: &str,
        config: &ServerConfig,
    ) -> Result<Vec<HookCall>, ApiError> {
        if self.items.is_empty() || self.items.len() > config.batch as usize {
            return Err(ApiError::invalid(format!(
                "`items` must have 1 to {} items: {}",
                config.batch,
                self.items.len()
            )));
        }
        self.id.as_ref().map_or(Ok(()), |id| check_name("id", id))?;
        let id = self.id.clone().unwrap_or_else(new_id);
        let common = |item: BatchItem, number: usize| {
            let at = |error: ApiError| error.with_prefix(&format!("`items[{number}]`"));
            if phase == Phase::Before
                && (item.status.is_some() || item.result.is_some() || item.action_id.is_some())
            {
                return Err(at(ApiError::invalid(
                    "`status`, `result` and `action_id` mean nothing before an action",
                )));
            }
            let ended = match phase {
                Phase::Before => None,
                Phase::After => Some(Ended {
                    status: item.status.unwrap_or_default(),
                    result: item.result.map(Arc::new),
                }),
            };
            let call = HookCall {
                id: item.action_id.unwrap_or_else(|| format!("{id}.{number}")),
                action: action.to_owned(),
                actor: self.actor.clone().map(Into::into),
                object: item.object,
                params: Arc::new(item.params),
                old: item.old,
                attributes: self.attributes.clone(),
                rehearsal: rehearsal(self.dry_run),
                depth: depth(self.depth, &self.caused_by),
                caused_by: self.caused_by.clone(),
                time_ms: now_ms(),
                ended,
            };
            check(call, config).map_err(at)
        };
        self.items.into_iter().enumerate().map(|(number, item)| common(item, number)).collect()
    }
}

impl From<RequestActor> for Actor {
    fn from(actor: RequestActor) -> Self {
        Actor {
            kind: ActorKind::from_name(&actor.kind),
            role: actor.role.as_deref().map(Role::from_name),
            id: actor.id,
            name: actor.name,
        }
    }
}

/// How deep a call is: what the panel counted, or what it names, if that is more.
fn depth(counted: u32, caused_by: &[Cause]) -> u32 {
    counted.max(u32::try_from(caused_by.len()).unwrap_or(u32::MAX))
}

fn rehearsal(dry_run: bool) -> Rehearsal {
    if dry_run { Rehearsal::DryRun } else { Rehearsal::No }
}

/// Checks everything that the JSON's shape does not say.
pub(super) fn check(call: HookCall, config: &ServerConfig) -> Result<HookCall, ApiError> {
    check_action(&call.action).map_err(|message| {
        ApiError::new(axum::http::StatusCode::BAD_REQUEST, "action.invalid", message)
    })?;
    check_name("id", &call.id)?;
    if let Some(actor) = &call.actor {
        check_name("actor.id", &actor.id)?;
        check_name("actor.kind", actor.kind.name())?;
        actor.role.as_ref().map_or(Ok(()), |role| check_name("actor.role", role.name()))?;
        actor.name.as_ref().map_or(Ok(()), |name| check_name("actor.name", name))?;
    }
    if let Some(object) = &call.object {
        check_name("object.kind", &object.kind)?;
        check_name("object.id", &object.id)?;
    }
    for (name, params) in [("params", &*call.params), ("old", &call.old)] {
        if params.len() > config.params as usize {
            return Err(ApiError::invalid(format!(
                "`{name}` has {} values, the limit is {}",
                params.len(),
                config.params
            )));
        }
        params.keys().try_for_each(|key| check_name(name, key))?;
    }
    if call.attributes.len() > MAX_ATTRIBUTES {
        return Err(ApiError::invalid(format!(
            "`attributes` has {} values, the limit is {MAX_ATTRIBUTES}",
            call.attributes.len()
        )));
    }
    for (name, value) in &call.attributes {
        check_name("attributes", name)?;
        if value.len() > MAX_ATTRIBUTE_BYTES {
            return Err(ApiError::invalid(format!(
                "the attribute `{name}` has {} bytes, the limit is {MAX_ATTRIBUTE_BYTES}",
                value.len()
            )));
        }
    }
    for cause in &call.caused_by {
        check_name("caused_by", &cause.extension)?;
        check_name("caused_by", &cause.action_id)?;
    }
    if call.depth > config.depth {
        let message = format!(
            "`depth` is {}, the limit is {}: actions of extensions led to one another",
            call.depth, config.depth
        );
        return Err(ApiError::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "depth.exceeded",
            message,
        ));
    }
    Ok(call)
}

fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    if !is_name(name) {
        let shown = shown(name);
        return Err(ApiError::invalid(format!(
            "a name in `{what}` must have 1 to {MAX_NAME_BYTES} bytes without control characters: `{shown}`"
        )));
    }
    Ok(())
}
