//! What happens at a glance: figures, charts of the last hour or day, what failed, and what waits for a decision.

use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use super::{chart, format};
use crate::conduct::Bypassed;
use crate::extension::State as ExtensionState;
use crate::history::{Figures, MINUTES, Part, RecentFault};
use crate::host::now_ms;
use crate::server::extract::Query;
use crate::server::{App, AppState};
use crate::view::{Chart, ChartKind, Series, Tone};

/// Faults that are shown.
const SHOWN_FAULTS: usize = 8;
/// Things to decide that are shown.
const SHOWN_OPEN: usize = 8;

/// How far back to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    #[default]
    Hour,
    Day,
}

/// What of the overview is asked for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OverviewQuery {
    #[serde(default)]
    span: Span,
}

impl Span {
    fn minutes(self) -> u64 {
        match self {
            Self::Hour => 60,
            Self::Day => MINUTES,
        }
    }

    /// Minutes of one point of a chart.
    fn step(self) -> u64 {
        match self {
            Self::Hour => 1,
            Self::Day => 30,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// Something that an operator is to look after.
struct Open {
    id: String,
    what: &'static str,
    detail: String,
    path: String,
    tone: Tone,
}

/// Shows the overview.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Query(query): Query<OverviewQuery>,
) -> Result<Response, Failure> {
    let now = now_ms();
    let span = query.span;
    let history = &app.host.journal.history;
    let sum = history.last(now, span.minutes());
    let parts = history.parts(now, span.minutes() / span.step(), span.step());
    let snapshot = app.host.registry.snapshot_owned();
    let installed = snapshot.extensions.len();
    let body = html! {
        @if installed == 0 { (welcome()) }
        div.toolbar {
            nav.segments aria-label="How far back" {
                @for choice in [Span::Hour, Span::Day] {
                    @let current = (choice == span).then_some("true");
                    a href=(layout::address("/", &[("span", choice.name())])) aria-current=[current] {
                        "Last " (choice.name())
                    }
                }
            }
            span.faint { "Rehearsals are not counted." }
        }
        (tiles(&sum, span))
        @if sum.calls() > 0 { (charts(&parts, span)) }
        @else if installed > 0 { (layout::empty(&format!("No calls in the last {}", span.name()), &html! { p { a href="/fire" { "Fire one" } " to see what extensions make of it." } })) }
        div.columns {
            (open(&to_decide(&app)))
            (faults(&history.faults(), now))
        }
        (facts(&app, installed))
    };
    Ok(Area::Overview.page(&app, &session, &body))
}

fn welcome() -> Markup {
    layout::empty(
        "No extension is installed yet",
        &html! {
            p {
                "An extension is one file: a WebAssembly component with its manifest. "
                "Panels can call this host already; without an extension every action proceeds."
            }
            p { a.button.primary href="/install" { "Install an extension" } }
        },
    )
}

fn tiles(sum: &Figures, span: Span) -> Markup {
    let calls = sum.calls();
    let share = |part: u64| match calls {
        0 => None,
        calls => Some(format!("{:.1}\u{202f}%", part as f64 / calls as f64 * 100.0)),
    };
    let time = |share| {
        sum.quantile_us(share).map_or_else(|| "–".to_owned(), |us| format::duration(us as u64))
    };
    let rate = calls as f64 / span.minutes() as f64;
    let toned = |number: u64, tone| if number > 0 { tone } else { Tone::Neutral };
    html! {
        dl.stats {
            (layout::stat("Calls", &format::number(calls), Some(&format!("{rate:.1} a minute")), Tone::Neutral))
            (layout::stat("Denied", &format::number(sum.denied), share(sum.denied).as_deref(), toned(sum.denied, Tone::Info)))
            (layout::stat("Skipped", &format::number(sum.skipped), share(sum.skipped).as_deref(), Tone::Neutral))
            (layout::stat("Faults", &format::number(sum.faults), None, toned(sum.faults, Tone::Danger)))
            (layout::stat("Half within", &time(0.5), Some("p50"), Tone::Neutral))
            (layout::stat("Nearly all within", &time(0.99), Some("p99"), Tone::Neutral))
            (layout::stat("Fuel", &format::short(sum.fuel), None, Tone::Neutral))
        }
    }
}

fn charts(parts: &[Part], span: Span) -> Markup {
    let series = |label: &str, value: fn(&Figures) -> Option<f64>| Series {
        label: label.to_owned(),
        points: parts
            .iter()
            .filter_map(|part| Some((format::local_ms(part.begin_ms), value(&part.figures)?)))
            .collect(),
    };
    let chart = |kind, unit: &str, series| Chart {
        kind,
        over_time: true,
        unit: Some(unit.to_owned()),
        series,
    };
    let calls = chart(
        ChartKind::Stacked,
        "calls",
        vec![
            series("proceeded", |figures| Some(figures.proceeded as f64)),
            series("skipped", |figures| Some(figures.skipped as f64)),
            series("denied", |figures| Some(figures.denied as f64)),
        ],
    );
    let latency = chart(
        ChartKind::Line,
        "ms",
        vec![
            series("p50", |figures| figures.quantile_us(0.5).map(|us| us / 1e3)),
            series("p99", |figures| figures.quantile_us(0.99).map(|us| us / 1e3)),
        ],
    );
    let fuel =
        chart(ChartKind::Line, "units", vec![series("fuel", |figures| Some(figures.fuel as f64))]);
    let each = match span {
        Span::Hour => "each minute",
        Span::Day => "each half hour",
    };
    html! {
        div.charts {
            (layout::card("Calls by verdict", Some(&html! { span.faint { (each) } }), &chart::draw("Calls by verdict", &calls)))
            (layout::card("Time to decide", None, &chart::draw("Time to decide", &latency)))
            (layout::card("Fuel", None, &chart::draw("Fuel", &fuel)))
        }
    }
}

/// What waits for an operator.
fn to_decide(app: &App) -> Vec<Open> {
    let now = Instant::now();
    let mut found = Vec::new();
    for extension in app.host.registry.snapshot_owned().extensions.values() {
        let id = extension.id.to_string();
        let path = format!("/extensions/{}", segment(&id));
        if let Some(waiting) = &extension.waiting {
            found.push(Open {
                id: id.clone(),
                what: "asks for more",
                detail: format!("version {} waits for what it asks for", waiting.version),
                path: format!("{path}/grants"),
                tone: Tone::Warning,
            });
        }
        if extension.state == ExtensionState::Disabled {
            continue;
        }
        let report = app.host.conduct.report(&extension.id, now);
        found.extend(report.bypassed.iter().map(|bypassed| Open {
            id: id.clone(),
            what: "bypassed",
            detail: in_words(bypassed),
            path: path.clone(),
            tone: Tone::Danger,
        }));
        if report.veto_alarm && report.bypassed.is_empty() {
            found.push(Open {
                id,
                what: "denies much",
                detail: "it denies more of its calls than it should".into(),
                path,
                tone: Tone::Warning,
            });
        }
    }
    found
}

/// What is bypassed, why and for how long.
pub(super) fn in_words(bypassed: &Bypassed) -> String {
    let on = bypassed.hook.as_ref().map_or_else(String::new, |hook| format!("on {hook} "));
    let left = u64::try_from(bypassed.remaining.as_millis()).unwrap_or(u64::MAX);
    format!("{on}for {} more: {}", format::span(left), bypassed.reason)
}

fn open(found: &[Open]) -> Markup {
    let body = html! {
        @if found.is_empty() {
            (layout::empty("Nothing waits for you", &html! {
                p { "Versions that ask for more, and extensions that are kept from running, would stand here." }
            }))
        } @else {
            ul.lines {
                @for item in found.iter().take(SHOWN_OPEN) {
                    li {
                        div { a href=(item.path) { (item.id) } " " (layout::badge(item.tone, item.what)) }
                        p.faint { (format::prose(&item.detail)) }
                    }
                }
            }
            @if found.len() > SHOWN_OPEN {
                p.more { a href="/extensions?state=open" { "All " (found.len()) } }
            }
        }
    };
    layout::card("To decide", None, &body)
}

fn faults(faults: &[RecentFault], now: u64) -> Markup {
    let body = html! {
        @if faults.is_empty() {
            (layout::empty("No faults", &html! { p { "No handler failed since the host was started." } }))
        } @else {
            ul.lines {
                @for fault in faults.iter().take(SHOWN_FAULTS) {
                    li {
                        div {
                            a href={ "/journal/" (segment(&fault.action_id)) } { (fault.extension) }
                            " " (layout::badge(Tone::Danger, fault.code)) " "
                            span.faint { (format::ago(fault.time_ms, now)) }
                        }
                        p.faint { code { (fault.action) } " " (format::prose(&fault.message)) }
                    }
                }
            }
            p.more { a href="/journal?faults=true" { "All faults in the journal" } }
        }
    };
    layout::card("Recent faults", None, &body)
}

fn facts(app: &App, installed: usize) -> Markup {
    let snapshot = app.host.registry.snapshot_owned();
    let enabled = snapshot
        .extensions
        .values()
        .filter(|extension| extension.state == ExtensionState::Enabled)
        .count();
    let dropped = app.host.journal.dropped();
    let aside = html! { a href="/about" { "More" } };
    let body = html! {
        dl.facts {
            dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            dt { "Panel" }
            dd { (app.shown_config.panel.map_or_else(|| "any".to_owned(), |panel| panel.to_string())) }
            dt { "Extensions" } dd { (format::number(installed as u64)) ", " (format::number(enabled as u64)) " enabled" }
            dt { "Store" } dd { (format::bytes(app.host.storage.size())) }
            dt { "Writes" }
            dd { (layout::writes(app)) }
            @if dropped > 0 {
                dt { "Journal" } dd { (layout::badge(Tone::Warning, &format!("{} entries dropped", format::number(dropped)))) }
            }
        }
    };
    layout::card("This host", Some(&aside), &body)
}
