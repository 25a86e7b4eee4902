//! What a guest can call back: one file for each interface of the contract.
//!
//! A capability sees the state of its call and nothing else: not the dispatcher, not other calls, not other
//! extensions. Whatever a guest hands in is checked here before it is used.

mod commands;
mod context;
mod event;
mod http;
mod known;
mod kv;
mod log;
mod secrets;
mod settings;
mod uses;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

pub use self::event::EventHandle;
pub(crate) use self::known::{Cut, Known};
pub use self::kv::Bucket;
pub(crate) use self::kv::{prefix as kv_prefix, sweep as sweep_kv};
pub use self::log::Log;
pub use self::secrets::SecretHandle;
use self::uses::Uses;
pub use self::value::outcome;
use crate::command::Commands;
use crate::config::Config;
use crate::extension::Handler;
use crate::hook::{Event, Fault};
use crate::outbound::Outbound;
use crate::storage::Storage;

/// Random bytes that a guest gets at one time. The host makes them in its own memory first, and in one go.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// What all calls share: what is outside the sandbox and can be reached from inside, each under its grants.
pub struct Services {
    /// Where `kv` keeps what it is given.
    pub storage: Storage,
    /// What sends their requests.
    pub http: Outbound,
    /// The language of the panel's people, where a call does not name one.
    pub locale: String,
    /// What the operator lets extensions know of this host.
    pub attributes: BTreeMap<String, String>,
    /// The commands that the operator defined.
    pub commands: Commands,
}

impl Services {
    /// What a host with this configuration lets extensions reach, over this storage.
    pub fn open(config: &Config, storage: Storage) -> anyhow::Result<Self> {
        Ok(Self {
            storage,
            http: Outbound::open(&config.http)?,
            locale: config.locale.clone(),
            attributes: config.attributes.clone(),
            commands: Commands::new(&config.commands, &config.command)
                .map_err(anyhow::Error::msg)?,
        })
    }
}

/// The state of one call of one handler. It is made for the call and dropped with it.
pub struct CallState {
    /// Who is called.
    pub(crate) handler: Arc<Handler>,
    /// What about.
    pub(crate) event: Event,
    /// When the call must have ended.
    pub(crate) deadline: Instant,
    /// What is outside the sandbox.
    pub(crate) services: Arc<Services>,
    /// What the guest writes.
    pub(crate) log: Log,
    /// What it used outside its sandbox.
    pub(crate) uses: Uses,
    /// The secrets that it was given.
    pub(crate) known: Known,
    /// How many commands it ran.
    commands_run: u32,
    /// How often the guest called back.
    host_calls: u32,
    /// How many requests it sent.
    requests: u32,
    /// Units of fuel left when the guest called back.
    pub(crate) fuel_left: u64,
    /// Bytes that host functions copied and the guest has not paid for yet.
    pub(crate) unpaid_bytes: u64,
    table: ResourceTable,
    wasi: WasiCtx,
}

/// Ends a call with a fault: host functions return it as their error, and the sandbox finds it again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Stop(pub Fault);

impl CallState {
    /// The state of a call that begins now.
    pub fn new(
        handler: Arc<Handler>,
        event: Event,
        deadline: Instant,
        services: Arc<Services>,
    ) -> Self {
        let limits = &handler.limits;
        let log = Log::new(limits.log_lines, limits.log_bytes);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles as usize);
        // No files, no environment, no arguments, no network; what is printed goes to the log.
        let wasi = WasiCtx::builder()
            .stdout(log.stdout())
            .stderr(log.stderr())
            .max_random_size(MAX_RANDOM_BYTES)
            .build();
        Self {
            handler,
            event,
            deadline,
            services,
            log,
            uses: Uses::default(),
            known: Known::default(),
            commands_run: 0,
            host_calls: 0,
            requests: 0,
            fuel_left: 0,
            unpaid_bytes: 0,
            table,
            wasi,
        }
    }

    /// Counts a call of a host function that copies this many bytes.
    fn called(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let limit = self.handler.limits.host_calls;
        self.host_calls += 1;
        self.unpaid_bytes += bytes as u64;
        match self.host_calls > limit {
            true => Err(Stop(Fault::HostCalls { limit: limit.into() }).into()),
            false => Ok(()),
        }
    }

    /// Counts bytes that a host function hands out.
    fn handed_out(&mut self, bytes: usize) {
        self.unpaid_bytes += bytes as u64;
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
