//! Which part of a list is shown, and the way to the others: search, order, parts.

use maud::{Markup, html};

use crate::gui::draw::links::parts;
use crate::gui::draw::{Pen, icon};
use crate::gui::words::Argument;
use crate::view::{Listing, Window};

/// How many rows a part can have, to choose from.
const LIMITS: [u32; 4] = [25, 50, 100, 200];
/// How many it has if nobody chose.
const LIMIT: u32 = 25;

/// How a list is sorted by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    None,
    Ascending,
    Descending,
}

impl Order {
    pub(super) fn of(window: &Window, column: &str) -> Self {
        match window.sort.as_deref() == Some(column) {
            false => Self::None,
            true if window.descending => Self::Descending,
            true => Self::Ascending,
        }
    }

    pub(super) fn is_sorted(self) -> bool {
        self != Self::None
    }

    pub(super) fn aria(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Ascending => Some("ascending"),
            Self::Descending => Some("descending"),
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::None => "↕",
            Self::Ascending => "↑",
            Self::Descending => "↓",
        }
    }

    /// What a click does, in words.
    pub(super) fn next_word(self) -> &'static str {
        match self {
            Self::None | Self::Descending => "sort-ascending",
            Self::Ascending => "sort-descending",
        }
    }

    /// The list after a click: from its beginning.
    pub(super) fn next(self, window: &Window, column: &str) -> Window {
        Window {
            after: None,
            sort: Some(column.to_owned()),
            descending: self == Self::Ascending,
            ..window.clone()
        }
    }
}

/// The search of a list.
pub(super) fn search(pen: &Pen<'_>) -> Markup {
    let (Some(links), Some(window)) = (pen.links, pen.window) else { return html! {} };
    let searched = window.search.as_deref().unwrap_or_default();
    // A form that is sent by its address drops what the address had: all but the search is sent again.
    let kept = Window { after: None, search: None, ..window.clone() };
    let id = pen.id("search", "rows");
    html! {
        search {
            form.search method="get" action=(links.act()) {
                @if let Some(object) = links.object() { input type="hidden" name="object" value=(object); }
                @for row in &links.rows { input type="hidden" name="row" value=(row); }
                @for (name, value) in parts(&kept) { input type="hidden" name=(name) value=(value); }
                label.unseen for=(id) { (pen.say("search-rows")) }
                input type="search" id=(id) name="search" value=(searched) maxlength="500"
                    placeholder=(pen.say("search-rows")) autocomplete="off";
                button.button type="submit" { (icon("search")) (pen.say("search")) }
                @if !searched.is_empty() {
                    a.button href=(links.shown(&kept)) { (pen.say("clear-search")) }
                }
            }
            @if !searched.is_empty() {
                p.found role="status" { (pen.say_with("found-for", "search", searched)) }
            }
        }
    }
}

/// How many rows there are, and the way to the other parts of the list.
pub(super) fn pages(pen: &Pen<'_>, listing: &Listing) -> Markup {
    let shown = Argument::Number(listing.rows.len() as f64);
    let count = match listing.total {
        Some(total) => pen
            .words
            .with("of-rows", &[("shown", shown), ("total", Argument::Number(total as f64))]),
        None => pen.words.with("rows-shown", &[("shown", shown)]),
    };
    let is_count_told = !listing.rows.is_empty() || listing.total.is_some_and(|total| total > 0);
    html! {
        div.pages {
            @if is_count_told { p.count { (count) } }
            @if let (Some(links), Some(window)) = (pen.links, pen.window) {
                @let limit = window.limit.unwrap_or(LIMIT);
                @let is_part = listing.next.is_some() || window.after.is_some();
                @if is_part {
                    nav aria-label=(pen.say_with("pages-of-rows", "title", &listing.title)) {
                        @if window.after.is_some() {
                            a.button href=(links.shown(&Window { after: None, ..window.clone() })) {
                                (pen.say("first-rows"))
                            }
                        }
                        @if listing.next.is_some() {
                            a.button rel="next" href=(links.shown(&Window { after: listing.next.clone(), ..window.clone() })) {
                                (pen.say("next-rows")) (icon("next"))
                            }
                        }
                    }
                }
                @if is_part || window.limit.is_some_and(|limit| limit != LIMIT) {
                    nav.limits aria-label=(pen.say("rows-per-page")) {
                        span aria-hidden="true" { (pen.say("rows-per-page")) }
                        ul {
                            @for choice in LIMITS {
                                li {
                                    @if choice == limit { span aria-current="true" { (pen.words.number(choice.into())) } }
                                    @else {
                                        a href=(links.shown(&Window { after: None, limit: Some(choice), ..window.clone() })) {
                                            (pen.words.number(choice.into()))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_sorts_upwards_and_another_downwards() {
        let window =
            Window { after: Some("9".into()), search: Some("x".into()), ..Window::default() };
        let once = Order::of(&window, "name").next(&window, "name");
        assert_eq!((once.sort.as_deref(), once.descending), (Some("name"), false));
        let twice = Order::of(&once, "name").next(&once, "name");
        assert!(twice.descending);
        let again = Order::of(&twice, "name").next(&twice, "name");
        assert!(!again.descending);
        assert_eq!((again.after, again.search.as_deref()), (None, Some("x")));
    }
}
