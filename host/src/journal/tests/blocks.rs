//! Packing entries into blocks, and reading blocks that nobody should trust.

use super::block::{Packer, head, unpack};
use super::*;
use crate::hook::{Objection, Problem};
use crate::storage::MAX_VALUE_BYTES;

fn entry(id: &str, time_ms: u64) -> Entry {
    entry_of(&HookCall { time_ms, ..call(id, "mailbox.create") }, &verdict(Decision::Proceed))
}

/// An entry with this many KiB of parameters that do not shrink.
fn noisy(id: &str, kib: usize) -> Entry {
    let mut call = call(id, "mailbox.create");
    let params = (0..kib).map(|n| (format!("p{n}"), Value::Text(noise(1_024))));
    Arc::make_mut(&mut call.params).extend(params);
    entry_of(&call, &verdict(Decision::Proceed))
}

fn packed(entries: impl IntoIterator<Item = Entry>) -> Vec<Vec<u8>> {
    let mut packer = Packer::default();
    entries.into_iter().for_each(|entry| add(&mut packer, &entry));
    packer.blocks().into_iter().map(|(_, block)| block).collect()
}

fn add(packer: &mut Packer, entry: &Entry) {
    packer.add(entry.time_ms, &serde_json::to_vec(entry).unwrap());
}

fn ids(block: &[u8]) -> Vec<String> {
    unpack(block).unwrap().1.into_iter().map(|entry| entry.action_id).collect()
}

#[test]
fn nothing_packs_into_no_block() {
    assert!(packed([]).is_empty());
}

#[test]
fn a_block_unpacks_to_what_was_packed() {
    let entries = [entry("1", 5), entry("2", 9), entry("3", 7)];
    let blocks = packed(entries.clone());
    assert_eq!(blocks.len(), 1);
    assert_eq!(unpack(&blocks[0]).unwrap().1, entries);
}

#[test]
fn a_block_tells_the_time_of_its_newest_entry() {
    let blocks = packed([entry("1", 5), entry("2", 9), entry("3", 7)]);
    assert_eq!(head(&blocks[0]).unwrap().last_ms, 9);
}

#[test]
fn a_packer_is_full_when_a_write_is_worth_it() {
    let mut packer = Packer::default();
    let mut added = 0;
    while !packer.is_full() {
        add(&mut packer, &noisy("1", 100));
        added += 1;
    }
    assert!((5..100).contains(&added), "{added}");
}

#[test]
fn what_does_not_fit_into_one_block_goes_into_several() {
    let blocks = packed(["1", "2", "3", "4"].map(|id| noisy(id, 30)));
    assert_eq!(blocks.iter().map(|block| ids(block)).collect::<Vec<_>>(), [["1", "2"], ["3", "4"]]);
    assert!(blocks.iter().all(|block| block.len() <= MAX_VALUE_BYTES));
}

#[tokio::test]
async fn entries_that_do_not_shrink_are_all_found() {
    let (journal, _) = in_memory();
    let calls = (0..20).map(|id| {
        let mut call = call(&id.to_string(), "mailbox.create");
        let params = (0..30).map(|n| (format!("p{n}"), Value::Text(noise(1_024))));
        Arc::make_mut(&mut call.params).extend(params);
        call
    });
    calls.for_each(|call| record(&journal, call, verdict(Decision::Proceed)));
    let expected: Vec<String> = (0..20).rev().map(|id| id.to_string()).collect();
    assert_eq!(found(&journal, Filter::default()).await, expected);
}

/// A denial with as many problems of this text.
fn with_problems(count: usize, message: String) -> Verdict {
    let problem = Problem { code: "denied".into(), field: None, message };
    let objection = Objection { problem, extension: "a".into() };
    Verdict { problems: vec![objection; count], ..verdict(Decision::Deny) }
}

#[test]
fn an_entry_that_is_larger_than_a_block_stands_alone() {
    let large = HookCall {
        params: Arc::new(
            (0..100).map(|n| (format!("p{n}"), Value::Text("x".repeat(1_000)))).collect(),
        ),
        ..call("2", "mailbox.create")
    };
    let large = entry_of(&large, &with_problems(100, "y".repeat(4 << 10)));
    let blocks = packed([entry("1", 1), large, entry("3", 3)]);
    let found: Vec<Vec<String>> = blocks.iter().map(|block| ids(block)).collect();
    assert_eq!(found, [["1"], ["2"], ["3"]]);
}

/// Who sends very much must not keep an action out of the journal.
#[tokio::test]
async fn a_call_with_as_many_long_parameters_as_an_entry_keeps_is_found() {
    let (journal, _) = in_memory();
    let mut call = call("1", "mailbox.create");
    let params = (0..100).map(|n| (format!("p{n}"), Value::Text(noise(1_024))));
    Arc::make_mut(&mut call.params).extend(params);
    record(&journal, call, verdict(Decision::Proceed));
    assert_eq!(found(&journal, Filter::default()).await, ["1"]);
}

/// An extension must not keep what it decided out of the journal: an answer may have 100 problems of 4 KiB.
#[tokio::test]
async fn a_denial_with_as_many_long_problems_as_an_answer_may_have_is_found() {
    let (journal, _) = in_memory();
    record(&journal, call("1", "mailbox.create"), with_problems(100, noise(4 << 10)));
    assert_eq!(found(&journal, Filter::default()).await, ["1"]);
}

/// What is wrong with a block.
fn wrong(block: &[u8]) -> String {
    unpack(block).unwrap_err()
}

#[test]
fn an_empty_block_is_an_error() {
    assert_eq!(wrong(&[]), "it is empty");
}

#[test]
fn a_block_of_another_version_is_an_error() {
    let mut block = packed([entry("1", 1)]).remove(0);
    block[0] = 2;
    assert_eq!(wrong(&block), "its version is 2, and this host reads 1");
}

#[test]
fn a_block_without_a_whole_head_is_an_error() {
    assert_eq!(wrong(&[1, 0, 0, 0, 0, 0, 0, 0]), "it is cut short");
}

#[test]
fn a_block_that_is_cut_anywhere_is_an_error() {
    let block = packed([entry("1", 1), entry("2", 2)]).remove(0);
    let read = (0..block.len()).filter(|end| unpack(&block[..*end]).is_ok());
    assert_eq!(read.collect::<Vec<_>>(), Vec::<usize>::new());
}

#[test]
fn a_block_with_a_changed_byte_is_no_panic() {
    let block = packed([entry("1", 1), entry("2", 2)]).remove(0);
    let changed = (0..block.len()).flat_map(|at| [0x01, 0x80, 0xff].map(|flip| (at, flip)));
    let read = changed.filter(|(at, flip)| {
        let mut block = block.clone();
        block[*at] ^= flip;
        unpack(&block).is_ok()
    });
    assert!(read.count() < block.len() * 3);
}

/// A block with these bytes in place of its entries.
fn forged(entries: &[u8]) -> Vec<u8> {
    [&[1, 0, 0, 0, 0, 0, 0, 0, 0], zstd::bulk::compress(entries, 1).unwrap().as_slice()].concat()
}

#[test]
fn a_block_of_something_else_is_an_error() {
    assert_eq!(wrong(&forged(b"{}")), "missing field `time_ms` at line 1 column 2");
}

#[test]
fn a_block_that_unpacks_to_too_much_is_an_error() {
    let bomb = forged(&vec![b' '; 17 << 20]);
    assert!(bomb.len() < MAX_VALUE_BYTES);
    assert!(unpack(&bomb).is_err());
}
