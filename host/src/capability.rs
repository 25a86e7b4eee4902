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
mod operation;
mod page;
mod secrets;
mod settings;
mod uses;
mod value;
mod view;

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
pub use self::operation::{OperationHandle, offers, step};
pub use self::page::{PanelPageHandle, RequestHandle};
pub use self::secrets::SecretHandle;
use self::uses::Uses;
pub use self::value::outcome;
pub use self::view::{choices, edits, reply, view};
use crate::command::Commands;
use crate::config::Config;
use crate::extension::{Drawer, Extension, Handler, Provider};
use crate::hook::{Cause, Event, Fault, Outcome, Rehearsal, Value};
use crate::limits::Limits;
use crate::order::{Offer, Operation, Step};
use crate::outbound::Outbound;
use crate::overlay::Edit;
use crate::person::{PanelPage, Request};
use crate::storage::Storage;
use crate::view::{Choice, Reply, View};

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

/// Who is called, and what about.
pub enum About {
    /// A handler, about an event.
    Event {
        /// The handler.
        handler: Arc<Handler>,
        /// What it is told of.
        event: Event,
    },
    /// A provider.
    Provider {
        /// The provider.
        provider: Arc<Provider>,
        /// The identifier of the operation, or of this call if it is about none.
        id: Arc<str>,
        /// The operation. What is on offer, a provider is asked without one.
        operation: Option<Operation>,
    },
    /// An extension with pages, about one of them.
    Page {
        /// The extension.
        drawer: Arc<Drawer>,
        /// What is asked for.
        request: Request,
        /// Whether only a page is drawn, which changes nothing.
        rehearsal: Rehearsal,
    },
    /// An extension that changes pages of the panel.
    Overlay {
        /// The extension.
        drawer: Arc<Drawer>,
        /// The page.
        page: PanelPage,
    },
}

/// The state of one call of one extension. It is made for the call and dropped with it.
pub struct CallState {
    /// Who is called, and what about.
    pub(crate) about: About,
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

/// What a guest answers, checked.
pub trait Answer: Send + Sized {
    /// The secrets that it brings, which nobody else may see.
    fn secrets(&self) -> Vec<&Value>;

    /// Takes the secrets that the guest was given out of what others see of it, or says why it may not be.
    fn take_out_secrets(&mut self, call: &CallState) -> Result<(), String>;
}

impl Answer for Outcome {
    fn secrets(&self) -> Vec<&Value> {
        Vec::new()
    }

    fn take_out_secrets(&mut self, call: &CallState) -> Result<(), String> {
        match &call.about {
            About::Event { event, .. } => call.known.take_out_of_answer(event, self),
            _ => Err("it decided where there was nothing to decide".into()),
        }
    }
}

impl Answer for Vec<Offer> {
    fn secrets(&self) -> Vec<&Value> {
        Vec::new()
    }

    fn take_out_secrets(&mut self, call: &CallState) -> Result<(), String> {
        call.known.take_out_of_offers(self)
    }
}

impl Answer for Step {
    fn secrets(&self) -> Vec<&Value> {
        match self {
            Step::Done(completed) => completed.secrets().map(|(_, value)| value).collect(),
            Step::Pending(_) | Step::Refused(_) => Vec::new(),
        }
    }

    fn take_out_secrets(&mut self, call: &CallState) -> Result<(), String> {
        call.known.take_out_of_step(self)
    }
}

/// What a page shows was freed of secrets when it was taken in, text by text.
macro_rules! drawn {
    ($($answer:ty),*) => {$(
        impl Answer for $answer {
            fn secrets(&self) -> Vec<&Value> {
                Vec::new()
            }

            fn take_out_secrets(&mut self, _: &CallState) -> Result<(), String> {
                Ok(())
            }
        }
    )*};
}
drawn!(View, Reply, Vec<Choice>, Vec<Edit>);

/// Ends a call with a fault: host functions return it as their error, and the sandbox finds it again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Stop(pub Fault);

impl About {
    /// The extension that is called.
    pub fn extension(&self) -> &Arc<Extension> {
        match self {
            Self::Event { handler, .. } => &handler.extension,
            Self::Provider { provider, .. } => &provider.extension,
            Self::Page { drawer, .. } | Self::Overlay { drawer, .. } => &drawer.extension,
        }
    }

    /// What bounds the call.
    pub fn limits(&self) -> &Limits {
        match self {
            Self::Event { handler, .. } => &handler.limits,
            Self::Provider { provider, .. } => &provider.limits,
            Self::Page { drawer, .. } | Self::Overlay { drawer, .. } => &drawer.limits,
        }
    }

    /// What the call is part of, as the journal knows it.
    fn id(&self) -> &str {
        match self {
            Self::Event { event, .. } => &event.call.id,
            Self::Provider { id, .. } => id,
            Self::Page { request, .. } => &request.id,
            Self::Overlay { page, .. } => &page.id,
        }
    }

    /// The actions of extensions that led here, the first cause first.
    fn causes(&self) -> &[Cause] {
        match self {
            Self::Event { event, .. } => &event.call.caused_by,
            Self::Provider { .. } | Self::Page { .. } | Self::Overlay { .. } => &[],
        }
    }

    /// Whether nothing may be changed.
    fn rehearsal(&self) -> Rehearsal {
        match self {
            Self::Event { event, .. } => event.call.rehearsal,
            Self::Provider { .. } => Rehearsal::No,
            Self::Page { rehearsal, .. } => *rehearsal,
            Self::Overlay { .. } => Rehearsal::DryRun,
        }
    }
}

impl CallState {
    /// The state of a call that begins now.
    pub fn new(about: About, deadline: Instant, services: Arc<Services>) -> Self {
        let limits = about.limits();
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
            about,
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

    /// The extension that is called.
    fn extension(&self) -> &Arc<Extension> {
        self.about.extension()
    }

    /// The handler that is called and the event. A provider gets no handle to one, so it cannot ask.
    fn event(&self) -> wasmtime::Result<(&Arc<Handler>, &Event)> {
        match &self.about {
            About::Event { handler, event } => Ok((handler, event)),
            _ => Err(wasmtime::format_err!("this call is about no event")),
        }
    }

    /// Remembers the secrets of an answer, to take them out of what the guest wrote.
    pub(crate) fn remember_secrets_of(&mut self, answer: &impl Answer) -> Result<(), Fault> {
        let bytes: Vec<Vec<u8>> =
            answer.secrets().into_iter().map(secrets::bytes_of_secret).collect();
        let limit = known::MAX_FORMS as u64;
        self.known
            .add(bytes.iter().map(Vec::as_slice))
            .map_err(|known::TooMany| Fault::Secrets { limit })
    }

    /// Counts a call of a host function that copies this many bytes.
    fn called(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let limit = self.about.limits().host_calls;
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
