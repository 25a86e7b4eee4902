//! The engine's settings. What compiles and what runs share [`base`], or compiled code would not load.

use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::SandboxConfig;

/// Bytes of a guest's own stack.
pub(super) const STACK_BYTES: usize = 512 << 10;
/// Bytes of a guest's stack with the room that host functions need on it.
const FIBER_BYTES: usize = 1 << 20;
/// Frames of a guest's backtrace.
const BACKTRACE_FRAMES: usize = 20;
/// Bytes of a linear memory that are kept from one call to the next and cleared, instead of being unmapped.
const MEMORY_KEPT: usize = 256 << 10;
/// The same for tables and for stacks.
const TABLE_KEPT: usize = 64 << 10;
const STACK_KEPT: usize = 64 << 10;
/// Core instances, memories and tables that the pool has for each slot: Rust guests use 3, 1 and 2.
const INSTANCES_PER_SLOT: u32 = 8;
const MEMORIES_PER_SLOT: u32 = 2;
const TABLES_PER_SLOT: u32 = 8;

/// The settings that decide what code looks like and which proposals it may use. What is young and not needed here
/// is off: most of the engine's security releases are about it.
fn base() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_BYTES)
        .async_stack_zeroing(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES))
        .memory_init_cow(true)
        .concurrency_support(false)
        .wasm_component_model(true)
        .wasm_threads(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_tail_call(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false);
    config
}

/// The engine that compiles, in a process of its own: it needs no pool.
pub(super) fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(&base())
}

/// The engine that runs guests, from a pool that makes a fresh instance cheap.
pub(super) fn pooling(settings: &SandboxConfig) -> wasmtime::Result<Engine> {
    let limits = &settings.limits;
    let slots = settings.slots;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_stacks(slots)
        .total_core_instances(slots * INSTANCES_PER_SLOT)
        .total_memories(slots * MEMORIES_PER_SLOT)
        .total_tables(slots * TABLES_PER_SLOT)
        .max_unused_warm_slots(slots)
        .max_memory_size(usize::try_from(limits.ceiling.memory_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(limits.table_elements).unwrap_or(usize::MAX))
        .max_core_instances_per_component(limits.instances)
        .max_memories_per_component(limits.memories)
        .max_tables_per_component(limits.tables)
        .max_memories_per_module(limits.memories.min(1))
        .max_tables_per_module(limits.tables)
        .linear_memory_keep_resident(MEMORY_KEPT)
        .table_keep_resident(TABLE_KEPT)
        .async_stack_keep_resident(STACK_KEPT)
        .pagemap_scan(Enabled::Auto);
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
