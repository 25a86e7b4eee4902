//! How often an extension denies, counted over one window of time after another.
//!
//! Pure: the moment is handed in.

use std::fmt;
use std::time::{Duration, Instant};

use super::VetoConfig;

/// What an extension decided in the window that runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Vetoes {
    /// When the window began; none does before the first call.
    began: Option<Instant>,
    calls: u32,
    denials: u32,
    alarm: Alarm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Alarm {
    #[default]
    Silent,
    Raised,
}

impl Vetoes {
    /// Counts a decision; returns what there is to tell when it is the one that raises the alarm.
    pub(super) fn note(&mut self, denied: bool, now: Instant, config: &VetoConfig) -> Option<Self> {
        if self.remaining(now, config).is_none() {
            *self = Self { began: Some(now), ..Self::default() };
        }
        self.calls = self.calls.saturating_add(1);
        self.denials = self.denials.saturating_add(denied.into());
        let (calls, denials) = (u64::from(self.calls), u64::from(self.denials));
        let too_many =
            self.calls >= config.calls && denials * 100 > calls * u64::from(config.share);
        if !too_many || self.alarm == Alarm::Raised {
            return None;
        }
        self.alarm = Alarm::Raised;
        Some(*self)
    }

    /// How long the alarm lasts, if it is raised.
    pub(super) fn alarm(&self, now: Instant, config: &VetoConfig) -> Option<Duration> {
        self.remaining(now, config).filter(|_| self.alarm == Alarm::Raised)
    }

    /// How long the window lasts, if one runs.
    fn remaining(&self, now: Instant, config: &VetoConfig) -> Option<Duration> {
        let end = self.began? + config.window();
        end.checked_duration_since(now).filter(|remaining| !remaining.is_zero())
    }

    /// What it did.
    pub(super) fn in_words(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Vetoes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "denied {} of {} calls", self.denials, self.calls)
    }
}
