//! From the engine's errors to faults: each names its cause.

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use super::{RunState, engine};
use crate::bindings::core_types::Failure;
use crate::capability::Stop;
use crate::hook::Fault;

/// Bytes of a guest's own words that are kept.
const MAX_WORDS: usize = 1_000;

/// The fault that an error of the engine stands for.
pub(super) fn of(error: &wasmtime::Error, store: &Store<RunState>, deadline: &Fault) -> Fault {
    let state = store.data();
    let limits = state.call.about.limits();
    if let Some(Stop(fault)) = error.downcast_ref::<Stop>() {
        return fault.clone();
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Fault::Exit { status: exit.0 };
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return Fault::Busy { limit: limits.instances.into() };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Fault::Fuel { limit: limits.fuel },
        Some(Trap::Interrupt) => return deadline.clone(),
        Some(Trap::StackOverflow) => return Fault::Stack { limit: engine::STACK_BYTES as u64 },
        _ => {}
    }
    // The engine gives these two no type of their own, only a text.
    let cause = error.root_cause().to_string();
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        return Fault::HostCallBytes { limit: limits.host_call_bytes.into() };
    }
    let table_is_full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
    if table_is_full || cause.contains("store handle limit exceeded") {
        return Fault::Handles { limit: limits.handles.into() };
    }
    if let Some(refused) = state.limiter.refused() {
        return refused.clone();
    }
    let said = state.call.log.last_error();
    let message = match said {
        Some(said) => format!("{cause}: {}", cut(said)),
        None => cause,
    };
    let frames =
        error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let name = |frame: &wasmtime::FrameInfo| {
        frame.func_name().map_or_else(|| format!("function {}", frame.func_index()), demangled)
    };
    Fault::Trap { message, backtrace: frames.iter().map(name).collect() }
}

/// The fault that a guest's own failure is.
pub(super) fn of_failure(failure: Failure) -> Fault {
    let (kind, message) = match failure {
        Failure::Unavailable(message) => ("unavailable", message),
        Failure::Misconfigured(message) => ("misconfigured", message),
        Failure::Other(message) => ("failed", message),
    };
    Fault::Failure { kind, message: cut(message) }
}

/// Cuts a guest's words and takes control characters out of them: they end in logs and terminals.
fn cut(words: String) -> String {
    let mut kept = String::with_capacity(words.len().min(MAX_WORDS));
    for c in words.chars() {
        if kept.len() >= MAX_WORDS {
            kept.push('…');
            break;
        }
        match c.is_control() {
            true => kept.extend(c.escape_default()),
            false => kept.push(c),
        }
    }
    kept
}

fn demangled(name: &str) -> String {
    cut(rustc_demangle::demangle(name).to_string())
}
