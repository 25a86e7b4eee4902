//! Calls of extensions that are about no hook: under the ceiling of calls at one time, and in the journal.

use std::sync::Arc;
use std::time::Instant;

use super::{Host, now_ms};
use crate::extension::Extension;
use crate::hook::{
    Decision, Ended, HandlerTrace, HookCall, ObjectRef, Params, Rehearsal, Status, Verdict,
};
use crate::sandbox::{Deadline, Ran};

/// One call, as the journal keeps it.
pub(super) struct Noted {
    /// The extension that is called.
    pub extension: Arc<Extension>,
    /// What it is called for.
    pub action: &'static str,
    /// The identifier.
    pub id: Arc<str>,
    /// What the call is about.
    pub object: Option<ObjectRef>,
    /// What else there is to know of it.
    pub params: Params,
    /// When it began.
    pub begun: Instant,
}

impl Host {
    /// Makes a call when there is room for one more of its extension, or not at all if there is none in time.
    pub(super) async fn admitted<T>(
        &self,
        extension: &Extension,
        limit: &Deadline,
        call: impl Future<Output = Ran<T>>,
    ) -> Ran<T> {
        match self.conduct.slot(&extension.id, limit).await {
            Ok(_slot) => call.await,
            Err(fault) => Ran::not_begun(fault),
        }
    }

    /// Notes a call in the journal; `word` is what its answer is called.
    pub(super) fn note<T>(
        &self,
        noted: Noted,
        ran: &Ran<T>,
        word: impl FnOnce(&T) -> &'static str,
    ) {
        let outcome = ran.outcome.as_ref().map(word).map_err(Clone::clone);
        let params = Arc::new(noted.params);
        let status = if outcome.is_ok() { Status::Succeeded } else { Status::Failed };
        let duration = noted.begun.elapsed();
        let elapsed_ms = u64::try_from(duration.as_millis()).unwrap_or(0);
        let call = HookCall {
            id: noted.id.to_string(),
            action: noted.action.to_owned(),
            actor: None,
            object: noted.object,
            params: params.clone(),
            old: Params::new(),
            attributes: indexmap::IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: now_ms().saturating_sub(elapsed_ms),
            ended: Some(Ended { status, result: None }),
        };
        let trace = HandlerTrace {
            extension: noted.extension.id.clone(),
            version: noted.extension.version.clone(),
            outcome,
            reason: None,
            fuel: ran.fuel,
            memory: ran.memory,
            duration,
            log: ran.log.clone(),
            uses: ran.uses.clone(),
        };
        let verdict = Verdict {
            decision: Decision::Proceed,
            params,
            alterations: Vec::new(),
            result: None,
            problems: Vec::new(),
            trace: vec![trace],
        };
        self.journal.record(&call, &verdict, duration);
    }
}
