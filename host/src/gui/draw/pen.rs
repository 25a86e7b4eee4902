//! What every part of a page is drawn with: the reader's words, where it leads to, and identifiers that no other part
//! of the page has.

use std::cell::RefCell;
use std::collections::HashMap;

use maud::{Markup, html};

use super::Links;
use crate::gui::words::{Argument, Words};
use crate::hook::Params;
use crate::view::{FieldProblem, Form, Window};

/// What the parts of one page are drawn with.
pub struct Pen<'a> {
    /// The reader's words.
    pub words: &'a Words,
    /// Where the pages of an extension are; nothing on pages of the host's own.
    pub links: Option<&'a Links>,
    /// Which part of a list is shown.
    pub window: Option<&'a Window>,
    /// Where forms go; nothing if there is nowhere to send them.
    pub post: Option<Post<'a>>,
    /// How often an identifier was asked for.
    given: RefCell<HashMap<String, usize>>,
}

/// Where forms go, and with what.
#[derive(Debug, Clone, Default)]
pub struct Post<'a> {
    /// The address.
    pub action: String,
    /// What is sent with each, against requests that other sites forge.
    pub token: &'a str,
    /// What was entered before, in place of the values of the form.
    pub entered: Option<&'a Params>,
    /// What was wrong with it.
    pub problems: &'a [FieldProblem],
}

/// How deep a heading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// The heading of the page.
    pub const PAGE: Self = Self(1);
    /// A part of the page.
    pub const PART: Self = Self(2);

    /// One below.
    #[must_use]
    pub fn below(self) -> Self {
        Self((self.0 + 1).min(6))
    }

    /// As many below as a text has it.
    #[must_use]
    pub fn below_by(self, steps: u8) -> Self {
        Self(self.0.saturating_add(steps).min(6))
    }

    /// Draws a heading; nothing if there is no text.
    pub fn heading(self, id: Option<&str>, text: &Markup) -> Markup {
        if text.0.is_empty() {
            return html! {};
        }
        match self.0 {
            1 => html! { h1 id=[id] { (text) } },
            2 => html! { h2 id=[id] { (text) } },
            3 => html! { h3 id=[id] { (text) } },
            4 => html! { h4 id=[id] { (text) } },
            5 => html! { h5 id=[id] { (text) } },
            _ => html! { h6 id=[id] { (text) } },
        }
    }
}

impl<'a> Pen<'a> {
    /// A pen for what leads nowhere.
    pub fn new(words: &'a Words) -> Self {
        Self { words, links: None, window: None, post: None, given: RefCell::default() }
    }

    /// A word of the host.
    pub fn say(&self, id: &str) -> String {
        self.words.get(id)
    }

    /// A message of the host with one text in it.
    pub fn say_with(&self, id: &str, name: &str, text: &str) -> String {
        self.words.with(id, &[(name, Argument::Text(text))])
    }

    /// A message of the host with one number in it.
    pub fn say_count(&self, id: &str, name: &str, number: usize) -> String {
        self.words.with(id, &[(name, Argument::Number(number as f64))])
    }

    /// An identifier that no other part of the page has, and that is the same whenever the same page is drawn.
    pub fn id(&self, kind: &str, name: &str) -> String {
        let wanted = format!("{kind}-{}", plain(name));
        let mut given = self.given.borrow_mut();
        let mut id = wanted.clone();
        while given.contains_key(&id) {
            let number = given.entry(wanted.clone()).or_insert(1);
            *number += 1;
            id = format!("{wanted}.{number}");
        }
        given.insert(id.clone(), 1);
        id
    }

    /// What was entered into a form and what was wrong with it. Of several forms on a page it is the one that has
    /// all of the fields.
    pub(super) fn entered(&self, form: &Form) -> (Option<&'a Params>, &'a [FieldProblem]) {
        let Some(post) = &self.post else { return (None, &[]) };
        let has = |name: &str| {
            form.sections.iter().flat_map(|section| &section.fields).any(|field| field.name == name)
        };
        let mut named = post.entered.into_iter().flat_map(Params::keys).map(String::as_str);
        let mut wrong = post.problems.iter().filter_map(|problem| problem.field.as_deref());
        match named.all(has) && wrong.all(has) {
            true => (post.entered, post.problems),
            false => (None, &[]),
        }
    }
}

/// A name with nothing in it that means something in an identifier or an address.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => plain.push(byte.into()),
            other => plain.push_str(&format!("_{other:02x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    #[test]
    fn no_identifier_is_given_twice() {
        let words = Words::of(&Locale::parse("en").unwrap());
        let pen = Pen::new(&words);
        let ids = ["a", "a", "a.2", "a", "a b", "a_20b"].map(|name| pen.id("x", name));
        let all: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(all.len(), ids.len(), "{ids:?}");
        assert!(ids.iter().all(|id| !id.contains(char::is_whitespace)));
    }

    #[test]
    fn headings_end_at_the_sixth_level() {
        let text = html! { "a" };
        assert_eq!(Level::PAGE.heading(None, &text).into_string(), "<h1>a</h1>");
        assert_eq!(Level::PART.below_by(9).heading(Some("i"), &text).0, "<h6 id=\"i\">a</h6>");
        assert_eq!(Level::PAGE.heading(None, &html! {}).into_string(), "");
    }
}
