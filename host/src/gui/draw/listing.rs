//! Lists: a table with its search, its order, its parts, and buttons for one row, for chosen rows and for all.

mod window;

use maud::{Markup, html};

use super::button::{Buttons, Place, Rank, buttons};
use super::cell::is_numeric;
use super::form::no_default;
use super::part::{notes, tone_class, tone_word};
use super::{Level, Pen, cell, text_of, unseen};
use crate::hook::Value;
use crate::view::{Button, Column, ColumnKind, Listing, Row, Scope, Target, Tone};

/// Columns from which on a table is scrolled sideways, where it does not fit.
const WIDE: usize = 8;
/// Columns up to which a table stays one where there is little room, and from which on its rows soon become boxes.
const FEW: usize = 3;
const MANY: usize = 6;
/// Characters of what a row is called.
const MAX_ROW_NAME: usize = 60;

/// A list with what is the same for all of its rows.
struct Table<'a> {
    listing: &'a Listing,
    /// Its name, for those who do not see where it stands.
    title_id: Option<String>,
    row_buttons: Vec<&'a Button>,
    chosen_buttons: Vec<&'a Button>,
}

/// Draws a list.
pub fn listing(pen: &Pen<'_>, listing: &Listing, level: Level) -> Markup {
    let of = |scope: Scope| listing.buttons.iter().filter(move |button| button.scope == scope);
    let title_id = (!listing.title.is_empty()).then(|| pen.id("list", &listing.title));
    let table = Table {
        listing,
        title_id,
        row_buttons: of(Scope::Row).collect(),
        chosen_buttons: of(Scope::Rows).collect(),
    };
    let heading = level.heading(table.title_id.as_deref(), &html! { (listing.title) });
    html! {
        section.listing aria-labelledby=[&table.title_id] {
            (head(pen, &heading, of(Scope::Page)))
            (notes(pen, &listing.notes))
            @if listing.searchable || pen.window.is_some_and(|window| window.search.is_some()) {
                (window::search(pen))
            }
            @match listing.rows.is_empty() {
                true => (table.empty(pen)),
                false => (table.form(pen)),
            }
            (window::pages(pen, listing))
        }
    }
}

/// The heading with the buttons that are about the list as a whole. They have a form of their own: what is chosen in
/// the list is not sent with them.
fn head<'b>(
    pen: &Pen<'_>,
    heading: &Markup,
    list: impl Iterator<Item = &'b Button> + Clone,
) -> Markup {
    let acts = list.clone().any(|button| button.target == Target::Act);
    let form = pen.post.as_ref().filter(|_| acts).map(|post| (pen.id("form", "head"), post));
    let place =
        Place { row: None, form: form.as_ref().map(|(id, _)| id.as_str()), rank: Rank::First };
    let drawn = buttons(pen, list, place).row();
    html! {
        div.head {
            (heading)
            @if !drawn.0.is_empty() { div.tools { (drawn) } }
        }
        @if let Some((id, post)) = form {
            form id=(id) method="post" action=(post.action) data-form {
                input type="hidden" name=".token" value=(post.token);
            }
        }
    }
}

impl Table<'_> {
    fn can_choose(&self, pen: &Pen<'_>) -> bool {
        !self.chosen_buttons.is_empty() && (pen.post.is_some() || pen.links.is_some())
    }

    fn empty(&self, pen: &Pen<'_>) -> Markup {
        let is_searched = pen.window.is_some_and(|window| window.search.is_some());
        let text = match (&self.listing.empty, is_searched) {
            (_, true) => pen.say("no-rows-found"),
            (Some(text), false) if !text.is_empty() => text.clone(),
            _ => pen.say("no-rows"),
        };
        html! { p.empty { (text) } }
    }

    /// The table in a form, if anything can be sent from it.
    fn form(&self, pen: &Pen<'_>) -> Markup {
        let mut asked = Vec::new();
        let table = self.table(pen, &mut asked);
        let chosen = buttons(
            pen,
            self.chosen_buttons.iter().copied(),
            Place { row: None, form: None, rank: Rank::Other },
        );
        let inner = html! {
            (table)
            @if !chosen.shown.is_empty() {
                div.chosen role="group" aria-label=(pen.say("chosen-rows")) {
                    span.label aria-hidden="true" { (pen.say("chosen-rows")) }
                    (chosen.row())
                }
            }
            @for question in &asked { (question) }
        };
        let all = self.row_buttons.iter().chain(&self.chosen_buttons);
        let acts = all.clone().any(|button| button.target == Target::Act);
        match &pen.post {
            Some(post) if acts => html! {
                form.rows method="post" action=(post.action) data-form {
                    (no_default())
                    input type="hidden" name=".token" value=(post.token);
                    (inner)
                }
            },
            // Chosen rows lead to a page, whose address has the object too.
            _ if self.can_choose(pen) => html! {
                form.rows method="get" {
                    (no_default())
                    @if let Some(object) = pen.links.and_then(super::Links::object) {
                        input type="hidden" name="object" value=(object);
                    }
                    (inner)
                }
            },
            _ => html! { div.rows { (inner) } },
        }
    }

    fn table(&self, pen: &Pen<'_>, asked: &mut Vec<Markup>) -> Markup {
        let choose = self.can_choose(pen);
        let columns = self.listing.columns.len();
        let wide = columns > WIDE;
        // The buttons take the room of a column.
        let room = columns + usize::from(!self.row_buttons.is_empty());
        let (few, many) = (room <= FEW, room >= MANY);
        let rows: Vec<Markup> =
            self.listing.rows.iter().map(|row| self.row(pen, row, choose, asked)).collect();
        html! {
            div.table.few[few].some[!few && !many].many[many].wide[wide] tabindex=[wide.then_some("0")] role=[wide.then_some("group")]
                aria-labelledby=[self.title_id.as_ref().filter(|_| wide)] {
                table aria-labelledby=[&self.title_id] {
                    thead {
                        tr {
                            @if choose {
                                th.choose scope="col" {
                                    input type="checkbox" data-choose-all aria-label=(pen.say("choose-all-rows"));
                                }
                            }
                            @for column in &self.listing.columns { (self.heading(pen, column)) }
                            @if !self.row_buttons.is_empty() {
                                th.actions scope="col" { (unseen(&pen.say("row-actions"))) }
                            }
                        }
                    }
                    tbody { @for row in &rows { (row) } }
                }
            }
        }
    }

    fn heading(&self, pen: &Pen<'_>, column: &Column) -> Markup {
        let numeric = is_numeric(&column.kind);
        let label = label(column);
        let (Some(links), Some(window), true) = (pen.links, pen.window, column.sortable) else {
            return html! { th.number[numeric] scope="col" { (label) } };
        };
        let order = window::Order::of(window, &column.name);
        let hint = pen.say_with(order.next_word(), "column", label);
        html! {
            th.number[numeric].sorted[order.is_sorted()] scope="col" aria-sort=[order.aria()] {
                a href=(links.shown(&order.next(window, &column.name))) title=(hint) {
                    (label) span.order aria-hidden="true" { (order.sign()) }
                }
            }
        }
    }

    fn row(&self, pen: &Pen<'_>, row: &Row, choose: bool, asked: &mut Vec<Markup>) -> Markup {
        let name = self.name(row);
        let place = Place { row: Some(&row.id), form: None, rank: Rank::Other };
        let mut drawn: Buttons = buttons(pen, self.row_buttons.iter().copied(), place);
        asked.append(&mut drawn.asked);
        let toned = row.tone != Tone::Neutral;
        html! {
            tr class=[toned.then(|| tone_class(row.tone))] {
                @if choose {
                    td.choose {
                        input type="checkbox" name="row" value=(row.id) data-choose
                            aria-label=(pen.say_with("choose-row", "row", &name));
                    }
                }
                @for (index, (column, value)) in self.listing.columns.iter().zip(&row.cells).enumerate() {
                    @let inner = html! {
                        @if index == 0 && toned { (tone_word(pen, row.tone)) }
                        (linked(pen, column, value, row))
                    };
                    @match index {
                        0 => th.number[is_numeric(&column.kind)] scope="row" data-label=(label(column)) { (inner) },
                        _ => td.number[is_numeric(&column.kind)] data-label=(label(column)) { (inner) },
                    }
                }
                @if !self.row_buttons.is_empty() {
                    td.actions {
                        div.buttons role="group" aria-label=(format!("{}: {name}", pen.say("row-actions"))) {
                            @for button in &drawn.shown { (button) }
                        }
                    }
                }
            }
        }
    }

    /// What a row is called: its first cell with a text.
    fn name(&self, row: &Row) -> String {
        let mut texts = row.cells.iter().map(text_of).filter(|text| !text.trim().is_empty());
        texts.next().unwrap_or_default().chars().take(MAX_ROW_NAME).collect()
    }
}

/// What a column is called.
fn label(column: &Column) -> &str {
    if column.label.is_empty() { &column.name } else { &column.label }
}

/// A cell, with what it leads to.
fn linked(pen: &Pen<'_>, column: &Column, value: &Value, row: &Row) -> Markup {
    let ColumnKind::Link { page } = &column.kind else { return cell(pen, &column.kind, value) };
    let text = text_of(value);
    match pen.links.and_then(|links| links.to_page(page, Some(&row.id))) {
        Some(address) => html! {
            a href=(address) {
                @if text.is_empty() { (pen.say("details")) } @else { bdi { (text) } }
            }
        },
        None => cell(pen, &ColumnKind::Text, value),
    }
}
