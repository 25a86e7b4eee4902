//! What a browser sends with a button, and the values that it stands for.

use indexmap::IndexMap;
use percent_encoding::percent_decode_str;

use super::FieldProblem;
use crate::gui::seal::{Carried, Entry};
use crate::hook::{Params, Value};
use crate::server::error::ApiError;
use crate::server::form::Sent;

/// What the names of entered values begin with.
const ENTERED: &str = "in.";
/// Parts of a form.
pub(super) const MAX_PARTS: usize = 20_000;

/// A button that was pressed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pressed {
    /// What shows that the form was given in the session.
    pub token: String,
    /// The button.
    pub button: String,
    /// The rows, as they were given.
    pub rows: Vec<String>,
    /// The state of the form, as it was given.
    pub state: Option<String>,
    /// What was entered, by field: everything that was sent for it, in order.
    pub values: IndexMap<String, Vec<Sent>>,
}

impl Pressed {
    /// The button that a form was sent with.
    pub fn of(form: Vec<(String, Sent)>) -> Result<Self, ApiError> {
        let mut pressed = Self::default();
        form.into_iter().try_for_each(|(name, sent)| pressed.take(&name, sent))?;
        match pressed.button.is_empty() {
            true => Err(ApiError::invalid("no button was pressed")),
            false => Ok(pressed),
        }
    }

    fn take(&mut self, name: &str, sent: Sent) -> Result<(), ApiError> {
        if let Some(field) = name.strip_prefix(ENTERED) {
            let sent = match sent {
                // A browser ends a line with two characters where a person entered one.
                Sent::Text(text) => Sent::Text(text.replace("\r\n", "\n")),
                file => file,
            };
            self.values.entry(field.to_owned()).or_default().push(sent);
            return Ok(());
        }
        let Sent::Text(text) = sent else { return Ok(()) };
        match name {
            ".token" => self.token = text,
            ".button" => self.button = text,
            ".state" => self.state = Some(text),
            "row" => self.rows.push(text),
            // The button of one row is for that row, whichever else are chosen.
            ".on" => {
                let (button, row) = text.split_once(':').ok_or_else(|| {
                    ApiError::invalid("`.on` must be a button and a row, joined by a colon")
                })?;
                self.button = percent_decode_str(button).decode_utf8_lossy().into_owned();
                self.rows = vec![row.to_owned()];
            }
            _ => {}
        }
        Ok(())
    }
}

/// The values that were entered into a form, and what is wrong with those that are none.
pub(super) fn inputs(
    carried: &Carried,
    values: IndexMap<String, Vec<Sent>>,
) -> (Params, Vec<FieldProblem>) {
    let mut inputs = Params::new();
    let mut problems = Vec::new();
    for (name, sent) in values {
        // What is no field is refused where the inputs are checked.
        let entry = carried.fields.get(&name).copied().unwrap_or(Entry::Text);
        match value(entry, sent) {
            Ok(value) => drop(inputs.insert(name, value)),
            Err(as_entered) => {
                problems.push(FieldProblem {
                    field: Some(name.clone()),
                    message: format!("must be {}", entry.wanted()),
                });
                inputs.insert(name, as_entered);
            }
        }
    }
    (inputs, problems)
}

/// The value that was sent for a field; if it is none, what was entered.
fn value(entry: Entry, sent: Vec<Sent>) -> Result<Value, Value> {
    if entry == Entry::Texts {
        let texts = sent.into_iter().filter_map(|sent| match sent {
            Sent::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        });
        return Ok(Value::Texts(texts.collect()));
    }
    match sent.into_iter().last() {
        None | Some(Sent::File(None)) => Ok(Value::Null),
        Some(Sent::File(Some(content))) if entry == Entry::File => Ok(Value::Bytes(content.into())),
        Some(Sent::File(Some(_))) => Err(Value::Null),
        Some(Sent::Text(text)) => of_text(entry, text),
    }
}

fn of_text(entry: Entry, text: String) -> Result<Value, Value> {
    let parsed = match entry {
        Entry::Text => return Ok(Value::Text(text)),
        _ if text.trim().is_empty() => return Ok(Value::Null),
        Entry::Moment => {
            // A browser knows no time zones here: what it was shown, and what is entered, is UTC.
            let moment = if text.ends_with('Z') { text.clone() } else { format!("{text}Z") };
            let moment = moment.parse::<jiff::Timestamp>().ok();
            moment.map(|moment| Value::Text(moment.to_string()))
        }
        Entry::Integer => text.trim().parse().ok().map(Value::Integer),
        Entry::Number => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::Number)
        }
        Entry::Toggle => text.parse().ok().map(Value::Boolean),
        Entry::Texts | Entry::File => None,
    };
    parsed.ok_or(Value::Text(text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::server::form::{self, FormLimits};

    async fn read(content_type: &str, body: &str) -> Result<Pressed, ApiError> {
        let time = Duration::from_secs(10);
        let limits = FormLimits { bytes: 1 << 20, file_bytes: None, parts: MAX_PARTS, time };
        Pressed::of(form::read(form::tests::request(content_type, body), &limits).await?)
    }

    async fn form(body: &str) -> Result<Pressed, ApiError> {
        read("application/x-www-form-urlencoded", body).await
    }

    fn entered(entry: Entry, values: &[&str]) -> (Option<Value>, bool) {
        let carried = Carried { state: None, fields: IndexMap::from_iter([("f".into(), entry)]) };
        let sent = values.iter().map(|value| Sent::Text((*value).to_owned())).collect();
        let (mut inputs, problems) = inputs(&carried, IndexMap::from_iter([("f".into(), sent)]));
        (inputs.shift_remove("f"), problems.is_empty())
    }

    #[tokio::test]
    async fn a_form_is_a_button_with_its_rows_and_values() {
        let pressed = form(".token=t&.state=s&row=a.1&row=b.2&in.note=hello+you&.button=save&x=1")
            .await
            .unwrap();
        assert_eq!((pressed.token.as_str(), pressed.button.as_str()), ("t", "save"));
        assert_eq!((pressed.state.as_deref(), pressed.rows.len()), (Some("s"), 2));
        assert_eq!(pressed.values["note"], [Sent::Text("hello you".into())]);
        assert_eq!(pressed.values.len(), 1);
    }

    #[tokio::test]
    async fn a_line_ends_as_it_was_entered() {
        let pressed = form("in.note=one%0D%0Atwo%0Athree&.button=save").await.unwrap();
        assert_eq!(pressed.values["note"], [Sent::Text("one\ntwo\nthree".into())]);
    }

    #[tokio::test]
    async fn the_button_of_a_row_is_for_that_row_alone() {
        let pressed = form("row=a.1&row=b.2&.on=delete%253A:c.3:4").await.unwrap();
        assert_eq!((pressed.button.as_str(), pressed.rows), ("delete:", vec!["c.3:4".to_owned()]));
    }

    #[tokio::test]
    async fn a_file_comes_in_parts() {
        let body = "--b\r\nContent-Disposition: form-data; name=\".button\"\r\n\r\nsave\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"in.file\"; filename=\"a\"\r\n\r\n\0\u{1}\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"in.none\"; filename=\"\"\r\n\r\n\r\n--b--\r\n";
        let pressed = read("multipart/form-data; boundary=b", body).await.unwrap();
        assert_eq!(pressed.values["file"], [Sent::File(Some(Bytes::from_static(b"\0\x01")))]);
        assert_eq!(pressed.values["none"], [Sent::File(None)]);
    }

    #[tokio::test]
    async fn the_name_of_a_part_may_have_quotes() {
        let body = "--b\r\nContent-Disposition: form-data; name=\".button\"\r\n\r\nsave\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"in.a %22b;c%22\"\r\n\r\n1\r\n--b--\r\n";
        let pressed = read("multipart/form-data; boundary=b", body).await.unwrap();
        assert_eq!(pressed.values["a \"b;c\""], [Sent::Text("1".into())]);
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        for (content_type, body) in [
            ("application/json", "{}"),
            ("multipart/form-data", ""),
            ("multipart/form-data; boundary=b", "--b\r\nrubbish"),
            ("application/x-www-form-urlencoded", ".token=t"),
            ("application/x-www-form-urlencoded", ".on=delete"),
        ] {
            assert!(read(content_type, body).await.is_err(), "{content_type}: {body}");
        }
        assert!(form(&"a&".repeat(MAX_PARTS + 1)).await.is_err());
    }

    #[test]
    fn what_is_entered_becomes_a_value_of_the_fields_type() {
        assert_eq!(entered(Entry::Toggle, &["false", "true"]), (Some(Value::Boolean(true)), true));
        assert_eq!(entered(Entry::Toggle, &["false"]), (Some(Value::Boolean(false)), true));
        assert_eq!(entered(Entry::Integer, &[" 7 "]), (Some(Value::Integer(7)), true));
        assert_eq!(entered(Entry::Integer, &[""]), (Some(Value::Null), true));
        assert_eq!(entered(Entry::Number, &["1e3"]), (Some(Value::Number(1000.0)), true));
        assert_eq!(
            entered(Entry::Texts, &["", "a", "b"]),
            (Some(Value::Texts(vec!["a".into(), "b".into()])), true)
        );
        let moment = Value::Text("2026-11-24T10:00:00Z".into());
        assert_eq!(entered(Entry::Moment, &["2026-11-24T10:00"]), (Some(moment), true));
    }

    #[test]
    fn what_is_no_value_is_a_problem_and_is_kept_as_it_was_entered() {
        for (entry, text) in [
            (Entry::Integer, "1.5"),
            (Entry::Number, "NaN"),
            (Entry::Toggle, "yes"),
            (Entry::Moment, "tomorrow"),
            (Entry::File, "text"),
        ] {
            assert_eq!(entered(entry, &[text]), (Some(Value::Text(text.into())), false));
        }
    }
}
