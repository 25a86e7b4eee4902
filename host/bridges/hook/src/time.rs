//! Time that is left.

use std::time::{Duration, Instant};

use rustix::event::Timespec;

/// What is left until then, for a system call that waits.
pub fn left(end: Instant) -> Timespec {
    let left = end.saturating_duration_since(Instant::now());
    Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 })
}

/// The earlier of two moments that lie so far after another.
pub fn earlier(from: Instant, one: Duration, other: Duration) -> Instant {
    from + one.min(other)
}
