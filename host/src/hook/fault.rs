//! The ways in which an extension can fail. A fault is the extension's; an error is the host's or the caller's.

use std::time::Duration;

/// Why a handler gave no outcome. Each names its cause and, where it is one, its limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// All fuel is used.
    #[error("out of fuel: the limit is {limit} units")]
    Fuel {
        /// Units of fuel.
        limit: u64,
    },
    /// The call took longer than the handler may.
    #[error("past its deadline of {} ms", limit.as_millis())]
    Deadline {
        /// How long the handler may run.
        limit: Duration,
    },
    /// All handlers of the hook call together took longer than they may.
    #[error("past the deadline of {} ms that all handlers of a hook call share", limit.as_millis())]
    ChainDeadline {
        /// How long the whole chain may run.
        limit: Duration,
    },
    /// More memory was asked for than the handler may have.
    #[error("out of memory: {asked} bytes asked for, the limit is {limit}")]
    Memory {
        /// Bytes that all memories of the call would have had together.
        asked: u64,
        /// Bytes that they may have.
        limit: u64,
    },
    /// More table elements were asked for than the handler may have.
    #[error("out of table elements: {asked} asked for, the limit is {limit}")]
    Table {
        /// Elements that all tables of the call would have had together.
        asked: u64,
        /// Elements that they may have.
        limit: u64,
    },
    /// Calls nested too deeply.
    #[error("out of stack: the limit is {limit} bytes")]
    Stack {
        /// Bytes of stack.
        limit: u64,
    },
    /// More bytes were handed to the host in one call than allowed.
    #[error("too much data handed to the host in one call: the limit is {limit} bytes")]
    HostCallBytes {
        /// Bytes per host call.
        limit: u64,
    },
    /// The host was called more often than allowed.
    #[error("too many calls to the host: the limit is {limit}")]
    HostCalls {
        /// Calls of host functions.
        limit: u64,
    },
    /// More resource handles were held than allowed.
    #[error("too many handles held: the limit is {limit}")]
    Handles {
        /// Handles at one time.
        limit: u64,
    },
    /// More or larger secrets were handed on or read than the host can take out of what the call writes.
    #[error("too many secrets handed on: the limit is {limit} forms of them, in 128 KiB")]
    Secrets {
        /// Forms in which secrets are looked for.
        limit: u64,
    },
    /// The guest trapped.
    #[error("trapped: {message}")]
    Trap {
        /// The engine's name for the trap, and what the guest wrote to standard error last.
        message: String,
        /// The guest's call stack, innermost function first.
        backtrace: Vec<String>,
    },
    /// The guest ended its process instead of answering.
    #[error("exited with status {status} instead of answering")]
    Exit {
        /// The exit status.
        status: i32,
    },
    /// The guest said that it could not complete the call.
    #[error("{kind}: {message}")]
    Failure {
        /// `unavailable`, `misconfigured` or `failed`.
        kind: &'static str,
        /// Its own words.
        message: String,
    },
    /// The guest answered what it may not.
    #[error("bad answer: {reason}")]
    BadAnswer {
        /// What is wrong with it.
        reason: String,
    },
    /// The sandbox had no room within the deadline.
    #[error("no free sandbox: all {limit} are in use")]
    Busy {
        /// Sandboxes that can run at one time.
        limit: u64,
    },
    /// As many calls of the extension as it may have at one time were running until the deadline.
    #[error("too many calls of the extension at one time: the limit is {limit}")]
    Concurrency {
        /// Calls of the extension at one time.
        limit: u64,
    },
    /// The host has as many hook calls to decide as it takes.
    #[error("the host is overloaded: {limit} hook calls are being decided")]
    Overloaded {
        /// Hook calls at one time.
        limit: u64,
    },
    /// The handler is bypassed, for what it did before.
    #[error("bypassed: {reason}")]
    Bypassed {
        /// What it did.
        reason: String,
    },
    /// The handler's condition could not be evaluated for this call.
    #[error("its condition failed: {reason}")]
    Condition {
        /// Why.
        reason: String,
    },
    /// The panel left before the handler had answered.
    #[error("abandoned: its panel left before it answered")]
    Abandoned,
    /// The extension's compiled code could not be had.
    #[error("not ready: {reason}")]
    NotReady {
        /// Why.
        reason: String,
    },
}

impl Fault {
    /// The stable code of the fault, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Fuel { .. } => "fuel",
            Fault::Deadline { .. } => "deadline",
            Fault::ChainDeadline { .. } => "chain-deadline",
            Fault::Memory { .. } => "memory",
            Fault::Table { .. } => "table",
            Fault::Stack { .. } => "stack",
            Fault::HostCallBytes { .. } => "host-call-bytes",
            Fault::HostCalls { .. } => "host-calls",
            Fault::Handles { .. } => "handles",
            Fault::Secrets { .. } => "secrets",
            Fault::Trap { .. } => "trap",
            Fault::Exit { .. } => "exit",
            Fault::Failure { .. } => "failure",
            Fault::BadAnswer { .. } => "bad-answer",
            Fault::Busy { .. } => "busy",
            Fault::Concurrency { .. } => "concurrency",
            Fault::Overloaded { .. } => "overloaded",
            Fault::Bypassed { .. } => "bypassed",
            Fault::Condition { .. } => "condition",
            Fault::Abandoned => "abandoned",
            Fault::NotReady { .. } => "not-ready",
        }
    }

    /// The number that was exceeded, in the unit that the fault's text names.
    pub fn limit(&self) -> Option<u64> {
        let millis = |limit: &Duration| u64::try_from(limit.as_millis()).ok();
        match self {
            Fault::Deadline { limit } | Fault::ChainDeadline { limit } => millis(limit),
            Fault::Fuel { limit }
            | Fault::Memory { limit, .. }
            | Fault::Table { limit, .. }
            | Fault::Stack { limit }
            | Fault::HostCallBytes { limit }
            | Fault::HostCalls { limit }
            | Fault::Handles { limit }
            | Fault::Secrets { limit }
            | Fault::Busy { limit }
            | Fault::Concurrency { limit }
            | Fault::Overloaded { limit } => Some(*limit),
            Fault::Trap { .. }
            | Fault::Exit { .. }
            | Fault::Failure { .. }
            | Fault::BadAnswer { .. }
            | Fault::Bypassed { .. }
            | Fault::Condition { .. }
            | Fault::Abandoned
            | Fault::NotReady { .. } => None,
        }
    }
}
