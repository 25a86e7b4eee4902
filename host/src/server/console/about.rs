//! The host itself: versions, where it keeps what, and the configuration that it runs with.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, Area};
use crate::server::AppState;
use crate::server::error::ApiError;

/// Shows the host.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
) -> Result<Response, Failure> {
    let config = toml::to_string(&app.shown_config).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    })?;
    let shown = &app.shown_config;
    let facts = html! {
        dl.facts {
            dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            dt { "Panel" } dd { (shown.panel.map_or_else(|| "any".to_owned(), |panel| panel.to_string())) }
            dt { "Data" } dd { code { (shown.data.display()) } }
            dt { "Socket" } dd { code { (shown.socket_path().display()) } }
            @if let Some(listen) = shown.listen { dt { "API" } dd { code { (listen) } } }
            @if let Some(address) = app.console_address { dt { "Console" } dd { code { (address) } } }
            dt { "Store" } dd { (format::bytes(app.host.storage.size())) }
            dt { "Writes" }
            dd { (layout::writes(&app)) }
            dt { "Journal" } dd { (format::number(app.host.journal.dropped())) " entries dropped since the start" }
            dt { "Overload" } dd { (format::number(app.host.conduct.overloaded())) " calls came when there was no room" }
        }
    };
    let body = html! {
        (layout::card("This host", None, &facts))
        (layout::card("Configuration", None, &html! {
            p.hint { "What it runs with, defaults included. It is read at the start; change the file and restart the host." }
            pre.config tabindex="0" role="region" aria-label="Configuration" { code { (config) } }
        }))
        p.faint { "Keys: " kbd { "/" } " looks for something, " kbd { "g" } " and then "
            kbd { "o" } " " kbd { "e" } " " kbd { "h" } " " kbd { "j" } " " kbd { "l" } " " kbd { "f" } " " kbd { "a" }
            " goes to the overview, extensions, hooks, journal, live, fire and the host." }
    };
    Ok(Area::About.page(&app, &session, &body))
}
