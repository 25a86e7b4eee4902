//! How long entries are kept, and what becomes of them when the host stops or cannot follow.

use tokio::sync::oneshot;

use super::*;
use crate::hook::LogRecord;

fn open_with(storage: &Storage, max_bytes: u64, max_days: u32) -> Journal {
    Journal::open(storage.clone(), JournalLimits { max_bytes, max_days }).unwrap()
}

fn bytes(storage: &Storage) -> u64 {
    blocks(storage).iter().map(|(_, block)| block.len() as u64).sum()
}

fn days_ago(days: u64) -> u64 {
    entry::now_ms() - days * 86_400_000
}

fn record_at(journal: &Journal, id: &str, time_ms: u64) {
    let call = HookCall { time_ms, ..call(id, "mailbox.create") };
    record(journal, call, verdict(Decision::Proceed));
}

#[tokio::test]
async fn what_is_over_the_size_goes_oldest_first() {
    let storage = Storage::in_memory().unwrap();
    let journal = open_with(&storage, 2_000, 30);
    write_ids(&journal, 0..40).await;
    let kept: Vec<u32> =
        stored(&storage).iter().map(|entry| entry.action_id.parse().unwrap()).collect();
    assert!(bytes(&storage) <= 2_000, "{}", bytes(&storage));
    assert!((2..40).contains(&kept.len()), "{kept:?}");
    assert_eq!(kept, (40 - kept.len() as u32..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_written_before_a_restart_counts_for_the_size() {
    let storage = Storage::in_memory().unwrap();
    let journal = open(&storage);
    write_ids(&journal, 0..40).await;
    journal.close().await;
    let journal = open_with(&storage, 2_000, 30);
    write_ids(&journal, [40]).await;
    assert!(bytes(&storage) <= 2_000, "{}", bytes(&storage));
    assert_eq!(stored(&storage).last().unwrap().action_id, "40");
}

#[tokio::test]
async fn what_is_too_old_goes() {
    let storage = Storage::in_memory().unwrap();
    let journal = open(&storage);
    record_at(&journal, "old", days_ago(3));
    journal.flush().await;
    record_at(&journal, "new", days_ago(1));
    journal.close().await;
    let journal = open_with(&storage, u64::MAX, 2);
    assert_eq!(found(&journal, Filter::default()).await, ["new"]);
}

#[tokio::test]
async fn an_old_entry_stays_as_long_as_a_newer_one_in_its_block() {
    let storage = Storage::in_memory().unwrap();
    let journal = open_with(&storage, u64::MAX, 2);
    record_at(&journal, "new", days_ago(1));
    record_at(&journal, "old", days_ago(3));
    assert_eq!(found(&journal, Filter::default()).await, ["old", "new"]);
}

#[tokio::test]
async fn what_is_too_old_when_it_is_written_goes_with_the_next_write() {
    let storage = Storage::in_memory().unwrap();
    let journal = open_with(&storage, u64::MAX, 2);
    record_at(&journal, "old", days_ago(3));
    journal.flush().await;
    record_at(&journal, "new", days_ago(1));
    assert_eq!(found(&journal, Filter::default()).await, ["new"]);
}

#[tokio::test]
async fn the_numbers_of_blocks_go_on_after_a_restart() {
    let storage = Storage::in_memory().unwrap();
    let journal = open(&storage);
    write_ids(&journal, [1, 2]).await;
    journal.close().await;
    let journal = open(&storage);
    write_ids(&journal, [3]).await;
    let numbers: Vec<u64> = blocks(&storage).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(found(&journal, Filter::default()).await, ["3", "2", "1"]);
}

#[tokio::test]
async fn the_numbers_of_blocks_go_on_when_the_oldest_are_gone() {
    let storage = Storage::in_memory().unwrap();
    let journal = open_with(&storage, 2_000, 30);
    write_ids(&journal, 0..40).await;
    journal.close().await;
    let journal = open_with(&storage, 2_000, 30);
    write_ids(&journal, [40]).await;
    assert_eq!(blocks(&storage).last().unwrap().0, 40);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let storage = Storage::open(&path).unwrap();
    let journal = open(&storage);
    record_ids(&journal, 0..500);
    journal.close().await;
    drop(storage);
    let journal = open(&reopened(&path));
    let expected: Vec<String> = (0..500).rev().map(|id| id.to_string()).collect();
    assert_eq!(found(&journal, Filter::default()).await, expected);
}

/// Opens the database when the committer thread has seen that the last handle is gone.
fn reopened(path: &std::path::Path) -> Storage {
    loop {
        match Storage::open(path) {
            Err(StorageError::InUse { .. }) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let (journal, storage) = in_memory();
    record_ids(&journal, [1, 2, 3]);
    journal.close().await;
    assert_eq!(stored(&storage).len(), 3);
}

#[tokio::test]
async fn dropping_writes_what_waits() {
    let (journal, storage) = in_memory();
    record_ids(&journal, [1, 2, 3]);
    drop(journal);
    let begun = Instant::now();
    while stored(&storage).len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing is written");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn nothing_is_dropped_as_long_as_the_writer_follows() {
    let (journal, storage) = in_memory();
    record_ids(&journal, 0..5_000);
    journal.flush().await;
    assert_eq!((stored(&storage).len(), journal.dropped()), (5_000, 0));
}

/// Records calls until one finds the queue full, and says how many they were.
fn overfill(journal: &Journal) -> u64 {
    let params = (0..100).map(|n| (format!("p{n}"), Value::Text("x".repeat(1_000)))).collect();
    let call = HookCall { params: Arc::new(params), ..call("1", "mailbox.create") };
    let mut recorded = 0;
    while journal.dropped() == 0 {
        record(journal, call.clone(), verdict(Decision::Proceed));
        recorded += 1;
    }
    recorded
}

#[tokio::test]
async fn what_finds_the_queue_full_is_dropped_and_counted() {
    let (journal, storage) = in_memory();
    let held = hold(&storage).await;
    let recorded = overfill(&journal);
    assert!(recorded * 100_000 > queue::MAX_WAITING as u64, "{recorded}");
    held.send(()).unwrap();
    journal.flush().await;
    assert_eq!(journal.dropped(), 1);
    assert_eq!(stored(&storage).len() as u64, recorded - 1);
}

#[tokio::test]
async fn after_a_full_queue_entries_are_kept_again() {
    let (journal, storage) = in_memory();
    let held = hold(&storage).await;
    overfill(&journal);
    held.send(()).unwrap();
    journal.flush().await;
    record(&journal, call("later", "mailbox.create"), verdict(Decision::Proceed));
    journal.flush().await;
    assert_eq!(stored(&storage).last().unwrap().action_id, "later");
    assert_eq!(journal.dropped(), 1);
}

/// What an extension says counts for the queue too, or a talkative one would fill the memory.
#[tokio::test]
async fn what_extensions_say_is_bounded() {
    let (journal, storage) = in_memory();
    let held = hold(&storage).await;
    // The writer is busy with this one.
    record_ids(&journal, [1]);
    let flushed = journal.queue.flush();
    let record_of = |_| LogRecord { level: LogLevel::Debug, message: "x".repeat(4 << 10) };
    let log = (0..16).map(record_of).collect();
    let traces = vec![HandlerTrace { log, ..trace("a", Ok("proceed")) }];
    let verdict = Verdict { trace: traces, ..verdict(Decision::Proceed) };
    let mut recorded = 0;
    while journal.dropped() == 0 {
        record(&journal, call("2", "mailbox.create"), verdict.clone());
        recorded += 1;
    }
    assert!(recorded <= 2 * queue::MAX_WAITING / (16 * (4 << 10)), "{recorded}");
    held.send(()).unwrap();
    flushed.await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_writer_that_is_gone_is_let_go() {
    let (journal, _) = in_memory();
    journal.queue.close();
    journal.flush().await;
    record_ids(&journal, [1]);
    assert_eq!(journal.dropped(), 1);
}

/// Lets no write of the storage through until something is sent.
async fn hold(storage: &Storage) -> std::sync::mpsc::Sender<()> {
    let (go_on, held) = std::sync::mpsc::channel();
    let (begun, is_held) = oneshot::channel();
    let storage = storage.clone();
    tokio::spawn(async move {
        let hold = move |_: &mut crate::storage::Transaction<'_>| {
            begun.send(()).unwrap();
            held.recv().map_err(|error| StorageError::Failed(error.to_string()))
        };
        storage.update(hold).await.unwrap();
    });
    is_held.await.unwrap();
    go_on
}
