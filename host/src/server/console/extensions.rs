//! What is installed: searched, filtered, sorted, in parts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use crate::conduct::Report;
use crate::extension::{Extension, State as ExtensionState};
use crate::history::Usage;
use crate::host::now_ms;
use crate::server::AppState;
use crate::server::extract::Query;
use crate::view::Tone;

/// Extensions of one part of the list.
const PART: usize = 50;

/// Which extensions to list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    search: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    part: usize,
}

/// An extension with what is known of it.
struct Line {
    extension: Arc<Extension>,
    usage: Usage,
    report: Report,
}

impl Line {
    fn is(&self, state: &str) -> bool {
        match state {
            "enabled" => self.extension.state == ExtensionState::Enabled,
            "disabled" => self.extension.state == ExtensionState::Disabled,
            "open" => {
                self.extension.waiting.is_some()
                    || !self.report.bypassed.is_empty()
                    || self.report.veto_alarm
            }
            "failing" => self.usage.faults > 0,
            _ => true,
        }
    }

    fn has(&self, words: &str) -> bool {
        let manifest = &self.extension.manifest;
        let texts = [&*self.extension.id, &manifest.name, &manifest.description];
        let hooks = manifest.subscriptions.iter().map(|subscription| subscription.hook.to_string());
        let all =
            texts.into_iter().map(str::to_lowercase).chain(hooks).collect::<Vec<_>>().join(" ");
        words.split_whitespace().all(|word| all.contains(word))
    }
}

/// Lists what is installed.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Failure> {
    let (now, moment) = (now_ms(), Instant::now());
    let snapshot = app.host.registry.snapshot_owned();
    let mut usage: HashMap<_, _> = app.host.journal.history.usage(now);
    let mut lines: Vec<Line> = snapshot
        .extensions
        .values()
        .map(|extension| Line {
            usage: usage.remove(&extension.id).unwrap_or_default(),
            report: app.host.conduct.report(&extension.id, moment),
            extension: extension.clone(),
        })
        .collect();
    let installed = lines.len();
    let words = query.search.to_lowercase();
    lines.retain(|line| line.is(&query.state) && line.has(&words));
    match query.sort.as_str() {
        "calls" => lines.sort_by_key(|line| std::cmp::Reverse(line.usage.calls)),
        "faults" => lines.sort_by_key(|line| std::cmp::Reverse(line.usage.faults)),
        "last" => lines.sort_by_key(|line| std::cmp::Reverse(line.usage.last_ms)),
        // They come by their identifiers.
        _ => {}
    }
    let body = html! {
        @if installed == 0 {
            (nothing_installed())
        } @else {
            (toolbar(&query))
            @if lines.is_empty() {
                (layout::empty("No extension is like that", &html! { p { a href="/extensions" { "Show all " (installed) } } }))
            } @else {
                (table(&lines, &query, now))
                (pager(&query, lines.len()))
            }
        }
    };
    Ok(Area::Extensions.page(&app, &session, &body))
}

fn nothing_installed() -> Markup {
    layout::empty(
        "No extension is installed yet",
        &html! {
            p { "An extension is one file: a WebAssembly component with its manifest, as " code { "palisade pack" } " makes it." }
            p { a.button.primary href="/install" { "Install one" } }
            p { "Or on the machine itself: " code { "palisade install FILE" } }
        },
    )
}

fn toolbar(query: &ListQuery) -> Markup {
    let states = [
        ("", "All"),
        ("enabled", "Enabled"),
        ("disabled", "Disabled"),
        ("open", "To decide"),
        ("failing", "With faults"),
    ];
    html! {
        div.toolbar {
            form method="get" action="/extensions" role="search" {
                label.field.search {
                    span { "Search" }
                    input type="search" name="search" value=(query.search) placeholder="name or hook" data-search;
                }
                (layout::select("state", "State", &states, &query.state))
                @if !query.sort.is_empty() { input type="hidden" name="sort" value=(query.sort); }
                button type="submit" { "Show" }
            }
            a.button.primary href="/install" { "Install" }
        }
    }
}

fn table(lines: &[Line], query: &ListQuery, now: u64) -> Markup {
    let head = |name: &str, sort: &str, class: Option<&str>| {
        let sorted = query.sort == sort;
        let order = if sort.is_empty() { "ascending" } else { "descending" };
        let to = [("search", query.search.as_str()), ("state", &query.state), ("sort", sort)];
        html! {
            th scope="col" class=[class] aria-sort=[sorted.then_some(order)] {
                a href=(layout::address("/extensions", &to)) { (name) }
            }
        }
    };
    html! {
        div.scroll {
            table.list {
                thead {
                    tr {
                        (head("Extension", "", None))
                        th scope="col" { "State" }
                        th scope="col" { "Hooks" }
                        (head("Calls, a day", "calls", Some("number")))
                        (head("Faults", "faults", Some("number")))
                        (head("Last call", "last", Some("number")))
                    }
                }
                tbody {
                    @for line in lines.iter().skip(query.part.saturating_mul(PART)).take(PART) { (row(line, now)) }
                }
            }
        }
    }
}

fn row(line: &Line, now: u64) -> Markup {
    let Line { extension, usage, report } = line;
    let hooks = &extension.manifest.subscriptions;
    html! {
        tr {
            th scope="row" {
                a href={ "/extensions/" (segment(&extension.id)) } { (extension.manifest.name) }
                span.sub { code { (extension.id) } " " (extension.version) }
            }
            td data-label="State" { (state(extension, report)) }
            td data-label="Hooks" {
                @if let Some(first) = hooks.first() { code { (first.hook) } }
                @if hooks.len() > 1 { " " span.faint { "+" (hooks.len() - 1) } }
                @if hooks.is_empty() { span.faint { "none" } }
            }
            td.number data-label="Calls, a day" { (format::number(usage.calls)) }
            td.number data-label="Faults" {
                @if usage.faults > 0 { span.danger { (format::number(usage.faults)) } } @else { span.faint { "0" } }
            }
            td.number data-label="Last call" {
                @if usage.last_ms > 0 { (format::ago(usage.last_ms, now)) } @else { span.faint { "–" } }
            }
        }
    }
}

/// How an extension stands, in badges.
pub(super) fn state(extension: &Extension, report: &Report) -> Markup {
    html! {
        @match extension.state {
            ExtensionState::Enabled => (layout::badge(Tone::Success, "enabled")),
            ExtensionState::Disabled => (layout::badge(Tone::Neutral, "disabled")),
        }
        @if extension.waiting.is_some() { " " (layout::badge(Tone::Warning, "asks for more")) }
        @if !report.bypassed.is_empty() { " " (layout::badge(Tone::Danger, "bypassed")) }
        @if report.veto_alarm { " " (layout::badge(Tone::Warning, "denies much")) }
    }
}

fn pager(query: &ListQuery, found: usize) -> Markup {
    let values =
        [("search", query.search.as_str()), ("state", &query.state), ("sort", &query.sort)];
    let parts = (query.part, found.div_ceil(PART));
    layout::pager(&format::count(found, "extension", "extensions"), parts, "/extensions", &values)
}
