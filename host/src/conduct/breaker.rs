//! The breaker of one handler: after too many faults the handler is left alone for a while, and then tried once.
//!
//! Pure: the moment is handed in. It keeps the moments of its last faults, as many as open it, and no more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{BreakerConfig, Kind};

/// What is known of a handler that failed.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// When it failed last, oldest first.
    faults: VecDeque<Instant>,
    /// The code of the fault that it failed with last.
    last: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The handler is called.
    #[default]
    Closed,
    /// It is not called until then.
    Open { until: Instant, backoff: Duration },
    /// One call runs since then that decides what comes next.
    Probed { since: Instant, backoff: Duration },
}

/// Whether a handler is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is.
    Call,
    /// It is, and the call decides whether it is again.
    Probe,
    /// It is not.
    Bypass,
}

/// What became of a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The handler is not called for a while.
    Opened { reason: String, backoff: Duration },
    /// It is called again.
    Closed,
}

impl Breaker {
    /// Whether the handler is called now. A probe is handed out once.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::Call,
            State::Open { until, backoff } if now >= until => {
                self.state = State::Probed { since: now, backoff };
                Admission::Probe
            }
            State::Open { .. } | State::Probed { .. } => Admission::Bypass,
        }
    }

    /// Whether a handler that asked now would be bypassed.
    pub(super) fn bypasses(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until, .. } => now < until,
            State::Probed { .. } => true,
        }
    }

    /// Whether the handler is called as if nothing had been.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// How long until the handler is tried.
    pub(super) fn remaining(&self, now: Instant) -> Duration {
        match self.state {
            State::Open { until, .. } => until.saturating_duration_since(now),
            State::Closed | State::Probed { .. } => Duration::ZERO,
        }
    }

    /// Notes a fault.
    pub(super) fn failed(
        &mut self,
        kind: &Kind,
        now: Instant,
        code: &'static str,
        config: &BreakerConfig,
    ) -> Option<Change> {
        let backoff = match (self.state, kind) {
            (State::Closed, _) => {
                self.last = code;
                if self.faults.len() >= config.faults as usize {
                    self.faults.pop_front();
                }
                self.faults.push_back(now);
                let oldest = self.faults.front().copied().unwrap_or(now);
                let too_many = self.faults.len() >= config.faults as usize
                    && now.saturating_duration_since(oldest) <= config.window();
                if !too_many {
                    return None;
                }
                config.backoff()
            }
            (State::Probed { backoff, .. }, Kind::Probe(_)) => {
                self.last = code;
                (backoff * 2).min(config.backoff_max())
            }
            // The end of a call that began before the breaker opened tells nothing new.
            (State::Open { .. } | State::Probed { .. }, _) => return None,
        };
        self.state = State::Open { until: now + backoff, backoff };
        Some(Change::Opened { reason: self.in_words(config), backoff })
    }

    /// Notes an outcome.
    pub(super) fn worked(&mut self, kind: &Kind) -> Option<Change> {
        match (self.state, kind) {
            (State::Probed { .. }, Kind::Probe(_)) => {
                *self = Self::default();
                Some(Change::Closed)
            }
            _ => None,
        }
    }

    /// Notes that a probe told nothing: the next call is one.
    pub(super) fn give_back(&mut self, kind: &Kind) -> Option<Change> {
        if let (State::Probed { since, backoff }, Kind::Probe(_)) = (self.state, kind) {
            self.state = State::Open { until: since, backoff };
        }
        None
    }

    /// How many faults it keeps.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.faults.len()
    }

    /// Why the handler is bypassed. The same for every call, so that it is one kind of line wherever it is shown.
    pub(super) fn in_words(&self, config: &BreakerConfig) -> String {
        format!(
            "it failed {} times within {} ms, the last time with `{}`",
            config.faults, config.window_ms, self.last
        )
    }
}
