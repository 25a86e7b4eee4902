//! Uses up what the sandbox limits: fuel, time, memory, stack; and traps.

use std::hint::black_box;
use std::time::Duration;

use crate::exports::palisade::events::handler::{Event, Failure};
use crate::number;

/// How much memory is taken at a time.
const CHUNK: usize = 1 << 20;
/// Pages of the largest memory that there can be.
const PAGES: usize = 1 << 16;

/// Does what a command asks for, if it is about the sandbox's limits.
pub fn run(verb: &str, argument: &str, event: &Event) -> Result<(), Failure> {
    match verb {
        "loop" | "fuel" => spin(),
        "memory" => take(usize::MAX),
        "grow-to" => take(number(argument)?),
        "grow-pages" => grow(1),
        "grow-at-once" => grow(PAGES),
        "grow-shyly" => drop(black_box(more_pages(PAGES))),
        "fill" => fill(),
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

/// Asks for pages, so many at a time, until it is refused; then traps, as most programs do.
fn grow(pages: usize) {
    while more_pages(pages) {}
    trap();
}

/// Asks for pages. Whether they were given is all that a guest learns.
#[cfg(target_family = "wasm")]
fn more_pages(pages: usize) -> bool {
    core::arch::wasm32::memory_grow::<0>(pages) != usize::MAX
}

#[cfg(not(target_family = "wasm"))]
fn more_pages(_: usize) -> bool {
    false
}

/// Writes over 8 MB again and again: few instructions for much work.
fn fill() {
    let mut bytes = vec![0_u8; 8 << 20];
    loop {
        black_box(&mut bytes).fill(black_box(1));
    }
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
