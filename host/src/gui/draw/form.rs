//! Forms: sections of entry fields with their labels, hints and problems, and buttons.

use std::collections::HashMap;

use maud::{Markup, html};

use super::button::{Place, Rank, buttons};
use super::condition::{hold, value_in, written};
use super::control::{Required, Wire, control};
use super::part::notes;
use super::{Level, Pen};
use crate::hook::{Params, Value};
use crate::view::{Button, Control, FieldProblem, Form, FormField, Scope, Section, Target};

/// A form with what was entered into it.
struct Filled<'a> {
    form: &'a Form,
    entered: Option<&'a Params>,
    problems: &'a [FieldProblem],
    ids: HashMap<&'a str, String>,
    /// Whether fields that need not be filled in are marked: only where others must be.
    marks_optional: bool,
}

/// Draws a form.
pub fn form(pen: &Pen<'_>, form: &Form, level: Level) -> Markup {
    let (entered, problems) = pen.entered(form);
    let fields = || form.sections.iter().flat_map(|section| &section.fields);
    let filled = Filled {
        form,
        entered,
        problems,
        ids: fields().map(|field| (field.name.as_str(), pen.id("in", &field.name))).collect(),
        marks_optional: fields().any(|field| field.required),
    };
    let has_file = fields().any(|field| matches!(field.control, Control::File { .. }));
    let multipart = has_file.then_some("multipart/form-data");
    let inner = html! {
        (filled.summary(pen, level))
        @for section in &form.sections { (filled.section(pen, section)) }
    };
    let place = Place { row: None, form: None, rank: Rank::First };
    let row = buttons(pen, &form.buttons, place).row();
    html! {
        div.form-page {
            (level.heading(None, &html! { (form.title) }))
            (notes(pen, &form.notes))
            @match &pen.post {
                None => div.form { (inner) (row) },
                Some(post) => form.form method="post" action=(post.action) enctype=[multipart] data-form {
                    @if asks_first(&form.buttons) { (no_default()) }
                    input type="hidden" name=".token" value=(post.token);
                    @if let Some(state) = &form.state {
                        input type="hidden" name=".state" value=(state);
                    }
                    (inner) (row)
                }
            }
        }
    }
}

/// Whether every button that sends the form asks first.
fn asks_first(buttons: &[Button]) -> bool {
    let mut sending = buttons.iter().filter(|button| button.target == Target::Act);
    sending.all(|button| button.confirm.is_some() && button.scope != Scope::Row)
}

/// A button that does nothing, for the return key: else it would answer a question that was not asked.
pub(super) fn no_default() -> Markup {
    html! { button type="submit" disabled hidden {} }
}

impl<'a> Filled<'a> {
    fn value(&self, field: &'a FormField) -> &'a Value {
        match field.read_only {
            true => &field.value,
            false => value_in(self.form, self.entered, &field.name).unwrap_or(&field.value),
        }
    }

    fn is_shown(&self, conditions: &[crate::view::Condition]) -> bool {
        hold(conditions, |name| value_in(self.form, self.entered, name))
    }

    fn problems<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a FieldProblem> + 's {
        self.problems.iter().filter(move |problem| problem.field.as_deref() == Some(name))
    }

    /// All problems, each leading to its field.
    fn summary(&self, pen: &Pen<'_>, level: Level) -> Markup {
        if self.problems.is_empty() {
            return html! {};
        }
        let title = pen.id("problems", "title");
        let text = pen.say_count("problems-title", "count", self.problems.len());
        html! {
            div.problems.note.tone-danger role="alert" tabindex="-1" aria-labelledby=(title) data-problems {
                (super::icon("danger"))
                div {
                    (level.below().heading(Some(&title), &html! { (text) }))
                    ul { @for problem in self.problems { li { (self.summary_line(problem)) } } }
                }
            }
        }
    }

    fn summary_line(&self, problem: &FieldProblem) -> Markup {
        let fields = self.form.sections.iter().flat_map(|section| &section.fields);
        let named = problem.field.as_deref();
        let field = fields.into_iter().find(|field| named == Some(field.name.as_str()));
        match field.and_then(|field| Some((field, self.ids.get(field.name.as_str())?))) {
            Some((field, id)) => html! {
                a href={ "#" (id) } { bdi { (label(field)) } } ": " bdi { (problem.message) }
            },
            None => html! { bdi { (problem.message) } },
        }
    }

    fn section(&self, pen: &Pen<'_>, section: &'a Section) -> Markup {
        let shown_when = written(&section.shown_when);
        let off = (!self.is_shown(&section.shown_when)).then_some("");
        let conditional = shown_when.is_some();
        let fields = html! {
            div.fields {
                @for field in &section.fields { (self.field(pen, field, conditional)) }
            }
        };
        if section.collapsed {
            // What must be mended or filled in is not hidden.
            let open = section.fields.iter().any(|field| {
                self.problems(&field.name).next().is_some()
                    || field.required && *self.value(field) == Value::Null
            });
            let title = section.title.clone().unwrap_or_else(|| pen.say("more-fields"));
            return html! {
                details.section open[open] data-shown-when=[shown_when] data-off=[off] {
                    summary { (title) }
                    (fields)
                }
            };
        }
        match &section.title {
            Some(title) if !title.is_empty() => html! {
                fieldset.section data-shown-when=[shown_when] data-off=[off] {
                    legend { (title) }
                    (fields)
                }
            },
            _ => html! {
                div.section data-shown-when=[shown_when] data-off=[off] { (fields) }
            },
        }
    }

    fn field(&self, pen: &Pen<'_>, field: &'a FormField, conditional: bool) -> Markup {
        let id = self.ids.get(field.name.as_str()).map_or("", String::as_str);
        let problems: Vec<&str> =
            self.problems(&field.name).map(|problem| problem.message.as_str()).collect();
        let shown_when = written(&field.shown_when);
        let around = Around {
            off: !self.is_shown(&field.shown_when),
            conditional: conditional || shown_when.is_some(),
            shown_when,
            marks_optional: self.marks_optional,
        };
        draw_field(pen, field, id, self.value(field), &problems, &around)
    }
}

/// What else is known of a field.
#[derive(Debug)]
struct Around {
    shown_when: Option<String>,
    off: bool,
    conditional: bool,
    marks_optional: bool,
}

fn label(field: &FormField) -> &str {
    if field.label.trim().is_empty() { &field.name } else { &field.label }
}

/// How a label belongs to what is entered.
enum Shape {
    /// A label above one control.
    One,
    /// A label beside a switch.
    Switch,
    /// A heading above several controls.
    Group,
}

fn shape(control: &Control) -> Shape {
    match control {
        Control::Toggle => Shape::Switch,
        Control::MultiSelect { .. } => Shape::Group,
        _ => Shape::One,
    }
}

/// What is counted or in which time, behind an entry field.
fn unit(pen: &Pen<'_>, control: &Control) -> Option<String> {
    match control {
        Control::Integer(range) | Control::Number(range) => {
            range.unit.clone().filter(|unit| !unit.is_empty())
        }
        Control::DateTime => Some(pen.say("in-utc")),
        _ => None,
    }
}

/// What helps to fill a field in, beside the extension's own hint.
fn host_hint(pen: &Pen<'_>, field: &FormField) -> Option<String> {
    match &field.control {
        Control::Password(_) if !field.required && !field.read_only => {
            Some(pen.say("password-kept"))
        }
        Control::File { media_types } if !media_types.is_empty() => {
            Some(pen.say_with("accepted-files", "types", &media_types.join(", ")))
        }
        _ => None,
    }
}

fn draw_field(
    pen: &Pen<'_>,
    field: &FormField,
    id: &str,
    value: &Value,
    problems: &[&str],
    around: &Around,
) -> Markup {
    let unit = unit(pen, &field.control).map(|unit| (format!("{id}_unit"), unit));
    let hints: Vec<String> = field
        .hint
        .clone()
        .into_iter()
        .chain(host_hint(pen, field))
        .filter(|hint| !hint.is_empty())
        .collect();
    let hint_id = (!hints.is_empty()).then(|| format!("{id}_hint"));
    let problem_id = (!problems.is_empty()).then(|| format!("{id}_problem"));
    let described: Vec<&str> = unit
        .iter()
        .map(|(id, _)| id.as_str())
        .chain(hint_id.as_deref())
        .chain(problem_id.as_deref())
        .collect();
    let described_by = (!described.is_empty()).then(|| described.join(" "));
    let must = field.required && !field.read_only;
    let wire = Wire {
        id,
        name: (!field.read_only).then(|| format!("in.{}", field.name)),
        described_by: described_by.clone(),
        wrong: !problems.is_empty(),
        required: match (must, around.conditional) {
            (false, _) => Required::No,
            (true, false) => Required::Yes,
            (true, true) => Required::WhileShown,
        },
    };
    let is_entered =
        !matches!(field.control, Control::Toggle | Control::Shown | Control::Custom(_));
    let marked = around.marks_optional && !field.required && !field.read_only && is_entered;
    let name = html! {
        bdi { (label(field)) }
        @if marked { " " small.optional { (pen.say("optional")) } }
    };
    let entry = html! {
        div.entry {
            (control(pen, field, &wire, value))
            @if let Some((id, unit)) = &unit { span.unit id=(id) { (unit) } }
        }
    };
    let below = html! {
        @if let Some(id) = &hint_id { div.hint id=(id) { @for hint in &hints { p { (hint) } } } }
        @if let Some(id) = &problem_id {
            div.problem id=(id) { @for problem in problems { p { (super::icon("danger")) bdi { (problem) } } } }
        }
    };
    let off = around.off.then_some("");
    let shown_when = around.shown_when.as_deref();
    match shape(&field.control) {
        Shape::One => html! {
            div.field.wrong[wire.wrong] data-field=(field.name) data-shown-when=[shown_when] data-off=[off] {
                label for=(id) { (name) }
                (entry) (below)
            }
        },
        Shape::Switch => html! {
            div.field.switch.wrong[wire.wrong] data-field=(field.name) data-shown-when=[shown_when] data-off=[off] {
                (entry)
                label for=(id) { (name) }
                (below)
            }
        },
        Shape::Group => html! {
            fieldset.field.group.wrong[wire.wrong] id=(id) tabindex="-1" data-field=(field.name)
                data-shown-when=[shown_when] data-off=[off] aria-describedby=[&described_by] {
                legend { (name) }
                (entry) (below)
            }
        },
    }
}
