//! The contract in `wit/`, as Rust. The only `bindgen!` of the host; what is generated stays behind this module.

#[expect(missing_docs, reason = "generated from the contract, where every item is documented")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "palisade:extension/event-handler",
        imports: {
            "palisade:commands/runner": async | trappable,
            "palisade:kv/store": async | trappable,
            "palisade:http/client": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "palisade:core/secrets.secret": crate::capability::SecretHandle,
            "palisade:events/types.event": crate::capability::EventHandle,
            "palisade:kv/store.bucket": crate::capability::Bucket,
        },
    });
}

pub use generated::palisade::commands::runner as commands;
pub use generated::palisade::core::types as core_types;
pub use generated::palisade::core::{context, log, reveal, secrets, settings};
pub use generated::palisade::events::types as events;
pub use generated::palisade::http::client as http;
pub use generated::palisade::kv::store as kv;
pub use generated::{EventHandler, EventHandlerPre};
