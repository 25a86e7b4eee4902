//! Draws pages as HTML: semantic, usable without script, and by keyboard alone.

use maud::Markup;

use super::words::Words;
use crate::hook::Params;
use crate::view::{FieldProblem, Note, View, Window};

/// Where the parts of a page lead: those of an extension's page lead elsewhere than those of the console.
pub trait Links {
    /// A page of the same extension, with a row chosen.
    fn page(&self, page: &str, row: Option<&str>) -> String;

    /// A page of the panel; `None` if this panel said nothing of where its pages are.
    fn panel_page(&self, name: &str) -> Option<String>;

    /// This page, with another part of its list.
    fn window(&self, window: &Window) -> String;

    /// Where the forms of this page are sent, with `button` and what is entered.
    fn act(&self) -> String;

    /// Where values to choose from are looked up, by GET with `typed`; the answer is JSON: `[{"value", "label"}]`.
    fn lookup(&self, name: &str) -> String;
}

/// What surrounds the drawing of a view.
pub struct Frame<'a> {
    /// The host's own words, and the reader's language.
    pub words: &'a Words,
    /// Where things lead.
    pub links: &'a dyn Links,
    /// The part of a list that was asked for.
    pub window: &'a Window,
    /// What was entered, when it is shown again.
    pub entered: Option<&'a Params>,
    /// What was wrong with it.
    pub problems: &'a [FieldProblem],
    /// What is said at the top, such as that something was done.
    pub notice: Option<&'a Note>,
}

/// Draws a page: what goes into the `main` of a document.
pub fn view(view: &View, frame: &Frame<'_>) -> Markup {
    let _ = frame;
    maud::html! { h1 { (view.title()) } }
}
