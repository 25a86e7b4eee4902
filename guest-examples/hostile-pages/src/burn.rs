//! Uses up what the sandbox limits, and traps.

use std::hint::black_box;

/// How much memory is taken at a time.
const CHUNK: usize = 1 << 20;

/// Does what a command asks for, if it is about that. Comes back only from what it does not know.
pub fn run(verb: &str) {
    match verb {
        "loop" => forever(|| black_box(())),
        "memory" => {
            let mut taken = Vec::new();
            forever(|| taken.push(black_box(vec![1_u8; CHUNK])));
        }
        "recurse" => drop(black_box(recurse(0))),
        "panic" => panic!("told to panic"),
        _ => {}
    }
}

fn forever(mut again: impl FnMut()) {
    loop {
        again();
    }
}

/// Calls itself until the stack ends. What is done after the inner call keeps the compiler from making a loop of it.
fn recurse(depth: u64) -> u64 {
    match black_box(depth) {
        u64::MAX => 0,
        depth => black_box(recurse(depth + 1)) ^ depth,
    }
}
