//! The numbers of conduct: `[conduct]` in `palisade.toml`, and what can be set for one extension.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When extensions are kept from running: `[conduct]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConductConfig {
    /// Calls of one extension at one time.
    pub concurrent: u32,
    /// Hook calls that are being decided at one time.
    pub in_flight: u32,
    /// When a handler that fails is left alone.
    pub breaker: BreakerConfig,
    /// When an extension that denies is noticed.
    pub veto: VetoConfig,
}

/// When a handler that fails is left alone: `[conduct.breaker]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Faults that open the breaker.
    pub faults: u32,
    /// Milliseconds within which they must fall.
    pub window_ms: u32,
    /// Milliseconds until the handler is tried again.
    pub backoff_ms: u32,
    /// Milliseconds that this grows to while the handler goes on failing.
    pub backoff_max_ms: u32,
}

/// When an extension that denies is noticed: `[conduct.veto]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct VetoConfig {
    /// Calls below which nothing is said.
    pub calls: u32,
    /// Percent of them that it may deny.
    pub share: u32,
    /// Milliseconds over which they are counted.
    pub window_ms: u32,
    /// What follows.
    pub action: VetoAction,
}

/// What follows when an extension denies more than it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VetoAction {
    /// The operator is told.
    #[default]
    Alarm,
    /// The extension is bypassed as well, until the window is over.
    Bypass,
}

/// What an operator sets for one extension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConductOverrides {
    /// Its calls at one time.
    pub concurrent: Option<u32>,
    /// What follows when it denies more than it should.
    pub veto_action: Option<VetoAction>,
}

impl Default for ConductConfig {
    fn default() -> Self {
        Self {
            concurrent: 32,
            in_flight: 1_024,
            breaker: BreakerConfig::default(),
            veto: VetoConfig::default(),
        }
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { faults: 5, window_ms: 10_000, backoff_ms: 5_000, backoff_max_ms: 300_000 }
    }
}

impl Default for VetoConfig {
    fn default() -> Self {
        Self { calls: 100, share: 50, window_ms: 60_000, action: VetoAction::Alarm }
    }
}

impl BreakerConfig {
    /// The time within which the faults must fall.
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms.into())
    }

    /// The time until the handler is tried again.
    pub fn backoff(&self) -> Duration {
        Duration::from_millis(self.backoff_ms.into())
    }

    /// What that grows to.
    pub fn backoff_max(&self) -> Duration {
        Duration::from_millis(self.backoff_max_ms.into())
    }
}

impl VetoConfig {
    /// The time over which calls are counted.
    pub fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms.into())
    }
}

/// Checks how many calls of an extension may run at one time, as the key of this name says.
pub(crate) fn check_concurrent(name: &str, concurrent: u32) -> Result<(), String> {
    match (1..=10_000).contains(&concurrent) {
        true => Ok(()),
        false => Err(format!("`{name}` must be 1 to 10000: {concurrent}")),
    }
}

impl ConductConfig {
    /// Checks that the numbers make sense, alone and together.
    pub fn check(&self) -> Result<(), String> {
        let Self { concurrent, in_flight, breaker, veto } = self;
        check_concurrent("conduct.concurrent", *concurrent)?;
        for (name, value, least, most) in [
            ("in-flight", *in_flight, 1, 1_000_000),
            ("breaker.faults", breaker.faults, 1, 1_000),
            ("breaker.window-ms", breaker.window_ms, 1, 3_600_000),
            ("breaker.backoff-ms", breaker.backoff_ms, 1, 86_400_000),
            ("breaker.backoff-max-ms", breaker.backoff_max_ms, breaker.backoff_ms, 86_400_000),
            ("veto.calls", veto.calls, 1, 1_000_000),
            ("veto.share", veto.share, 0, 100),
            ("veto.window-ms", veto.window_ms, 1, 86_400_000),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!("`conduct.{name}` must be {least} to {most}: {value}"));
            }
        }
        Ok(())
    }
}
