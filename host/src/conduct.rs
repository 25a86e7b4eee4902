//! How extensions behave, and what follows: ceilings on calls at one time, breakers, vetoes, and load.
//!
//! It stands between the dispatcher and whatever runs a handler, and knows neither HTTP nor wasm. Whatever it keeps
//! from running becomes a fault, so the handler's own `on-failure` decides: a policy that must not be missed still
//! denies. It must never open a way past a policy by itself, and never keep more for a handler than a few numbers.

mod breaker;
mod config;
mod vetoes;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::breaker::{Admission, Breaker, Change};
pub(crate) use self::config::check_concurrent;
pub use self::config::{BreakerConfig, ConductConfig, ConductOverrides, VetoAction, VetoConfig};
use self::vetoes::Vetoes;
use crate::config::Config;
use crate::dispatch::Run;
use crate::extension::Handler;
use crate::hook::{Event, Fault, HookPattern, Rehearsal};
use crate::registry::Overrides;
use crate::sandbox::{Deadline, Left, Ran};

/// The word for a handler that refused the action.
const DENIED: &str = "deny";
/// The least time between two lines of the log about load.
const OVERLOAD_LOG: Duration = Duration::from_secs(10);

/// What is known of how all extensions behave.
pub struct Conduct {
    config: ConductConfig,
    overrides: BTreeMap<String, ConductOverrides>,
    /// Held for a look-up, never while anything waits.
    records: Mutex<HashMap<Arc<str>, Arc<Record>>>,
    in_flight: AtomicU64,
    overloaded: AtomicU64,
    /// When the log last spoke of load.
    overload_logged: Mutex<Option<Instant>>,
}

/// What is known of one extension.
struct Record {
    id: Arc<str>,
    concurrent: u32,
    slots: Arc<Semaphore>,
    veto_action: VetoAction,
    alarms: AtomicU64,
    /// Held for a few comparisons, never while anything waits.
    behaviour: Mutex<Behaviour>,
}

impl Record {
    /// Waits until the extension may have one more call at one time.
    async fn slot(&self, deadline: &Deadline) -> Result<OwnedSemaphorePermit, Fault> {
        let slot = self.slots.clone().acquire_owned();
        match tokio::time::timeout_at(deadline.at.into(), slot).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(Fault::Concurrency { limit: self.concurrent.into() }),
        }
    }
}

/// How one extension behaved of late.
#[derive(Default)]
struct Behaviour {
    /// Goes up when everything is forgotten: how a call ended that began before then counts for nothing.
    generation: u64,
    /// The breakers of the handlers that failed. A handler that never does has none.
    breakers: HashMap<HookPattern, Breaker>,
    vetoes: Vetoes,
}

/// Leave to call a handler once. It is one of the calls of its extension until it is dropped.
pub struct Pass {
    record: Arc<Record>,
    generation: u64,
    kind: Kind,
    _slot: OwnedSemaphorePermit,
}

/// What a call is for.
enum Kind {
    /// The action.
    Call,
    /// The action, and to see whether the handler of this hook works again.
    Probe(HookPattern),
    /// A rehearsal: it changes nothing, so it counts for nothing.
    Rehearsal,
}

/// How an extension stands at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Its calls that run.
    pub running: u32,
    /// Its handlers that are bypassed.
    pub bypassed: Vec<Bypassed>,
    /// Whether it denied more than it should.
    pub veto_alarm: bool,
    /// How often that happened since the host began.
    pub veto_alarms: u64,
}

/// A handler that is bypassed.
#[derive(Debug, Clone, PartialEq)]
pub struct Bypassed {
    /// Its hook; nothing for all of the extension's.
    pub hook: Option<HookPattern>,
    /// Why.
    pub reason: String,
    /// How long until it is called again.
    pub remaining: Duration,
}

/// A hook call that is being decided, until it is dropped.
pub struct Load<'a> {
    conduct: &'a Conduct,
    room: Room,
}

/// Whether the host has room for a hook call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    None,
}

impl Conduct {
    /// Nothing is known of anyone.
    pub fn new(config: ConductConfig, overrides: BTreeMap<String, ConductOverrides>) -> Self {
        Self {
            config,
            overrides,
            records: Mutex::default(),
            in_flight: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            overload_logged: Mutex::default(),
        }
    }

    /// What watches over a host with this configuration.
    pub fn of(config: &Config) -> Self {
        let set = |(id, set): (&String, &Overrides)| {
            let set = ConductOverrides { concurrent: set.concurrent, veto_action: set.veto_action };
            (id.clone(), set)
        };
        Self::new(config.conduct.clone(), config.extension.iter().map(set).collect())
    }

    /// Counts a hook call that is to be decided, and whether there is room for it.
    pub fn begin(&self, now: Instant) -> Load<'_> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if before < self.config.in_flight.into() {
            return Load { conduct: self, room: Room::Enough };
        }
        self.overloaded.fetch_add(1, Ordering::Relaxed);
        let mut logged = locked(&self.overload_logged);
        if logged.is_none_or(|last| now.duration_since(last) >= OVERLOAD_LOG) {
            *logged = Some(now);
            tracing::warn!(
                "overloaded: {} hook calls are being decided; handlers of more are not called",
                self.config.in_flight
            );
        }
        Load { conduct: self, room: Room::None }
    }

    /// Hook calls that came when there was no room, since the host began.
    pub fn overloaded(&self) -> u64 {
        self.overloaded.load(Ordering::Relaxed)
    }

    /// Lets a handler be called, when it is its turn, or says why not.
    pub async fn admit(
        &self,
        handler: &Handler,
        rehearsal: Rehearsal,
        deadline: &Deadline,
    ) -> Result<Pass, Fault> {
        let record = self.record(&handler.extension.id);
        if let Ok(slot) = record.slots.clone().try_acquire_owned() {
            return self.pass(record, slot, handler, rehearsal, Instant::now());
        }
        // Who is bypassed anyway does not wait first.
        self.look(&record, handler, Instant::now())?;
        let slot = record.slot(deadline).await?;
        self.pass(record, slot, handler, rehearsal, Instant::now())
    }

    /// Lets a provider or a page be called, when it is one of the calls of its extension that may run at one time.
    /// Each such call is one that a person asked for, so that there is no breaker: whoever asks again is told again.
    pub async fn slot(
        &self,
        id: &Arc<str>,
        deadline: &Deadline,
    ) -> Result<OwnedSemaphorePermit, Fault> {
        self.record(id).slot(deadline).await
    }

    /// Lets a handler be called for which there is a slot.
    fn pass(
        &self,
        record: Arc<Record>,
        slot: OwnedSemaphorePermit,
        handler: &Handler,
        rehearsal: Rehearsal,
        now: Instant,
    ) -> Result<Pass, Fault> {
        let hook = &handler.subscription.hook;
        let mut behaviour = locked(&record.behaviour);
        self.check_vetoes(&record, &behaviour, now)?;
        let kind = match (rehearsal, behaviour.breakers.get_mut(hook)) {
            (Rehearsal::DryRun, Some(breaker)) => {
                self.check_breaker(breaker)?;
                Kind::Rehearsal
            }
            (Rehearsal::DryRun, None) => Kind::Rehearsal,
            (Rehearsal::No, None) => Kind::Call,
            (Rehearsal::No, Some(breaker)) => match breaker.admit(now) {
                Admission::Call => Kind::Call,
                Admission::Probe => Kind::Probe(hook.clone()),
                Admission::Bypass => return Err(self.bypassed(breaker)),
            },
        };
        let generation = behaviour.generation;
        drop(behaviour);
        Ok(Pass { record, generation, kind, _slot: slot })
    }

    /// Says why a handler cannot be called now, and changes nothing.
    fn look(&self, record: &Record, handler: &Handler, now: Instant) -> Result<(), Fault> {
        let behaviour = locked(&record.behaviour);
        self.check_vetoes(record, &behaviour, now)?;
        match behaviour.breakers.get(&handler.subscription.hook) {
            Some(breaker) if breaker.bypasses(now) => Err(self.bypassed(breaker)),
            _ => Ok(()),
        }
    }

    fn check_vetoes(
        &self,
        record: &Record,
        behaviour: &Behaviour,
        now: Instant,
    ) -> Result<(), Fault> {
        match behaviour.vetoes.alarm(now, &self.config.veto) {
            Some(_) if record.veto_action == VetoAction::Bypass => {
                Err(Fault::Bypassed { reason: behaviour.vetoes.in_words() })
            }
            _ => Ok(()),
        }
    }

    fn check_breaker(&self, breaker: &Breaker) -> Result<(), Fault> {
        match breaker.is_closed() {
            true => Ok(()),
            false => Err(self.bypassed(breaker)),
        }
    }

    fn bypassed(&self, breaker: &Breaker) -> Fault {
        Fault::Bypassed { reason: breaker.in_words(&self.config.breaker) }
    }

    /// Notes how a call ended.
    pub fn ended(
        &self,
        handler: &Handler,
        mut pass: Pass,
        outcome: &Result<&'static str, Fault>,
        now: Instant,
    ) {
        let record = pass.record.clone();
        let kind = std::mem::replace(&mut pass.kind, Kind::Call);
        let hook = &handler.subscription.hook;
        let mut behaviour = locked(&record.behaviour);
        if matches!(kind, Kind::Rehearsal) || behaviour.generation != pass.generation {
            return;
        }
        let breaker = behaviour.breakers.get_mut(hook);
        let change = match (outcome, breaker) {
            (Err(fault), breaker) if is_its_own(fault) => match breaker {
                Some(breaker) => breaker.failed(&kind, now, fault.code(), &self.config.breaker),
                None => {
                    let mut breaker = Breaker::default();
                    let change = breaker.failed(&kind, now, fault.code(), &self.config.breaker);
                    behaviour.breakers.insert(hook.clone(), breaker);
                    change
                }
            },
            (Ok(_), Some(breaker)) => breaker.worked(&kind),
            // Nothing was learnt of the handler: the next call is the probe.
            (Err(_), Some(breaker)) => breaker.give_back(&kind),
            (Ok(_) | Err(_), None) => None,
        };
        let alarm = match outcome {
            Ok(word) => behaviour.vetoes.note(*word == DENIED, now, &self.config.veto),
            Err(_) => None,
        };
        drop(behaviour);
        self.tell(&record, hook, change);
        if let Some(vetoes) = alarm {
            record.alarms.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                extension.id = %record.id,
                "extension `{}` {vetoes}, more than {} percent{}",
                record.id,
                self.config.veto.share,
                match record.veto_action {
                    VetoAction::Alarm => "",
                    VetoAction::Bypass => "; it is bypassed",
                }
            );
        }
    }

    fn tell(&self, record: &Record, hook: &HookPattern, change: Option<Change>) {
        let id = &record.id;
        match change {
            Some(Change::Opened { reason, backoff }) => tracing::warn!(
                extension.id = %id,
                "extension `{id}` is bypassed on `{hook}` for {} ms: {reason}",
                backoff.as_millis()
            ),
            Some(Change::Closed) => {
                tracing::info!(extension.id = %id, "extension `{id}` works again on `{hook}`");
            }
            None => {}
        }
    }

    /// How an extension stands.
    pub fn report(&self, id: &str, now: Instant) -> Report {
        let Some(record) = locked(&self.records).get(id).cloned() else {
            return Report::default();
        };
        let free = u32::try_from(record.slots.available_permits()).unwrap_or(u32::MAX);
        let behaviour = locked(&record.behaviour);
        let breakers = behaviour.breakers.iter().filter(|(_, breaker)| !breaker.is_closed());
        let mut bypassed: Vec<Bypassed> = breakers
            .map(|(hook, breaker)| Bypassed {
                hook: Some(hook.clone()),
                reason: breaker.in_words(&self.config.breaker),
                remaining: breaker.remaining(now),
            })
            .collect();
        bypassed.sort_by_cached_key(|bypassed| bypassed.hook.as_ref().map(ToString::to_string));
        let alarm = behaviour.vetoes.alarm(now, &self.config.veto);
        if let (Some(remaining), VetoAction::Bypass) = (alarm, record.veto_action) {
            let reason = behaviour.vetoes.in_words();
            bypassed.push(Bypassed { hook: None, reason, remaining });
        }
        Report {
            running: record.concurrent.saturating_sub(free),
            bypassed,
            veto_alarm: alarm.is_some(),
            veto_alarms: record.alarms.load(Ordering::Relaxed),
        }
    }

    /// Forgets what an extension did: its handlers are called again.
    pub fn forgive(&self, id: &str) {
        let Some(record) = locked(&self.records).get(id).cloned() else { return };
        let mut behaviour = locked(&record.behaviour);
        let was_bypassed = behaviour.breakers.values().any(|breaker| !breaker.is_closed());
        let generation = behaviour.generation + 1;
        *behaviour = Behaviour { generation, ..Behaviour::default() };
        drop(behaviour);
        if was_bypassed {
            tracing::info!(extension.id = %id, "extension `{id}` is no longer bypassed");
        }
    }

    /// Drops everything that is known of an extension.
    pub fn forget(&self, id: &str) {
        locked(&self.records).remove(id);
    }

    fn record(&self, id: &Arc<str>) -> Arc<Record> {
        let mut records = locked(&self.records);
        if let Some(record) = records.get(id) {
            return record.clone();
        }
        let set = self.overrides.get(&**id);
        let concurrent = set.and_then(|set| set.concurrent).unwrap_or(self.config.concurrent);
        let veto_action = set.and_then(|set| set.veto_action).unwrap_or(self.config.veto.action);
        let record = Arc::new(Record {
            id: id.clone(),
            concurrent,
            slots: Arc::new(Semaphore::new(concurrent as usize)),
            veto_action,
            alarms: AtomicU64::new(0),
            behaviour: Mutex::default(),
        });
        records.insert(id.clone(), record.clone());
        record
    }
}

impl Drop for Pass {
    /// A probe whose call was given up is free for the next.
    fn drop(&mut self) {
        let Kind::Probe(hook) = &self.kind else { return };
        let mut behaviour = locked(&self.record.behaviour);
        if behaviour.generation == self.generation
            && let Some(breaker) = behaviour.breakers.get_mut(hook)
        {
            breaker.give_back(&self.kind);
        }
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.conduct.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs handlers for one hook call, under what is known of their conduct.
pub struct Watched<'a, R> {
    load: Load<'a>,
    runner: &'a R,
}

impl<'a, R: Run> Watched<'a, R> {
    /// What runs handlers, for a hook call that is to be decided now.
    pub fn new(conduct: &'a Conduct, runner: &'a R) -> Self {
        Self { load: conduct.begin(Instant::now()), runner }
    }
}

impl<R: Run> Run for Watched<'_, R> {
    type Pass = Pass;

    async fn admit(
        &self,
        handler: &Arc<Handler>,
        rehearsal: Rehearsal,
        deadline: &Deadline,
    ) -> Result<Pass, Fault> {
        let Load { conduct, room } = &self.load;
        match room {
            Room::Enough => conduct.admit(handler, rehearsal, deadline).await,
            Room::None => Err(Fault::Overloaded { limit: conduct.config.in_flight.into() }),
        }
    }

    async fn run(
        &self,
        handler: &Arc<Handler>,
        event: Event,
        deadline: Deadline,
        left: &Left,
    ) -> Ran {
        self.runner.run(handler, event, deadline, left).await
    }

    fn ended(&self, handler: &Handler, pass: Pass, outcome: &Result<&'static str, Fault>) {
        self.load.conduct.ended(handler, pass, outcome, Instant::now());
    }
}

/// Whether a fault is of the handler's own making, and not the host's or the hour's.
fn is_its_own(fault: &Fault) -> bool {
    match fault {
        Fault::Fuel { .. }
        | Fault::Deadline { .. }
        | Fault::Memory { .. }
        | Fault::Table { .. }
        | Fault::Stack { .. }
        | Fault::HostCallBytes { .. }
        | Fault::HostCalls { .. }
        | Fault::Handles { .. }
        | Fault::Secrets { .. }
        | Fault::Trap { .. }
        | Fault::Exit { .. }
        | Fault::Failure { .. }
        | Fault::BadAnswer { .. }
        | Fault::NotReady { .. } => true,
        Fault::ChainDeadline { .. }
        | Fault::Busy { .. }
        | Fault::Concurrency { .. }
        | Fault::Overloaded { .. }
        | Fault::Bypassed { .. }
        | Fault::Condition { .. }
        | Fault::Abandoned => false,
    }
}

/// Nothing that holds these locks leaves anything half done, so a panic elsewhere spoils nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
