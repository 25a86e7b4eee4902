//! Dashboards and free layouts: what stands one below the other, side by side, in tabs or in boxes.

use maud::{Markup, html};

use super::button::{Place, Rank, buttons};
use super::form::form;
use super::listing::listing;
use super::part::{notes, stat};
use super::{Level, Pen, chart, icon, markdown};
use crate::view::{Custom, Dashboard, Layout, Node, Target, Widget, WidgetBody};

/// The class of a part that takes this many of twelve columns.
fn span(columns: u8) -> String {
    format!("span-{}", columns.clamp(1, 12))
}

/// Draws a dashboard.
pub(super) fn dashboard(pen: &Pen<'_>, dashboard: &Dashboard, level: Level) -> Markup {
    html! {
        (level.heading(None, &html! { (dashboard.title) }))
        div.grid {
            @for its in &dashboard.widgets {
                div class=(span(its.span)) { (widget(pen, its, level.below())) }
            }
        }
    }
}

/// Draws a free layout.
pub(super) fn layout(pen: &Pen<'_>, layout: &Layout, level: Level) -> Markup {
    html! {
        (level.heading(None, &html! { (layout.title) }))
        (node(pen, &layout.root, level.below()))
    }
}

/// Draws a part that only a panel could draw, as what its maker put in its place.
fn custom(custom: &Custom) -> Markup {
    html! { p.custom { (icon("info")) bdi { (custom.fallback) } } }
}

fn widget(pen: &Pen<'_>, widget: &Widget, level: Level) -> Markup {
    let id = pen.id("widget", &widget.id);
    let title = format!("{id}_title");
    let title = (!widget.title.is_empty()).then_some(title);
    html! {
        section.card.widget id=(id) aria-labelledby=[&title] data-refresh=[widget.refresh_seconds] {
            (level.heading(title.as_deref(), &html! { (widget.title) }))
            @match &widget.body {
                WidgetBody::Stat(its) => (stat(pen, its)),
                WidgetBody::Chart(its) => (chart(pen, &widget.title, its)),
                WidgetBody::Listing(its) => (listing(pen, its, level.below())),
                WidgetBody::Notes { notes: its } => (notes(pen, its)),
                WidgetBody::Markdown { text } => (markdown(pen, text, level)),
                WidgetBody::Custom(its) => (custom(its)),
            }
            (sent(pen, widget))
        }
    }
}

/// The buttons of a widget, with what sends them.
fn sent(pen: &Pen<'_>, widget: &Widget) -> Markup {
    let place = Place { row: None, form: None, rank: Rank::Other };
    let drawn = buttons(pen, &widget.buttons, place).row();
    let acts = widget.buttons.iter().any(|button| button.target == Target::Act);
    match &pen.post {
        _ if drawn.0.is_empty() => drawn,
        Some(post) if acts => html! {
            form.sent method="post" action=(post.action) data-form {
                input type="hidden" name=".token" value=(post.token);
                (drawn)
            }
        },
        _ => html! { div.sent { (drawn) } },
    }
}

fn node(pen: &Pen<'_>, part: &Node, level: Level) -> Markup {
    match part {
        Node::Stack { children } => html! {
            div.stack { @for child in children { (node(pen, child, level)) } }
        },
        Node::Columns { shares, children } => html! {
            div.grid {
                @for (share, child) in shares.iter().zip(children) {
                    div class=(span(*share)) { (node(pen, child, level)) }
                }
            }
        },
        Node::Tabs { titles, children } => tabs(pen, titles, children, level),
        Node::Card { title, children } => html! {
            section.card {
                (level.heading(None, &html! { (title) }))
                div.stack { @for child in children { (node(pen, child, level.below())) } }
            }
        },
        Node::Markdown { text } => markdown(pen, text, level),
        Node::Form(its) => form(pen, its, level),
        Node::Listing(its) => listing(pen, its, level),
        Node::Widget(its) => widget(pen, its, level),
        Node::Custom(its) => custom(its),
    }
}

/// Tabs are a choice of one, as a form has it: the browser shows the chosen one, without a script. What was entered
/// wrongly is in the tab that is shown first.
fn tabs(pen: &Pen<'_>, titles: &[String], children: &[Node], level: Level) -> Markup {
    let group = pen.id("tabs", "group");
    let open = children.iter().position(|child| has_problems(pen, child)).unwrap_or(0);
    html! {
        div.tabs role="group" {
            @for (index, (title, child)) in titles.iter().zip(children).enumerate() {
                @let id = format!("{group}_{index}");
                input type="radio" id=(id) name=(group) checked[index == open] data-tab;
                label for=(id) { (title) }
                div.tab { (node(pen, child, level)) }
            }
        }
    }
}

/// Whether a form that was sent stands in a part of a layout.
fn has_problems(pen: &Pen<'_>, part: &Node) -> bool {
    match part {
        Node::Stack { children }
        | Node::Columns { children, .. }
        | Node::Tabs { children, .. }
        | Node::Card { children, .. } => children.iter().any(|child| has_problems(pen, child)),
        Node::Form(form) => {
            let (entered, problems) = pen.entered(form);
            entered.is_some() || !problems.is_empty()
        }
        _ => false,
    }
}
