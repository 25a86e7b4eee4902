//! What happened, as the journal tells it.

mod blocks;
mod content;
mod find;
mod keep;

use serde_json::json;

use super::*;
use crate::hook::{Decision, Ended, HandlerTrace, Params, Phase, Rehearsal, Status, Value};

/// A hook call of now, before the action.
fn call(id: &str, action: &str) -> HookCall {
    HookCall {
        id: id.into(),
        action: action.into(),
        actor: None,
        object: None,
        params: Arc::default(),
        old: Params::new(),
        attributes: indexmap::IndexMap::new(),
        rehearsal: Rehearsal::No,
        depth: 0,
        caused_by: Vec::new(),
        time_ms: entry::now_ms(),
        ended: None,
    }
}

fn call_with(params: serde_json::Value) -> HookCall {
    HookCall { params: Arc::new(params_of(params)), ..call("1", "mailbox.create") }
}

fn params_of(json: serde_json::Value) -> Params {
    serde_json::from_value(json).unwrap()
}

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        params: Arc::default(),
        alterations: Vec::new(),
        result: None,
        problems: Vec::new(),
        trace: Vec::new(),
    }
}

fn trace(extension: &str, outcome: Result<&'static str, Fault>) -> HandlerTrace {
    HandlerTrace {
        extension: extension.into(),
        version: "1.2.3".into(),
        outcome,
        reason: None,
        fuel: 11,
        memory: 22,
        duration: Duration::from_micros(33),
        log: Vec::new(),
        uses: Vec::new(),
    }
}

/// The entry that a decided hook call becomes.
fn entry_of(call: &HookCall, verdict: &Verdict) -> Entry {
    let read = |json: &[u8]| serde_json::from_slice(json).unwrap();
    written::with_json(call, verdict, Duration::from_micros(44), read).unwrap()
}

/// A journal on this storage that forgets nothing in a test.
fn open(storage: &Storage) -> Journal {
    let limits = JournalLimits { max_bytes: u64::MAX, max_days: 36_500 };
    Journal::open(storage.clone(), limits).unwrap()
}

/// A journal in memory, and its storage.
fn in_memory() -> (Journal, Storage) {
    let storage = Storage::in_memory().unwrap();
    (open(&storage), storage)
}

fn record(journal: &Journal, call: HookCall, verdict: Verdict) {
    journal.record(&call, &verdict, Duration::from_micros(44));
}

/// Records calls with these identifiers.
fn record_ids(journal: &Journal, ids: impl IntoIterator<Item = u32>) {
    let calls = ids.into_iter().map(|id| call(&id.to_string(), "mailbox.create"));
    calls.for_each(|call| record(journal, call, verdict(Decision::Proceed)));
}

/// Records calls with these identifiers, each in a block of its own.
async fn write_ids(journal: &Journal, ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        record_ids(journal, [id]);
        journal.flush().await;
    }
}

/// The identifiers of the actions that match, newest first.
async fn found(journal: &Journal, filter: Filter) -> Vec<String> {
    let entries = journal.list(filter, MAX_LIMIT).await.unwrap();
    entries.into_iter().map(|entry| entry.action_id).collect()
}

/// The blocks in the storage, oldest first.
fn blocks(storage: &Storage) -> Vec<(u64, Vec<u8>)> {
    let pairs = storage.scan(PREFIX, None, Direction::Forward, 100_000).unwrap();
    pairs.into_iter().map(|(key, block)| (block_number(&key).unwrap(), block)).collect()
}

/// The entries in the storage, oldest first.
fn stored(storage: &Storage) -> Vec<Entry> {
    let blocks = blocks(storage).into_iter();
    blocks.flat_map(|(_, block)| block::unpack(&block).unwrap().1).collect()
}

/// A text that does not shrink: every run of it is another.
fn noise(bytes: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static SEED: AtomicU64 = AtomicU64::new(1);
    let letter = |_| {
        let seed = SEED.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        char::from(LETTERS[(mixed >> 58) as usize])
    };
    (0..bytes).map(letter).collect()
}
