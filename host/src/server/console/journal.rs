//! What happened: calls and their verdicts, filtered, in parts; and one action with its calls in full.

use axum::extract::State;
use axum::response::Response;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use super::{call, format};
use crate::hook::{Decision, Phase};
use crate::journal::{Entry, Faults, Filter, Found, Position, Search};
use crate::server::AppState;
use crate::server::error::ApiError;
use crate::server::extract::{Path, Query};

/// Entries of one part of the list.
const PART: usize = 50;
/// Entries that are looked at for one part.
const LOOK: usize = 50_000;
/// Calls of one action that are shown.
const MAX_CALLS: usize = 100;

/// Which entries to list. Everything is text, since it comes of a form whose fields may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    extension: String,
    action: String,
    phase: String,
    verdict: String,
    object: String,
    faults: String,
    since: String,
    until: String,
    before: String,
}

impl ListQuery {
    /// What it asks the journal for.
    fn filter(&self) -> Result<Filter, ApiError> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Filter {
            action: text(&self.action),
            phase: Phase::from_name(&self.phase),
            verdict: match self.verdict.as_str() {
                "proceed" => Some(Decision::Proceed),
                "skip" => Some(Decision::Skip),
                "deny" => Some(Decision::Deny),
                _ => None,
            },
            extension: text(&self.extension),
            faults: (self.faults == "true").then_some(Faults::Only),
            since_ms: moment("since", &self.since)?,
            until_ms: moment("until", &self.until)?,
            // A kind in front of the identifier is how objects are written elsewhere.
            object_id: text(&self.object),
            action_id: None,
        })
    }

    fn is_empty(&self) -> bool {
        self.pairs().iter().all(|(_, value)| value.is_empty())
    }

    fn pairs(&self) -> [(&'static str, &str); 8] {
        [
            ("extension", &self.extension),
            ("action", &self.action),
            ("phase", &self.phase),
            ("verdict", &self.verdict),
            ("object", &self.object),
            ("faults", &self.faults),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }

    /// The address of the part that begins before a position.
    fn part(&self, before: Option<Position>) -> String {
        let before = before.map(|before| before.to_string()).unwrap_or_default();
        let pairs = self.pairs().into_iter().chain([("before", before.as_str())]);
        layout::address("/journal", &pairs.collect::<Vec<_>>())
    }
}

/// A moment as a browser sends it, in the machine's time zone.
fn moment(name: &str, text: &str) -> Result<Option<u64>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let parsed = text.trim().parse::<DateTime>().ok();
    let zoned = parsed.and_then(|moment| moment.to_zoned(TimeZone::system()).ok());
    let ms = zoned.and_then(|zoned| u64::try_from(zoned.timestamp().as_millisecond()).ok());
    ms.map(Some).ok_or_else(|| {
        ApiError::invalid(format!(
            "`{name}` is no moment such as `2026-11-24T10:00`: `{}`",
            crate::suggest::shown(text)
        ))
    })
}

/// Lists calls, newest first.
pub(super) async fn list(
    State(app): AppState,
    Signed(session): Signed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Failure> {
    let before = match query.before.as_str() {
        "" => None,
        text => Some(Position::parse(text).ok_or_else(|| {
            ApiError::invalid(format!("`before` is no place: `{}`", crate::suggest::shown(text)))
        })?),
    };
    let filter = query.filter()?;
    let search = Search { filter, before, after: None, limit: PART, look: Some(LOOK) };
    let found = app.host.journal.search(search).await?;
    let body = html! {
        (toolbar(&query))
        @if found.entries.is_empty() { (nothing(&query, &found)) }
        @else { (table(&found)) }
        nav.pager aria-label="Parts of the journal" {
            @if before.is_some() { a href=(query.part(None)) { "Newest" } }
            @if let Some(next) = found.next { a href=(query.part(Some(next))) rel="next" { "Older →" } }
        }
    };
    Ok(Area::Journal.page(&app, &session, &body))
}

fn nothing(query: &ListQuery, found: &Found) -> Markup {
    match (found.next, query.is_empty()) {
        (Some(_), _) => layout::empty(
            "Nothing like that among the newest entries",
            &html! { p { "Go on with the older ones." } },
        ),
        (None, true) => layout::empty(
            "Nothing happened yet",
            &html! { p { "Each call of a panel is kept here with its verdict. " a href="/fire" { "Fire one" } " to see how it looks." } },
        ),
        (None, false) => {
            layout::empty("No call is like that", &html! { p { a href="/journal" { "Show all" } } })
        }
    }
}

fn toolbar(query: &ListQuery) -> Markup {
    let phases = [("", "Both"), ("before", "Before"), ("after", "After")];
    let verdicts = [("", "Any"), ("proceed", "Proceeds"), ("skip", "Skipped"), ("deny", "Denied")];
    let field = |name: &str, label: &str, kind: &str, value: &str, example: &str| {
        html! {
            label.field.filter {
                span { (label) }
                input type=(kind) name=(name) value=(value) placeholder=[Some(example).filter(|example| !example.is_empty())] data-search[name == "extension"];
            }
        }
    };
    html! {
        div.toolbar {
            form method="get" action="/journal" role="search" {
                (field("extension", "Extension", "search", &query.extension, "identifier"))
                (field("action", "Action", "search", &query.action, "mailbox.create"))
                (field("object", "Object", "search", &query.object, "example.com"))
                (layout::select("phase", "Phase", &phases, &query.phase))
                (layout::select("verdict", "Verdict", &verdicts, &query.verdict))
                (field("since", "Since", "datetime-local", &query.since, ""))
                (field("until", "Until", "datetime-local", &query.until, ""))
                label.toggle { input type="checkbox" name="faults" value="true" checked[query.faults == "true"]; span { "With faults" } }
                button type="submit" { "Show" }
                @if !query.is_empty() { a.button.quiet href="/journal" { "Clear" } }
            }
        }
    }
}

fn table(found: &Found) -> Markup {
    html! {
        div.scroll {
            table.list.calls {
                (head())
                tbody { @for (position, entry) in &found.entries { (row(*position, entry)) } }
            }
        }
    }
}

/// The heads of a list of calls.
pub(super) fn head() -> Markup {
    html! {
        thead {
            tr {
                th scope="col" { "When" }
                th scope="col" { "Hook" }
                th scope="col" { "Verdict" }
                th scope="col" { "About" }
                th scope="col" { "By" }
                th.number scope="col" { "Took" }
            }
        }
    }
}

/// One call in a list.
pub(super) fn row(position: Position, entry: &Entry) -> Markup {
    let who = entry
        .problems
        .first()
        .map(|problem| problem.extension.as_str())
        .or_else(|| entry.alterations.first().map(|alteration| alteration.extension.as_str()));
    html! {
        tr data-position=(position) {
            td.when data-label="When" { (format::time(entry.time_ms)) }
            th scope="row" {
                a href={ "/journal/" (segment(&entry.action_id)) } { code { (entry.phase) ":" (entry.action) } }
                @if let Some(problem) = entry.problems.first() { span.sub { (format::prose(&problem.message)) } }
            }
            td data-label="Verdict" {
                (call::verdict(entry))
                @if let Some(who) = who { " " span.faint { "by " (who) } }
            }
            td data-label="About" {
                @if let Some(object) = &entry.object { (object.kind) " " code { (object.id) } }
            }
            td data-label="By" { @if let Some(actor) = &entry.actor { (actor.id) } }
            td.number data-label="Took" { (format::duration(entry.duration_us)) }
        }
    }
}

/// Shows the calls of one action: before it and after it.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Path(action_id): Path<String>,
) -> Result<Response, Failure> {
    let filter = Filter { action_id: Some(action_id.clone()), ..Filter::default() };
    let mut entries = app.host.journal.list(filter, MAX_CALLS).await?;
    let Some(newest) = entries.first() else {
        let shown = crate::suggest::shown(&action_id);
        return Err(Failure::unknown(format!("the journal has no action `{shown}`")));
    };
    let title = newest.action.clone();
    entries.reverse();
    let body = html! {
        @for entry in &entries { (call::draw(entry)) }
    };
    Ok(Area::Journal.below(&app, &session, &title, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_empty_filter_nothing() {
        let filter = ListQuery::default().filter().unwrap();
        assert!(filter.action.is_none() && filter.since_ms.is_none() && filter.faults.is_none());
        assert!(ListQuery::default().is_empty());
    }

    #[test]
    fn a_moment_is_read_as_a_browser_sends_it() {
        let earlier = moment("since", "2026-11-24T10:00").unwrap().unwrap();
        let later = moment("since", "2026-11-24T10:01:30").unwrap().unwrap();
        assert_eq!(later - earlier, 90_000);
        assert_eq!(moment("since", " ").unwrap(), None);
        let error = moment("since", "yesterday").unwrap_err();
        assert!(error.detail().message.starts_with("`since` is no moment"));
    }

    #[test]
    fn the_next_part_keeps_the_filter() {
        let query = ListQuery { action: "a.b".into(), ..ListQuery::default() };
        let part = query.part(Position::parse("7.2"));
        assert_eq!(part, "/journal?action=a.b&before=7.2");
    }
}
