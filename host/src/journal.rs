//! What happened: each hook call and its verdict, durable, within a size and an age.
//!
//! A call waits for no write: its entry goes into a bounded queue, and a thread of its own packs what is there into
//! blocks and writes them every [`INTERVAL`]. A crash loses at most the last interval. When the queue is full,
//! entries are dropped and counted, and the count is in the metrics.

mod block;
mod entry;
mod find;
mod queue;
mod written;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use self::entry::{
    Entry, EntryActor, EntryAlteration, EntryFault, EntryLog, EntryProblem, EntryTrace,
};
use self::find::find;
pub use self::find::{Faults, Filter, Found, Position, Search};
use self::queue::{Queue, Spoken, State};
use crate::history::History;
use crate::hook::{Fault, HookCall, LogLevel, Verdict};
use crate::storage::{Direction, Storage, StorageError};

/// The time between two writes, and what a crash can lose.
pub const INTERVAL: Duration = Duration::from_millis(250);
/// What keys begin with; the rest is the number of the block, big-endian.
const PREFIX: &[u8] = b"journal/";
/// Entries that one look-up returns at most.
pub const MAX_LIMIT: usize = 1_000;

/// How much of the past is kept: `[journal]` in `palisade.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct JournalLimits {
    /// Bytes of blocks, compressed.
    pub max_bytes: u64,
    /// Days that an entry is kept.
    pub max_days: u32,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self { max_bytes: 128 << 20, max_days: 30 }
    }
}

/// The journal. Dropping it writes what waits.
pub struct Journal {
    /// The last day in figures.
    pub history: History,
    queue: Arc<Queue>,
    dropped: AtomicU64,
    storage: Storage,
    writer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal and starts its writer. Must be called on a tokio runtime.
    pub fn open(storage: Storage, limits: JournalLimits) -> Result<Self, StorageError> {
        let newest = storage.scan(PREFIX, None, Direction::Backward, 1)?.pop();
        let next = newest.and_then(|(key, _)| block_number(&key)).map_or(0, |number| number + 1);
        let queue = Arc::<Queue>::default();
        let writer = Writer {
            queue: queue.clone(),
            storage: storage.clone(),
            limits,
            next,
            runtime: tokio::runtime::Handle::current(),
            blocks: VecDeque::new(),
            bytes: 0,
        };
        let writer = std::thread::Builder::new()
            .name("palisade-journal".into())
            .spawn(move || writer.run())
            .map_err(|error| StorageError::Failed(format!("no thread for the journal: {error}")))?;
        Ok(Self {
            history: History::default(),
            queue,
            dropped: AtomicU64::default(),
            storage,
            writer: Some(writer),
        })
    }

    /// Records a decided hook call. It is written out here and now, while all of it is at hand: keeping the call for
    /// the writer would cost more, in memory and in time.
    pub fn record(&self, call: &HookCall, verdict: &Verdict, duration: Duration) {
        self.history.add(call, verdict, duration);
        let spoken = Spoken::of(call, verdict);
        let add = |json: &[u8]| self.queue.add(call.time_ms, json, spoken);
        match written::with_json(call, verdict, duration, add) {
            Ok(Ok(())) => {}
            Ok(Err(queue::Full)) => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
            Err(error) => tracing::error!(%error, "an entry cannot be written to the journal"),
        }
    }

    /// What the entry of a decided hook call is, whether it is recorded or not.
    pub fn entry(call: &HookCall, verdict: &Verdict, duration: Duration) -> Option<Entry> {
        let entry =
            written::with_json(call, verdict, duration, |json| serde_json::from_slice(json));
        entry.ok()?.ok()
    }

    /// Entries that were dropped since the start because the writer did not keep up.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// At most `limit` entries that match, newest first.
    pub async fn list(&self, filter: Filter, limit: usize) -> Result<Vec<Entry>, StorageError> {
        let found = self.search(Search { filter, limit, ..Search::default() }).await?;
        Ok(found.entries.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Looks entries up, part by part.
    pub async fn search(&self, search: Search) -> Result<Found, StorageError> {
        self.flush().await;
        let storage = self.storage.clone();
        let found = tokio::task::spawn_blocking(move || find(&storage, &search));
        found.await.unwrap_or_else(|error| Err(StorageError::Failed(error.to_string())))
    }

    /// Waits until everything that was recorded so far is written.
    pub async fn flush(&self) {
        // When the writer is gone, nothing waits.
        let _ = self.queue.flush().await;
    }

    /// Writes what waits and ends the writer.
    pub async fn close(mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

fn block_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(PREFIX)?.try_into().ok()?))
}

/// A block's key, to be shown.
fn block_name(key: &[u8]) -> String {
    format!(
        "journal/{}",
        block_number(key).map_or_else(|| "?".to_owned(), |number| number.to_string())
    )
}

fn block_key(number: u64) -> Vec<u8> {
    [PREFIX, &number.to_be_bytes()].concat()
}

/// The thread that writes.
struct Writer {
    queue: Arc<Queue>,
    storage: Storage,
    limits: JournalLimits,
    next: u64,
    runtime: tokio::runtime::Handle,
    /// The blocks that are kept, oldest first: number, bytes, time of the newest entry.
    blocks: VecDeque<(u64, u64, u64)>,
    bytes: u64,
}

impl Writer {
    fn run(mut self) {
        if let Err(error) = self.read_blocks() {
            tracing::error!(%error, "the journal's older entries cannot be counted; they are not expired");
        }
        let mut due = Instant::now() + INTERVAL;
        loop {
            let work = self.queue.next(due);
            work.spoken.iter().for_each(log_extensions);
            if let Some(entries) = work.entries {
                self.write(&entries);
                self.queue.give_back(entries);
                due = Instant::now() + INTERVAL;
            }
            for done in work.flushes {
                // Whoever asked may be gone.
                let _ = done.send(());
            }
            if work.state == State::Closed {
                return;
            }
        }
    }

    fn read_blocks(&mut self) -> Result<(), StorageError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let blocks = self.storage.scan(PREFIX, after.as_deref(), Direction::Forward, 64)?;
            let Some((last, _)) = blocks.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, bytes) in &blocks {
                let Some(number) = block_number(key) else { continue };
                // A damaged block goes when its time has come, counted from now.
                let last_ms =
                    block::head(bytes).map_or_else(|_| entry::now_ms(), |head| head.last_ms);
                self.blocks.push_back((number, bytes.len() as u64, last_ms));
                self.bytes += bytes.len() as u64;
            }
        }
    }

    /// Writes entries, and expires what is over the limits, in one step.
    fn write(&mut self, entries: &block::Packer) {
        let packed = entries.blocks();
        let mut put = Vec::with_capacity(packed.len());
        for (head, bytes) in packed {
            self.blocks.push_back((self.next, bytes.len() as u64, head.last_ms));
            self.bytes += bytes.len() as u64;
            put.push((block_key(self.next), bytes));
            self.next += 1;
        }
        let oldest_kept =
            entry::now_ms().saturating_sub(u64::from(self.limits.max_days) * 86_400_000);
        let mut expired = Vec::new();
        while let Some((number, bytes, last_ms)) = self.blocks.front().copied() {
            if self.bytes <= self.limits.max_bytes && last_ms >= oldest_kept {
                break;
            }
            expired.push(block_key(number));
            self.bytes -= bytes;
            self.blocks.pop_front();
        }
        if put.is_empty() && expired.is_empty() {
            return;
        }
        let written = self.storage.update(move |transaction| {
            put.into_iter().try_for_each(|(key, value)| transaction.put(key, value))?;
            // Last, since what is written may be too old already.
            expired.into_iter().for_each(|key| transaction.remove(key));
            Ok(())
        });
        let written: Result<(), StorageError> = self.runtime.block_on(written);
        if let Err(error) = written {
            tracing::error!(%error, "entries of the journal could not be written");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Also when it panicked: nobody may wait for it for ever.
        self.queue.end();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The writer writes what waits and ends by itself.
        self.queue.close();
    }
}

/// Passes on what extensions wrote to their logs.
fn log_extensions(spoken: &Spoken) {
    let Spoken { action_id, action, phase, trace } = spoken;
    for trace in trace {
        let id = &*trace.extension;
        // What is not called at all for long is told once, by what keeps it from being called.
        let told =
            |fault: &&Fault| matches!(fault, Fault::Bypassed { .. } | Fault::Overloaded { .. });
        if let Some(fault) = trace.outcome.as_ref().err().filter(|fault| !told(fault)) {
            tracing::warn!(target: "palisade::extension", { extension.id = %id, action.id = %action_id, hook = %action }, "extension `{id}` failed at {phase}:{action}: {fault}");
        }
        for record in &trace.log {
            let message = &record.message;
            match record.level {
                LogLevel::Error => {
                    tracing::error!(target: "palisade::extension", { extension.id = %id, action.id = %action_id }, "{id}: {message}")
                }
                LogLevel::Warn => {
                    tracing::warn!(target: "palisade::extension", { extension.id = %id, action.id = %action_id }, "{id}: {message}")
                }
                LogLevel::Info => {
                    tracing::info!(target: "palisade::extension", { extension.id = %id, action.id = %action_id }, "{id}: {message}")
                }
                LogLevel::Debug | LogLevel::Trace => {
                    tracing::debug!(target: "palisade::extension", { extension.id = %id, action.id = %action_id }, "{id}: {message}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
