//! A panel's keys and texts as the catalogue's names and types.

use super::{BridgeError, Dialect};
use crate::hook::catalogue::{Action, Field, FieldKind, catalogue};
use crate::hook::{Params, Phase, Value, check_action};

/// What an action is about: `mailbox` of `mailbox.create`.
pub fn object_kind(action: &str) -> &str {
    let object =
        action.strip_suffix(".password.change").or_else(|| Some(action.rsplit_once('.')?.0));
    object.unwrap_or(action)
}

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

/// Names and types texts that a panel sent, in its order.
pub fn named(dialect: Dialect, action: Option<&Action>, sent: &[(&str, &str)]) -> Params {
    let text = |&(key, text): &(&'_ str, &'_ str)| (key.to_owned(), Value::Text(text.to_owned()));
    named_values(dialect, action, sent.iter().map(text).collect())
}

/// Names and types values that a panel sent, in its order. What the catalogue does not know of the action stays as it
/// is and keeps its own name in lower case, below the panel's name if a known field has that one. It is secret if the
/// panel delivers a secret field of another action under its key.
pub fn named_values(
    dialect: Dialect,
    action: Option<&Action>,
    sent: Vec<(String, Value)>,
) -> Params {
    let keys: Vec<(&str, bool)> =
        sent.iter().map(|(key, value)| (key.as_str(), is_filled(value))).collect();
    let fields = action.map_or(&[][..], |action| &action.fields);
    let claims: Vec<(String, &Field)> = fields
        .iter()
        .filter_map(|field| Some((claim(dialect, field, &keys)?.to_owned(), *field)))
        .collect();
    let mut params = Params::new();
    for (key, value) in sent {
        if let Some((_, field)) = claims.iter().find(|(claimed, _)| *claimed == key) {
            params.insert(field.short().to_owned(), coerced(field.kind, value));
            continue;
        }
        let own = key.to_lowercase();
        let is_taken =
            params.contains_key(&own) || claims.iter().any(|(_, field)| field.short() == own);
        let is_secret = catalogue().is_secret_key(panel(dialect), &key);
        let name = if is_taken { format!("{}.{key}", dialect.name()) } else { own };
        params.insert(name, if is_secret { value.sealed() } else { value });
    }
    params
}

/// The kind of object that an account is, if the action is about one that exists.
pub fn account(phase: Phase, action: &Action) -> Option<String> {
    let kind = action.name.split('.').next()?;
    let creates = phase == Phase::Before && action.name.ends_with(".create");
    let is_account = matches!(kind, "customer" | "subscription" | "reseller");
    (is_account && !creates).then(|| kind.to_owned())
}

/// Puts the two halves of a mailbox's address together, where the panel sends the part before the `@` and the domain.
pub fn join_address(params: &mut Params) {
    if let (Some(Value::Text(name)), Some(Value::Text(domain))) =
        (params.get("address"), params.get("domain"))
        && !name.is_empty()
        && !name.contains('@')
        && !domain.is_empty()
    {
        let address = format!("{name}@{domain}");
        params.insert("address".to_owned(), Value::Text(address));
    }
}

/// Returns the key of the panel that stands for the field in what it sent: the first of the
/// catalogue's keys that has a value, else the first that is there, else the field's own name.
pub fn claimed<'a>(
    dialect: Dialect,
    field: &Field,
    sent: &[(&'a str, &'a str)],
) -> Option<&'a str> {
    let keys: Vec<(&str, bool)> = sent.iter().map(|(key, text)| (*key, !text.is_empty())).collect();
    claim(dialect, field, &keys)
}

/// The same of keys and whether they have a value.
fn claim<'a>(dialect: Dialect, field: &Field, sent: &[(&'a str, bool)]) -> Option<&'a str> {
    let natives = field.native.get(panel(dialect)).map_or(&[][..], Vec::as_slice);
    let present: Vec<(&str, bool)> = natives
        .iter()
        .filter_map(|native| sent.iter().find(|(key, _)| key == native))
        .copied()
        .collect();
    let own = || sent.iter().find(|(key, _)| key.eq_ignore_ascii_case(field.short()));
    let filled = present.iter().find(|(_, is_filled)| *is_filled);
    filled.or(present.first()).or_else(own).map(|(key, _)| *key)
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        _ => true,
    }
}

/// Makes of a value what the field is to hold, if nothing is lost by it. Panels write numbers as texts and the other
/// way round.
pub fn coerced(kind: FieldKind, value: Value) -> Value {
    match (kind, value) {
        (kind, Value::Text(text)) => typed(kind, &text),
        (FieldKind::Boolean, Value::Integer(0)) => Value::Boolean(false),
        (FieldKind::Boolean, Value::Integer(1)) => Value::Boolean(true),
        // `500.0`, as JSON of some languages has it.
        (FieldKind::Integer, Value::Number(number)) if number.fract() == 0.0 => {
            number.to_string().parse().map_or(Value::Number(number), Value::Integer)
        }
        (FieldKind::Text, Value::Integer(number)) => Value::Text(number.to_string()),
        (FieldKind::Text, Value::Number(number)) => Value::Text(number.to_string()),
        (FieldKind::List, Value::Json(serde_json::Value::Array(items))) => texts(items),
        (_, value) => value,
    }
}

/// A list of texts, if each item can be one.
fn texts(items: Vec<serde_json::Value>) -> Value {
    let text = |item: &serde_json::Value| match item {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match items.iter().map(text).collect() {
        Some(texts) => Value::Texts(texts),
        None => Value::Json(serde_json::Value::Array(items)),
    }
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
    use serde_json::json;

    use super::*;

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

    #[test]
    fn numbers_and_texts_are_taken_for_one_another() {
        let value = |json: serde_json::Value| Value::from(json);
        for (kind, json, wanted) in [
            (FieldKind::Boolean, json!(1), json!(true)),
            (FieldKind::Boolean, json!("0"), json!(false)),
            (FieldKind::Boolean, json!(2), json!(2)),
            (FieldKind::Integer, json!("500"), json!(500)),
            (FieldKind::Integer, json!(500.0), json!(500)),
            (FieldKind::Integer, json!(1e300), json!(1e300)),
            (FieldKind::Integer, json!(0.5), json!(0.5)),
            (FieldKind::Text, json!(7), json!("7")),
            (FieldKind::Text, json!(null), json!(null)),
            (FieldKind::Text, json!(true), json!(true)),
            (FieldKind::List, json!(["a", 1]), json!(["a", "1"])),
            (FieldKind::List, json!(["a", null]), json!(["a", null])),
            (FieldKind::List, json!("a,b"), json!(["a", "b"])),
            (FieldKind::Json, json!({ "a": 1 }), json!({ "a": 1 })),
        ] {
            assert_eq!(coerced(kind, value(json.clone())).to_json(), wanted, "{kind} {json}");
        }
    }

    #[test]
    fn the_key_of_a_secret_field_is_secret_in_every_action() {
        let sent = [("SSL_KEY", "canary"), ("PASS", "canary"), ("DOM", "a.example")];
        let params = named(Dialect::Virtualmin, catalogue().action("backup.create"), &sent);
        assert!(!format!("{params:?}").contains("canary"), "{params:?}");
        assert_eq!(params.get("domain"), Some(&Value::Text("a.example".into())));
    }

    #[test]
    fn halves_of_an_address_are_put_together() {
        let address = |sent: &[(&str, &str)]| {
            let mut params = Params::new();
            params.extend(sent.iter().map(|&(key, text)| (key.into(), Value::Text(text.into()))));
            join_address(&mut params);
            params.get("address").cloned()
        };
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        assert_eq!(address(&[("address", "a"), ("domain", "b.c")]), text("a@b.c"));
        assert_eq!(address(&[("address", "a@x.y"), ("domain", "b.c")]), text("a@x.y"));
        assert_eq!(address(&[("address", ""), ("domain", "b.c")]), text(""));
        assert_eq!(address(&[("address", "a")]), text("a"));
        assert_eq!(address(&[("domain", "b.c")]), None);
    }
}
