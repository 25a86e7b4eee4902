//! One entry of the journal, as it is written: JSON straight from the hook call and its verdict, nothing copied
//! between. What it writes, [`Entry`] reads. Secret values are never in it.
//!
//! [`Entry`]: super::Entry

use std::cell::RefCell;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::entry::EntryFault;
use crate::hook::{
    Actor, Alteration, Decision, HandlerTrace, HookCall, LogLevel, LogRecord, ObjectRef, Objection,
    Params, Phase, Rehearsal, Status, Use, Value, Verdict, redacted,
};

/// Bytes of one value, as JSON, that an entry keeps.
const MAX_VALUE_BYTES: usize = 1 << 10;
/// Parameters, alterations and problems that an entry keeps, of each.
const MAX_PARAMS: usize = 100;
/// Bytes of log that an entry keeps of each handler.
const MAX_LOG_BYTES: usize = 4 << 10;
/// Bytes that a thread keeps for its next entry.
const MAX_SCRATCH_BYTES: usize = 64 << 10;

thread_local! {
    /// Where a thread writes its entries, one after another: memory that is at hand already.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Hands the entry of a decided hook call on, as JSON.
pub(super) fn with_json<T>(
    call: &HookCall,
    verdict: &Verdict,
    duration: Duration,
    take: impl FnOnce(&[u8]) -> T,
) -> serde_json::Result<T> {
    let mut json = SCRATCH.take();
    json.clear();
    let written = serde_json::to_writer(&mut json, &Written::new(call, verdict, duration));
    let taken = written.map(|()| take(&json));
    json.shrink_to(MAX_SCRATCH_BYTES);
    SCRATCH.set(json);
    taken
}

#[derive(Serialize)]
struct Written<'a> {
    time_ms: u64,
    action_id: &'a str,
    action: &'a str,
    phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<WrittenActor<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a ObjectRef>,
    dry_run: bool,
    verdict: Decision,
    #[serde(serialize_with = "params")]
    params: &'a Params,
    #[serde(serialize_with = "alterations")]
    alterations: &'a [Alteration],
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<serde_json::Value>,
    #[serde(serialize_with = "problems")]
    problems: &'a [Objection],
    #[serde(serialize_with = "trace")]
    trace: &'a [HandlerTrace],
    duration_us: u64,
}

#[derive(Serialize)]
struct WrittenActor<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    id: &'a str,
}

#[derive(Serialize)]
struct WrittenAlteration<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Short<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Short<'a>>,
    extension: &'a str,
}

#[derive(Serialize)]
struct WrittenProblem<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    message: &'a str,
    extension: &'a str,
}

#[derive(Serialize)]
struct WrittenTrace<'a> {
    extension: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<EntryFault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    fuel: u64,
    memory_bytes: u64,
    duration_us: u64,
    #[serde(skip_serializing_if = "<[Use]>::is_empty")]
    uses: &'a [Use],
    #[serde(skip_serializing_if = "<[LogRecord]>::is_empty", serialize_with = "log")]
    log: &'a [LogRecord],
}

#[derive(Serialize)]
struct WrittenLog<'a> {
    level: LogLevel,
    message: &'a str,
}

impl<'a> Written<'a> {
    fn new(call: &'a HookCall, verdict: &'a Verdict, duration: Duration) -> Self {
        Self {
            time_ms: call.time_ms,
            action_id: &call.id,
            action: &call.action,
            phase: call.phase(),
            status: call.ended.as_ref().map(|ended| ended.status),
            actor: call.actor.as_ref().map(WrittenActor::new),
            object: call.object.as_ref(),
            dry_run: call.rehearsal == Rehearsal::DryRun,
            verdict: verdict.decision,
            params: &call.params,
            alterations: &verdict.alterations,
            result: verdict.result.as_deref().map(|result| shortened(redacted(result))),
            problems: &verdict.problems,
            trace: &verdict.trace,
            duration_us: micros(duration),
        }
    }
}

impl<'a> WrittenActor<'a> {
    fn new(actor: &'a Actor) -> Self {
        Self {
            kind: actor.kind.name(),
            role: actor.role.as_ref().map(|role| role.name()),
            id: &actor.id,
        }
    }
}

impl<'a> WrittenAlteration<'a> {
    fn new(alteration: &'a Alteration) -> Self {
        Self {
            field: &alteration.field,
            from: alteration.from.as_ref().map(Short),
            to: alteration.to.as_ref().map(Short),
            extension: &alteration.extension,
        }
    }
}

impl<'a> WrittenProblem<'a> {
    fn new(objection: &'a Objection) -> Self {
        Self {
            code: &objection.problem.code,
            field: objection.problem.field.as_deref(),
            message: &objection.problem.message,
            extension: &objection.extension,
        }
    }
}

impl<'a> WrittenTrace<'a> {
    fn new(trace: &'a HandlerTrace) -> Self {
        let mut room = MAX_LOG_BYTES;
        let fits = |record: &&LogRecord| match room.checked_sub(record.message.len()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let kept = trace.log.iter().take_while(fits).count();
        Self {
            extension: &trace.extension,
            version: &trace.version,
            outcome: trace.outcome.as_ref().ok().copied(),
            fault: trace.outcome.as_ref().err().map(EntryFault::new),
            reason: trace.reason.as_deref(),
            fuel: trace.fuel,
            memory_bytes: trace.memory,
            duration_us: micros(trace.duration),
            uses: &trace.uses,
            log: trace.log.get(..kept).unwrap_or_default(),
        }
    }
}

fn params<S: Serializer>(params: &&Params, serializer: S) -> Result<S::Ok, S::Error> {
    let kept = params.iter().take(MAX_PARAMS);
    serializer.collect_map(kept.map(|(name, value)| (name, Short(value))))
}

fn alterations<S: Serializer>(list: &&[Alteration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().take(MAX_PARAMS).map(WrittenAlteration::new))
}

fn problems<S: Serializer>(list: &&[Objection], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().take(MAX_PARAMS).map(WrittenProblem::new))
}

fn trace<S: Serializer>(list: &&[HandlerTrace], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(WrittenTrace::new))
}

fn log<S: Serializer>(list: &&[LogRecord], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        list.iter().map(|record| WrittenLog { level: record.level, message: &record.message }),
    )
}

/// A value, or the beginning of its text if it is long.
struct Short<'a>(&'a Value);

impl Serialize for Short<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bytes(bytes) => serializer.collect_str(&format_args!("[{} bytes]", bytes.len())),
            Value::Text(text) if text.len() > MAX_VALUE_BYTES => {
                serializer.serialize_str(&beginning(text))
            }
            nested @ (Value::Texts(_) | Value::Json(_)) => {
                shortened(nested.to_json()).serialize(serializer)
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// A JSON value, or the beginning of its text if it is long.
fn shortened(json: serde_json::Value) -> serde_json::Value {
    match &json {
        serde_json::Value::String(text) if text.len() > MAX_VALUE_BYTES => beginning(text).into(),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => match json.to_string() {
            text if text.len() > MAX_VALUE_BYTES => beginning(&text).into(),
            _ => json,
        },
        _ => json,
    }
}

fn beginning(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_VALUE_BYTES);
    format!("{}… [{} bytes]", text.get(..end).unwrap_or_default(), text.len())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
