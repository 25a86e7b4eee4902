//! Looking entries up.

use super::*;

#[tokio::test]
async fn an_empty_journal_has_no_entries() {
    let (journal, _) = in_memory();
    assert!(found(&journal, Filter::default()).await.is_empty());
}

#[tokio::test]
async fn entries_come_newest_first() {
    let (journal, _) = in_memory();
    record_ids(&journal, [1, 2, 3]);
    assert_eq!(found(&journal, Filter::default()).await, ["3", "2", "1"]);
}

#[tokio::test]
async fn entries_come_newest_first_over_many_blocks() {
    let (journal, storage) = in_memory();
    write_ids(&journal, 0..40).await;
    assert_eq!(blocks(&storage).len(), 40);
    let expected: Vec<String> = (0..40).rev().map(|id| id.to_string()).collect();
    assert_eq!(found(&journal, Filter::default()).await, expected);
}

#[tokio::test]
async fn a_look_up_sees_what_was_recorded_before_it() {
    let (journal, _) = in_memory();
    record_ids(&journal, [1]);
    assert_eq!(found(&journal, Filter::default()).await, ["1"]);
}

#[tokio::test]
async fn what_is_flushed_is_in_the_storage() {
    let (journal, storage) = in_memory();
    record_ids(&journal, [1, 2]);
    journal.flush().await;
    let stored: Vec<String> = stored(&storage).into_iter().map(|entry| entry.action_id).collect();
    assert_eq!(stored, ["1", "2"]);
}

#[tokio::test]
async fn a_flush_of_nothing_writes_nothing() {
    let (journal, storage) = in_memory();
    journal.flush().await;
    assert!(blocks(&storage).is_empty());
}

#[tokio::test]
async fn the_limit_keeps_the_newest() {
    let (journal, _) = in_memory();
    write_ids(&journal, [1, 2]).await;
    record_ids(&journal, [3, 4, 5]);
    let entries = journal.list(Filter::default(), 4).await.unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| &*entry.action_id).collect();
    assert_eq!(ids, ["5", "4", "3", "2"]);
}

#[tokio::test]
async fn the_limit_counts_what_matches() {
    let (journal, _) = in_memory();
    record_ids(&journal, [1]);
    record(&journal, call("2", "site.create"), verdict(Decision::Proceed));
    record_ids(&journal, [3]);
    record(&journal, call("4", "site.create"), verdict(Decision::Proceed));
    let filter = Filter { action: Some("mailbox.create".into()), ..Filter::default() };
    let entries = journal.list(filter, 2).await.unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| &*entry.action_id).collect();
    assert_eq!(ids, ["3", "1"]);
}

#[tokio::test]
async fn a_look_up_has_a_greatest_limit() {
    let (journal, _) = in_memory();
    record_ids(&journal, 0..1_100);
    let entries = journal.list(Filter::default(), usize::MAX).await.unwrap();
    assert_eq!((entries.len(), &*entries[0].action_id), (MAX_LIMIT, "1099"));
}

#[tokio::test]
async fn a_limit_of_none_finds_none() {
    let (journal, _) = in_memory();
    record_ids(&journal, [1]);
    assert!(journal.list(Filter::default(), 0).await.unwrap().is_empty());
}

/// A journal with one entry of each sort.
async fn mixed() -> Journal {
    let (journal, _) = in_memory();
    let after = |id: &str, status| HookCall {
        ended: Some(Ended { status, result: None }),
        ..call(id, "site.create")
    };
    let traced = |decision, trace: Vec<HandlerTrace>| Verdict { trace, ..verdict(decision) };
    let fault = || Err(Fault::Fuel { limit: 7 });
    record(&journal, call("plain", "mailbox.create"), verdict(Decision::Proceed));
    record(
        &journal,
        call("denied", "site.create"),
        traced(Decision::Deny, vec![trace("a", Ok("deny"))]),
    );
    record(
        &journal,
        call("skipped", "site.create"),
        traced(Decision::Skip, vec![trace("a", Ok("skip")), trace("b", fault())]),
    );
    record(
        &journal,
        after("after", Status::Succeeded),
        traced(Decision::Proceed, vec![trace("b", Ok("proceed"))]),
    );
    record(
        &journal,
        after("denied", Status::Denied),
        traced(Decision::Proceed, vec![trace("c", fault())]),
    );
    journal
}

#[tokio::test]
async fn entries_are_found_by_action() {
    let filter = Filter { action: Some("mailbox.create".into()), ..Filter::default() };
    assert_eq!(found(&mixed().await, filter).await, ["plain"]);
}

#[tokio::test]
async fn the_action_of_a_filter_is_no_pattern() {
    let filter = Filter { action: Some("mailbox".into()), ..Filter::default() };
    assert!(found(&mixed().await, filter).await.is_empty());
}

#[tokio::test]
async fn entries_are_found_by_phase() {
    let filter = Filter { phase: Some(Phase::After), ..Filter::default() };
    assert_eq!(found(&mixed().await, filter).await, ["denied", "after"]);
}

#[tokio::test]
async fn entries_are_found_by_verdict() {
    let filter = Filter { verdict: Some(Decision::Skip), ..Filter::default() };
    assert_eq!(found(&mixed().await, filter).await, ["skipped"]);
}

#[tokio::test]
async fn entries_are_found_by_extension() {
    let filter = Filter { extension: Some("b".into()), ..Filter::default() };
    assert_eq!(found(&mixed().await, filter).await, ["after", "skipped"]);
}

#[tokio::test]
async fn entries_with_faults_are_found() {
    let filter = Filter { faults: Some(Faults::Only), ..Filter::default() };
    assert_eq!(found(&mixed().await, filter).await, ["denied", "skipped"]);
}

#[tokio::test]
async fn both_phases_of_an_action_are_found_by_its_identifier() {
    let filter = Filter { action_id: Some("denied".into()), ..Filter::default() };
    let entries = mixed().await.list(filter, 10).await.unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry.phase).collect::<Vec<_>>(),
        [Phase::After, Phase::Before]
    );
}

#[tokio::test]
async fn every_part_of_a_filter_must_match() {
    let filter = Filter {
        action: Some("site.create".into()),
        phase: Some(Phase::Before),
        faults: Some(Faults::Only),
        extension: Some("a".into()),
        ..Filter::default()
    };
    assert_eq!(found(&mixed().await, filter).await, ["skipped"]);
}

/// Records a call of this moment.
fn record_at(journal: &Journal, id: &str, time_ms: u64) {
    let call = HookCall { time_ms, ..call(id, "mailbox.create") };
    record(journal, call, verdict(Decision::Proceed));
}

fn since(time_ms: u64) -> Filter {
    Filter { since_ms: Some(time_ms), ..Filter::default() }
}

#[tokio::test]
async fn entries_are_found_by_time() {
    let (journal, _) = in_memory();
    let now = entry::now_ms();
    record_at(&journal, "a", now);
    record_at(&journal, "b", now + 1);
    journal.flush().await;
    record_at(&journal, "c", now + 2);
    record_at(&journal, "d", now + 3);
    assert_eq!(found(&journal, since(now)).await, ["d", "c", "b", "a"]);
    assert_eq!(found(&journal, since(now + 1)).await, ["d", "c", "b"]);
    assert_eq!(found(&journal, since(now + 3)).await, ["d"]);
    assert!(found(&journal, since(now + 4)).await.is_empty());
}

/// A call that takes long is recorded after others that began later.
#[tokio::test]
async fn an_entry_that_comes_late_does_not_hide_others() {
    let (journal, _) = in_memory();
    let now = entry::now_ms();
    record_at(&journal, "short", now + 20_000);
    journal.flush().await;
    record_at(&journal, "long", now);
    journal.flush().await;
    assert_eq!(found(&journal, since(now + 10_000)).await, ["short"]);
}

#[tokio::test]
async fn a_block_that_cannot_be_read_is_an_error_that_names_it() {
    let (journal, storage) = in_memory();
    write_ids(&journal, [1]).await;
    let written: Result<(), StorageError> =
        storage.update(|transaction| transaction.put(block_key(1), vec![9])).await;
    written.unwrap();
    let error = journal.list(Filter::default(), 10).await.unwrap_err();
    let StorageError::Corrupt { key, reason } = error else { panic!("{error}") };
    assert!(key.starts_with("journal/"), "{key}");
    assert_eq!(reason, "its version is 9, and this host reads 1");
}

#[tokio::test]
async fn a_search_goes_on_where_the_one_before_it_ended() {
    let (journal, _) = in_memory();
    write_ids(&journal, [1, 2]).await;
    record_ids(&journal, [3, 4, 5]);
    let mut ids = Vec::new();
    let mut before = None;
    loop {
        let search = Search { before, limit: 2, ..Search::default() };
        let found = journal.search(search).await.unwrap();
        ids.extend(found.entries.into_iter().map(|(_, entry)| entry.action_id));
        before = found.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(ids, ["5", "4", "3", "2", "1"]);
}

#[tokio::test]
async fn a_search_after_a_position_finds_what_is_newer() {
    let (journal, _) = in_memory();
    write_ids(&journal, [1, 2, 3]).await;
    let second = journal.search(Search { limit: 2, ..Search::default() }).await.unwrap();
    let (position, _) = second.entries[1];
    record_ids(&journal, [4, 5]);
    let search = Search { after: Some(position), limit: 10, ..Search::default() };
    let found = journal.search(search).await.unwrap();
    let ids: Vec<&str> = found.entries.iter().map(|(_, entry)| &*entry.action_id).collect();
    assert_eq!(ids, ["5", "4", "3"]);
    assert_eq!(found.next, None);
}

#[tokio::test]
async fn a_search_that_looked_at_enough_says_where_to_go_on() {
    let (journal, _) = in_memory();
    write_ids(&journal, 0..10).await;
    let filter = Filter { action_id: Some("0".into()), ..Filter::default() };
    let search = Search { filter, limit: 10, look: Some(4), ..Search::default() };
    let found = journal.search(search.clone()).await.unwrap();
    assert!(found.entries.is_empty());
    let further = Search { before: found.next, look: Some(100), ..search };
    let found = journal.search(further).await.unwrap();
    assert_eq!((found.entries.len(), found.next), (1, None));
}

#[tokio::test]
async fn entries_are_found_by_their_object_and_by_their_age() {
    let (journal, _) = in_memory();
    let object = Some(crate::hook::ObjectRef { kind: "domain".into(), id: "example.com".into() });
    let verdict = verdict(Decision::Proceed);
    let about = HookCall { object, time_ms: 5_000, ..call("1", "domain.delete") };
    journal.record(&about, &verdict, Duration::ZERO);
    journal.record(&call("2", "domain.delete"), &verdict, Duration::ZERO);
    let filter = Filter { object_id: Some("example.com".into()), ..Filter::default() };
    assert_eq!(found(&journal, filter).await, ["1"]);
    let filter = Filter { until_ms: Some(5_001), ..Filter::default() };
    assert_eq!(found(&journal, filter).await, ["1"]);
    let filter = Filter { until_ms: Some(5_000), ..Filter::default() };
    assert!(found(&journal, filter).await.is_empty());
}

#[test]
fn a_position_survives_being_written() {
    let position = Position::parse("12.3").unwrap();
    assert_eq!(position.to_string(), "12.3");
    assert!(["", "12", "a.1", "1.-2", "1.2.3"].iter().all(|text| Position::parse(text).is_none()));
}
