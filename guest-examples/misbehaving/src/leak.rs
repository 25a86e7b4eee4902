//! Leaves a mark in its memory, and looks for the mark of an earlier call.

use std::hint::black_box;

use crate::write::info;

/// What is left behind: no instruction, no pointer and no text looks like it.
const MARK: u64 = 0x50a1_15ad_e5ec_4e7f;
/// Words that are marked and searched: 2 MiB, which no other part of the guest uses up.
const WORDS: usize = 1 << 18;

/// Does what a command asks for, if it is about that.
pub fn run(verb: &str) {
    match verb {
        "mark" => info("mark", &[("marked", mark().to_string())]),
        "look" => info("look", &[("found", look().to_string())]),
        _ => {}
    }
}

/// Fills memory with the mark and gives it back unwiped.
fn mark() -> usize {
    let marked = vec![MARK; WORDS];
    black_box(&marked).iter().filter(|word| **word == MARK).count()
}

/// Counts the marks in memory that this call never wrote to.
#[expect(
    clippy::uninit_vec,
    reason = "what an allocation holds before it is written is what is looked at"
)]
fn look() -> usize {
    let mut found = Vec::<u64>::with_capacity(WORDS);
    // SAFETY: every pattern of bits is a number; a WebAssembly memory has no bytes that are not initialised.
    unsafe { found.set_len(WORDS) };
    black_box(&found).iter().filter(|word| **word == MARK).count()
}
