//! The rules by which outcomes combine, without wasm: handlers are closures here.
//!
//! A [`Scene`] is a hook call with its handlers. The registry puts them in order, as it does for the host.

mod after;
mod alter;
mod combine;
mod conduct;
mod failure;
mod order;
mod secret;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::extension::{Extension, Settings, State};
use crate::hook::{Ended, LogLevel, LogRecord, Rehearsal, Status};
use crate::package::Manifest;
use crate::registry::{Policy, Snapshot};
use crate::storage::Digest;

/// What observes, in the words of a manifest.
const WATCH: &str = "";
/// What can deny and nothing else.
const DENY: &str = "powers = ['deny']";
/// What can skip and nothing else.
const SKIP: &str = "powers = ['skip']";
/// What can alter every field that is not secret, and nothing else.
const ALTER: &str = "powers = ['alter'], alter = ['*']";

/// How a handler answers a call.
type Answer = Box<dyn Fn(&Event, &Deadline) -> Result<Outcome, Fault> + Send + Sync>;

/// A hook call and the handlers that are to decide it.
struct Scene {
    call: HookCall,
    extensions: Vec<Arc<Extension>>,
    answers: BTreeMap<Arc<str>, Answer>,
    chain: Duration,
}

/// What came of a scene.
struct Played {
    verdict: Verdict,
    calls: Vec<Called>,
}

/// How a handler was called.
struct Called {
    id: Arc<str>,
    event: Event,
    deadline: Deadline,
}

impl Scene {
    /// `mailbox.create` with these parameters, before it is done.
    fn before(params: serde_json::Value) -> Self {
        Self::of("mailbox.create", params, None)
    }

    /// `mailbox.create`, after it ended like this.
    fn after(status: Status, result: Option<serde_json::Value>) -> Self {
        Self::of("mailbox.create", json!({}), Some(Ended { status, result: result.map(Arc::new) }))
    }

    fn of(action: &str, params: serde_json::Value, ended: Option<Ended>) -> Self {
        let mut call = HookCall {
            id: "1".into(),
            action: action.into(),
            actor: None,
            object: None,
            params: Arc::new(serde_json::from_value(params).unwrap()),
            old: Params::new(),
            attributes: indexmap::IndexMap::new(),
            rehearsal: Rehearsal::No,
            depth: 0,
            caused_by: Vec::new(),
            time_ms: 0,
            ended,
        };
        call.seal_secrets();
        let chain = Duration::from_secs(3_600);
        Self { call, extensions: Vec::new(), answers: BTreeMap::new(), chain }
    }

    /// Adds a handler that always answers the same. `on` is the rest of its subscription to this hook.
    fn handler(self, id: &str, on: &str, answer: Result<Outcome, Fault>) -> Self {
        self.answering(id, on, move |_, _| answer.clone())
    }

    /// Adds a handler that answers by what it is asked.
    fn answering(
        mut self,
        id: &str,
        on: &str,
        answer: impl Fn(&Event, &Deadline) -> Result<Outcome, Fault> + Send + Sync + 'static,
    ) -> Self {
        let hook = format!("{}:{}", self.call.phase(), self.call.action);
        let extension = Arc::new(extension(id, &hook, on));
        self.answers.insert(extension.id.clone(), Box::new(answer));
        self.extensions.push(extension);
        self
    }

    /// Sets how long all handlers may take together.
    fn chain(self, chain: Duration) -> Self {
        Self { chain, ..self }
    }

    async fn play(self) -> Played {
        let Scene { call, extensions, answers, chain } = self;
        let snapshot = Snapshot::new(extensions, &Policy::default());
        let cast = Cast { answers, calls: Mutex::default() };
        let handlers = snapshot.handlers(call.phase(), &call.action);
        let verdict = dispatch(&cast, handlers, Arc::new(call.clone()), chain, drop).await;
        Played { verdict, calls: cast.calls.into_inner().unwrap() }
    }

    async fn verdict(self) -> Verdict {
        self.play().await.verdict
    }
}

impl Played {
    /// Who was called, in the order of the calls.
    fn called(&self) -> Vec<&str> {
        self.calls.iter().map(|called| &*called.id).collect()
    }

    /// How this extension's handler was called.
    fn call_of(&self, id: &str) -> &Called {
        self.calls.iter().find(|called| *called.id == *id).unwrap()
    }
}

/// Calls handlers by calling their closures, and remembers how.
struct Cast {
    answers: BTreeMap<Arc<str>, Answer>,
    calls: Mutex<Vec<Called>>,
}

impl Run for Cast {
    type Pass = ();

    async fn admit(&self, _: &Arc<Handler>, _: Rehearsal, _: &Deadline) -> Result<(), Fault> {
        Ok(())
    }

    async fn run(&self, handler: &Arc<Handler>, event: Event, deadline: Deadline, _: &Left) -> Ran {
        let id = handler.extension.id.clone();
        let outcome = self.answers[&id](&event, &deadline);
        let log = vec![LogRecord { level: LogLevel::Info, message: format!("{id} was here") }];
        self.calls.lock().unwrap().push(Called { id, event, deadline });
        Ran { outcome, fuel: 11, memory: 22, log, uses: Vec::new() }
    }

    fn ended(&self, _: &Handler, _: (), _: &Result<&'static str, Fault>) {}
}

fn extension(id: &str, hook: &str, on: &str) -> Extension {
    let comma = if on.is_empty() { "" } else { ", " };
    let text = format!(
        "manifest = 1\non = [{{ hook = '{hook}', reason = 'a test'{comma}{on} }}]\n\
         [extension]\nid = '{id}'\nname = 'Test'\nversion = '1.2.3'\ncontract = '1.0'\n"
    );
    let manifest = Manifest::parse(&text).unwrap();
    Extension {
        id: manifest.id.clone(),
        version: manifest.version.to_string().into(),
        digest: Digest::of(b""),
        granted: manifest.asks.iter().map(|ask| ask.grant.clone()).collect(),
        manifest: manifest.into(),
        settings: Settings::new(),
        waiting: None,
        state: State::Enabled,
        installation: 1,
        installed_ms: 0,
    }
}

fn proceed() -> Result<Outcome, Fault> {
    Ok(Outcome::Proceed)
}

fn alter(changes: impl IntoIterator<Item = Change>) -> Result<Outcome, Fault> {
    Ok(Outcome::Alter(changes.into_iter().collect()))
}

fn set(name: &str, value: impl Into<serde_json::Value>) -> Change {
    Change { name: name.into(), value: Some(value.into().into()) }
}

fn take_out(name: &str) -> Change {
    Change { name: name.into(), value: None }
}

fn skip(result: Option<serde_json::Value>) -> Result<Outcome, Fault> {
    Ok(Outcome::Skip { reason: "done elsewhere".into(), result })
}

fn deny(message: &str) -> Result<Outcome, Fault> {
    let problem = Problem { code: "denied".into(), field: None, message: message.into() };
    Ok(Outcome::Deny(vec![problem]))
}

fn fail() -> Result<Outcome, Fault> {
    Err(Fault::Fuel { limit: 7 })
}

/// The verdict in one line: the decision, the final parameters, who changed what from what to what, the result,
/// who objects, and what each handler did.
fn line(verdict: &Verdict) -> String {
    let shown = |value: &Option<Value>| value.as_ref().map_or("-".into(), |v| format!("{v:?}"));
    let mut parts = vec![verdict.decision.to_string()];
    parts.extend(verdict.params.iter().map(|(name, value)| format!("{name}={value:?}")));
    parts.extend(verdict.alterations.iter().map(|alteration| {
        let Alteration { field, from, to, extension } = alteration;
        format!("{extension} changed {field} {}→{}", shown(from), shown(to))
    }));
    parts.extend(verdict.result.iter().map(|result| format!("result {result}")));
    parts.extend(verdict.problems.iter().map(|objection| {
        format!("{} objects: {}", objection.extension, objection.problem.message)
    }));
    let trace = verdict.trace.iter().map(|trace| {
        let outcome = match &trace.outcome {
            Ok(word) => word,
            Err(fault) => fault.code(),
        };
        format!("{}:{outcome}", trace.extension)
    });
    parts.extend(trace.reduce(|all, one| format!("{all} {one}")));
    parts.join(" | ")
}

/// What is wrong with the answer of the only handler that ran.
fn bad_answer(verdict: &Verdict) -> &str {
    match verdict.trace.as_slice() {
        [HandlerTrace { outcome: Err(Fault::BadAnswer { reason }), .. }] => reason,
        trace => panic!("not one bad answer: {trace:?}"),
    }
}
