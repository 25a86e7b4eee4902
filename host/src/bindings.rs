//! The contract in `wit/`, as Rust. The only `bindgen!` of the host; what is generated stays behind this module.

#[expect(missing_docs, reason = "generated from the contract, where every item is documented")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package palisade:host;
            world everything {
                include palisade:extension/event-handler@1.0.0;
                include palisade:extension/provider@1.0.0;
                include palisade:extension/gui-pages@1.0.0;
                include palisade:extension/gui-overlay@1.0.0;
            }
        ",
        world: "palisade:host/everything",
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
            "palisade:gui/panel.page": crate::capability::PanelPageHandle,
            "palisade:gui/types.request": crate::capability::RequestHandle,
            "palisade:kv/store.bucket": crate::capability::Bucket,
            "palisade:provider/types.operation": crate::capability::OperationHandle,
        },
    });
}

pub use generated::Everything;
/// What components export: any of these.
pub use generated::exports::palisade::events::handler;
pub use generated::exports::palisade::gui::{overlay, pages};
pub use generated::exports::palisade::provider::{catalogue, provider};
pub use generated::palisade::commands::runner as commands;
pub use generated::palisade::core::types as core_types;
pub use generated::palisade::core::{context, log, reveal, secrets, settings};
pub use generated::palisade::events::types as events;
pub use generated::palisade::gui::panel as panel_page;
pub use generated::palisade::gui::types as gui;
pub use generated::palisade::http::client as http;
pub use generated::palisade::kv::store as kv;
pub use generated::palisade::provider::types as provider_types;
