//! The host's faces: the panel API and the admin API, over a Unix socket and TCP; pages of extensions and the console
//! for browsers.
//!
//! The only place of axum and of the wire's JSON. What is malformed ends here, with an error that says what is wrong
//! and what to do; what is well formed becomes a call of the [`Host`].

mod actions;
mod admin;
mod auth;
mod body;
mod bridge;
mod browser;
mod changes;
mod console;
mod error;
mod extract;
mod form;
mod grants;
mod gui;
mod idempotency;
mod listen;
mod metrics;
mod openapi;
mod orders;
mod recording;
mod timer;
mod web;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

pub use self::auth::{Role, Tokens};
use self::browser::Browser;
use self::idempotency::Idempotency;
use self::listen::Routers;
pub use self::listen::{Listeners, bind};
use self::metrics::Metrics;
pub use self::openapi::document as openapi;
use self::recording::Recording;
use crate::config::{Config, ServerConfig};
use crate::host::Host;

/// What every request can see.
pub(crate) struct App {
    host: Host,
    config: ServerConfig,
    tokens: Option<Tokens>,
    idempotency: Idempotency,
    metrics: Metrics,
    recording: Recording,
    browser: Browser,
    /// Who is signed in to the console.
    console: console::Sessions,
    /// Where the console is, if it is served.
    console_address: Option<std::net::SocketAddr>,
    /// The whole configuration, to show it.
    shown_config: Config,
    /// Hook calls after an action, which outlive the connection that brought them.
    detached: tokio_util::task::TaskTracker,
}

type AppState = axum::extract::State<Arc<App>>;

/// Serves a host until `stop` is cancelled, then finishes running calls and closes the host.
pub async fn serve(
    host: Host,
    config: &Config,
    listeners: Listeners,
    tokens: Option<Tokens>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let app = Arc::new(App {
        metrics: Metrics::default(),
        recording: Recording::default(),
        browser: Browser::new(&config.gui, listeners.gui_address()),
        console: console::Sessions::default(),
        console_address: listeners.console_address(),
        host,
        config: config.server.clone(),
        tokens,
        idempotency: Idempotency::default(),
        shown_config: config.clone(),
        detached: tokio_util::task::TaskTracker::new(),
    });
    // A task of its own runs where connections are served: nothing is handed from thread to thread for a new one.
    let routers = Routers {
        api: router(app.clone()),
        gui: browser::router(app.clone()),
        console: console::router(app.clone()),
    };
    let listening = tokio::spawn(listen::run(listeners, app.clone(), routers, stop));
    tokio::select! {
        ended = listening => ended?,
        () = app.host.maintain() => {}
    }
    app.detached.close();
    let grace = std::time::Duration::from_millis(config.server.shutdown_ms.into());
    if tokio::time::timeout(grace, app.detached.wait()).await.is_err() {
        tracing::warn!(
            "hook calls after an action still ran after {} ms; they are cut off",
            grace.as_millis()
        );
    }
    match Arc::try_unwrap(app) {
        Ok(app) => app.host.close().await,
        // A connection that did not end in its time still holds it; what waits is written all the same.
        Err(app) => app.host.journal.flush().await,
    }
    Ok(())
}

/// All routes in one list.
fn router(app: Arc<App>) -> Router {
    let (routes, _) = openapi::routes().split_for_parts();
    routes
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(app)
}
