//! Uses up what the sandbox limits: fuel, time, memory, stack; and traps.

use std::hint::black_box;
use std::time::Duration;

use crate::exports::palisade::events::handler::{Event, Failure};
use crate::number;

/// How much memory is taken at a time.
const CHUNK: usize = 1 << 20;

/// Does what a command asks for, if it is about the sandbox's limits.
pub fn run(verb: &str, argument: &str, event: &Event) -> Result<(), Failure> {
    match verb {
        "loop" | "fuel" => spin(),
        "memory" => take(usize::MAX),
        "grow-to" => take(number(argument)?),
        "recurse" => drop(recurse(0)),
        "panic" => panic!("told to panic"),
        "unreachable" => trap(),
        "sleep" => std::thread::sleep(Duration::from_millis(number(argument)?)),
        "host-calls" => call_host(event),
        _ => {}
    }
    Ok(())
}

fn spin() {
    loop {
        black_box(());
    }
}

fn call_host(event: &Event) {
    loop {
        black_box(event.get("none"));
    }
}

/// Takes at least this many bytes of memory. Leaves them as they are: writing would take fuel too.
fn take(bytes: usize) {
    let mut taken = Vec::new();
    for _ in 0..bytes.div_ceil(CHUNK) {
        taken.push(black_box(Vec::<u8>::with_capacity(CHUNK)));
    }
    black_box(&taken);
}

/// Calls itself until the stack ends. What is done after the inner call keeps the compiler from making a
/// loop of it.
fn recurse(depth: u64) -> u64 {
    match black_box(depth) {
        u64::MAX => 0,
        depth => black_box(recurse(depth + 1)) ^ depth,
    }
}

#[cfg(target_family = "wasm")]
fn trap() {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_family = "wasm"))]
fn trap() {
    std::process::abort()
}
