//! What waits to be written: entries as JSON, what is to be passed on to the host's own log, and who waits for it.
//!
//! An entry costs the hook path its JSON and a short lock. The writer sleeps meanwhile: it is woken when so much waits
//! that a write is worth it, and not for every entry. What is full refuses; nothing here waits for the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::block::Packer;
use crate::hook::{HandlerTrace, HookCall, Phase, Verdict};

/// Bytes of entries and of what is to be logged that wait at most: what half a second of a busy host makes.
pub(super) const MAX_WAITING: usize = 24 << 20;
/// Bytes that something to be logged has beside its messages, about.
const SPOKEN_BYTES: usize = 512;

/// What waits, shared by the hook path and the writer.
#[derive(Default)]
pub(super) struct Queue {
    // A std lock, held for as long as it takes to append an entry.
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    entries: Packer,
    /// Takes the place of the entries when they are written: new memory for each write would cost as much as they.
    spare: Packer,
    spoken: Vec<Spoken>,
    spoken_bytes: usize,
    flushes: Vec<oneshot::Sender<()>>,
    state: State,
}

/// Whether more can come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Open,
    Closed,
}

/// What extensions said in a hook call that the host's own log is to be told.
pub(super) struct Spoken {
    pub(super) action_id: String,
    pub(super) action: String,
    pub(super) phase: Phase,
    pub(super) trace: Vec<HandlerTrace>,
}

/// What the writer is to do next, in this order.
pub(super) struct Work {
    /// What to tell the host's own log.
    pub(super) spoken: Vec<Spoken>,
    /// What to write; nothing if it is not time yet.
    pub(super) entries: Option<Packer>,
    /// Who waits until it is written.
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    /// Whether more comes after this.
    pub(super) state: State,
}

/// Nothing was taken: too much waits, or nobody writes any more.
#[derive(Debug)]
pub(super) struct Full;

impl Queue {
    /// Adds an entry, and what of it the host's own log is to be told.
    pub(super) fn add(
        &self,
        time_ms: u64,
        json: &[u8],
        spoken: Option<Spoken>,
    ) -> Result<(), Full> {
        let said = spoken.as_ref().map_or(0, Spoken::bytes);
        let mut waiting = self.lock();
        let bytes = waiting.entries.bytes() + json.len() + waiting.spoken_bytes + said;
        if bytes > MAX_WAITING || waiting.state == State::Closed {
            return Err(Full);
        }
        let was_full = waiting.entries.is_full();
        waiting.entries.add(time_ms, json);
        let wakes = spoken.is_some() || (waiting.entries.is_full() && !was_full);
        waiting.spoken_bytes += said;
        waiting.spoken.extend(spoken);
        drop(waiting);
        if wakes {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Asks for everything that waits to be written, and for word of it; there is none when nobody writes any more.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, written) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.state == State::Open {
            waiting.flushes.push(done);
        }
        drop(waiting);
        self.changed.notify_one();
        written
    }

    /// Says that nothing more comes.
    pub(super) fn close(&self) {
        self.lock().state = State::Closed;
        self.changed.notify_one();
    }

    /// Says that nobody writes any more.
    pub(super) fn end(&self) {
        let mut waiting = self.lock();
        waiting.state = State::Closed;
        waiting.flushes.clear();
    }

    /// Takes a packer back whose entries are written.
    pub(super) fn give_back(&self, mut entries: Packer) {
        entries.clear();
        self.lock().spare = entries;
    }

    /// Waits for work; at `due` what waits is to be written.
    pub(super) fn next(&self, due: Instant) -> Work {
        let mut waiting = self.lock();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || waiting.is_urgent() {
                return waiting.take();
            }
            if !waiting.spoken.is_empty() {
                return waiting.take_spoken();
            }
            let woken = self.changed.wait_timeout(waiting, left);
            (waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Whether what waits is to be written before its time.
    fn is_urgent(&self) -> bool {
        self.state == State::Closed || self.entries.is_full() || !self.flushes.is_empty()
    }

    fn take(&mut self) -> Work {
        self.spoken_bytes = 0;
        Work {
            spoken: std::mem::take(&mut self.spoken),
            entries: Some(std::mem::replace(&mut self.entries, std::mem::take(&mut self.spare))),
            flushes: std::mem::take(&mut self.flushes),
            state: self.state,
        }
    }

    fn take_spoken(&mut self) -> Work {
        self.spoken_bytes = 0;
        let spoken = std::mem::take(&mut self.spoken);
        Work { spoken, entries: None, flushes: Vec::new(), state: State::Open }
    }
}

impl Spoken {
    /// What extensions said in a hook call: what they wrote to their logs, and why they failed.
    pub(super) fn of(call: &HookCall, verdict: &Verdict) -> Option<Self> {
        let speaks = |trace: &&HandlerTrace| trace.outcome.is_err() || !trace.log.is_empty();
        verdict.trace.iter().find(speaks)?;
        Some(Self {
            action_id: call.id.clone(),
            action: call.action.clone(),
            phase: call.phase(),
            trace: verdict.trace.iter().filter(speaks).cloned().collect(),
        })
    }

    fn bytes(&self) -> usize {
        let records = self.trace.iter().flat_map(|trace| &trace.log);
        let messages: usize = records.map(|record| record.message.len()).sum();
        messages + self.trace.len() * SPOKEN_BYTES
    }
}
