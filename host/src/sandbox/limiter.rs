//! Memory and tables of one call, counted as sums: many small memories are as large as a big one.

use wasmtime::ResourceLimiter;

use crate::hook::Fault;
use crate::limits::Limits;

/// What a call may have, what it has, and what it was refused.
pub(super) struct Limiter {
    memory: u64,
    memory_limit: u64,
    table: u64,
    table_limit: u64,
    instances: u32,
    memories: u32,
    tables: u32,
    refused: Option<Fault>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory: 0,
            memory_limit: limits.memory_bytes,
            table: 0,
            table_limit: limits.table_elements,
            instances: limits.instances,
            memories: limits.memories,
            tables: limits.tables,
            refused: None,
        }
    }

    /// Bytes of all memories together.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// The first growth that was refused. A guest is told so and mostly traps on it.
    pub(super) fn refused(&self) -> Option<&Fault> {
        self.refused.as_ref()
    }

    fn refuse(&mut self, fault: Fault) -> wasmtime::Result<bool> {
        self.refused.get_or_insert(fault);
        Ok(false)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let asked = self.memory.saturating_add((desired as u64).saturating_sub(current as u64));
        if asked > self.memory_limit {
            let limit = self.memory_limit;
            return self.refuse(Fault::Memory { asked, limit });
        }
        self.memory = asked;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let asked = self.table.saturating_add((desired as u64).saturating_sub(current as u64));
        if asked > self.table_limit {
            let limit = self.table_limit;
            return self.refuse(Fault::Table { asked, limit });
        }
        self.table = asked;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances as usize
    }

    fn memories(&self) -> usize {
        self.memories as usize
    }

    fn tables(&self) -> usize {
        self.tables as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Phase;
    use crate::limits::{Asked, HostLimits, LimitOverrides};

    fn limiter() -> Limiter {
        Limiter::new(&HostLimits::default().resolve(
            Phase::Before,
            &Asked::default(),
            &LimitOverrides::default(),
        ))
    }

    #[test]
    fn memories_are_limited_by_their_sum() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 40 << 20, None).unwrap());
        assert!(!limiter.memory_growing(0, 40 << 20, None).unwrap());
        assert_eq!(limiter.refused(), Some(&Fault::Memory { asked: 80 << 20, limit: 64 << 20 }));
        assert!(limiter.memory_growing(40 << 20, 64 << 20, None).unwrap());
    }

    #[test]
    fn tables_are_limited_by_their_sum() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 15_000, None).unwrap());
        assert!(!limiter.table_growing(0, 5_001, None).unwrap());
        assert_eq!(limiter.refused(), Some(&Fault::Table { asked: 20_001, limit: 20_000 }));
    }
}
