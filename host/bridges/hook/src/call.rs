//! The call of a script and the answer to it, in bytes as the panel gave them.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use indexmap::IndexMap;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Dialect;

/// The key of the JSON object that stands for bytes which are no text: `{"$bytes": "<base64>"}`.
const BYTES_KEY: &str = "$bytes";

/// One call of a script by a panel: all that the panel hands over and the dialect needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelCall {
    /// How the panel calls scripts.
    pub dialect: Dialect,
    /// The arguments, without the program's name and the dialect's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Raw>,
    /// The variables that the dialect reads, in the panel's order.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub env: IndexMap<String, Raw>,
    /// What stands on standard input.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub stdin: Raw,
}

/// What the panel is to read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// What goes to standard output, byte for byte.
    pub stdout: Raw,
    /// The exit status.
    pub status: u8,
    /// A line for standard error: what somebody who looks for a reason should know. Empty if there is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Bytes that a panel gave. Mostly text; as JSON they are a string, or `{"$bytes": "<base64>"}` where they are no
/// UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Raw(pub Vec<u8>);

impl PanelCall {
    /// The argument at this place as text; nothing if it is empty or not there.
    pub fn argument(&self, place: usize) -> Option<Cow<'_, str>> {
        self.arguments.get(place).filter(|argument| !argument.is_empty()).map(Raw::text)
    }

    /// The variable of this name as text; nothing if it is empty or not there.
    pub fn variable(&self, name: &str) -> Option<Cow<'_, str>> {
        self.env.get(name).filter(|value| !value.is_empty()).map(Raw::text)
    }
}

impl fmt::Debug for PanelCall {
    /// Shows the dialect and which variables it was given, but no values: passwords are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&String> = self.env.keys().collect();
        let mut shown = f.debug_struct("PanelCall");
        shown.field("dialect", &self.dialect).field("env", &variables).finish_non_exhaustive()
    }
}

impl Printed {
    /// This on standard output, and success.
    pub fn text(stdout: impl Into<Raw>) -> Self {
        Self { stdout: stdout.into(), status: 0, note: String::new() }
    }

    /// Nothing, and success.
    pub fn nothing() -> Self {
        Self::text("")
    }

    /// This on standard output, and failure.
    pub fn failure(stdout: impl Into<Raw>) -> Self {
        Self { status: 1, ..Self::text(stdout) }
    }

    /// The same with a line for standard error.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}

impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printed")
            .field("bytes", &self.stdout.0.len())
            .field("status", &self.status)
            .field("note", &self.note)
            .finish()
    }
}

impl Raw {
    /// The bytes as text; what is no UTF-8 becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether the bytes are text.
    pub fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Vec<u8>> for Raw {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(BYTES_KEY, &BASE64.encode(&self.0))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a string or {{\"{BYTES_KEY}\": \"<base64>\"}}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(text.into())
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Raw, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let wrong = || de::Error::custom(format!("not {{\"{BYTES_KEY}\": \"<base64>\"}}"));
                let entry: Option<(Cow<'_, str>, Cow<'_, str>)> = map.next_entry()?;
                let (key, base64) = entry.ok_or_else(wrong)?;
                if key != BYTES_KEY || map.next_key::<Cow<'_, str>>()?.is_some() {
                    return Err(wrong());
                }
                BASE64.decode(base64.as_bytes()).map(Raw).map_err(|_| wrong())
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_string_and_other_bytes_are_marked() {
        for (bytes, json) in [
            (b"a\"\0\xc3\xa9".to_vec(), r#""a\"\u0000é""#),
            (vec![0xff, 0xfe], r#"{"$bytes":"//4="}"#),
            (Vec::new(), r#""""#),
        ] {
            assert_eq!(serde_json::to_string(&Raw(bytes.clone())).unwrap(), json);
            assert_eq!(serde_json::from_str::<Raw>(json).unwrap(), Raw(bytes));
        }
    }

    #[test]
    fn what_is_no_bytes_is_refused() {
        for json in [
            r#"{}"#,
            r#"{"$bytes":"?"}"#,
            r#"{"bytes":""}"#,
            r#"{"$bytes":"","x":""}"#,
            "1",
            "null",
        ] {
            assert!(serde_json::from_str::<Raw>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_call_is_read_as_it_was_written() {
        let line = r#"{"dialect":"plesk","arguments":["client_update"],"env":{"B":"x","A":{"$bytes":"/w=="}}}"#;
        let call: PanelCall = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&call).unwrap(), line);
        assert_eq!(call.variable("A").unwrap(), "\u{fffd}");
        assert_eq!(call.argument(0).unwrap(), "client_update");
        assert!(call.argument(1).is_none() && call.variable("C").is_none());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<PanelCall>(r#"{"dialect":"plesk","argv":[]}"#);
        assert!(error.unwrap_err().to_string().starts_with("unknown field `argv`"));
    }

    #[test]
    fn the_values_of_a_call_are_not_printed() {
        let call: PanelCall = serde_json::from_str(
            r#"{"dialect":"plesk","arguments":["canary"],"env":{"A":"canary"},"stdin":"canary"}"#,
        )
        .unwrap();
        let printed = Printed::text("canary");
        let shown = format!("{call:?} {printed:?} {:?}", call.stdin);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
