//! Writes to the log and to standard output.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::exports::palisade::events::handler::Failure;
use crate::number;
use crate::palisade::core::context;
use crate::palisade::core::log::{self, Level};

/// The size of a field over every limit: 1 MB.
const BIG_FIELD: usize = 1_000_000;

/// How often this instance was called: always once, if every call has an instance of its own.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Does what a command asks for, if it is about writing.
pub fn run(verb: &str, argument: &str) -> Result<(), Failure> {
    match verb {
        "log" => (1..=number(argument)?).for_each(|n: u64| info(&format!("line {n}"), &[])),
        "log-bytes" => info(&"x".repeat(number(argument)?), &[]),
        "big-log-field" => info("a big field", &[("big", "x".repeat(BIG_FIELD))]),
        "stdout" => println!("{argument}"),
        "stderr" => eprintln!("{argument}"),
        "count" => {
            let count = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
            info("count", &[("count", count.to_string())]);
        }
        "remaining" => {
            let (fuel, ms) = (context::remaining_fuel(), context::remaining_ms());
            info("remaining", &[("fuel", fuel.to_string()), ("ms", ms.to_string())]);
        }
        _ => {}
    }
    Ok(())
}

/// Writes a record at the level `info`.
pub fn info(message: &str, fields: &[(&str, String)]) {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    log::write(Level::Info, message, &fields);
}
