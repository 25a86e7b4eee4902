//! Entry fields without what stands around them: what a person types, chooses or switches. A value goes back under
//! `in.NAME`; what can only be looked at has no name and does not go back.

use maud::{Markup, html};

use super::pattern::for_browsers;
use super::{Pen, icon, text_of};
use crate::hook::Value;
use crate::view::{Choice, Choices, Control, FormField, Range, TextLimits};

/// How an entry field is tied to what stands around it.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// What it is sent as; nothing if it is not sent.
    pub name: Option<String>,
    /// What describes it.
    pub described_by: Option<String>,
    /// Whether something is wrong with it.
    pub wrong: bool,
    /// Whether something must be entered; `Later` if it is only shown by a condition.
    pub required: Required,
}

/// Whether something must be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Required {
    /// Nothing need be.
    No,
    /// Something must be.
    Yes,
    /// Something must be while the field is shown, which only the script knows.
    WhileShown,
}

/// What kinds of one line have beside what all have.
#[derive(Debug, Default)]
struct Line<'a> {
    kind: &'a str,
    value: Option<String>,
    max_length: Option<u32>,
    pattern: Option<String>,
    placeholder: Option<&'a str>,
    min: Option<f64>,
    max: Option<f64>,
    step: Option<String>,
    mode: Option<&'a str>,
    accept: Option<String>,
    complete: Option<&'a str>,
}

impl Wire<'_> {
    fn required(&self) -> bool {
        self.required == Required::Yes
    }

    fn required_later(&self) -> Option<&'static str> {
        (self.required == Required::WhileShown).then_some("")
    }

    fn read_only(&self) -> bool {
        self.name.is_none()
    }

    fn wrong(&self) -> Option<&'static str> {
        self.wrong.then_some("true")
    }

    fn line(&self, line: &Line<'_>) -> Markup {
        html! {
            input type=(line.kind) id=(self.id) name=[&self.name] value=[&line.value]
                maxlength=[line.max_length] pattern=[&line.pattern] placeholder=[line.placeholder]
                min=[line.min] max=[line.max] step=[&line.step] inputmode=[line.mode]
                accept=[&line.accept] autocomplete=(line.complete.unwrap_or("off"))
                readonly[self.read_only() && line.kind != "file"]
                disabled[self.read_only() && line.kind == "file"]
                required[self.required()] data-required=[self.required_later()]
                aria-describedby=[&self.described_by] aria-invalid=[self.wrong()];
        }
    }

    fn area(&self, value: &str, limits: &TextLimits, code: Option<&str>) -> Markup {
        let rows = value.lines().count().clamp(4, 16);
        html! {
            // A browser drops the first line break of the text.
            textarea.code[code.is_some()] id=(self.id) name=[&self.name] rows=(rows) maxlength=[limits.max_length]
                placeholder=[&limits.placeholder] data-language=[code] spellcheck=[code.map(|_| "false")]
                readonly[self.read_only()] required[self.required()] data-required=[self.required_later()]
                aria-describedby=[&self.described_by] aria-invalid=[self.wrong()] { "\n" (value) }
        }
    }

    fn select(&self, pen: &Pen<'_>, choices: &[Choice], value: &Value) -> Markup {
        let value = text_of(value);
        let is_known = choices.iter().any(|choice| choice.value == value);
        // Nothing can be chosen if nothing need be, and nothing is chosen if there is no value.
        let has_none = choices.iter().any(|choice| choice.value.is_empty());
        let may_be_none = self.required == Required::No && !has_none;
        let is_none = value.is_empty() && !is_known;
        html! {
            select id=(self.id) name=[&self.name] disabled[self.read_only()] required[self.required()]
                data-required=[self.required_later()] aria-describedby=[&self.described_by]
                aria-invalid=[self.wrong()] {
                @if is_none || may_be_none {
                    option value="" selected[value.is_empty()] {
                        (pen.say(if self.required == Required::No { "none-chosen" } else { "choose" }))
                    }
                }
                @if !value.is_empty() && !is_known { option value=(value) selected { (value) } }
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == value] disabled[choice.disabled] {
                        (label(choice))
                    }
                }
            }
        }
    }

    fn boxes(&self, choices: &[Choice], value: &Value) -> Markup {
        let chosen = texts_of(value);
        let unknown = chosen.iter().filter(|text| choices.iter().all(|its| its.value != **text));
        let unknown: Vec<Choice> = unknown
            .map(|text| Choice { value: text.clone(), label: text.clone(), disabled: false })
            .collect();
        html! {
            div.boxes {
                @if let Some(name) = &self.name { input type="hidden" name=(name) value=""; }
                @for choice in choices.iter().chain(&unknown) {
                    label {
                        input type="checkbox" name=[&self.name] value=(choice.value)
                            checked[chosen.contains(&choice.value)]
                            disabled[choice.disabled || self.read_only()];
                        bdi { (label(choice)) }
                    }
                }
            }
        }
    }

    /// What is found as the person types. Without a script the value itself is typed.
    fn lookup(&self, pen: &Pen<'_>, lookup: &str, value: &Value) -> Markup {
        let address = pen.links.and_then(|links| links.lookup(lookup));
        html! {
            div.lookup data-lookup=[self.name.as_ref().and(address)] data-none=(pen.say_count("lookup-found", "count", 0))
                data-failed=(pen.say("lookup-failed")) {
                (self.line(&Line {
                    kind: "text",
                    value: Some(text_of(value)),
                    ..Line::default()
                }))
            }
        }
    }

    /// Several values that are found as the person types. Without a script each has a line of its own.
    fn lookups(&self, pen: &Pen<'_>, lookup: &str, value: &Value, title: &str) -> Markup {
        let chosen: Vec<Choice> = texts_of(value)
            .into_iter()
            .map(|text| Choice { value: text.clone(), label: text, disabled: false })
            .collect();
        let address = pen.links.and_then(|links| links.lookup(lookup));
        html! {
            (self.boxes(&chosen, value))
            @if let Some(name) = &self.name {
                div.lookup data-lookup=[address] data-several data-none=(pen.say_count("lookup-found", "count", 0))
                    data-failed=(pen.say("lookup-failed")) {
                    @for number in 0..3 {
                        input type="text" name=(name) autocomplete="off" data-spare[number > 0]
                            aria-label=(format!("{title}: {}", pen.say("type-to-search")))
                            placeholder=(pen.say("type-to-search"));
                    }
                }
            }
        }
    }
}

fn label(choice: &Choice) -> &str {
    if choice.label.is_empty() { &choice.value } else { &choice.label }
}

/// Several values.
fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Texts(texts) => texts.iter().filter(|text| !text.is_empty()).cloned().collect(),
        value => Some(text_of(value)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

/// A moment as a browser enters it: UTC, without saying so.
fn moment(value: &Value) -> Option<String> {
    let text = text_of(value);
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(at.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        // What was entered before and was no moment stands as it was, if it can.
        Err(_) => Some(text).filter(|text| !text.is_empty()),
    }
}

fn text_line<'a>(kind: &'a str, limits: &'a TextLimits, value: Option<String>) -> Line<'a> {
    Line {
        kind,
        value,
        max_length: limits.max_length,
        pattern: limits.pattern.as_deref().and_then(for_browsers),
        placeholder: limits.placeholder.as_deref(),
        complete: (kind == "password").then_some("new-password"),
        ..Line::default()
    }
}

fn number_line<'a>(range: &Range, mode: &'a str, step: &str, value: &Value) -> Line<'a> {
    Line {
        kind: "number",
        value: Some(text_of(value)),
        min: range.min,
        max: range.max,
        step: Some(range.step.map_or_else(|| step.to_owned(), |step| step.to_string())),
        mode: Some(mode),
        ..Line::default()
    }
}

/// Draws what a value is entered with.
pub(super) fn control(pen: &Pen<'_>, field: &FormField, wire: &Wire<'_>, value: &Value) -> Markup {
    let none = TextLimits::default();
    match &field.control {
        Control::Text(limits) => wire.line(&text_line("text", limits, Some(text_of(value)))),
        Control::Textarea(limits) => wire.area(&text_of(value), limits, None),
        Control::Password(limits) => wire.line(&text_line("password", limits, None)),
        Control::Code { language } => wire.area(&text_of(value), &none, Some(language)),
        Control::Integer(range) => wire.line(&number_line(range, "numeric", "1", value)),
        Control::Number(range) => wire.line(&number_line(range, "decimal", "any", value)),
        Control::Toggle => html! {
            @if let Some(name) = &wire.name { input type="hidden" name=(name) value="false"; }
            input type="checkbox" role="switch" id=(wire.id) name=[&wire.name] value="true"
                checked[is_on(value)] disabled[wire.read_only()] aria-describedby=[&wire.described_by]
                aria-invalid=[wire.wrong()];
        },
        Control::Select { choices: Choices::Fixed { values } } => wire.select(pen, values, value),
        Control::Select { choices: Choices::Lookup { name } } => wire.lookup(pen, name, value),
        Control::MultiSelect { choices: Choices::Fixed { values } } => wire.boxes(values, value),
        Control::MultiSelect { choices: Choices::Lookup { name } } => {
            wire.lookups(pen, name, value, &field.label)
        }
        Control::Date => {
            wire.line(&Line { kind: "date", value: Some(text_of(value)), ..Line::default() })
        }
        Control::DateTime => wire.line(&Line {
            kind: "datetime-local",
            value: moment(value),
            step: Some("1".into()),
            ..Line::default()
        }),
        Control::File { media_types } => wire.line(&Line {
            kind: "file",
            accept: (!media_types.is_empty()).then(|| media_types.join(",")),
            ..Line::default()
        }),
        Control::Shown => html! { output id=(wire.id) { (shown(pen, value)) } },
        Control::Custom(custom) => html! {
            output.custom id=(wire.id) { (icon("info")) bdi { (custom.fallback) } }
        },
    }
}

fn is_on(value: &Value) -> bool {
    *value == Value::Boolean(true) || text_of(value) == "true"
}

fn shown(pen: &Pen<'_>, value: &Value) -> Markup {
    match value {
        Value::Json(_) => html! { pre { code { (pretty(value)) } } },
        value => super::cell(pen, &crate::view::ColumnKind::Text, value),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&value.to_json()).unwrap_or_default()
}
