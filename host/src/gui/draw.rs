//! Pages as HTML. Every text is escaped by construction: only what this module writes itself is markup. No I/O.

mod asset;
mod button;
mod cell;
mod chart;
mod condition;
mod control;
mod form;
mod icon;
mod layout;
mod links;
mod listing;
mod markdown;
mod part;
mod pattern;
mod pen;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, html};

pub use self::asset::{asset, asset_bytes};
use self::cell::{cell, text_of};
pub use self::chart::chart;
use self::form::form;
use self::icon::icon;
pub use self::links::segment;
use self::listing::listing;
use self::markdown::markdown;
pub use self::part::prose;
use self::part::{message, unseen};
pub use self::pen::{Level, Pen, Post};
use crate::gui::session::Mode;
use crate::gui::words::Words;
use crate::hook::{ObjectRef, Params};
use crate::view::{FieldProblem, Tone, View, Window};

/// Where a drawn page leads to.
#[derive(Debug, Clone)]
pub struct Links {
    /// What the addresses of the session begin with, such as `/s/ID`.
    pub base: String,
    /// The extension.
    pub extension: String,
    /// The page.
    pub page: String,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// The rows that were chosen, as they were signed.
    pub rows: Vec<String>,
    /// Where the panel's own pages are, by name.
    pub panel_pages: BTreeMap<String, String>,
}

/// A page to draw.
#[derive(Debug)]
pub struct Drawing<'a> {
    /// The page, with its rows and forms signed.
    pub view: &'a View,
    /// The reader's words.
    pub words: &'a Words,
    /// Where it leads to.
    pub links: &'a Links,
    /// Which part of a list is shown.
    pub window: &'a Window,
    /// What goes into every form, against requests that other sites forge.
    pub token: &'a str,
    /// What was entered before, in place of the values of the form.
    pub entered: Option<&'a Params>,
    /// What was wrong with it.
    pub problems: &'a [FieldProblem],
    /// What is said above the page.
    pub message: Option<(Tone, &'a str)>,
}

/// What lies around a page.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The title of the window.
    pub title: &'a str,
    /// The reader's words.
    pub words: &'a Words,
    /// Light or dark.
    pub mode: Mode,
    /// Style sheets, beside the host's own.
    pub styles: &'a [String],
}

/// What is said instead of a page.
#[derive(Debug)]
pub struct Failure<'a> {
    /// The status of the answer.
    pub status: u16,
    /// What happened, in a few words.
    pub title: &'a str,
    /// What happened.
    pub message: &'a str,
    /// What can be done.
    pub hint: Option<&'a str>,
    /// What the journal has the request under.
    pub request: Option<&'a str>,
}

/// Draws what is inside a page.
pub fn view(drawing: &Drawing<'_>) -> Markup {
    let mut pen = Pen::new(drawing.words);
    pen.links = Some(drawing.links);
    pen.window = Some(drawing.window);
    pen.post = Some(Post {
        action: drawing.links.shown(drawing.window),
        token: drawing.token,
        entered: drawing.entered,
        problems: drawing.problems,
    });
    html! {
        @if let Some((tone, text)) = drawing.message { (message(&pen, tone, text)) }
        @match drawing.view {
            View::Form(its) => (form(&pen, its, Level::PAGE)),
            View::Listing(its) => (listing(&pen, its, Level::PAGE)),
            View::Dashboard(its) => (layout::dashboard(&pen, its, Level::PAGE)),
            View::Layout(its) => (layout::layout(&pen, its, Level::PAGE)),
        }
    }
}

/// Draws a whole document around something.
pub fn document(frame: &Frame<'_>, body: &Markup) -> Markup {
    let words = frame.words;
    let theme = match frame.mode {
        Mode::Auto => None,
        Mode::Light => Some("light"),
        Mode::Dark => Some("dark"),
    };
    html! {
        (DOCTYPE)
        html lang=(words.tag()) dir=(words.direction()) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (frame.title) }
                link rel="icon" type="image/svg+xml" href=(asset("palisade.svg"));
                link rel="stylesheet" href=(asset("palisade.css"));
                @for style in frame.styles { link rel="stylesheet" href=(style); }
                script src=(asset("palisade.js")) defer {}
            }
            body {
                a.skip href="#content" { (words.get("skip-to-content")) }
                main id="content" tabindex="-1" { (body) }
            }
        }
    }
}

/// Draws a whole document that says why there is no page.
pub fn failure(frame: &Frame<'_>, failure: &Failure<'_>) -> Markup {
    let body = html! {
        section.failure {
            p.status aria-hidden="true" { (failure.status) }
            h1 { (failure.title) }
            p.what { (prose(failure.message)) }
            @if let Some(hint) = failure.hint { p.what.hint { (prose(hint)) } }
            @if let Some(request) = failure.request {
                p.request { (frame.words.get("failure-request")) " " code { (request) } }
            }
        }
    };
    document(frame, &body)
}

#[cfg(test)]
mod tests;
