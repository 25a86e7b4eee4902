//! The recording that a host keeps while it is on: the newest calls of panels without what is secret, in memory alone.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::redaction::redacted;
use super::{Dialect, PanelCall, RecordedCall};

/// Bytes of all calls that are kept; the oldest go first.
const MAX_BYTES: usize = 16 << 20;
/// Calls that can be kept.
pub const MAX_CALLS: usize = 10_000;
/// How long a recording can last.
pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A recording that is on.
#[derive(Debug)]
pub struct Ring {
    until: Instant,
    panel: Option<Dialect>,
    max: usize,
    calls: VecDeque<(u64, usize, RecordedCall)>,
    bytes: usize,
    next: u64,
    left_out: u64,
}

impl Ring {
    /// A recording of the calls of one panel, or of all, until then.
    pub fn new(until: Instant, panel: Option<Dialect>, max: usize) -> Self {
        let max = max.clamp(1, MAX_CALLS);
        Self { until, panel, max, calls: VecDeque::new(), bytes: 0, next: 1, left_out: 0 }
    }

    /// Whether it is still on.
    pub fn is_on(&self, now: Instant) -> bool {
        now < self.until
    }

    /// How long it is still on.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }

    /// Calls that were kept and made room for newer ones.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether it is to keep a call of this panel.
    pub fn wants(&self, dialect: Dialect, now: Instant) -> bool {
        self.is_on(now) && self.panel.is_none_or(|panel| panel == dialect)
    }

    /// Keeps a call that was made at this time of the day; of it, what is not secret.
    pub fn keep(&mut self, at: String, call: &PanelCall) {
        let call = redacted(call);
        let bytes = size(&call);
        if bytes > MAX_BYTES {
            self.left_out += 1;
            return;
        }
        self.calls.push_back((self.next, bytes, RecordedCall { at, call }));
        self.next += 1;
        self.bytes += bytes;
        while self.calls.len() > self.max || self.bytes > MAX_BYTES {
            let Some((_, bytes, _)) = self.calls.pop_front() else { break };
            self.bytes -= bytes;
            self.left_out += 1;
        }
    }

    /// The calls after this number, each with its own.
    pub fn after(&self, number: u64) -> impl Iterator<Item = (u64, &RecordedCall)> {
        self.calls
            .iter()
            .filter(move |(own, ..)| *own > number)
            .map(|(own, _, recorded)| (*own, recorded))
    }
}

fn size(call: &PanelCall) -> usize {
    let env = call.env.iter().map(|(name, value)| name.len() + value.0.len());
    let arguments = call.arguments.iter().map(|argument| argument.0.len());
    env.chain(arguments).sum::<usize>() + call.stdin.0.len() + 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::tests::call;

    fn keep(ring: &mut Ring, event: &str) {
        let call = call(Dialect::Plesk, &[event], &[("NEW_PASSWORD", "canary")], "");
        ring.keep("08:00:00".into(), &call);
    }

    fn kept(ring: &Ring, after: u64) -> Vec<(u64, String)> {
        let name = |recorded: &RecordedCall| recorded.call.argument(0).unwrap().into_owned();
        ring.after(after).map(|(number, recorded)| (number, name(recorded))).collect()
    }

    #[test]
    fn the_newest_calls_are_kept_in_order() {
        let mut ring = Ring::new(Instant::now() + LONGEST, None, 2);
        for event in ["a", "b", "c"] {
            keep(&mut ring, event);
        }
        assert_eq!(kept(&ring, 0), [(2, "b".to_owned()), (3, "c".to_owned())]);
        assert_eq!(kept(&ring, 2), [(3, "c".to_owned())]);
        assert_eq!(ring.left_out(), 1);
        let text = serde_json::to_string(&ring.after(0).map(|kept| kept.1).collect::<Vec<_>>());
        assert!(!text.unwrap().contains("canary"));
    }

    #[test]
    fn it_ends_by_itself_and_keeps_to_its_panel() {
        let now = Instant::now();
        let ring = Ring::new(now + Duration::from_secs(1), Some(Dialect::Plesk), 5);
        assert!(ring.wants(Dialect::Plesk, now) && !ring.wants(Dialect::Cpanel, now));
        assert!(!ring.wants(Dialect::Plesk, now + Duration::from_secs(1)));
    }

    #[test]
    fn bytes_are_bounded_however_many_calls_there_may_be() {
        let mut ring = Ring::new(Instant::now() + LONGEST, None, MAX_CALLS);
        let long = "x".repeat(MAX_BYTES / 3);
        for _ in 0..5 {
            ring.keep("08:00:00".into(), &call(Dialect::Plesk, &[&long], &[], ""));
        }
        assert_eq!(ring.after(0).count(), 2);
        assert!(ring.bytes <= MAX_BYTES);
        let too_long = "x".repeat(MAX_BYTES + 1);
        ring.keep("08:00:00".into(), &call(Dialect::Plesk, &[&too_long], &[], ""));
        assert_eq!((ring.after(0).count(), ring.left_out()), (2, 4));
    }
}
