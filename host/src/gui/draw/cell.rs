//! Values as text: numbers, sizes, shares and times as the reader's language writes them.

use maud::{Markup, html};

use super::Pen;
use super::part::{badge, unseen};
use crate::gui::words::Words;
use crate::hook::Value;
use crate::view::{ColumnKind, Tone};

/// A value as plain text. Nothing of a secret and of bytes is in it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null | Value::Secret(_) | Value::Bytes(_) => String::new(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Texts(texts) => texts.join(", "),
        Value::Json(_) => value.to_json().to_string(),
    }
}

/// A value as a number, if it is one.
pub(super) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Number(value) => Some(*value),
        _ => None,
    }
}

/// A moment in milliseconds since the epoch: a text in RFC 3339 form or an integer.
pub(super) fn moment_of(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(ms) => Some(*ms),
        Value::Text(text) => {
            text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
        }
        _ => None,
    }
}

/// Whether values of a kind are compared by their digits, and so stand at the end of their column.
pub(super) fn is_numeric(kind: &ColumnKind) -> bool {
    matches!(kind, ColumnKind::Number | ColumnKind::Bytes | ColumnKind::Ratio)
}

/// A moment, as the reader's language writes it and as programs do.
pub fn time(words: &Words, ms: i64) -> Markup {
    let written = jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string());
    match written {
        Ok(written) => html! { time datetime=(written) { (words.date_time(ms)) } },
        Err(_) => html! { (ms) },
    }
}

/// A value of a column, without what it leads to.
pub fn cell(pen: &Pen<'_>, kind: &ColumnKind, value: &Value) -> Markup {
    let words = pen.words;
    let known = match (kind, value) {
        (_, Value::Null) => Some(nothing(pen)),
        (_, Value::Secret(_)) => Some(html! { span.nothing { (pen.say("secret-hidden")) } }),
        (ColumnKind::Number, _) => {
            number_of(value).map(|its| html! { bdi { (words.number(its)) } })
        }
        (ColumnKind::Bytes, _) => number_of(value).map(|its| html! { bdi { (words.bytes(its)) } }),
        (ColumnKind::Ratio, _) => {
            number_of(value).map(|its| html! { bdi { (words.percent(its)) } })
        }
        (ColumnKind::DateTime, _) => moment_of(value).map(|ms| time(words, ms)),
        (ColumnKind::Toggle, Value::Boolean(value)) => Some(toggle(pen, *value)),
        (ColumnKind::Badge { tones }, _) => Some(word(&text_of(value), tones)),
        (ColumnKind::Custom(custom), _) => Some(html! { bdi { (custom.fallback) } }),
        _ => None,
    };
    known.unwrap_or_else(|| plain(pen, value))
}

fn plain(pen: &Pen<'_>, value: &Value) -> Markup {
    match (value, text_of(value)) {
        (Value::Boolean(value), _) => toggle(pen, *value),
        (_, text) if text.is_empty() => nothing(pen),
        (_, text) => html! { bdi { (text) } },
    }
}

fn nothing(pen: &Pen<'_>) -> Markup {
    html! { span.nothing { span aria-hidden="true" { "–" } (unseen(&pen.say("nothing"))) } }
}

fn toggle(pen: &Pen<'_>, value: bool) -> Markup {
    match value {
        true => html! { span.yes { (super::icon("check")) (pen.say("yes")) } },
        false => html! { span.no { (pen.say("no")) } },
    }
}

fn word(text: &str, tones: &[(String, Tone)]) -> Markup {
    let tone =
        tones.iter().find(|(value, _)| value == text).map_or(Tone::Neutral, |(_, tone)| *tone);
    badge(text, tone)
}
