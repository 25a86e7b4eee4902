//! Ends without an answer, in the ways that a program in Rust can.

use std::hint::black_box;

use crate::exports::palisade::events::handler::Failure;
use crate::number;

/// The length of a panic's message that no log would hold: 300 KB.
const HUGE: usize = 300_000;

/// Ends the call as a command asks for, if it is about that.
pub fn run(verb: &str, argument: &str) -> Result<(), Failure> {
    match verb {
        "out-of-bounds" => read_outside(),
        "panic-huge" => panic!("{}", "x".repeat(HUGE)),
        "exit" => std::process::exit(number(argument)?),
        _ => {}
    }
    Ok(())
}

/// Reads the last word of the address space, where no memory is.
fn read_outside() {
    let address = black_box(usize::MAX - 15) as *const u32;
    // SAFETY: it traps, and that is what it is for.
    black_box(unsafe { address.read_volatile() });
}
