//! One hook call: its verdict, who decided what in which order, what changed, and what it took. Pure.

use maud::{Markup, html};

use super::layout::{self, segment};
use super::{diff, format};
use crate::hook::{Decision, LogLevel};
use crate::journal::{Entry, EntryProblem, EntryTrace};
use crate::view::Tone;

/// A verdict, as a badge.
pub(super) fn verdict(entry: &Entry) -> Markup {
    let (tone, word) = match entry.verdict {
        Decision::Deny => (Tone::Danger, "denied"),
        Decision::Skip => (Tone::Warning, "skipped"),
        Decision::Proceed if !entry.alterations.is_empty() => (Tone::Info, "altered"),
        Decision::Proceed => (Tone::Success, "proceeds"),
    };
    html! {
        (layout::badge(tone, word))
        @if entry.trace.iter().any(|trace| trace.fault.is_some()) { " " (layout::badge(Tone::Danger, "fault")) }
        @if entry.dry_run { " " (layout::badge(Tone::Neutral, "rehearsal")) }
    }
}

/// Draws a call in full.
pub(super) fn draw(entry: &Entry) -> Markup {
    html! {
        article.call {
            header {
                h2 { code { (entry.phase) ":" (entry.action) } " " (verdict(entry)) }
                p.faint {
                    (format::time(entry.time_ms)) " · " (format::duration(entry.duration_us))
                    @if let Some(status) = entry.status { " · the action " (status) }
                }
            }
            (facts(entry))
            @if entry.abridged {
                (layout::note(Tone::Warning, None, &html! { "This entry was too large: values, logs and long texts were left out of it." }))
            }
            (problems(&entry.problems))
            @if !entry.alterations.is_empty() {
                h3 { "What changed" }
                (diff::draw(&entry.params, &entry.alterations))
            }
            h3 { "Who decided what" }
            (chain(entry))
            (params(entry))
            @if let Some(result) = &entry.result {
                h3 { "Result" }
                pre tabindex="0" role="region" aria-label="Result" { code { (serde_json::to_string_pretty(result).unwrap_or_default()) } }
            }
        }
    }
}

fn facts(entry: &Entry) -> Markup {
    html! {
        dl.facts {
            dt { "Action" } dd { a href={ "/journal/" (segment(&entry.action_id)) } { code { (entry.action_id) } } }
            @if let Some(actor) = &entry.actor {
                dt { "By" }
                dd { (actor.kind) " " code { (actor.id) } @if let Some(role) = &actor.role { ", " (role) } }
            }
            @if let Some(object) = &entry.object {
                dt { "About" }
                dd { (object.kind) " " a href=(layout::address("/journal", &[("object", &object.id)])) { code { (object.id) } } }
            }
        }
    }
}

fn problems(problems: &[EntryProblem]) -> Markup {
    html! {
        @for problem in problems {
            (layout::note(Tone::Danger, problem.field.as_deref(), &html! {
                (format::prose(&problem.message)) " " span.faint { code { (problem.code) } " by " (problem.extension) }
            }))
        }
    }
}

fn chain(entry: &Entry) -> Markup {
    if entry.trace.is_empty() {
        return html! { p.faint { "No extension handles this hook." } };
    }
    let took: u64 = entry.trace.iter().map(|trace| trace.duration_us).sum();
    let whole = entry.duration_us.max(took).max(1) as f64;
    let most_fuel = entry.trace.iter().map(|trace| trace.fuel).max().unwrap_or(0).max(1) as f64;
    let mut begun = 0_u64;
    let steps: Vec<(u64, &EntryTrace)> = entry
        .trace
        .iter()
        .map(|trace| {
            let from = begun;
            begun += trace.duration_us;
            (from, trace)
        })
        .collect();
    html! {
        ol.chain {
            @for (from, trace) in steps {
                li {
                    div.who {
                        a href={ "/extensions/" (segment(&trace.extension)) } { (trace.extension) }
                        " " span.faint { (trace.version) } " " (outcome(trace))
                    }
                    @if let Some(reason) = &trace.reason { p { "“" (format::prose(reason)) "”" } }
                    div.bars {
                        (layout::bar(from as f64 / whole, trace.duration_us as f64 / whole, "when it ran"))
                        span { (format::duration(trace.duration_us)) }
                        (layout::bar(0.0, trace.fuel as f64 / most_fuel, "fuel"))
                        span { (format::short(trace.fuel)) " fuel" }
                        @if trace.memory_bytes > 0 { span.faint { (format::bytes(trace.memory_bytes)) } }
                    }
                    (told(trace))
                }
            }
        }
    }
}

fn outcome(trace: &EntryTrace) -> Markup {
    if let Some(fault) = &trace.fault {
        return layout::badge(Tone::Danger, &fault.code);
    }
    let word = trace.outcome.as_deref().unwrap_or("no outcome");
    let tone = match word {
        "deny" | "refused" => Tone::Danger,
        "skip" => Tone::Warning,
        "alter" => Tone::Info,
        _ => Tone::Neutral,
    };
    layout::badge(tone, word)
}

/// What a handler said and used.
fn told(trace: &EntryTrace) -> Markup {
    html! {
        @if let Some(fault) = &trace.fault {
            p.problem { (format::prose(&fault.message)) }
            @if !fault.backtrace.is_empty() {
                details {
                    summary { "Where, in the extension" }
                    pre tabindex="0" role="region" aria-label="Backtrace" { code { @for line in &fault.backtrace { (line) "\n" } } }
                }
            }
        }
        @if !trace.uses.is_empty() {
            p.faint {
                "Used " @for (number, used) in trace.uses.iter().enumerate() {
                    @if number > 0 { ", " }
                    code { (used.capability) " " (used.what) } " " (used.times) "×"
                    @if used.refused > 0 { span.danger { ", refused " (used.refused) "×" } }
                }
            }
        }
        @if !trace.log.is_empty() {
            details open[trace.log.len() <= 5] {
                summary { (format::count(trace.log.len(), "line", "lines")) " of log" }
                ul.log {
                    @for line in &trace.log { li class=(level(line.level)) { span.level { (level(line.level)) } " " (line.message) } }
                }
            }
        }
    }
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

fn params(entry: &Entry) -> Markup {
    html! {
        @if !entry.params.is_empty() {
            details open[entry.params.len() <= 12] {
                summary { (format::count(entry.params.len(), "parameter", "parameters")) " from the panel" }
                dl.facts {
                    @for (name, value) in &entry.params { dt { code { (name) } } dd { (format::value(value)) } }
                }
            }
        }
    }
}
