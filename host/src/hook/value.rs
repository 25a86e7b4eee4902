//! One value of a parameter, and the JSON that stands for it.
//!
//! Secrets are a type of their own here: nothing that prints, logs or serialises a [`Value`] can show one.
//! Members of nested documents whose name says that they are secret are withheld in the same way.
//! Only [`Disclosed`], which the server uses to answer the panel that sent the secret, writes it out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use indexmap::IndexMap;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::catalogue::FieldKind;

/// The key of the JSON object that marks a secret: `{"$secret": <value>}`.
pub const SECRET_KEY: &str = "$secret";
/// The key of the JSON object that stands for bytes: `{"$bytes": "<base64>"}`.
pub const BYTES_KEY: &str = "$bytes";

/// Named values in the panel's order.
pub type Params = IndexMap<String, Value>;

/// One value of a parameter, of an object's field or of a setting.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// The field is present and has no value.
    Null,
    /// A yes-or-no value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number that need not be whole.
    Number(f64),
    /// A text.
    Text(String),
    /// An ordered list of texts.
    Texts(Vec<String>),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Anything nested, and whole numbers that do not fit [`Value::Integer`].
    Json(serde_json::Value),
    /// A value that only the panel may see.
    Secret(Secret),
}

/// A secret value: it exists, and nothing here shows it.
#[derive(Clone, PartialEq)]
pub struct Secret {
    value: Box<Value>,
    origin: SecretOrigin,
}

/// Who said that a value is secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SecretOrigin {
    /// The panel, by `{"$secret": ..}`; it gets the value back in the same form.
    Panel,
    /// The catalogue or the field's name; the panel sent a plain value and gets one back.
    Name,
}

impl Secret {
    /// The value. For handing it to where it is meant to go, and nothing else.
    pub(crate) fn expose(&self) -> &Value {
        &self.value
    }
}

impl Value {
    /// Returns the value as a secret. A secret stays what it is.
    #[must_use]
    pub fn sealed(self) -> Self {
        match self {
            Value::Secret(_) => self,
            value => Value::Secret(Secret { value: Box::new(value), origin: SecretOrigin::Name }),
        }
    }

    /// Returns `new` as secret as this value is: what replaces a secret is one.
    #[must_use]
    pub fn replaced_by(&self, new: Value) -> Value {
        match self {
            Value::Secret(secret) => {
                Value::Secret(Secret { value: Box::new(new), origin: secret.origin })
            }
            _ => new,
        }
    }

    /// What kind of value this is, in the words of the catalogue; `None` for null.
    pub fn kind(&self) -> Option<FieldKind> {
        match self {
            Value::Null => None,
            Value::Boolean(_) => Some(FieldKind::Boolean),
            Value::Integer(_) => Some(FieldKind::Integer),
            Value::Number(_) => Some(FieldKind::Number),
            Value::Text(_) | Value::Bytes(_) => Some(FieldKind::Text),
            Value::Texts(_) => Some(FieldKind::List),
            Value::Json(_) => Some(FieldKind::Json),
            Value::Secret(secret) => secret.value.kind(),
        }
    }

    /// Whether a field of this kind may hold the value. Null fits every field, a whole number fits `number`,
    /// and `json` takes everything.
    pub fn fits(&self, kind: FieldKind) -> bool {
        match (self.kind(), kind) {
            (None, _) | (_, FieldKind::Json) => true,
            (Some(FieldKind::Integer), FieldKind::Number) => true,
            (Some(own), wanted) => own == wanted,
        }
    }

    /// The value as JSON, a secret as `{"$secret": null}`.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Number(value) => (*value).into(),
            Value::Text(value) => value.as_str().into(),
            Value::Texts(values) => values.as_slice().into(),
            Value::Bytes(bytes) => serde_json::json!({ BYTES_KEY: BASE64.encode(bytes) }),
            Value::Json(value) => super::redacted(value),
            Value::Secret(_) => serde_json::json!({ SECRET_KEY: null }),
        }
    }

    /// How many bytes of payload the value holds, for charging copies.
    pub fn payload_len(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Texts(texts) => texts.iter().map(|text| text.len() + 8).sum(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Json(_)
            | Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Number(_) => 8,
            Value::Secret(_) => 0,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Secret(_) => f.write_str("secret"),
            value => write!(f, "{}", value.to_json()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secret")
    }
}

impl From<serde_json::Value> for Value {
    /// Takes the JSON as a value of a setting or a result: nothing in it is a marker.
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Boolean(value),
            serde_json::Value::Number(number) => from_number(number),
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_string) => {
                Value::Texts(
                    items
                        .into_iter()
                        .filter_map(|item| {
                            if let serde_json::Value::String(text) = item {
                                Some(text)
                            } else {
                                None
                            }
                        })
                        .collect(),
                )
            }
            json => Value::Json(json),
        }
    }
}

fn from_number(number: serde_json::Number) -> Value {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(value), ..) => Value::Integer(value),
        (None, None, Some(value)) => Value::Number(value),
        _ => Value::Json(serde_json::Value::Number(number)),
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Number(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::Texts(values) => values.serialize(serializer),
            Value::Bytes(bytes) => one_entry(serializer, BYTES_KEY, &BASE64.encode(bytes)),
            Value::Json(value) => super::redacted(value).serialize(serializer),
            Value::Secret(_) => one_entry(serializer, SECRET_KEY, &()),
        }
    }
}

fn one_entry<S: Serializer>(
    serializer: S,
    key: &str,
    value: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// Writes values with their secrets in the clear, in the form in which the panel sent them.
/// For the answer to that panel and nothing else.
pub struct Disclosed<'a, T: ?Sized>(pub &'a T);

impl Serialize for Disclosed<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Secret(Secret { value, origin: SecretOrigin::Panel }) => {
                one_entry(serializer, SECRET_KEY, &Disclosed(&**value))
            }
            Value::Secret(Secret { value, origin: SecretOrigin::Name }) => {
                Disclosed(&**value).serialize(serializer)
            }
            Value::Json(value) => value.serialize(serializer),
            value => value.serialize(serializer),
        }
    }
}

impl Serialize for Disclosed<'_, Params> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Disclosed(value))))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Builds the value straight from the JSON text: a derived untagged enum costs three times as much.
struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(from_number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<serde_json::Value>()? {
            items.push(item);
        }
        Ok(serde_json::Value::Array(items).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                SECRET_KEY => {
                    let value = Box::new(map.next_value::<Value>()?);
                    no_more(map, &object, SECRET_KEY)?;
                    return Ok(Value::Secret(Secret { value, origin: SecretOrigin::Panel }));
                }
                BYTES_KEY => {
                    let text = map.next_value::<String>()?;
                    no_more(map, &object, BYTES_KEY)?;
                    let bytes = BASE64.decode(&text);
                    return bytes.map(Value::Bytes).map_err(|e| {
                        de::Error::custom(format!("`{BYTES_KEY}` is not base64: {e}"))
                    });
                }
                _ => {
                    object.insert(key, map.next_value()?);
                }
            }
        }
        Ok(Value::Json(serde_json::Value::Object(object)))
    }
}

/// Refuses other members beside a marker.
fn no_more<'de, A: MapAccess<'de>>(
    mut map: A,
    before: &serde_json::Map<String, serde_json::Value>,
    marker: &str,
) -> Result<(), A::Error> {
    let after = map.next_key::<String>()?;
    match before.keys().next().cloned().or(after) {
        Some(key) => Err(de::Error::custom(format!(
            "`{marker}` must stand alone in its object, beside it stands `{key}`"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn json_becomes_the_narrowest_value() {
        assert_eq!(parse("null"), Value::Null);
        assert_eq!(parse("true"), Value::Boolean(true));
        assert_eq!(parse("-3"), Value::Integer(-3));
        assert_eq!(parse("1.5"), Value::Number(1.5));
        assert_eq!(parse("\"a\""), Value::Text("a".into()));
        assert_eq!(parse("[\"a\",\"b\"]"), Value::Texts(vec!["a".into(), "b".into()]));
        assert_eq!(parse("[1]"), Value::Json(serde_json::json!([1])));
        assert_eq!(
            parse("{\"a\":{\"$secret\":1}}"),
            Value::Json(serde_json::json!({"a": {"$secret": 1}}))
        );
    }

    #[test]
    fn a_whole_number_beyond_64_bits_keeps_its_digits() {
        assert_eq!(
            serde_json::to_string(&parse("18446744073709551615")).unwrap(),
            "18446744073709551615"
        );
    }

    #[test]
    fn bytes_travel_as_base64() {
        let value = parse("{\"$bytes\":\"AAE=\"}");
        assert_eq!(value, Value::Bytes(vec![0, 1]));
        assert_eq!(serde_json::to_string(&value).unwrap(), "{\"$bytes\":\"AAE=\"}");
    }

    #[test]
    fn bytes_that_are_not_base64_are_refused() {
        let error = serde_json::from_str::<Value>("{\"$bytes\":\"?\"}").unwrap_err();
        assert!(error.to_string().starts_with("`$bytes` is not base64"), "{error}");
    }

    #[test]
    fn a_marker_must_stand_alone() {
        for json in ["{\"$secret\":1,\"b\":2}", "{\"b\":2,\"$secret\":1}"] {
            let error = serde_json::from_str::<Value>(json).unwrap_err();
            assert!(error.to_string().contains("beside it stands `b`"), "{error}");
        }
    }

    #[test]
    fn a_secret_shows_nowhere_but_disclosed() {
        for value in [parse("{\"$secret\":\"canary\"}"), Value::Text("canary".into()).sealed()] {
            assert_eq!(format!("{value:?}"), "secret");
            assert_eq!(serde_json::to_string(&value).unwrap(), "{\"$secret\":null}");
            assert_eq!(value.to_json(), serde_json::json!({"$secret": null}));
            assert!(serde_json::to_string(&Disclosed(&value)).unwrap().contains("canary"));
        }
    }

    #[test]
    fn the_panel_gets_a_secret_back_in_the_form_it_sent() {
        let marked = parse("{\"$secret\":\"x\"}");
        assert_eq!(serde_json::to_string(&Disclosed(&marked)).unwrap(), "{\"$secret\":\"x\"}");
        assert_eq!(
            serde_json::to_string(&Disclosed(&Value::Text("x".into()).sealed())).unwrap(),
            "\"x\""
        );
    }

    #[test]
    fn what_replaces_a_secret_is_one() {
        let new = Value::Text("old".into()).sealed().replaced_by(Value::Text("new".into()));
        assert_eq!(format!("{new:?}"), "secret");
    }

    #[test]
    fn a_whole_number_fits_a_number_field_and_not_the_other_way() {
        assert!(Value::Integer(1).fits(FieldKind::Number));
        assert!(!Value::Number(1.0).fits(FieldKind::Integer));
        assert!(Value::Null.fits(FieldKind::Integer));
        assert!(!Value::Text("1".into()).fits(FieldKind::Integer));
    }
}
