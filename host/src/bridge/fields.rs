//! A panel's keys and texts as the catalogue's names and types.

use super::{BridgeError, Dialect};
use crate::hook::catalogue::{Action, Field, FieldKind};
use crate::hook::{Params, Value, check_action};

/// The panel under which the catalogue has the keys of fields.
pub fn panel(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Billmanager => Dialect::Coremanager.name(),
        dialect => dialect.name(),
    }
}

/// Returns the name of the action: the catalogue's, or the panel's own below the panel's name.
pub fn action_name(
    dialect: Dialect,
    action: Option<&Action>,
    native: &str,
) -> Result<String, BridgeError> {
    let Some(action) = action else {
        let name = format!("{}.{native}", dialect.name());
        return check_action(&name).map(|()| name).map_err(BridgeError::Action);
    };
    Ok(action.name.clone())
}

/// Names and types what a panel sent, in its order. What the catalogue does not know of the action
/// stays a text and keeps its own name in lower case, below the panel's name if a known field has
/// that one.
pub fn named(dialect: Dialect, action: Option<&Action>, sent: &[(&str, &str)]) -> Params {
    let fields = action.map_or(&[][..], |action| &action.fields);
    let claims: Vec<(&str, &Field)> =
        fields.iter().filter_map(|field| Some((claimed(dialect, field, sent)?, *field))).collect();
    let mut params = Params::new();
    for &(key, text) in sent {
        if let Some((_, field)) = claims.iter().find(|(claimed, _)| *claimed == key) {
            params.insert(field.short().to_owned(), typed(field.kind, text));
            continue;
        }
        let own = key.to_lowercase();
        let is_taken =
            params.contains_key(&own) || claims.iter().any(|(_, field)| field.short() == own);
        let name = if is_taken { format!("{}.{key}", dialect.name()) } else { own };
        params.insert(name, Value::Text(text.to_owned()));
    }
    params
}

/// Returns the key of the panel that stands for the field in what it sent: the first of the
/// catalogue's keys that has a value, else the first that is there, else the field's own name.
pub fn claimed<'a>(
    dialect: Dialect,
    field: &Field,
    sent: &[(&'a str, &'a str)],
) -> Option<&'a str> {
    let natives = field.native.get(panel(dialect)).map_or(&[][..], Vec::as_slice);
    let present: Vec<(&str, &str)> = natives
        .iter()
        .filter_map(|native| sent.iter().find(|(key, _)| key == native))
        .copied()
        .collect();
    let own = || sent.iter().find(|(key, _)| key.eq_ignore_ascii_case(field.short()));
    let filled = present.iter().find(|(_, text)| !text.is_empty());
    filled.or(present.first()).or_else(own).map(|(key, _)| *key)
}

/// Reads a text as what it is to be. A text that is not like that stays one.
fn typed(kind: FieldKind, text: &str) -> Value {
    let typed = match kind {
        FieldKind::Text => None,
        // What would be written differently, such as `007`, is not a number to somebody.
        FieldKind::Integer => {
            text.parse().ok().filter(|number: &i64| number.to_string() == text).map(Value::Integer)
        }
        FieldKind::Number => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number)
        }
        FieldKind::Boolean => match text {
            "on" | "true" | "yes" | "1" => Some(Value::Boolean(true)),
            "off" | "false" | "no" | "0" => Some(Value::Boolean(false)),
            _ => None,
        },
        FieldKind::List => {
            let items =
                text.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
            Some(Value::Texts(items.map(str::to_owned).collect()))
        }
        FieldKind::Json => serde_json::from_str(text).ok().map(Value::Json),
    };
    typed.unwrap_or_else(|| Value::Text(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::catalogue::catalogue;

    fn coremanager(action: &str, sent: &[(&str, &str)]) -> String {
        let params = named(Dialect::Coremanager, catalogue().action(action), sent);
        serde_json::to_string(&params).unwrap()
    }

    #[test]
    fn known_keys_get_the_name_and_type_of_their_field() {
        let sent =
            [("aliases", "www.example.com, example.net"), ("name", "example.com"), ("disk", "500")];
        let named =
            r#"{"aliases":["www.example.com","example.net"],"name":"example.com","disk":500}"#;
        assert_eq!(coremanager("site.create", &sent), named);
    }

    #[test]
    fn a_text_that_does_not_fit_stays_a_text() {
        let texts = ["", "5 GB", "007", "+1", "1.5", "9223372036854775808"]
            .map(|text| typed(FieldKind::Integer, text));
        assert!(texts.iter().all(|value| matches!(value, Value::Text(_))));
        assert_eq!(typed(FieldKind::Number, "NaN"), Value::Text("NaN".into()));
        assert_eq!(typed(FieldKind::Boolean, "ON"), Value::Text("ON".into()));
        assert_eq!(typed(FieldKind::Json, "{"), Value::Text("{".into()));
    }

    #[test]
    fn texts_that_fit_are_typed() {
        assert_eq!(typed(FieldKind::Integer, "-9223372036854775808"), Value::Integer(i64::MIN));
        assert_eq!(typed(FieldKind::Number, "0.5"), Value::Number(0.5));
        assert_eq!(typed(FieldKind::Boolean, "on"), Value::Boolean(true));
        assert_eq!(typed(FieldKind::Json, "[1]"), Value::Json(serde_json::json!([1])));
    }

    #[test]
    fn unknown_keys_keep_their_own_name_in_lower_case() {
        let params = named(
            Dialect::Plesk,
            catalogue().action("customer.create"),
            &[("FAX", ""), ("X_Y", "1")],
        );
        assert_eq!(serde_json::to_string(&params).unwrap(), r#"{"fax":"","x_y":"1"}"#);
    }

    #[test]
    fn the_first_key_with_a_value_is_the_field() {
        let sent = [("name", "a.example"), ("domain", "b.example")];
        assert_eq!(
            coremanager("site.create", &sent),
            r#"{"coremanager.name":"a.example","name":"b.example"}"#
        );
        let sent = [("domain", ""), ("name", "a.example")];
        assert_eq!(coremanager("site.create", &sent), r#"{"domain":"","name":"a.example"}"#);
    }

    #[test]
    fn two_unknown_keys_that_differ_in_case_are_both_kept() {
        let params = named(Dialect::Plesk, None, &[("KEY", "1"), ("Key", "2")]);
        assert_eq!(serde_json::to_string(&params).unwrap(), r#"{"key":"1","plesk.Key":"2"}"#);
    }
}
