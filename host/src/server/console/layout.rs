//! What lies around every page of the console, and the small parts that pages are made of. No I/O.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::sessions::Session;
pub(super) use crate::gui::draw::segment;
use crate::gui::draw::{asset, prose};
use crate::server::App;
use crate::server::error::ApiError;
use crate::view::Tone;

/// The parts of the console, in the order of its navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Area {
    /// What happens, at a glance.
    Overview,
    /// What is installed.
    Extensions,
    /// Which handlers an action has.
    Hooks,
    /// What happened.
    Journal,
    /// What happens now.
    Live,
    /// Simulating a call.
    Fire,
    /// The host itself.
    About,
}

impl Area {
    const ALL: [Self; 7] = [
        Self::Overview,
        Self::Extensions,
        Self::Hooks,
        Self::Journal,
        Self::Live,
        Self::Fire,
        Self::About,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Extensions => "Extensions",
            Self::Hooks => "Hooks",
            Self::Journal => "Journal",
            Self::Live => "Live",
            Self::Fire => "Fire",
            Self::About => "Host",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Extensions => "/extensions",
            Self::Hooks => "/hooks",
            Self::Journal => "/journal",
            Self::Live => "/live",
            Self::Fire => "/fire",
            Self::About => "/about",
        }
    }

    /// The key that leads to it, after `g`.
    fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Extensions => "e",
            Self::Hooks => "h",
            Self::Journal => "j",
            Self::Live => "l",
            Self::Fire => "f",
            Self::About => "a",
        }
    }

    /// The lines of its icon, in a square of 24.
    fn icon(self) -> &'static str {
        match self {
            Self::Overview => "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
            Self::Extensions => "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
            Self::Hooks => "M6 4v9a6 6 0 0 0 12 0v-3m0 0l-3 3m3-3l3 3M6 4h0",
            Self::Journal => "M5 4h14v16H5zM9 9h6M9 13h6M9 17h3",
            Self::Live => "M3 12h4l3-8 4 16 3-8h4",
            Self::Fire => "M13 3L5 14h6l-1 7 8-11h-6z",
            Self::About => "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
        }
    }
}

/// What lies around a page.
pub(super) struct Frame<'a> {
    /// The part of the console that it belongs to.
    pub(super) area: Option<Area>,
    /// Its heading, and the title of the window.
    pub(super) title: &'a str,
    /// What leads back to where it belongs: address and words.
    pub(super) above: Option<(&'a str, &'a str)>,
    /// Who is signed in.
    pub(super) session: &'a Session,
    /// What is said above the page.
    pub(super) message: Option<(Tone, String)>,
}

impl Area {
    /// The page of this part itself.
    pub(super) fn page(self, app: &App, session: &Session, body: &Markup) -> Response {
        let message = app.console.said(session);
        let title = self.name();
        page(&Frame { area: Some(self), title, above: None, session, message }, body)
    }

    /// A page that stands below it.
    pub(super) fn below(
        self,
        app: &App,
        session: &Session,
        title: &str,
        body: &Markup,
    ) -> Response {
        let message = app.console.said(session);
        let above = Some((self.path(), self.name()));
        page(&Frame { area: Some(self), title, above, session, message }, body)
    }
}

/// A page of the console.
pub(super) fn page(frame: &Frame<'_>, body: &Markup) -> Response {
    let inside = html! {
        a.skip href="#main" { "Skip to the content" }
        div.shell {
            header.side {
                a.brand href="/" { (mark()) span { "Palisade" } }
                nav aria-label="Console" {
                    ul {
                        @for area in Area::ALL {
                            @let current = (frame.area == Some(area)).then_some("page");
                            li {
                                a href=(area.path()) aria-current=[current] data-key=(area.key()) {
                                    (icon(area.icon())) span { (area.name()) }
                                }
                            }
                        }
                    }
                }
                (form(frame.session, "/sign-out", None, &html! {
                    button.quiet type="submit" { "Sign out" }
                }))
            }
            main #main tabindex="-1" {
                @if let Some((path, name)) = frame.above {
                    nav.above aria-label="Above" { a href=(path) { "← " (name) } }
                }
                h1 { (frame.title) }
                @if let Some((tone, message)) = &frame.message {
                    (note(*tone, None, &html! { (message) }))
                }
                (body)
            }
        }
    };
    document(StatusCode::OK, frame.title, &inside)
}

/// A document for whoever is not signed in.
pub(super) fn bare(status: StatusCode, title: &str, body: &Markup) -> Response {
    let inside = html! {
        main.bare #main {
            div.brand { (mark()) span { "Palisade" } }
            (body)
        }
    };
    document(status, title, &inside)
}

fn document(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Palisade" }
                link rel="icon" type="image/svg+xml" href=(asset("palisade.svg"));
                link rel="stylesheet" href=(asset("console.css"));
                script src=(asset("console.js")) defer {}
            }
            body { (body) }
        }
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], page.into_string()).into_response()
}

/// The mark of the program.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            path d="M3 21V8l3-4 3 4v13zM9 21V8l3-4 3 4v13zM15 21V8l3-4 3 4v13z" {}
            path.rail d="M2 12h20M2 17h20" {}
        }
    }
}

fn icon(lines: &str) -> Markup {
    html! {
        svg.icon viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" { path d=(lines) {} }
    }
}

/// A form that is sent as it is, with what no other site knows.
pub(super) fn form(session: &Session, action: &str, class: Option<&str>, body: &Markup) -> Markup {
    html! {
        form method="post" action=(action) class=[class] {
            (token(session))
            (body)
        }
    }
}

/// What no other site knows, for a form.
pub(super) fn token(session: &Session) -> Markup {
    html! { input type="hidden" name=(super::form::TOKEN) value=(session.token); }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Info => "info",
        Tone::Success => "good",
        Tone::Warning => "warning",
        Tone::Danger => "danger",
    }
}

/// A word with a tone.
pub(super) fn badge(tone: Tone, word: &str) -> Markup {
    html! { span class={ "badge " (tone_class(tone)) } { (word) } }
}

/// A message with a tone.
pub(super) fn note(tone: Tone, title: Option<&str>, body: &Markup) -> Markup {
    let role = if matches!(tone, Tone::Danger | Tone::Warning) { "alert" } else { "status" };
    html! {
        div class={ "note " (tone_class(tone)) } role=(role) {
            @if let Some(title) = title { strong { (title) } " " }
            (body)
        }
    }
}

/// What is said above a form whose request was refused.
pub(super) fn refusal(title: &str, problem: &ApiError) -> Markup {
    let detail = problem.detail();
    note(
        Tone::Danger,
        Some(title),
        &html! {
            (prose(&detail.message))
            @if let Some(hint) = &detail.hint { " – " (prose(hint)) }
        },
    )
}

/// Whether writes reach the disk, as a badge.
pub(super) fn writes(app: &App) -> Markup {
    match app.host.storage.is_healthy() {
        true => badge(Tone::Success, "durable"),
        false => badge(Tone::Danger, "failed: restart the host"),
    }
}

/// What is said where there is nothing to show.
pub(super) fn empty(title: &str, body: &Markup) -> Markup {
    html! { div.empty { p.title { (title) } (body) } }
}

/// A box with a heading.
pub(super) fn card(title: &str, aside: Option<&Markup>, body: &Markup) -> Markup {
    html! {
        section.card {
            header { h2 { (title) } @if let Some(aside) = aside { div.aside { (aside) } } }
            (body)
        }
    }
}

/// A number to look at.
pub(super) fn stat(label: &str, value: &str, aside: Option<&str>, tone: Tone) -> Markup {
    html! {
        div class={ "stat " (tone_class(tone)) } {
            dt { (label) }
            dd { span.value { (value) } @if let Some(aside) = aside { span.aside { (aside) } } }
        }
    }
}

/// How much of a whole something is, as a bar that begins at `from`; both as shares of 1.
pub(super) fn bar(from: f64, share: f64, label: &str) -> Markup {
    let percent = |share: f64| format!("{:.2}%", share.clamp(0.0, 1.0) * 100.0);
    html! {
        svg.bar width="100%" height="8" role="img" aria-label=(label) {
            rect.whole width="100%" height="8" rx="4" {}
            rect.part x=(percent(from)) width=(percent(share.max(0.004))) height="8" rx="3" {}
        }
    }
}

/// The address of a page with these values behind the `?`; those that are empty are left out.
pub(super) fn address(path: &str, values: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(values.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The parts of a list: which one is shown of how many, and links to those beside it, which keep these values.
pub(super) fn pager(
    found: &str,
    (part, parts): (usize, usize),
    path: &str,
    values: &[(&str, &str)],
) -> Markup {
    let to = |part: usize| {
        let part = if part == 0 { String::new() } else { part.to_string() };
        address(path, &[values, &[("part", &part)]].concat())
    };
    html! {
        nav.pager aria-label="Parts of the list" {
            span.faint { (found) }
            @if parts > 1 {
                @if part > 0 { a href=(to(part - 1)) rel="prev" { "← Before" } }
                span { "Part " (part.saturating_add(1)) " of " (parts) }
                @if part.saturating_add(1) < parts { a href=(to(part + 1)) rel="next" { "Next →" } }
            }
        }
    }
}

/// A choice of one of several values, which goes into the query of a page.
pub(super) fn select(name: &str, label: &str, choices: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        label.field {
            span { (label) }
            select name=(name) {
                @for (value, words) in choices {
                    option value=(value) selected[*value == chosen] { (words) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_values_escaped_and_no_empty_ones() {
        assert_eq!(address("/journal", &[("a", "x y&z"), ("b", "")]), "/journal?a=x+y%26z");
        assert_eq!(address("/journal", &[("b", "")]), "/journal");
    }

    #[test]
    fn a_foreign_text_is_text() {
        let drawn = note(Tone::Danger, Some("<b>"), &html! { ("<script>") }).into_string();
        assert!(drawn.contains("&lt;b&gt;") && drawn.contains("&lt;script&gt;"), "{drawn}");
    }

    #[test]
    fn a_bar_stays_within_its_whole() {
        let drawn = bar(1.5, 7.0, "x").into_string();
        assert!(drawn.contains("x=\"100.00%\"") && drawn.contains("width=\"100.00%\""), "{drawn}");
    }
}
