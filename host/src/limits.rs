//! The numbers that bound every call of a handler: their defaults, ceilings and spelling in `palisade.toml`.
//!
//! The table of defaults in the documentation is made from this file; a test compares the two.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::Phase;

/// What bounds handlers on this host: `[limits]` in `palisade.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HostLimits {
    /// Before an action.
    pub before: PhaseLimits,
    /// After an action.
    pub after: PhaseLimits,
    /// Of a provider.
    pub provider: ProviderLimits,
    /// Of a call about a page.
    pub page: PageLimits,
    /// Bytes of memory that all linear memories of a call have together.
    pub memory_bytes: u64,
    /// Elements that all tables of a call have together.
    pub table_elements: u64,
    /// Core instances in a call.
    pub instances: u32,
    /// Linear memories in a call.
    pub memories: u32,
    /// Tables in a call.
    pub tables: u32,
    /// Resource handles that a call holds at one time.
    pub handles: u32,
    /// Bytes that a guest hands to the host in one call of a host function, or as its answer.
    pub host_call_bytes: u32,
    /// Calls of host functions in a call.
    pub host_calls: u32,
    /// Bytes of log that a call may write.
    pub log_bytes: u32,
    /// Lines of log that a call may write.
    pub log_lines: u32,
    /// Bytes of keys and values that an extension keeps in `kv`, unless its manifest asks for less.
    pub kv_bytes: u64,
    /// Entries that an extension keeps in `kv`.
    pub kv_entries: u64,
    /// What a manifest may ask for at most.
    pub ceiling: Ceiling,
}

/// The limits that differ by phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PhaseLimits {
    /// Units of fuel of one handler.
    pub fuel: u64,
    /// Milliseconds of wall time of one handler.
    pub deadline_ms: u32,
    /// Milliseconds of wall time of all handlers of a hook call together.
    pub chain_deadline_ms: u32,
}

/// The limits of a call of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ProviderLimits {
    /// Units of fuel.
    pub fuel: u64,
    /// Milliseconds of wall time. A panel waits for it, and the bridge for 10 s.
    pub deadline_ms: u32,
}

/// The limits of a call about a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PageLimits {
    /// Units of fuel.
    pub fuel: u64,
    /// Milliseconds of wall time. A person waits for it.
    pub deadline_ms: u32,
}

/// What a manifest may ask for at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ceiling {
    /// Units of fuel of one handler.
    pub fuel: u64,
    /// Milliseconds of wall time of one handler.
    pub deadline_ms: u32,
    /// Bytes of memory; also the size of a slot of the sandbox pool.
    pub memory_bytes: u64,
    /// Bytes in `kv`.
    pub kv_bytes: u64,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            before: PhaseLimits { fuel: 10_000_000, deadline_ms: 2_000, chain_deadline_ms: 5_000 },
            after: PhaseLimits {
                fuel: 200_000_000,
                deadline_ms: 30_000,
                chain_deadline_ms: 60_000,
            },
            provider: ProviderLimits::default(),
            page: PageLimits::default(),
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            instances: 32,
            memories: 8,
            tables: 32,
            handles: 1_000,
            host_call_bytes: 1 << 20,
            host_calls: 10_000,
            log_bytes: 64 << 10,
            log_lines: 256,
            kv_bytes: 16 << 20,
            kv_entries: 100_000,
            ceiling: Ceiling::default(),
        }
    }
}

impl Default for ProviderLimits {
    fn default() -> Self {
        Self { fuel: 200_000_000, deadline_ms: 8_000 }
    }
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { fuel: 100_000_000, deadline_ms: 2_000 }
    }
}

impl Default for Ceiling {
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            deadline_ms: 60_000,
            memory_bytes: 256 << 20,
            kv_bytes: 256 << 20,
        }
    }
}

/// What an operator sets for one extension: `[extension.<id>.limits]` in `palisade.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitOverrides {
    /// Units of fuel of each of its handlers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Milliseconds of wall time of each of its handlers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Calls of host functions in a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_calls: Option<u32>,
    /// Bytes that a guest hands to the host in one call of a host function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_call_bytes: Option<u32>,
    /// Bytes of log that a call may write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u32>,
    /// Bytes in `kv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_bytes: Option<u64>,
}

/// What a manifest asks for, for one handler.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Asked {
    /// Units of fuel.
    pub fuel: Option<u64>,
    /// Milliseconds of wall time.
    pub deadline_ms: Option<u32>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Bytes in `kv`.
    pub kv_bytes: Option<u64>,
}

/// What bounds one handler: the operator's word for the extension, else what its manifest asks for, else the
/// host's default.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Units of fuel.
    pub fuel: u64,
    /// Wall time.
    pub deadline: Duration,
    /// Bytes of all memories together.
    pub memory_bytes: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Core instances.
    pub instances: u32,
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Resource handles.
    pub handles: u32,
    /// Bytes in one host call.
    pub host_call_bytes: u32,
    /// Host calls.
    pub host_calls: u32,
    /// Bytes of log.
    pub log_bytes: u32,
    /// Lines of log.
    pub log_lines: u32,
    /// Bytes in `kv`.
    pub kv_bytes: u64,
    /// Entries in `kv`.
    pub kv_entries: u64,
}

impl HostLimits {
    /// The limits of the phase.
    pub fn phase(&self, phase: Phase) -> &PhaseLimits {
        match phase {
            Phase::Before => &self.before,
            Phase::After => &self.after,
        }
    }

    /// What bounds a handler of this phase.
    pub fn resolve(&self, phase: Phase, asked: &Asked, set: &LimitOverrides) -> Limits {
        let by_phase = self.phase(phase);
        self.with(by_phase.fuel, by_phase.deadline_ms, asked, set)
    }

    /// What bounds a call of a provider.
    pub fn resolve_provider(&self, asked: &Asked, set: &LimitOverrides) -> Limits {
        self.with(self.provider.fuel, self.provider.deadline_ms, asked, set)
    }

    /// What bounds a call about a page.
    pub fn resolve_page(&self, asked: &Asked, set: &LimitOverrides) -> Limits {
        self.with(self.page.fuel, self.page.deadline_ms, asked, set)
    }

    fn with(&self, fuel: u64, deadline_ms: u32, asked: &Asked, set: &LimitOverrides) -> Limits {
        let deadline_ms = set.deadline_ms.or(asked.deadline_ms).unwrap_or(deadline_ms);
        Limits {
            fuel: set.fuel.or(asked.fuel).unwrap_or(fuel),
            deadline: Duration::from_millis(deadline_ms.into()),
            memory_bytes: set.memory_bytes.or(asked.memory_bytes).unwrap_or(self.memory_bytes),
            table_elements: self.table_elements,
            instances: self.instances,
            memories: self.memories,
            tables: self.tables,
            handles: self.handles,
            host_call_bytes: set.host_call_bytes.unwrap_or(self.host_call_bytes),
            host_calls: set.host_calls.unwrap_or(self.host_calls),
            log_bytes: set.log_bytes.unwrap_or(self.log_bytes),
            log_lines: self.log_lines,
            kv_bytes: set.kv_bytes.or(asked.kv_bytes).unwrap_or(self.kv_bytes),
            kv_entries: self.kv_entries,
        }
    }

    /// Checks that the numbers make sense together.
    pub fn check(&self) -> Result<(), String> {
        for (name, limits) in [("before", &self.before), ("after", &self.after)] {
            positive(&format!("limits.{name}.fuel"), limits.fuel)?;
            positive(&format!("limits.{name}.deadline-ms"), limits.deadline_ms.into())?;
            positive(&format!("limits.{name}.chain-deadline-ms"), limits.chain_deadline_ms.into())?;
        }
        positive("limits.provider.fuel", self.provider.fuel)?;
        positive("limits.provider.deadline-ms", self.provider.deadline_ms.into())?;
        positive("limits.page.fuel", self.page.fuel)?;
        positive("limits.page.deadline-ms", self.page.deadline_ms.into())?;
        for (name, value) in [
            ("memory-bytes", self.memory_bytes),
            ("table-elements", self.table_elements),
            ("instances", self.instances.into()),
            ("memories", self.memories.into()),
            ("tables", self.tables.into()),
            ("handles", self.handles.into()),
            ("host-call-bytes", self.host_call_bytes.into()),
            ("host-calls", self.host_calls.into()),
        ] {
            positive(&format!("limits.{name}"), value)?;
        }
        at_most(
            "limits.memory-bytes",
            self.memory_bytes,
            "limits.ceiling.memory-bytes",
            self.ceiling.memory_bytes,
        )?;
        at_most(
            "limits.ceiling.memory-bytes",
            self.ceiling.memory_bytes,
            "the size of a 32-bit memory,",
            4 << 30,
        )?;
        at_most(
            "limits.table-elements",
            self.table_elements,
            "the most that the sandbox pool holds,",
            1_000_000,
        )?;
        at_most("limits.kv-bytes", self.kv_bytes, "limits.ceiling.kv-bytes", self.ceiling.kv_bytes)
    }
}

impl Asked {
    /// Checks what a manifest asks for against what this host allows it to ask.
    pub fn check(&self, ceiling: &Ceiling) -> Result<(), String> {
        let allowed = |name: &str, asked: Option<u64>, ceiling: u64| match asked {
            Some(asked) if asked > ceiling => {
                Err(format!("asks for `{name}` = {asked}, above this host's ceiling of {ceiling}"))
            }
            _ => Ok(()),
        };
        allowed("fuel", self.fuel, ceiling.fuel)?;
        allowed("deadline-ms", self.deadline_ms.map(u64::from), ceiling.deadline_ms.into())?;
        allowed("memory-bytes", self.memory_bytes, ceiling.memory_bytes)?;
        allowed("quota-bytes", self.kv_bytes, ceiling.kv_bytes)
    }
}

impl LimitOverrides {
    /// Checks what an operator sets for an extension.
    pub fn check(&self, ceiling: &Ceiling) -> Result<(), String> {
        for (name, value) in [
            ("fuel", self.fuel),
            ("deadline-ms", self.deadline_ms.map(u64::from)),
            ("memory-bytes", self.memory_bytes),
            ("host-calls", self.host_calls.map(u64::from)),
        ] {
            positive(name, value.unwrap_or(1))?;
        }
        at_most(
            "memory-bytes",
            self.memory_bytes.unwrap_or(0),
            "limits.ceiling.memory-bytes",
            ceiling.memory_bytes,
        )
    }
}

fn positive(name: &str, value: u64) -> Result<(), String> {
    if value == 0 { Err(format!("`{name}` must be more than 0")) } else { Ok(()) }
}

fn at_most(name: &str, value: u64, bound_name: &str, bound: u64) -> Result<(), String> {
    if value > bound {
        Err(format!("`{name}` is {value}, above {bound_name} {bound}"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_word_beats_the_manifests_and_that_beats_the_default() {
        let host = HostLimits::default();
        let asked = Asked { fuel: Some(5), ..Asked::default() };
        let set = LimitOverrides { fuel: Some(7), ..LimitOverrides::default() };
        assert_eq!(
            host.resolve(Phase::Before, &Asked::default(), &LimitOverrides::default()).fuel,
            10_000_000
        );
        assert_eq!(host.resolve(Phase::Before, &asked, &LimitOverrides::default()).fuel, 5);
        assert_eq!(host.resolve(Phase::Before, &asked, &set).fuel, 7);
    }

    #[test]
    fn asking_above_the_ceiling_is_refused() {
        let asked = Asked { memory_bytes: Some(1 << 30), ..Asked::default() };
        assert_eq!(
            asked.check(&Ceiling::default()),
            Err("asks for `memory-bytes` = 1073741824, above this host's ceiling of 268435456"
                .into())
        );
    }

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(HostLimits::default().check(), Ok(()));
    }
}
