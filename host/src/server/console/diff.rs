//! What a call changed, field by field: before, after, and by whom. Pure.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::format;
use crate::journal::EntryAlteration;

/// Characters of a value that are compared and shown.
const MAX_SHOWN: usize = 2_000;

/// One field with what became of it.
#[derive(Debug, PartialEq)]
pub(super) struct Changed<'a> {
    /// The field.
    pub(super) field: &'a str,
    /// Each change of it, in their order.
    pub(super) steps: Vec<&'a EntryAlteration>,
}

/// The changes by field, in the order in which fields were first changed.
pub(super) fn changed(alterations: &[EntryAlteration]) -> Vec<Changed<'_>> {
    let mut fields: Vec<Changed<'_>> = Vec::new();
    for step in alterations {
        match fields.iter_mut().find(|changed| changed.field == step.field) {
            Some(changed) => changed.steps.push(step),
            None => fields.push(Changed { field: &step.field, steps: vec![step] }),
        }
    }
    fields
}

/// A part of two texts.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The parts of two texts: what they begin with, what differs, what they end with.
fn parts<'a>(from: &'a str, to: &'a str) -> Vec<Part<'a>> {
    let same = |(a, b): &(char, char)| a == b;
    let begin: usize =
        from.chars().zip(to.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (head, from_rest) = from.split_at(begin);
    let to_rest = to.get(begin..).unwrap_or_default();
    let end: usize = from_rest
        .chars()
        .rev()
        .zip(to_rest.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let (gone, tail) = from_rest.split_at(from_rest.len() - end);
    let new = to_rest.get(..to_rest.len() - end).unwrap_or_default();
    let parts = [Part::Same(head), Part::Gone(gone), Part::New(new), Part::Same(tail)];
    let filled = |part: &Part<'_>| {
        let (Part::Same(text) | Part::Gone(text) | Part::New(text)) = part;
        !text.is_empty()
    };
    parts.into_iter().filter(filled).collect()
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_SHOWN).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// Draws what changed; nothing if nothing did.
pub(super) fn draw(params: &Map<String, Value>, alterations: &[EntryAlteration]) -> Markup {
    let fields = changed(alterations);
    if fields.is_empty() {
        return html! {};
    }
    html! {
        div.scroll {
            table.diff {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } th scope="col" { "By" } } }
                tbody {
                    @for changed in &fields {
                        @for (number, step) in changed.steps.iter().enumerate() {
                            tr {
                                @if number == 0 { th scope="rowgroup" rowspan=(changed.steps.len()) { code { (changed.field) } } }
                                (sides(step.from.as_ref().or_else(|| params.get(changed.field).filter(|_| number == 0)), step.to.as_ref()))
                                td data-label="By" { (step.extension) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Both sides of a change.
fn sides(from: Option<&Value>, to: Option<&Value>) -> Markup {
    let hidden = |value: &Value| format::is_secret(value);
    if let (Some(from), Some(to)) = (from, to)
        && !hidden(from)
        && !hidden(to)
    {
        let (from, to) = (format::plain(from), format::plain(to));
        let parts = parts(cut(&from), cut(&to));
        return html! {
            td data-label="Before" {
                code.value { @for part in &parts { @match part { Part::Same(text) => (text), Part::Gone(text) => del { (text) }, Part::New(_) => {} } } }
            }
            td data-label="After" {
                code.value { @for part in &parts { @match part { Part::Same(text) => (text), Part::New(text) => ins { (text) }, Part::Gone(_) => {} } } }
            }
        };
    }
    let side = |value: Option<&Value>| match value {
        None => html! { span.faint { "not there" } },
        Some(value) if hidden(value) => format::value(value),
        Some(value) => html! { code.value { (cut(&format::plain(value))) } },
    };
    html! {
        td data-label="Before" { @if from.is_some() { del { (side(from)) } } @else { (side(from)) } }
        td data-label="After" { @if to.is_some() { ins { (side(to)) } } @else { (side(to)) } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hook::SECRET_KEY;

    fn step(field: &str, from: Option<Value>, to: Option<Value>, by: &str) -> EntryAlteration {
        EntryAlteration { field: field.into(), from, to, extension: by.into() }
    }

    fn drawn(steps: &[EntryAlteration]) -> String {
        draw(&Map::new(), steps).into_string()
    }

    #[test]
    fn only_what_differs_is_marked() {
        assert_eq!(
            parts("mail.example.com", "web.example.com"),
            [Part::Gone("mail"), Part::New("web"), Part::Same(".example.com")]
        );
        assert_eq!(parts("aa", "aaa"), [Part::Same("aa"), Part::New("a")]);
        assert_eq!(parts("ä", "ö"), [Part::Gone("ä"), Part::New("ö")]);
        assert_eq!(parts("", "x"), [Part::New("x")]);
        assert_eq!(parts("x", "x"), [Part::Same("x")]);
    }

    #[test]
    fn changes_of_one_field_stand_together_in_their_order() {
        let steps = [
            step("quota", Some(json!(1)), Some(json!(2)), "a"),
            step("name", None, Some(json!("x")), "a"),
            step("quota", Some(json!(2)), Some(json!(3)), "b"),
        ];
        let fields = changed(&steps);
        assert_eq!(fields.len(), 2);
        assert_eq!((fields[0].field, fields[0].steps.len()), ("quota", 2));
        assert!(drawn(&steps).contains("rowspan=\"2\""));
    }

    #[test]
    fn what_was_not_there_and_what_was_taken_out_is_said() {
        let added = drawn(&[step("a", None, Some(json!("x")), "e")]);
        assert!(added.contains("not there") && added.contains("<ins>"), "{added}");
        let removed = drawn(&[step("a", Some(json!("x")), None, "e")]);
        assert!(removed.contains("not there") && removed.contains("<del>"), "{removed}");
    }

    #[test]
    fn a_secret_is_not_shown_on_either_side() {
        let secret = json!({ SECRET_KEY: null });
        let drawn = drawn(&[step("password", Some(secret.clone()), Some(secret), "e")]);
        assert_eq!(drawn.matches(">secret<").count(), 2, "{drawn}");
    }

    #[test]
    fn what_a_panel_sent_is_text() {
        let drawn = drawn(&[step("<b>", Some(json!("<i>")), Some(json!("<u>")), "e")]);
        assert!(
            !drawn.contains("<b>") && !drawn.contains("<i>") && !drawn.contains("<u>"),
            "{drawn}"
        );
    }
}
