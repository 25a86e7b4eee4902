//! What happens now: the newest calls, which the script asks for every few seconds. Without it, the page is as good as
//! each time that it is loaded.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use serde::Deserialize;

use super::gate::{Failure, Signed};
use super::journal::{head, row};
use super::layout::{self, Area};
use crate::journal::{Filter, Position, Search};
use crate::server::AppState;
use crate::server::extract::Query;

/// Calls that the page has.
const SHOWN: usize = 50;
/// Calls that come at one time: of more, the oldest are not shown.
const AT_ONCE: usize = 100;

/// What is there already.
#[derive(Debug, Deserialize)]
pub(super) struct RowsQuery {
    #[serde(default)]
    after: String,
}

/// Shows the newest calls.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
) -> Result<Response, Failure> {
    let search = Search { limit: SHOWN, ..Search::default() };
    let found = app.host.journal.search(search).await?;
    let body = html! {
        noscript { meta http-equiv="refresh" content="10"; }
        div.toolbar {
            p.live role="status" data-live-state { "Load the page anew to see what happened since." }
            button type="button" data-live-pause hidden { "Pause" }
            a.button.quiet href="/live" { "Load anew" }
            a.button.quiet href="/journal" { "Look for older ones" }
        }
        div.scroll {
            table.list.calls data-live="/live/rows" {
                (head())
                tbody { @for (position, entry) in &found.entries { (row(*position, entry)) } }
            }
        }
        @if found.entries.is_empty() {
            (layout::empty("Nothing happened yet", &html! { p { "Calls appear here as panels make them. " a href="/fire" { "Fire one" } } }))
        }
    };
    Ok(Area::Live.page(&app, &session, &body))
}

/// The calls that are newer than those that a page has, as rows.
pub(super) async fn rows(
    State(app): AppState,
    Signed(_): Signed,
    Query(query): Query<RowsQuery>,
) -> Result<Response, Failure> {
    let after = Position::parse(&query.after);
    let search = Search { filter: Filter::default(), after, limit: AT_ONCE, ..Search::default() };
    let found = app.host.journal.search(search).await?;
    let rows = html! { @for (position, entry) in &found.entries { (row(*position, entry)) } };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], rows.into_string()).into_response())
}
