//! The last day in figures: calls, verdicts, faults, latency and fuel, minute by minute, and how much each extension
//! did. Kept in memory alone, for whoever looks at the host; the journal is the durable record.
//!
//! It is fed on the hook path: one short lock for each call, and no allocation but for the first call of a minute and
//! of an extension. Rehearsals change nothing, so they count for nothing here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::hook::{Decision, Fault, HandlerTrace, HookCall, Rehearsal, Verdict};

/// Minutes that are kept.
pub const MINUTES: u64 = 24 * 60;
/// Faults that are kept.
const MAX_FAULTS: usize = 20;
/// Hours of an extension that are kept.
const HOURS: usize = 24;
/// Steps of the latencies: each power of two of microseconds in four, up to 67 s.
const STEPS: usize = 100;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// What happened in the last day.
#[derive(Default)]
pub struct History {
    /// Held for as long as it takes to add one call.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Minutes in which there were calls, oldest first.
    minutes: VecDeque<Minute>,
    extensions: HashMap<Arc<str>, Used>,
    faults: VecDeque<RecentFault>,
}

struct Minute {
    /// Minutes since the epoch.
    number: u64,
    figures: Figures,
}

/// What happened in some time.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Calls that proceeded.
    pub proceeded: u64,
    /// Calls that a handler skipped.
    pub skipped: u64,
    /// Calls that were denied.
    pub denied: u64,
    /// Handlers that failed.
    pub faults: u64,
    /// Units of fuel.
    pub fuel: u64,
    /// How many calls took so long, by [`step`].
    latencies: [u32; STEPS],
}

/// The figures of a stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// When it begins, in milliseconds since the epoch.
    pub begin_ms: u64,
    /// What happened in it.
    pub figures: Figures,
}

/// How much an extension did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls of it in the last day.
    pub calls: u64,
    /// How many of them failed.
    pub faults: u64,
    /// When it was called last, in milliseconds since the epoch; 0 if it was not.
    pub last_ms: u64,
}

/// Calls of one extension, hour by hour.
#[derive(Default)]
struct Used {
    /// The number of an hour since the epoch, its calls, and how many of them failed.
    hours: [(u64, u32, u32); HOURS],
    last_ms: u64,
}

/// A handler that failed not long ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentFault {
    /// When the host was told of the call, in milliseconds since the epoch.
    pub time_ms: u64,
    /// The identifier of the action.
    pub action_id: String,
    /// The action.
    pub action: String,
    /// The extension.
    pub extension: Arc<str>,
    /// The stable code of the fault.
    pub code: &'static str,
    /// What happened.
    pub message: String,
}

impl Default for Figures {
    fn default() -> Self {
        Self { proceeded: 0, skipped: 0, denied: 0, faults: 0, fuel: 0, latencies: [0; STEPS] }
    }
}

impl Figures {
    /// Calls, whatever became of them.
    pub fn calls(&self) -> u64 {
        self.proceeded + self.skipped + self.denied
    }

    /// The time in microseconds within which this share of the calls was decided, within a tenth; nothing if there
    /// were none.
    pub fn quantile_us(&self, share: f64) -> Option<f64> {
        let calls: u64 = self.latencies.iter().map(|calls| u64::from(*calls)).sum();
        let wanted = (share * calls as f64).ceil().max(1.0);
        let mut seen = 0.0;
        for (step, calls) in self.latencies.iter().enumerate() {
            seen += f64::from(*calls);
            if *calls > 0 && seen >= wanted {
                return Some(middle_us(step));
            }
        }
        None
    }

    fn note(&mut self, decision: Decision, duration: Duration, fuel: u64, faults: u64) {
        match decision {
            Decision::Proceed => self.proceeded += 1,
            Decision::Skip => self.skipped += 1,
            Decision::Deny => self.denied += 1,
        }
        self.faults += faults;
        self.fuel = self.fuel.saturating_add(fuel);
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(calls) = self.latencies.get_mut(step(us)) {
            *calls = calls.saturating_add(1);
        }
    }

    fn add(&mut self, other: &Self) {
        self.proceeded += other.proceeded;
        self.skipped += other.skipped;
        self.denied += other.denied;
        self.faults += other.faults;
        self.fuel = self.fuel.saturating_add(other.fuel);
        for (sum, calls) in self.latencies.iter_mut().zip(other.latencies) {
            *sum = sum.saturating_add(calls);
        }
    }
}

/// The step that a time in microseconds falls into.
fn step(us: u64) -> usize {
    let octave = us.max(1).ilog2();
    // The two bits below the highest one.
    let quarter = if octave >= 2 { (us >> (octave - 2)) & 3 } else { (us << (2 - octave)) & 3 };
    (octave as usize * 4 + usize::try_from(quarter).unwrap_or(0)).min(STEPS - 1)
}

/// The middle of a step, in microseconds.
fn middle_us(step: usize) -> f64 {
    let octave = i32::try_from(step / 4).unwrap_or(i32::MAX);
    let quarter = (step % 4) as f64;
    2_f64.powi(octave) * (1.0 + (quarter + 0.5) / 4.0)
}

impl History {
    /// Adds a decided call.
    pub fn add(&self, call: &HookCall, verdict: &Verdict, duration: Duration) {
        if call.rehearsal == Rehearsal::DryRun {
            return;
        }
        // Written out before the lock is taken.
        let failed: Vec<RecentFault> =
            verdict.trace.iter().filter_map(|trace| RecentFault::of(call, trace)).collect();
        let faults = failed.len() as u64;
        let fuel = verdict.trace.iter().fold(0, |sum: u64, trace| sum.saturating_add(trace.fuel));
        let mut kept = self.lock();
        if let Some(figures) = kept.minute(call.time_ms / MINUTE_MS) {
            figures.note(verdict.decision, duration, fuel, faults);
        }
        for trace in &verdict.trace {
            let failed = u32::from(trace.outcome.as_ref().err().is_some_and(is_failure));
            if let Some(used) = kept.extensions.get_mut(&trace.extension) {
                used.add(call.time_ms, failed);
                continue;
            }
            let used = kept.extensions.entry(trace.extension.clone()).or_default();
            used.add(call.time_ms, failed);
        }
        kept.faults.extend(failed);
        let too_many = kept.faults.len().saturating_sub(MAX_FAULTS);
        kept.faults.drain(..too_many);
    }

    /// The time until `now_ms` in `parts` parts of so many minutes each, oldest first.
    pub fn parts(&self, now_ms: u64, parts: u64, minutes: u64) -> Vec<Part> {
        let minutes = minutes.max(1);
        // Parts begin at whole multiples of their length, so that they stay the same from look to look.
        let last = now_ms / MINUTE_MS / minutes;
        let first = (last + 1).saturating_sub(parts);
        let mut found: Vec<Part> = (first..=last)
            .map(|part| Part { begin_ms: part * minutes * MINUTE_MS, figures: Figures::default() })
            .collect();
        for minute in &self.lock().minutes {
            let part = (minute.number / minutes).checked_sub(first);
            let part = part.and_then(|part| found.get_mut(usize::try_from(part).ok()?));
            if let Some(part) = part {
                part.figures.add(&minute.figures);
            }
        }
        found
    }

    /// What happened in the last minutes, up to the whole day.
    pub fn last(&self, now_ms: u64, minutes: u64) -> Figures {
        let first = (now_ms / MINUTE_MS + 1).saturating_sub(minutes);
        let mut sum = Figures::default();
        let kept = self.lock();
        kept.minutes
            .iter()
            .filter(|minute| minute.number >= first)
            .for_each(|minute| sum.add(&minute.figures));
        sum
    }

    /// How much each extension did in the last day.
    pub fn usage(&self, now_ms: u64) -> HashMap<Arc<str>, Usage> {
        let kept = self.lock();
        kept.extensions.iter().map(|(id, used)| (id.clone(), used.usage(now_ms))).collect()
    }

    /// How much one extension did in the last day.
    pub fn usage_of(&self, id: &str, now_ms: u64) -> Usage {
        self.lock().extensions.get(id).map(|used| used.usage(now_ms)).unwrap_or_default()
    }

    /// The handlers that failed last, newest first.
    pub fn faults(&self) -> Vec<RecentFault> {
        self.lock().faults.iter().rev().cloned().collect()
    }

    /// Forgets what an extension did, when it is removed.
    pub fn forget(&self, id: &str) {
        self.lock().extensions.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Whatever panicked left figures that are at most one call short.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecentFault {
    fn of(call: &HookCall, trace: &HandlerTrace) -> Option<Self> {
        let fault = trace.outcome.as_ref().err().filter(|fault| is_failure(fault))?;
        Some(Self {
            time_ms: call.time_ms,
            action_id: call.id.clone(),
            action: call.action.clone(),
            extension: trace.extension.clone(),
            code: fault.code(),
            message: fault.to_string(),
        })
    }
}

/// Whether a handler failed. What was not called at all, for what it did before or for lack of room, did not.
fn is_failure(fault: &Fault) -> bool {
    !matches!(fault, Fault::Bypassed { .. } | Fault::Overloaded { .. })
}

impl Kept {
    /// The figures of a minute. A call that took so long that newer minutes have begun still counts for its own; one
    /// that is older than what is kept counts for the oldest.
    fn minute(&mut self, number: u64) -> Option<&mut Figures> {
        let newest = self.minutes.back().map_or(number, |minute| minute.number.max(number));
        let oldest = (newest + 1).saturating_sub(MINUTES);
        while self.minutes.front().is_some_and(|minute| minute.number < oldest) {
            self.minutes.pop_front();
        }
        let number = number.max(oldest);
        let place = self.minutes.partition_point(|minute| minute.number < number);
        let is_there = self.minutes.get(place).is_some_and(|minute| minute.number == number);
        if !is_there {
            self.minutes.insert(place, Minute { number, figures: Figures::default() });
        }
        self.minutes.get_mut(place).map(|minute| &mut minute.figures)
    }
}

impl Used {
    fn add(&mut self, time_ms: u64, failed: u32) {
        let hour = time_ms / HOUR_MS;
        let place = usize::try_from(hour % HOURS as u64).unwrap_or(0);
        self.last_ms = self.last_ms.max(time_ms);
        let Some((number, calls, faults)) = self.hours.get_mut(place) else { return };
        if *number != hour {
            (*number, *calls, *faults) = (hour, 0, 0);
        }
        *calls = calls.saturating_add(1);
        *faults = faults.saturating_add(failed);
    }

    fn usage(&self, now_ms: u64) -> Usage {
        let first = (now_ms / HOUR_MS + 1).saturating_sub(HOURS as u64);
        let mut usage = Usage { last_ms: self.last_ms, ..Usage::default() };
        for (_, calls, faults) in self.hours.iter().filter(|(hour, ..)| *hour >= first) {
            usage.calls += u64::from(*calls);
            usage.faults += u64::from(*faults);
        }
        usage
    }
}

#[cfg(test)]
mod tests;
