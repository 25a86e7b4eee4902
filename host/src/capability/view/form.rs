//! Forms from a guest: their sections, fields and controls.

use super::{MAX_CHOICES, MAX_FIELDS, Taken, Taker, finite, unique};
use crate::bindings::gui as wit;
use crate::hook::Value;
use crate::suggest::shown;
use crate::view::{
    Choice, Choices, Condition, Control, Custom, Form, FormField, Range, Section, TextLimits,
};

/// Sections of a form, and conditions of a part.
const MAX_SECTIONS: usize = 50;
const MAX_CONDITIONS: usize = 10;
/// Bytes of a regular expression.
const MAX_PATTERN: usize = 1_000;

impl Taker<'_> {
    pub(super) fn choice(&mut self, choice: wit::Choice) -> Taken<Choice> {
        self.count(choice.value.len())?;
        self.no_secret("a value to choose", &choice.value)?;
        Ok(Choice {
            value: choice.value,
            label: self.label(choice.label)?,
            disabled: choice.disabled,
        })
    }

    pub(super) fn choices(&mut self, choices: wit::Choices) -> Taken<Choices> {
        Ok(match choices {
            wit::Choices::Fixed(list) => {
                let values = self.all("choices", list, MAX_CHOICES, Self::choice)?;
                unique("the choice", values.iter().map(|choice| &choice.value))?;
                Choices::Fixed { values }
            }
            wit::Choices::Lookup(name) => Choices::Lookup { name: self.name("a lookup", name)? },
        })
    }

    fn range(&mut self, range: wit::Range) -> Taken<Range> {
        let number = |number: Option<f64>| {
            number.map(|number| finite("the limit of a number", number)).transpose()
        };
        Ok(Range {
            min: number(range.min)?,
            max: number(range.max)?,
            step: number(range.step)?.filter(|step| *step > 0.0),
            unit: self.label_if(range.unit)?,
        })
    }

    fn text_limits(&mut self, limits: wit::TextLimits) -> Taken<TextLimits> {
        if let Some(pattern) = &limits.pattern {
            self.count(pattern.len())?;
            let compiled = (pattern.len() <= MAX_PATTERN)
                .then(|| regex::Regex::new(pattern).map_err(|error| error.to_string()));
            compiled
                .unwrap_or_else(|| Err(format!("it has more than {MAX_PATTERN} bytes")))
                .map_err(|reason| {
                    format!("not a regular expression: {reason}: `{}`", shown(pattern))
                })?;
        }
        Ok(TextLimits {
            max_length: limits.max_length,
            pattern: limits.pattern,
            placeholder: self.label_if(limits.placeholder)?,
        })
    }

    pub(super) fn custom(&mut self, custom: wit::Custom) -> Taken<Custom> {
        self.count(custom.props.len())?;
        self.no_secret("properties", &custom.props)?;
        Ok(Custom {
            name: self.name("a part of the panel", custom.name)?,
            props: serde_json::from_str(&custom.props)
                .map_err(|error| format!("properties are not JSON: {error}"))?,
            fallback: self.label(custom.fallback)?,
        })
    }

    fn control(&mut self, control: wit::Control) -> Taken<Control> {
        Ok(match control {
            wit::Control::Text(limits) => Control::Text(self.text_limits(limits)?),
            wit::Control::Textarea(limits) => Control::Textarea(self.text_limits(limits)?),
            wit::Control::Password(limits) => Control::Password(self.text_limits(limits)?),
            wit::Control::Code(language) => {
                Control::Code { language: self.name("a language", language)? }
            }
            wit::Control::Integer(range) => Control::Integer(self.range(range)?),
            wit::Control::Number(range) => Control::Number(self.range(range)?),
            wit::Control::Toggle => Control::Toggle,
            wit::Control::Select(choices) => Control::Select { choices: self.choices(choices)? },
            wit::Control::MultiSelect(choices) => {
                Control::MultiSelect { choices: self.choices(choices)? }
            }
            wit::Control::Date => Control::Date,
            wit::Control::DateTime => Control::DateTime,
            wit::Control::File(types) => Control::File {
                media_types: self.all("media types", types, 20, |taker, name| {
                    taker.name("a media type", name)
                })?,
            },
            wit::Control::Shown => Control::Shown,
            wit::Control::Custom(custom) => Control::Custom(self.custom(custom)?),
        })
    }

    fn conditions(&mut self, conditions: Vec<wit::Condition>) -> Taken<Vec<Condition>> {
        self.all("conditions", conditions, MAX_CONDITIONS, |taker, condition| {
            Ok(Condition {
                field: taker.name("the field of a condition", condition.field)?,
                values: taker.all("values", condition.values, 100, Self::value)?,
            })
        })
    }

    pub(super) fn field(&mut self, field: wit::FormField) -> Taken<FormField> {
        let control = self.control(field.control)?;
        // What was entered into a password stays where it is kept.
        let value = match &control {
            Control::Password(_) => Value::Null,
            _ => self.value(field.value)?,
        };
        Ok(FormField {
            name: self.name("an entry field", field.name)?,
            label: self.label(field.label)?,
            hint: self.label_if(field.hint)?,
            control,
            value,
            required: field.required,
            read_only: field.read_only,
            shown_when: self.conditions(field.shown_when)?,
        })
    }

    pub(super) fn section(&mut self, section: wit::Section) -> Taken<Section> {
        Ok(Section {
            id: self.name("a section", section.id)?,
            title: self.label_if(section.title)?,
            fields: self.all("fields", section.fields, MAX_FIELDS, Self::field)?,
            collapsed: section.collapsed,
            shown_when: self.conditions(section.shown_when)?,
        })
    }

    pub(super) fn form(&mut self, form: wit::Form) -> Taken<Form> {
        if let Some(state) = &form.state {
            self.count(state.len())?;
            self.no_secret("the state of a form", state)?;
            serde_json::from_str::<serde::de::IgnoredAny>(state)
                .map_err(|error| format!("the state of a form is not JSON: {error}"))?;
        }
        let sections = self.all("sections", form.sections, MAX_SECTIONS, Self::section)?;
        unique("the section", sections.iter().map(|section| &section.id))?;
        let fields = sections.iter().flat_map(|section| &section.fields);
        unique("the field", fields.map(|field| &field.name))?;
        Ok(Form {
            title: self.label(form.title)?,
            notes: self.notes(form.notes)?,
            sections,
            buttons: self.buttons(form.buttons)?,
            state: form.state,
        })
    }
}
