//! Runs one call of one extension: wasmtime, narrowed to what Palisade uses of it.
//!
//! Every call gets a fresh store, made from what was prepared at install, and drops it at its end. Four guards are
//! always on: fuel, an epoch that makes the guest yield, a deadline around the whole call that drops the store, and
//! the deadline of the chain, which the dispatcher hands in. A sandbox must never let a guest decide how long or
//! how much.

mod ask;
mod compile;
mod compiled;
mod engine;
mod fault;
mod limiter;
mod ticker;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{CallHook, Engine, Store, StoreContextMut, UpdateDeadline};

use self::ask::{Act, Apply, Ask, Handle, Lookup, Offers, Operate, Render};
pub use self::compile::{
    CompileError, CompileLimits, VERB as COMPILE_VERB, worker as compile_worker,
};
use self::compiled::Compiled;
pub use self::compiled::CompiledError;
use self::limiter::Limiter;
use self::ticker::Ticker;
use crate::bindings::{Everything, catalogue, handler, overlay, pages, provider};
use crate::capability::{About, Answer, CallState, Services, Stop};
use crate::extension::{Drawer, Extension, Handler, Provider};
use crate::hook::{Event, Fault, LogRecord, Outcome, Rehearsal, Use};
use crate::limits::HostLimits;
use crate::order::{Offer, Operation, Step, Token};
use crate::overlay::Edit;
use crate::person::{PanelPage, Request};
use crate::storage::{Blobs, Digest};
use crate::view::{Choice, Reply, View};

/// Fuel that a call of the host costs, beside one unit for each byte that it copies.
const HOST_CALL_FUEL: u64 = 500;

/// What a sandbox is made with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Calls that can run at one time.
    pub slots: u32,
    /// Compiled components kept mapped at one time.
    pub mapped: usize,
    /// What bounds compiling.
    pub compile: CompileLimits,
    /// The program to compile with: the `palisade` binary.
    pub compiler: PathBuf,
    /// Where compiled code is kept.
    pub directory: PathBuf,
    /// The limits of guests, from which the pool is sized.
    pub limits: HostLimits,
}

/// Runs handlers.
pub struct Sandbox {
    engine: Engine,
    compiled: Arc<Compiled>,
    services: Arc<Services>,
    slots: Semaphore,
    slot_count: u32,
    ticker: Ticker,
}

/// A component that is ready to be called.
pub(crate) struct Prepared {
    pre: InstancePre<RunState>,
    /// What it exports, found once by name.
    handler: Option<handler::GuestIndices>,
    provider: Option<provider::GuestIndices>,
    catalogue: Option<catalogue::GuestIndices>,
    pages: Option<pages::GuestIndices>,
    overlay: Option<overlay::GuestIndices>,
}

impl Prepared {
    /// Finds out what a linked component exports.
    fn new(pre: InstancePre<RunState>) -> wasmtime::Result<Self> {
        fn exported<T>(
            pre: &InstancePre<RunState>,
            interface: &str,
            find: impl FnOnce(&InstancePre<RunState>) -> wasmtime::Result<T>,
        ) -> wasmtime::Result<Option<T>> {
            let export = pre.component().get_export_index(None, interface);
            export.map(|_| find(pre)).transpose()
        }
        let prepared = Self {
            handler: exported(&pre, "palisade:events/handler@1.0.0", handler::GuestIndices::new)?,
            provider: exported(
                &pre,
                "palisade:provider/provider@1.0.0",
                provider::GuestIndices::new,
            )?,
            catalogue: exported(
                &pre,
                "palisade:provider/catalogue@1.0.0",
                catalogue::GuestIndices::new,
            )?,
            pages: exported(&pre, "palisade:gui/pages@1.0.0", pages::GuestIndices::new)?,
            overlay: exported(&pre, "palisade:gui/overlay@1.0.0", overlay::GuestIndices::new)?,
            pre,
        };
        let is_any = prepared.handler.is_some()
            || prepared.provider.is_some()
            || prepared.pages.is_some()
            || prepared.overlay.is_some();
        match is_any {
            true => Ok(prepared),
            false => Err(wasmtime::format_err!(
                "it exports no handler, no provider, no pages and no overlay"
            )),
        }
    }
}

/// The data of a store: the state that capabilities see, and the limiter, which only the engine asks.
pub(crate) struct RunState {
    call: CallState,
    limiter: Limiter,
}

/// How a call ended and what it used.
#[derive(Debug)]
pub struct Ran<T = Outcome> {
    /// What the guest answered, for a handler what it decided; or why it did not.
    pub outcome: Result<T, Fault>,
    /// Units of fuel used.
    pub fuel: u64,
    /// Bytes of memory that it had at the end.
    pub memory: u64,
    /// What it wrote to its log.
    pub log: Vec<LogRecord>,
    /// What it used outside its sandbox.
    pub uses: Vec<Use>,
}

/// Where a call that nobody waited for to its end leaves what it did.
pub type Left<T = Outcome> = OnceLock<Ran<T>>;

impl<T: Answer> Ran<T> {
    /// Takes the secrets that the guest was given out of everything that others can see of the call.
    fn take_out_secrets(&mut self, call: &CallState) {
        call.known.take_out_of_log(&mut self.log);
        call.known.take_out_of_uses(&mut self.uses);
        let checked = match &mut self.outcome {
            Ok(answer) => answer.take_out_secrets(call),
            Err(_) => Ok(()),
        };
        if let Err(reason) = checked {
            self.outcome = Err(Fault::BadAnswer { reason });
        }
        if let Err(fault) = &mut self.outcome {
            call.known.take_out_of_fault(fault);
        }
    }
}

impl<T> Ran<T> {
    /// What there is to say of a handler that was not called.
    pub(crate) fn not_begun(fault: Fault) -> Self {
        Self { outcome: Err(fault), fuel: 0, memory: 0, log: Vec::new(), uses: Vec::new() }
    }
}

impl Sandbox {
    /// Makes the engine with its pool and its ticker, and opens the cache of compiled code.
    pub fn new(
        config: &SandboxConfig,
        components: Blobs,
        services: Services,
    ) -> anyhow::Result<Self> {
        let engine = engine::pooling(config)?;
        let linker = linker(&engine)?;
        let compiled = Arc::new(Compiled::open(config, &engine, linker, components)?);
        let ticker = Ticker::start(&engine)?;
        Ok(Self {
            engine,
            compiled,
            services: Arc::new(services),
            slots: Semaphore::new(config.slots as usize),
            slot_count: config.slots,
            ticker,
        })
    }

    /// Compiles a component in a process of its own and keeps the compiled code. `Ok` means that it can be called:
    /// everything it imports is there.
    pub async fn install(&self, digest: Digest, component: &[u8]) -> Result<(), CompiledError> {
        self.compiled.install(digest, component).await
    }

    /// Whether there is compiled code for the component that this host and engine made.
    pub fn has_compiled(&self, digest: &Digest) -> bool {
        self.compiled.has(digest)
    }

    /// Compiles anew what has no compiled code of this host and engine.
    pub async fn recompile(&self, digest: Digest) -> Result<(), CompiledError> {
        self.compiled.recompile(digest).await
    }

    /// Removes the compiled code of components that are not in use.
    pub fn sweep(&self, in_use: impl Fn(&Digest) -> bool) -> anyhow::Result<usize> {
        self.compiled.sweep(in_use)
    }

    /// Calls a handler. `limit` is how long the call may take, and the fault that it ends with when it takes longer.
    /// If the returned future is dropped while the guest runs, `left` is told what it did.
    pub async fn call(
        &self,
        handler: &Arc<Handler>,
        event: Event,
        limit: Deadline,
        left: &Left,
    ) -> Ran {
        self.run(About::Event { handler: handler.clone(), event }, Handle, limit, left).await
    }

    /// Asks a provider what is on offer. `id` is the identifier of the call.
    pub async fn offers(
        &self,
        provider: &Arc<Provider>,
        id: Arc<str>,
        limit: Deadline,
    ) -> Ran<Vec<Offer>> {
        let about = About::Provider { provider: provider.clone(), id, operation: None };
        self.run(about, Offers, limit, &Left::new()).await
    }

    /// Has a provider begin an operation, or go on with one from where the token says.
    pub async fn operate(
        &self,
        provider: &Arc<Provider>,
        operation: Operation,
        token: Option<Token>,
        limit: Deadline,
    ) -> Ran<Step> {
        let ask = Operate { provides: provider.provides, token };
        let id = operation.id.clone();
        let about = About::Provider { provider: provider.clone(), id, operation: Some(operation) };
        self.run(about, ask, limit, &Left::new()).await
    }

    /// Has an extension describe a page.
    pub async fn render(
        &self,
        drawer: &Arc<Drawer>,
        request: Request,
        limit: Deadline,
    ) -> Ran<View> {
        let rehearsal = Rehearsal::DryRun;
        let about = About::Page { drawer: drawer.clone(), request, rehearsal };
        self.run(about, Render, limit, &Left::new()).await
    }

    /// Has an extension carry out a button.
    pub async fn act(
        &self,
        drawer: &Arc<Drawer>,
        request: Request,
        button: String,
        limit: Deadline,
    ) -> Ran<Reply> {
        let about = About::Page { drawer: drawer.clone(), request, rehearsal: Rehearsal::No };
        self.run(about, Act { button }, limit, &Left::new()).await
    }

    /// Has an extension find values to choose from: `most` at most.
    pub async fn lookup(
        &self,
        drawer: &Arc<Drawer>,
        request: Request,
        (name, typed): (String, String),
        most: u32,
        limit: Deadline,
    ) -> Ran<Vec<Choice>> {
        let rehearsal = Rehearsal::DryRun;
        let about = About::Page { drawer: drawer.clone(), request, rehearsal };
        self.run(about, Lookup { name, typed, limit: most }, limit, &Left::new()).await
    }

    /// Asks an extension what to change of a page of the panel.
    pub async fn apply(
        &self,
        drawer: &Arc<Drawer>,
        page: PanelPage,
        limit: Deadline,
    ) -> Ran<Vec<Edit>> {
        let about = About::Overlay { drawer: drawer.clone(), page };
        self.run(about, Apply, limit, &Left::new()).await
    }

    /// Makes one call under all guards.
    async fn run<A: Ask>(
        &self,
        about: About,
        ask: A,
        limit: Deadline,
        left: &Left<A::Answer>,
    ) -> Ran<A::Answer> {
        let deadline = limit.at;
        let extension = about.extension().clone();
        let (_permit, prepared) = match self.ready_now(&extension) {
            Some(ready) => ready,
            None => match self.get_ready(&extension, deadline).await {
                Ok(ready) => ready,
                Err(fault) => return Ran::not_begun(fault),
            },
        };
        let _running = self.ticker.running();
        let store = match self.store(about, &limit) {
            Ok(store) => store,
            Err(error) => return Ran::not_begun(Fault::NotReady { reason: error.to_string() }),
        };
        let mut call = Call { store, left: Some(left) };
        let answer = ask.ask(&prepared, &mut call.store);
        let answer = match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(match fault::of(&error, &call.store, &limit.fault) {
                Fault::Busy { .. } => self.busy(),
                fault => fault,
            }),
            Err(_) => Err(limit.fault),
        };
        call.left = None;
        call.ran(answer)
    }

    /// A slot and the component, when neither is to be waited for: the common case, which needs no timer.
    fn ready_now(&self, extension: &Extension) -> Option<(SemaphorePermit<'_>, Arc<Prepared>)> {
        let prepared = self.compiled.mapped(&extension.digest)?;
        Some((self.slots.try_acquire().ok()?, prepared))
    }

    /// Waits for the component to be loaded and then for a slot: who waits for code to be compiled keeps no sandbox
    /// from others.
    async fn get_ready(
        &self,
        extension: &Arc<Extension>,
        deadline: Instant,
    ) -> Result<(SemaphorePermit<'_>, Arc<Prepared>), Fault> {
        let not_ready = |reason: String| Fault::NotReady { reason };
        let loading =
            tokio::time::timeout_at(deadline.into(), self.compiled.prepared(extension)).await;
        let prepared = loading
            .map_err(|_| not_ready("its code is still being loaded".into()))?
            .map_err(|error| not_ready(error.to_string()))?;
        match tokio::time::timeout_at(deadline.into(), self.slots.acquire()).await {
            Ok(Ok(permit)) => Ok((permit, prepared)),
            Ok(Err(_)) | Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> Fault {
        Fault::Busy { limit: self.slot_count.into() }
    }

    fn store(&self, about: About, limit: &Deadline) -> wasmtime::Result<Store<RunState>> {
        let limits = about.limits().clone();
        let deadline = limit.at;
        let call = CallState::new(about, deadline, self.services.clone());
        let mut store = Store::new(&self.engine, RunState { call, limiter: Limiter::new(&limits) });
        store.limiter(|state| &mut state.limiter);
        store.set_fuel(limits.fuel)?;
        store.set_hostcall_fuel(limits.host_call_bytes as usize);
        store.set_max_component_handles(limits.handles as usize);
        store.set_epoch_deadline(1);
        let fault = limit.fault.clone();
        store.epoch_deadline_callback(move |_| match Instant::now() < deadline {
            // The guest goes on when the others on its thread had their turn.
            true => Ok(UpdateDeadline::Yield(1)),
            false => Err(Stop(fault.clone()).into()),
        });
        let fuel_limit = limits.fuel;
        store.call_hook(move |store, hook| match hook {
            CallHook::CallingHost => note_fuel(store),
            CallHook::ReturningFromHost => charge(store, fuel_limit),
            CallHook::CallingWasm | CallHook::ReturningFromWasm => Ok(()),
        });
        Ok(store)
    }
}

/// A call while it runs. Dropped before its end, it leaves what it did.
struct Call<'a, T: Answer> {
    store: Store<RunState>,
    left: Option<&'a Left<T>>,
}

impl<T: Answer> Call<'_, T> {
    /// What there is to say of it, now that this came of it.
    fn ran(&mut self, mut outcome: Result<T, Fault>) -> Ran<T> {
        let left = self.store.get_fuel().unwrap_or(0);
        let RunState { call, limiter } = self.store.data_mut();
        if let Ok(answer) = &outcome
            && let Err(fault) = call.remember_secrets_of(answer)
        {
            outcome = Err(fault);
        }
        let fuel = call.about.limits().fuel.saturating_sub(left);
        let (log, uses) = (call.log.take(), call.uses.take());
        let mut ran = Ran { outcome, fuel, memory: limiter.memory(), log, uses };
        if !call.known.is_empty() {
            ran.take_out_secrets(call);
        }
        ran
    }
}

impl<T: Answer> Drop for Call<'_, T> {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            // Nobody else writes there: it is this call's.
            let _ = left.set(self.ran(Err(Fault::Abandoned)));
        }
    }
}

/// When a call must have ended, and what it is called when it has not.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// The moment.
    pub at: Instant,
    /// [`Fault::Deadline`] or [`Fault::ChainDeadline`], whichever comes first.
    pub fault: Fault,
}

impl Deadline {
    /// A deadline that a call has to itself, counted from now.
    pub fn own(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, fault: Fault::Deadline { limit } }
    }

    /// The handler's own deadline, counted from now, or the chain's, if that is nearer.
    pub fn nearer(handler: Duration, chain_end: Instant, chain: Duration) -> Self {
        let own = Self::own(handler);
        match own.at <= chain_end {
            true => own,
            false => Self { at: chain_end, fault: Fault::ChainDeadline { limit: chain } },
        }
    }
}

/// Tells the capabilities how much fuel is left; they cannot ask the store.
fn note_fuel(mut store: StoreContextMut<'_, RunState>) -> wasmtime::Result<()> {
    store.data_mut().call.fuel_left = store.get_fuel()?;
    Ok(())
}

/// Makes the guest pay for a host call and for the bytes that it copied: both cost time that the engine's own
/// count of instructions does not see.
fn charge(mut store: StoreContextMut<'_, RunState>, limit: u64) -> wasmtime::Result<()> {
    let price = HOST_CALL_FUEL + std::mem::take(&mut store.data_mut().call.unpaid_bytes);
    match store.get_fuel()?.checked_sub(price) {
        Some(left) => store.set_fuel(left),
        None => {
            store.set_fuel(0)?;
            Err(Stop(Fault::Fuel { limit }).into())
        }
    }
}

/// The engine that runs guests, without what is around it here: the benches measure against it.
pub fn bare_engine(config: &SandboxConfig) -> wasmtime::Result<Engine> {
    engine::pooling(config)
}

/// Everything that a guest can import, linked once. What was not granted refuses when it is called.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<RunState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Everything::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state: &mut RunState| {
        &mut state.call
    })?;
    Ok(linker)
}

impl wasmtime_wasi::WasiView for RunState {
    fn ctx(&mut self) -> wasmtime_wasi::WasiCtxView<'_> {
        self.call.ctx()
    }
}
