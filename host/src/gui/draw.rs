//! Pages as HTML. Every text is escaped by construction: only what this module writes itself is markup. No I/O.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, html};

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
    /// The row that was chosen, as it was signed.
    pub row: Option<String>,
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

/// Draws what is inside a page.
pub fn view(_drawing: &Drawing<'_>) -> Markup {
    html! {}
}

/// Draws a whole document around something.
pub fn document(frame: &Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(frame.words.tag()) dir=(frame.words.direction()) {
            head {
                meta charset="utf-8";
                title { (frame.title) }
            }
            body { (body) }
        }
    }
}

/// What went wrong, in place of a page.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What it is, for the person.
    pub title: &'a str,
    /// What it is, in full.
    pub message: &'a str,
    /// What to do.
    pub hint: Option<&'a str>,
    /// The code of the error.
    pub code: &'a str,
    /// The identifier under which the log has it.
    pub id: &'a str,
}

/// Draws what went wrong.
pub fn failure(failure: &Failure<'_>, _words: &Words) -> Markup {
    html! { (failure.title) }
}

/// A file of the host's own, and its media type.
pub fn asset_bytes(_name: &str) -> Option<(&'static [u8], &'static str)> {
    None
}

impl Links {
    /// The address of the page itself, where its buttons act.
    pub fn act(&self) -> String {
        format!("{}/{}/{}", self.base, self.extension, self.page)
    }

    /// The address of another page of the extension.
    pub fn page(&self, page: &str) -> String {
        format!("{}/{}/{page}", self.base, self.extension)
    }

    /// The address of a part of a list.
    pub fn window(&self, _window: &Window) -> String {
        self.act()
    }
}
