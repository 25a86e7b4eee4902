//! Raw wasmtime: the same engine settings, limits and contract, and nothing else. A fresh store, an instance, one call.

use palisade::bindings::handler::GuestIndices;
use palisade::capability::EventHandle;
use palisade::sandbox::{SandboxConfig, bare_engine};
use wasmtime::component::{Component, InstancePre, Linker, Resource, ResourceTable, ResourceType};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Components that are ready to be called.
pub struct Raw {
    engine: Engine,
    components: Vec<(InstancePre<State>, GuestIndices)>,
}

struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    limits: StoreLimits,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Raw {
    /// Compiles components.
    pub fn new<'a>(config: &SandboxConfig, components: impl Iterator<Item = &'a [u8]>) -> Self {
        let engine = bare_engine(config).expect("an engine");
        let components = components.map(|bytes| {
            let component = Component::new(&engine, bytes).expect("a component");
            let mut linker = Linker::new(&engine);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI links");
            linker.define_unknown_imports_as_traps(&component).expect("the rest links");
            // The event is the host's, so that the typed call accepts it.
            linker.allow_shadowing(true);
            let mut types = linker.instance("palisade:events/types@1.0.0").expect("the contract");
            types
                .resource("event", ResourceType::host::<EventHandle>(), |_, _| Ok(()))
                .expect("a resource");
            let pre = linker.instantiate_pre(&component).expect("it fits");
            let handler = GuestIndices::new(&pre).expect("it handles events");
            (pre, handler)
        });
        let components = components.collect();
        Self { engine, components }
    }

    /// Calls one of them.
    pub async fn call(&self, component: usize) {
        let (pre, handler) = self.components.get(component).expect("there is such a component");
        let limits = StoreLimitsBuilder::new()
            .memory_size(64 << 20)
            .table_elements(20_000)
            .instances(32)
            .memories(8)
            .tables(32)
            .build();
        let state = State { table: ResourceTable::new(), wasi: WasiCtx::builder().build(), limits };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(10_000_000).expect("fuel is on");
        store.set_hostcall_fuel(1 << 20);
        store.set_max_component_handles(1_000);
        store.set_epoch_deadline(1_000_000);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = pre.instantiate_async(&mut store).await.expect("it instantiates");
        let guest = handler.load(&mut store, &instance).expect("it loads");
        let answer = guest.call_handle(&mut store, Resource::new_borrow(0)).await;
        answer.expect("it returns").expect("it answers");
    }
}
