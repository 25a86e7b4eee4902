//! Buttons: what is sent with them, where they lead to, and the question that some ask before. Works without a script:
//! a question is a popover of the browser.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::part::tone_class;
use super::{Pen, icon, unseen};
use crate::view::{Button, Scope, Target, Tone};

/// What is written otherwise of a button in front of its row, from which a colon parts it.
const IN_FRONT: AsciiSet = CONTROLS.add(b':').add(b'%');

/// Where a button stands, and so what is sent with it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The row that it is about.
    pub row: Option<&'a str>,
    /// The form that it sends, if it does not stand in it.
    pub form: Option<&'a str>,
    /// How much it stands out.
    pub rank: Rank,
}

/// How much a button stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// What a form is there for.
    First,
    /// One of several.
    Other,
}

/// Buttons, and the questions that belong to them.
///
/// The questions stand after all buttons: when somebody presses the return key in a form, a browser sends the first
/// button, and that must not be the answer of a question that was not asked.
#[derive(Debug, Default)]
pub struct Buttons {
    /// The buttons.
    pub shown: Vec<Markup>,
    /// The questions.
    pub asked: Vec<Markup>,
}

/// What is behind a button.
enum Way {
    /// Sends a form.
    Send { name: &'static str, value: String },
    /// Sends the chosen rows to a page.
    Choose { address: String },
    /// Leads to a page of the extension.
    Page { address: String },
    /// Leads to a page of the panel, around this one.
    Panel { address: String },
    /// Leads out of the panel.
    Out { address: String },
}

/// Whether an address of the outside may stand in a page.
pub(super) fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "https" | "http" | "mailto"))
}

/// Whether an address of the panel may stand in a page: one of the web, or a path.
fn is_of_panel(address: &str) -> bool {
    match address.strip_prefix('/') {
        Some(rest) => !rest.starts_with(['/', '\\']),
        None => is_web(address),
    }
}

fn way(pen: &Pen<'_>, button: &Button, place: Place<'_>) -> Option<Way> {
    Some(match &button.target {
        Target::Act => {
            pen.post.as_ref()?;
            match place.row {
                Some(row) => {
                    let id = utf8_percent_encode(&button.id, &IN_FRONT);
                    Way::Send { name: ".on", value: format!("{id}:{row}") }
                }
                None => Way::Send { name: ".button", value: button.id.clone() },
            }
        }
        Target::Page { page } => {
            let address = pen.links?.to_page(page, place.row)?;
            match button.scope {
                Scope::Rows => Way::Choose { address },
                Scope::Page | Scope::Row => Way::Page { address },
            }
        }
        Target::PanelPage { name } => {
            let address = pen.links?.panel_pages.get(name)?;
            is_of_panel(address).then(|| Way::Panel { address: address.clone() })?
        }
        Target::Url { url } => is_web(url).then(|| Way::Out { address: url.clone() })?,
    })
}

fn draw(pen: &Pen<'_>, way: &Way, button: &Button, place: Place<'_>) -> Markup {
    let class = class(button, place);
    let label = label(button);
    match way {
        Way::Send { name, value } => html! {
            button type="submit" class=(class) name=(name) value=(value) form=[place.form]
                formnovalidate[button.tone == Tone::Danger] { (label) }
        },
        Way::Choose { address } => html! {
            button type="submit" class=(class) formmethod="get" formaction=(address) { (label) }
        },
        Way::Page { address } => html! { a class=(class) href=(address) { (label) } },
        Way::Panel { address } => {
            html! { a class=(class) href=(address) target="_top" { (label) } }
        }
        Way::Out { address } if address.starts_with("mailto:") => html! {
            a class=(class) href=(address) rel="noreferrer" { (label) }
        },
        Way::Out { address } => html! {
            a class=(class) href=(address) target="_blank" rel="noopener noreferrer" {
                (label) (icon("external")) (unseen(&pen.say("opens-new-window")))
            }
        },
    }
}

fn class(button: &Button, place: Place<'_>) -> String {
    let rank = match place.rank {
        Rank::First => " first",
        Rank::Other => "",
    };
    format!("button {}{rank}", tone_class(button.tone))
}

fn label(button: &Button) -> Markup {
    let text = if button.label.trim().is_empty() { &button.id } else { &button.label };
    html! {
        @if let Some(name) = &button.icon { (icon(name)) }
        bdi { (text) }
    }
}

/// Draws buttons, in their order. One that leads nowhere is left out.
pub fn buttons<'b>(
    pen: &Pen<'_>,
    list: impl IntoIterator<Item = &'b Button>,
    place: Place<'_>,
) -> Buttons {
    let mut drawn = Buttons::default();
    for button in list {
        let Some(way) = way(pen, button, place) else { continue };
        let first = place.rank == Rank::First && drawn.shown.is_empty();
        let place = Place { rank: if first { Rank::First } else { Rank::Other }, ..place };
        let Some(question) = &button.confirm else {
            drawn.shown.push(draw(pen, &way, button, place));
            continue;
        };
        let id = pen.id("ask", &button.id);
        drawn.shown.push(html! {
            button type="button" class=(class(button, place)) popovertarget=(id) aria-haspopup="dialog" {
                (label(button))
            }
        });
        let place = Place { rank: Rank::First, ..place };
        drawn.asked.push(ask(pen, &id, question, &draw(pen, &way, button, place)));
    }
    drawn
}

/// A question before something happens. `answer` is what makes it happen.
pub fn ask(pen: &Pen<'_>, id: &str, question: &str, answer: &Markup) -> Markup {
    let text = format!("{id}-text");
    html! {
        div.ask id=(id) popover role="dialog" aria-labelledby=(text) {
            p id=(text) { (question) }
            div.buttons {
                button.button type="button" popovertarget=(id) popovertargetaction="hide" {
                    (pen.say("cancel"))
                }
                (answer)
            }
        }
    }
}

impl Buttons {
    /// The buttons in a row, and after them the questions; nothing if there are none.
    pub fn row(&self) -> Markup {
        if self.shown.is_empty() {
            return html! {};
        }
        html! {
            div.buttons { @for button in &self.shown { (button) } }
            @for question in &self.asked { (question) }
        }
    }
}
