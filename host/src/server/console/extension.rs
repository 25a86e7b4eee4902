//! One extension: what it is, what it may do, its handlers and their limits; switching it and removing it.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::form::Form;
use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use super::sessions::Session;
use super::{extensions, overview};
use crate::conduct::Report;
use crate::extension::{Extension, State as ExtensionState};
use crate::host::now_ms;
use crate::locale::Locale;
use crate::server::admin::{self, ExtensionDetail};
use crate::server::error::ApiError;
use crate::server::extract::Path;
use crate::server::{App, AppState, changes};
use crate::view::Tone;

/// The pages of one extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    /// What it is.
    About,
    /// What it may do.
    Grants,
    /// How it is set.
    Settings,
}

/// Draws a page of an extension, under what all of its pages have in common.
pub(super) fn page(
    app: &App,
    session: &Session,
    extension: &Extension,
    tab: Tab,
    body: &Markup,
) -> Response {
    let base = format!("/extensions/{}", segment(&extension.id));
    let report = app.host.conduct.report(&extension.id, Instant::now());
    let asks = extension.manifest.asks.len();
    let tabs = [
        (Tab::About, "About".to_owned(), base.clone()),
        (Tab::Grants, format!("Grants {asks}"), format!("{base}/grants")),
        (Tab::Settings, "Settings".to_owned(), format!("{base}/settings")),
    ];
    let body = html! {
        p.under {
            code { (extension.id) } " " (extension.version) " " (extensions::state(extension, &report))
        }
        nav.tabs aria-label="About this extension" {
            @for (its, name, path) in &tabs {
                a href=(path) aria-current=[(*its == tab).then_some("page")] { (name) }
            }
            a href=(layout::address("/journal", &[("extension", &extension.id)])) { "Journal" }
        }
        (body)
    };
    Area::Extensions.below(app, session, &extension.manifest.name, &body)
}

/// Shows one extension.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let extension = app.host.registry.get(&id)?;
    let report = app.host.conduct.report(&extension.id, Instant::now());
    let detail = admin::detail(&app, &extension);
    let titles = app.host.page_titles(&extension, &Locale::fallback()).await;
    let body = html! {
        (warnings(&extension, &report))
        @if !detail.description.is_empty() { p.lead { (detail.description) } }
        (figures(&app, &extension, &report))
        (handlers(&detail))
        (shown(&extension, &titles))
        (facts(&detail))
        (switches(&session, &extension))
    };
    Ok(page(&app, &session, &extension, Tab::About, &body))
}

fn warnings(extension: &Extension, report: &Report) -> Markup {
    let grants = format!("/extensions/{}/grants", segment(&extension.id));
    html! {
        @if let Some(waiting) = &extension.waiting {
            (layout::note(Tone::Warning, None, &html! {
                "Version " (waiting.version) " is here and asks for more than is granted. Version "
                (extension.version) " goes on until you decide. " a href=(grants) { "Decide" }
            }))
        }
        @for bypassed in &report.bypassed {
            (layout::note(Tone::Danger, Some("Bypassed"), &html! {
                (format::prose(&overview::in_words(bypassed))) " – enabling it again ends that."
            }))
        }
        @if report.veto_alarm {
            (layout::note(Tone::Warning, None, &html! { "It denies more of its calls than it should." }))
        }
    }
}

fn figures(app: &App, extension: &Extension, report: &Report) -> Markup {
    let now = now_ms();
    let usage = app.host.journal.history.usage_of(&extension.id, now);
    let failed = if usage.faults > 0 { Tone::Danger } else { Tone::Neutral };
    html! {
        dl.stats {
            (layout::stat("Calls, last day", &format::number(usage.calls), None, Tone::Neutral))
            (layout::stat("Faults", &format::number(usage.faults), None, failed))
            (layout::stat("Running now", &report.running.to_string(), None, Tone::Neutral))
            @if usage.last_ms > 0 {
                (layout::stat("Last call", &format!("{} ago", format::span(now.saturating_sub(usage.last_ms))), None, Tone::Neutral))
            }
        }
    }
}

fn handlers(detail: &ExtensionDetail) -> Markup {
    let ms = |ms: u64| format::duration(ms.saturating_mul(1_000));
    let body = html! {
        div.scroll {
            table.list {
                thead {
                    tr {
                        th scope="col" { "Hook" }
                        th.number scope="col" { "Priority" }
                        th scope="col" { "May" }
                        th scope="col" { "If it fails" }
                        th.number scope="col" { "Fuel" }
                        th.number scope="col" { "Time" }
                        th.number scope="col" { "Memory" }
                    }
                }
                tbody {
                    @for handler in &detail.handlers {
                        tr {
                            th scope="row" {
                                a href=(hook_path(&handler.hook)) { code { (handler.hook) } }
                                @if let Some(when) = &handler.when { span.sub { "when " code { (when) } } }
                                @if !handler.alter.is_empty() { span.sub { "changes " (handler.alter.join(", ")) } }
                            }
                            td.number data-label="Priority" { (handler.priority) }
                            td data-label="May" {
                                @if handler.powers.is_empty() { span.faint { "only look" } }
                                @for power in &handler.powers { (layout::badge(Tone::Info, &power.to_string())) " " }
                            }
                            td data-label="If it fails" { (handler.on_failure) }
                            td.number data-label="Fuel" { (format::short(handler.fuel)) }
                            td.number data-label="Time" { (ms(handler.deadline_ms)) }
                            td.number data-label="Memory" { (format::bytes(handler.memory_bytes)) }
                        }
                    }
                    @if let Some(provider) = &detail.provider {
                        tr {
                            th scope="row" { "provides " code { (provider.provides) } }
                            td.number {}
                            td {}
                            td {}
                            td.number data-label="Fuel" { (format::short(provider.fuel)) }
                            td.number data-label="Time" { (ms(provider.deadline_ms)) }
                            td.number data-label="Memory" { (format::bytes(provider.memory_bytes)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if !detail.handlers.is_empty() || detail.provider.is_some() {
            (layout::card("Handlers", None, &body))
        }
    }
}

/// The page of the hook that a pattern names; of several, the list of those like it.
fn hook_path(hook: &str) -> String {
    match hook.split_once(':') {
        Some((phase, action)) if !action.contains('*') => {
            format!("/hooks/{phase}/{}", segment(action))
        }
        Some((phase, pattern)) => {
            let search = pattern.trim_end_matches(['*', '.']);
            layout::address("/hooks", &[("search", search), ("phase", phase)])
        }
        None => "/hooks".to_owned(),
    }
}

/// What it shows in the panel.
fn shown(extension: &Extension, titles: &[String]) -> Markup {
    let manifest = &extension.manifest;
    let to = |roles: &[String]| match roles.is_empty() {
        true => "who runs the panel".to_owned(),
        false => roles.join(", "),
    };
    let body = html! {
        div.scroll {
            table.list {
                thead { tr { th scope="col" { "Page" } th scope="col" { "Place" } th scope="col" { "For" } } }
                tbody {
                    @for (page, title) in manifest.pages.iter().zip(titles) {
                        tr {
                            th scope="row" { (title) span.sub { code { (page.id) } } }
                            td data-label="Place" {
                                code { (page.place.name()) }
                                @if let Some(kind) = &page.object { " of each " (kind) }
                            }
                            td data-label="For" { (to(&page.visible_to)) }
                        }
                    }
                    @for overlay in &manifest.overlays {
                        tr {
                            th scope="row" { "changes " code { (overlay.page) } span.sub { code { (overlay.id) } } }
                            td data-label="Place" { code { (overlay.place.name()) } }
                            td data-label="For" { (to(&overlay.visible_to)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if !manifest.pages.is_empty() || !manifest.overlays.is_empty() {
            (layout::card("Pages", None, &body))
        }
    }
}

fn facts(detail: &ExtensionDetail) -> Markup {
    let body = html! {
        dl.facts {
            dt { "Installed" } dd { (format::time(detail.summary.installed_ms)) }
            @if let Some(license) = &detail.license { dt { "Licence" } dd { (license) } }
            @if let Some(homepage) = &detail.homepage { dt { "Homepage" } dd { (outside(homepage)) } }
            dt { "SHA-256" } dd { code.wide { (detail.digest) } }
        }
    };
    layout::card("About", None, &body)
}

/// An address that an extension gave, as a link only if it is one of the web.
fn outside(address: &str) -> Markup {
    let web = url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    html! {
        @if web { a href=(address) target="_blank" rel="noopener noreferrer" { (address) } }
        @else { (address) }
    }
}

fn switches(session: &Session, extension: &Extension) -> Markup {
    let base = format!("/extensions/{}", segment(&extension.id));
    let (state, word) = match extension.state {
        ExtensionState::Enabled => ("disabled", "Disable"),
        ExtensionState::Disabled => ("enabled", "Enable"),
    };
    let again = extension.state == ExtensionState::Enabled;
    html! {
        div.actions {
            (layout::form(session, &format!("{base}/state"), None, &html! {
                button type="submit" name="state" value=(state) { (word) }
                @if again {
                    button type="submit" name="state" value="enabled" title="forgets how it behaved, so that it is bypassed no longer" { "Enable anew" }
                }
            }))
            a.button href="/install" { "Upgrade" }
            a.button.danger href={ (base) "/remove" } { "Remove" }
        }
    }
}

/// Switches an extension.
pub(super) async fn switch(
    State(app): AppState,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let state = match form.fields.get("state") {
        Some("enabled") => ExtensionState::Enabled,
        Some("disabled") => ExtensionState::Disabled,
        _ => return Err(ApiError::invalid("`state` must be `enabled` or `disabled`").into()),
    };
    let extension = changes::switch(&app, &id, state).await?;
    let message = match state {
        ExtensionState::Enabled => "Its handlers run.",
        ExtensionState::Disabled => "Its handlers no longer run.",
    };
    app.console.say(&form.session, Tone::Success, message);
    Ok(Redirect::to(&format!("/extensions/{}", segment(&extension.id))).into_response())
}

/// Asks whether an extension is to be removed.
pub(super) async fn ask_removal(
    State(app): AppState,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let extension = app.host.registry.get(&id)?;
    let base = format!("/extensions/{}", segment(&extension.id));
    let body = html! {
        (layout::note(Tone::Danger, None, &html! {
            "Removing " strong { (extension.manifest.name) } " also removes its settings, its grants and all that it keeps. That cannot be undone."
        }))
        (layout::form(&session, &format!("{base}/remove"), None, &html! {
            div.actions {
                button.danger type="submit" { "Remove " (extension.id) }
                a.button href=(base) { "Keep it" }
            }
        }))
    };
    Ok(page(&app, &session, &extension, Tab::About, &body))
}

/// Removes an extension.
pub(super) async fn remove(
    State(app): AppState,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let removed = changes::remove(&app, &id).await?;
    app.console.say(&form.session, Tone::Success, &format!("{} is removed.", removed.id));
    Ok(Redirect::to("/extensions").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_leads_to_the_hooks_that_it_matches() {
        assert_eq!(hook_path("before:mailbox.create"), "/hooks/before/mailbox.create");
        assert_eq!(hook_path("after:site.*"), "/hooks?search=site&phase=after");
        assert_eq!(hook_path("after:*"), "/hooks?phase=after");
    }

    #[test]
    fn only_addresses_of_the_web_are_links() {
        assert!(outside("https://example.com/x").into_string().contains("<a "));
        assert!(!outside("javascript:alert(1)").into_string().contains("<a "));
    }
}
