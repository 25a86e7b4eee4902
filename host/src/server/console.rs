//! The operator's console: what is installed, what it did, and what it may do, in a browser on this machine.
//!
//! Each page is one file: it gathers what the host says and draws it. Nothing is decided here; what an operator changes
//! goes the way of the admin API. Every text is escaped by construction, and works without the script.

mod about;
mod call;
mod chart;
mod diff;
mod extension;
mod extensions;
mod fire;
mod form;
mod format;
mod gate;
mod grants;
mod hooks;
mod install;
mod journal;
mod layout;
mod live;
mod overview;
mod schema;
mod sessions;
mod settings;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

pub(super) use self::sessions::Sessions;
pub(super) use self::sign_in::{__path_ticket, ticket};
use super::{App, web};

/// The routes of the console.
pub(super) fn router(app: Arc<App>) -> Router {
    // What is entered, and a package.
    let largest_form = app.config.body_bytes.saturating_add(app.config.component_bytes);
    Router::new()
        .route("/", get(overview::show))
        .route("/extensions", get(extensions::show))
        .route("/extensions/{id}", get(extension::show))
        .route("/extensions/{id}/state", post(extension::switch))
        .route("/extensions/{id}/grants", get(grants::show).post(grants::change))
        .route("/extensions/{id}/settings", get(settings::show).post(settings::change))
        .route("/extensions/{id}/remove", get(extension::ask_removal).post(extension::remove))
        .route("/install", get(install::show).post(install::upload))
        .route("/install/{upload}", get(install::review).post(install::install))
        .route("/hooks", get(hooks::list))
        .route("/hooks/{phase}/{action}", get(hooks::show))
        .route("/journal", get(journal::list))
        .route("/journal/{action_id}", get(journal::show))
        .route("/live", get(live::show))
        .route("/live/rows", get(live::rows))
        .route("/fire", get(fire::show).post(fire::fire))
        .route("/about", get(about::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/enter/{ticket}", get(sign_in::enter))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{name}", get(web::asset))
        .fallback(gate::no_such_page)
        .method_not_allowed_fallback(gate::method_not_allowed)
        .layer(DefaultBodyLimit::max(usize::try_from(largest_form).unwrap_or(usize::MAX)))
        .layer(middleware::from_fn_with_state(app.clone(), gate::gate))
        .layer(CompressionLayer::new())
        .with_state(app)
}
