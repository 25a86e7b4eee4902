//! Which handlers each action has, in the order in which they run.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use crate::extension::Handler;
use crate::hook::catalogue::catalogue;
use crate::hook::{HookPattern, Pattern, Phase, check_action};
use crate::registry::{Snapshot, round};
use crate::server::AppState;
use crate::server::error::ApiError;
use crate::server::extract::{Path, Query};
use crate::view::Tone;

/// Handlers that a list names of each hook.
const NAMED: usize = 4;
/// Hooks of one part of the list.
const PART: usize = 100;

/// Which hooks to list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    search: String,
    #[serde(default)]
    phase: String,
    /// `all` for actions without handlers too.
    #[serde(default)]
    show: String,
    #[serde(default)]
    part: usize,
}

/// A hook and its handlers.
struct Hook<'a> {
    phase: Phase,
    action: &'a str,
    handlers: &'a [Arc<Handler>],
}

/// Several hooks at once, as handlers name them.
struct Several<'a> {
    hook: &'a HookPattern,
    handlers: Vec<&'a Handler>,
}

/// The actions that handlers name, and all others that are known if those are wanted too.
fn actions<'a>(snapshot: &'a Snapshot, show: &str) -> BTreeSet<&'a str> {
    let named =
        snapshot.all_handlers().filter_map(|handler| match &handler.subscription.hook.pattern {
            Pattern::Exact(action) => Some(action.as_str()),
            Pattern::Under(_) => None,
        });
    let known = catalogue().actions().map(|action| action.name.as_str());
    known.filter(|_| show == "all").chain(named).collect()
}

/// What handlers subscribe to that is more than one action, with those handlers.
fn several(snapshot: &Snapshot) -> Vec<Several<'_>> {
    let mut found: Vec<Several<'_>> = Vec::new();
    for handler in snapshot.all_handlers() {
        let hook = &handler.subscription.hook;
        if matches!(hook.pattern, Pattern::Exact(_)) {
            continue;
        }
        match found.iter_mut().find(|several| several.hook == hook) {
            Some(several) => several.handlers.push(handler),
            None => found.push(Several { hook, handlers: vec![handler] }),
        }
    }
    found.sort_by_cached_key(|several| several.hook.to_string());
    found
}

/// Lists hooks.
pub(super) async fn list(
    State(app): AppState,
    Signed(session): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Failure> {
    let snapshot = app.host.registry.snapshot_owned();
    let search = query.search.to_lowercase();
    let phases = [Phase::Before, Phase::After];
    let wanted = |phase: Phase| query.phase.is_empty() || query.phase == phase.to_string();
    let hooks: Vec<Hook<'_>> = actions(&snapshot, &query.show)
        .into_iter()
        .flat_map(|action| phases.map(|phase| (action, phase)))
        .filter(|(_, phase)| wanted(*phase))
        .map(|(action, phase)| Hook { phase, action, handlers: snapshot.handlers(phase, action) })
        .filter(|hook| query.show == "all" || !hook.handlers.is_empty())
        .filter(|hook| hook.is_like(&search))
        .collect();
    let mut several = several(&snapshot);
    several.retain(|several| wanted(several.hook.phase) && several.is_like(&search));
    let body = html! {
        (toolbar(&query))
        @if query.part == 0 { (many(&several)) }
        @if hooks.is_empty() && several.is_empty() {
            (layout::empty("No hook has a handler here", &html! {
                p { "Extensions subscribe to hooks in their manifests. "
                    a href=(layout::address("/hooks", &[("show", "all"), ("search", &query.search)])) { "Show all actions" } " that this host knows." }
            }))
        }
        @if !hooks.is_empty() {
            (table(&hooks, query.part))
            (pager(&query, hooks.len()))
        }
    };
    Ok(Area::Hooks.page(&app, &session, &body))
}

impl Hook<'_> {
    fn is_like(&self, search: &str) -> bool {
        search.is_empty()
            || self.action.to_lowercase().contains(search)
            || self.handlers.iter().any(|handler| handler.extension.id.contains(search))
    }

    fn path(&self) -> String {
        format!("/hooks/{}/{}", self.phase, segment(self.action))
    }
}

impl Several<'_> {
    fn is_like(&self, search: &str) -> bool {
        search.is_empty()
            || self.hook.to_string().to_lowercase().contains(search)
            || self.handlers.iter().any(|handler| handler.extension.id.contains(search))
    }

    /// The list of the actions that it stands for.
    fn path(&self) -> String {
        let (Pattern::Exact(name) | Pattern::Under(name)) = &self.hook.pattern;
        let phase = self.hook.phase.to_string();
        layout::address("/hooks", &[("show", "all"), ("phase", &phase), ("search", name)])
    }
}

/// Handlers of more than one action.
fn many(several: &[Several<'_>]) -> Markup {
    let body = html! {
        ul.lines {
            @for several in several {
                li {
                    div { a href=(several.path()) { code { (several.hook) } } }
                    p.faint {
                        @for (number, handler) in several.handlers.iter().take(NAMED * 2).enumerate() {
                            @if number > 0 { ", " }
                            (handler.extension.id)
                        }
                        @if several.handlers.len() > NAMED * 2 { " and " (several.handlers.len() - NAMED * 2) " more" }
                    }
                }
            }
        }
    };
    html! { @if !several.is_empty() { (layout::card("For many actions at once", None, &body)) } }
}

fn toolbar(query: &ListQuery) -> Markup {
    let phases = [("", "Both phases"), ("before", "Before"), ("after", "After")];
    let shown = [("", "Those that handlers name"), ("all", "All actions")];
    html! {
        div.toolbar {
            form method="get" action="/hooks" role="search" {
                label.field.search {
                    span { "Search" }
                    input type="search" name="search" value=(query.search) placeholder="action or extension" data-search;
                }
                (layout::select("phase", "Phase", &phases, &query.phase))
                (layout::select("show", "Show", &shown, &query.show))
                button type="submit" { "Show" }
            }
        }
    }
}

fn table(hooks: &[Hook<'_>], part: usize) -> Markup {
    html! {
        div.scroll {
            table.list {
                thead { tr { th scope="col" { "Hook" } th scope="col" { "Handlers, in their order" } th.number scope="col" { "Number" } } }
                tbody {
                    @for hook in hooks.iter().skip(part.saturating_mul(PART)).take(PART) {
                        tr {
                            th scope="row" {
                                a href=(hook.path()) { code { (hook.phase) ":" (hook.action) } }
                                @if let Some(action) = catalogue().action(hook.action) { span.sub { (action.description) } }
                            }
                            td data-label="Handlers" {
                                @for (number, handler) in hook.handlers.iter().take(NAMED).enumerate() {
                                    @if number > 0 { " → " }
                                    (handler.extension.id)
                                }
                                @if hook.handlers.len() > NAMED { " → " span.faint { (hook.handlers.len() - NAMED) " more" } }
                                @if hook.handlers.is_empty() { span.faint { "none" } }
                            }
                            td.number data-label="Number" { (hook.handlers.len()) }
                        }
                    }
                }
            }
        }
    }
}

fn pager(query: &ListQuery, found: usize) -> Markup {
    let values =
        [("search", query.search.as_str()), ("phase", &query.phase), ("show", &query.show)];
    let parts = (query.part, found.div_ceil(PART));
    layout::pager(&format::count(found, "hook", "hooks"), parts, "/hooks", &values)
}

/// Shows one hook.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Path((phase, action)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let phase = Phase::from_name(&phase)
        .ok_or_else(|| Failure::unknown("a phase is `before` or `after`"))?;
    check_action(&action)
        .map_err(|message| ApiError::new(StatusCode::NOT_FOUND, "action.invalid", message))?;
    let snapshot = app.host.registry.snapshot_owned();
    let hook = Hook { phase, action: &action, handlers: snapshot.handlers(phase, &action) };
    let other = match phase {
        Phase::Before => Phase::After,
        Phase::After => Phase::Before,
    };
    let known = catalogue().action(&action);
    let body = html! {
        @if let Some(known) = known { p.lead { (known.description) } }
        @else { p.lead { "The catalogue does not know this action: it is a panel's own." } }
        div.actions {
            a.button.primary href=(layout::address("/fire", &[("action", &action), ("phase", &phase.to_string())])) { "Fire it" }
            a.button href=(layout::address("/journal", &[("action", &action), ("phase", &phase.to_string())])) { "Journal" }
            a.button href={ "/hooks/" (other) "/" (segment(&action)) } { (capital(other)) " the action" }
        }
        @if hook.handlers.is_empty() {
            (layout::empty("No extension handles this hook", &html! { p { "Every call of it proceeds as it is." } }))
        } @else {
            (order(&hook))
        }
    };
    let title = format!("{phase}:{action}");
    Ok(Area::Hooks.below(&app, &session, &title, &body))
}

fn capital(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "Before",
        Phase::After => "After",
    }
}

/// The handlers of a hook, round by round.
fn order(hook: &Hook<'_>) -> Markup {
    let rounds: BTreeSet<u8> = hook.handlers.iter().map(|handler| round(handler)).collect();
    html! {
        @for number in &rounds {
            @if rounds.len() > 1 || hook.phase == Phase::Before {
                h2 { @if *number == 1 && hook.phase == Phase::Before { "First: who may alter or skip" } @else { "Then: who sees what is decided" } }
            }
            ol.chain {
                @for handler in hook.handlers.iter().filter(|handler| round(handler) == *number) { (one(handler)) }
            }
        }
    }
}

fn one(handler: &Handler) -> Markup {
    let subscription = &handler.subscription;
    let limits = &handler.limits;
    let deadline = u64::try_from(limits.deadline.as_micros()).unwrap_or(u64::MAX);
    html! {
        li {
            div.who {
                a href={ "/extensions/" (segment(&handler.extension.id)) } { (handler.extension.id) }
                @for power in &handler.access.powers { " " (layout::badge(Tone::Info, &power.to_string())) }
                @if handler.access.powers.is_empty() { " " (layout::badge(Tone::Neutral, "only looks")) }
            }
            @if let Some(when) = &subscription.when { p { "Only when " code { (when) } } }
            p.faint {
                "Priority " (subscription.priority) " · by " code { (subscription.hook) }
                " · if it fails: " (handler.on_failure)
                " · " (format::short(limits.fuel)) " fuel, " (format::duration(deadline)) ", " (format::bytes(limits.memory_bytes))
                @if subscription.hook.phase == Phase::After {
                    " · after " @for (number, status) in subscription.statuses.iter().enumerate() { @if number > 0 { ", " } (status) }
                }
            }
        }
    }
}
