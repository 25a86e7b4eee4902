//! Decides a hook call: calls its handlers in order and folds their outcomes into a verdict.
//!
//! This module knows neither HTTP nor wasm. It is given the handlers, something that calls one, and the call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::condition::Given;
use crate::extension::Handler;
use crate::hook::catalogue::{FieldKind, catalogue};
use crate::hook::{
    Alteration, Change, Decision, Event, Fault, HandlerTrace, HookCall, Objection, Outcome, Params,
    Phase, Power, Problem, Rehearsal, Value, Verdict, is_secret,
};
use crate::package::{OnFailure, OwnActions};
use crate::registry::round;
use crate::sandbox::{Deadline, Left, Ran, Sandbox};

/// Calls one handler at a time: lets it in, runs it, and is told what became of it.
pub trait Run: Sync {
    /// Leave to run a handler once.
    type Pass: Send;

    /// Lets the handler be run, waiting for its turn if it must, or says why not.
    fn admit(
        &self,
        handler: &Arc<Handler>,
        rehearsal: Rehearsal,
        deadline: &Deadline,
    ) -> impl Future<Output = Result<Self::Pass, Fault>> + Send;

    /// Calls the handler with the event; it must have ended at the deadline. If the returned future is dropped before
    /// that, `left` is told what the handler did until then.
    fn run(
        &self,
        handler: &Arc<Handler>,
        event: Event,
        deadline: Deadline,
        left: &Left,
    ) -> impl Future<Output = Ran> + Send;

    /// Is told what a handler that was let in did, its answer checked: an outcome's word, or its fault.
    fn ended(&self, handler: &Handler, pass: Self::Pass, outcome: &Result<&'static str, Fault>);
}

impl Run for Sandbox {
    type Pass = ();

    async fn admit(&self, _: &Arc<Handler>, _: Rehearsal, _: &Deadline) -> Result<(), Fault> {
        Ok(())
    }

    fn run(
        &self,
        handler: &Arc<Handler>,
        event: Event,
        deadline: Deadline,
        left: &Left,
    ) -> impl Future<Output = Ran> + Send {
        self.call(handler, event, deadline, left)
    }

    fn ended(&self, _: &Handler, _: (), _: &Result<&'static str, Fault>) {}
}

/// Calls the handlers of a hook call one after another and combines what they decide.
///
/// `handlers` are in the order in which they run. `chain` is how long all of them may take together. If the returned
/// future is dropped while a handler runs, `abandoned` is told what was decided until then.
pub async fn dispatch<R: Run>(
    runner: &R,
    handlers: &[Arc<Handler>],
    call: Arc<HookCall>,
    chain: Duration,
    abandoned: impl FnOnce(Verdict) + Send,
) -> Verdict {
    let end = Instant::now() + chain;
    let rehearsal = call.rehearsal;
    let mut line = Line {
        runner,
        fold: Fold::new(call),
        turn: None,
        left: Left::default(),
        abandoned: Some(abandoned),
    };
    for handler in handlers {
        if !line.fold.wants(handler) {
            continue;
        }
        let begun = Instant::now();
        let deadline = Deadline::nearer(handler.limits.deadline, end, chain);
        let turn = line.turn.insert(Turn { handler, pass: None, begun });
        let admitted = match line.fold.condition_holds(handler) {
            Ok(false) => {
                line.turn = None;
                continue;
            }
            Ok(true) if begun < end => runner.admit(handler, rehearsal, &deadline).await,
            Ok(true) => Err(Fault::ChainDeadline { limit: chain }),
            Err(reason) => Err(Fault::Condition { reason }),
        };
        let ran = match admitted {
            Ok(pass) => {
                turn.pass = Some(pass);
                runner.run(handler, line.fold.event(), deadline, &line.left).await
            }
            Err(fault) => Ran::not_begun(fault),
        };
        line.end_turn(ran);
        if line.fold.decision == Decision::Deny {
            break;
        }
    }
    line.abandoned = None;
    line.fold.verdict()
}

/// The handlers of one hook call, one after another. Dropped in the middle of a turn, it still says what happened.
struct Line<'a, R: Run, A: FnOnce(Verdict)> {
    runner: &'a R,
    fold: Fold,
    turn: Option<Turn<'a, R::Pass>>,
    left: Left,
    abandoned: Option<A>,
}

/// The handler whose turn it is.
struct Turn<'a, P> {
    handler: &'a Handler,
    /// Its leave to run, once it has it.
    pass: Option<P>,
    begun: Instant,
}

impl<R: Run, A: FnOnce(Verdict)> Line<'_, R, A> {
    fn end_turn(&mut self, ran: Ran) {
        let Some(Turn { handler, pass, begun }) = self.turn.take() else { return };
        self.fold.add(handler, ran, begun.elapsed());
        if let (Some(pass), Some(HandlerTrace { outcome, .. })) = (pass, self.fold.trace.last()) {
            self.runner.ended(handler, pass, outcome);
        }
    }
}

impl<R: Run, A: FnOnce(Verdict)> Drop for Line<'_, R, A> {
    fn drop(&mut self) {
        let Some(abandoned) = self.abandoned.take() else { return };
        let ran = self.left.take().unwrap_or_else(|| Ran::not_begun(Fault::Abandoned));
        self.end_turn(ran);
        abandoned(self.fold.verdict());
    }
}

/// The verdict so far.
struct Fold {
    call: Arc<HookCall>,
    phase: Phase,
    decision: Decision,
    params: Arc<Params>,
    result: Option<Arc<serde_json::Value>>,
    alterations: Vec<Alteration>,
    problems: Vec<Objection>,
    trace: Vec<HandlerTrace>,
}

impl Fold {
    fn new(call: Arc<HookCall>) -> Self {
        Self {
            phase: call.phase(),
            decision: Decision::Proceed,
            params: call.params.clone(),
            result: call.ended.as_ref().and_then(|ended| ended.result.clone()),
            alterations: Vec::new(),
            problems: Vec::new(),
            trace: Vec::new(),
            call,
        }
    }

    /// Whether the handler is to be called as things stand.
    fn wants(&self, handler: &Handler) -> bool {
        let ignores_own = handler.subscription.own_actions == OwnActions::Ignore;
        if ignores_own && self.call.is_caused_by(&handler.extension.id) {
            return false;
        }
        match &self.call.ended {
            Some(ended) => handler.subscription.statuses.contains(&ended.status),
            // A skip ends the first round; a policy still has its say about a skipped action.
            None => self.decision != Decision::Skip || round(handler) == 2,
        }
    }

    /// Whether the handler's condition holds for the call as things stand, or why that cannot be said.
    fn condition_holds(&self, handler: &Handler) -> Result<bool, String> {
        let Some(condition) = &handler.subscription.when else { return Ok(true) };
        let sees = |field: &str| handler.access.sees(field);
        condition.holds(&Given { call: &self.call, params: &self.params, sees: &sees })
    }

    /// The call as the next handler sees it.
    fn event(&self) -> Event {
        // What a skip shows is for the panel: before the action there is no result.
        let result = match self.phase {
            Phase::Before => None,
            Phase::After => self.result.clone(),
        };
        Event { call: self.call.clone(), params: self.params.clone(), result }
    }

    /// Adds what a handler decided, if it may decide that; otherwise it is a fault.
    fn add(&mut self, handler: &Handler, ran: Ran, duration: Duration) {
        let mut reason = None;
        let extension = &handler.extension;
        let outcome = match ran.outcome {
            Ok(outcome) => {
                let word = outcome.word();
                self.apply(handler, outcome, &mut reason)
                    .map(|()| word)
                    .map_err(|reason| Fault::BadAnswer { reason })
            }
            Err(fault) => Err(fault),
        };
        if outcome.is_err() && handler.on_failure == OnFailure::Deny {
            self.decision = Decision::Deny;
            self.problems.push(Objection {
                problem: Problem {
                    code: "extension.failed".into(),
                    field: None,
                    message: format!(
                        "the extension `{}` failed, and this action needs its consent",
                        extension.id
                    ),
                },
                extension: extension.id.clone(),
            });
        }
        self.trace.push(HandlerTrace {
            extension: extension.id.clone(),
            version: extension.version.clone(),
            outcome,
            reason,
            fuel: ran.fuel,
            memory: ran.memory,
            duration,
            log: ran.log,
            uses: ran.uses,
        });
    }

    /// Carries an outcome out, all of it or nothing.
    fn apply(
        &mut self,
        handler: &Handler,
        outcome: Outcome,
        reason_given: &mut Option<String>,
    ) -> Result<(), String> {
        let has = |power: Power| match handler.access.powers.contains(&power) {
            true => Ok(()),
            false if handler.subscription.powers.contains(&power) => {
                Err(format!("it answered `{power}`, a power that it was not granted for this hook"))
            }
            false => {
                Err(format!("it answered `{power}`, a power that it does not have for this hook"))
            }
        };
        match outcome {
            Outcome::Proceed => Ok(()),
            Outcome::Alter(changes) => {
                has(Power::Alter)?;
                match self.phase {
                    Phase::Before => self.alter_params(handler, changes),
                    Phase::After => self.alter_result(handler, changes),
                }
            }
            Outcome::Skip { reason, result } => {
                has(Power::Skip)?;
                self.decision = Decision::Skip;
                self.result = result.map(Arc::new);
                *reason_given = Some(reason);
                Ok(())
            }
            Outcome::Deny(problems) => {
                has(Power::Deny)?;
                self.decision = Decision::Deny;
                let extension = &handler.extension.id;
                self.problems.extend(
                    problems
                        .into_iter()
                        .map(|problem| Objection { problem, extension: extension.clone() }),
                );
                Ok(())
            }
        }
    }

    fn alter_params(&mut self, handler: &Handler, changes: Vec<Change>) -> Result<(), String> {
        for change in &changes {
            self.check_change(handler, change)?;
        }
        for Change { name, value } in changes {
            let from = self.params.get(&name).cloned();
            let to = value.map(|value| match &from {
                Some(old) => old.replaced_by(value),
                None if self.is_secret(&name) => value.sealed(),
                None => value,
            });
            if from == to {
                continue;
            }
            let params = Arc::make_mut(&mut self.params);
            match &to {
                Some(value) => drop(params.insert(name.clone(), value.clone())),
                None => drop(params.shift_remove(&name)),
            }
            self.alterations.push(Alteration {
                field: name,
                from,
                to,
                extension: handler.extension.id.clone(),
            });
        }
        Ok(())
    }

    /// Changes members of the result that the panel is about to show.
    fn alter_result(&mut self, handler: &Handler, changes: Vec<Change>) -> Result<(), String> {
        let empty = serde_json::Map::new();
        let mut members = match self.result.as_deref() {
            None => empty,
            Some(serde_json::Value::Object(members)) => members.clone(),
            Some(_) => return Err("it altered a result that is not a JSON object".into()),
        };
        let mut alterations = Vec::new();
        for Change { name, value } in changes {
            if !handler.access.alter.allows(&name) {
                return Err(format!(
                    "it altered `{name}`, which is not among the fields that it may alter"
                ));
            }
            if self.is_secret(&name) && !handler.access.alter.names(&name) {
                return Err(format!(
                    "it altered `{name}`, which is secret and not named among the fields that it may alter"
                ));
            }
            let to = value.as_ref().map(Value::to_json);
            let from = match &to {
                Some(to) => members.insert(name.clone(), to.clone()),
                None => members.shift_remove(&name),
            };
            if from == to {
                continue;
            }
            let seal = |value: Value| if self.is_secret(&name) { value.sealed() } else { value };
            let (from, to) = (from.map(|from| seal(from.into())), value.map(seal));
            alterations.push(Alteration {
                field: name,
                from,
                to,
                extension: handler.extension.id.clone(),
            });
        }
        if alterations.is_empty() {
            return Ok(());
        }
        self.alterations.extend(alterations);
        self.result = Some(Arc::new(serde_json::Value::Object(members)));
        Ok(())
    }

    /// Whether a handler may make this change: the field is one that it may alter, and the value is of the field's
    /// type.
    fn check_change(&self, handler: &Handler, change: &Change) -> Result<(), String> {
        let Change { name, value } = change;
        let alterable = &handler.access.alter;
        if !alterable.allows(name) {
            return Err(format!(
                "it altered `{name}`, which is not among the fields that it may alter"
            ));
        }
        if self.is_secret(name) && !alterable.names(name) {
            return Err(format!(
                "it altered `{name}`, which is secret and not named among the fields that it may alter"
            ));
        }
        let Some(value) = value else { return Ok(()) };
        let known = catalogue().field(&self.call.action, name).map(|field| field.kind);
        match known.or_else(|| self.params.get(name).and_then(Value::kind)) {
            Some(kind) if !value.fits(kind) => {
                let given =
                    value.kind().map_or("null".to_owned(), |kind: FieldKind| kind.to_string());
                Err(format!(
                    "it altered `{name}`, a field of type {kind}, to a value of type {given}"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether a field is secret: by its name, or because the panel sent it as a secret.
    fn is_secret(&self, field: &str) -> bool {
        let sent = [&self.call.params, &self.params]
            .iter()
            .any(|params| matches!(params.get(field), Some(Value::Secret(_))));
        sent || is_secret(&self.call.action, field)
    }

    /// Takes the verdict out.
    fn verdict(&mut self) -> Verdict {
        let result = match (self.phase, self.decision) {
            (Phase::After, _) | (Phase::Before, Decision::Skip) => self.result.take(),
            (Phase::Before, Decision::Proceed | Decision::Deny) => None,
        };
        Verdict {
            decision: self.decision,
            params: self.params.clone(),
            alterations: std::mem::take(&mut self.alterations),
            result,
            problems: std::mem::take(&mut self.problems),
            trace: std::mem::take(&mut self.trace),
        }
    }
}

#[cfg(test)]
mod tests;
