//! Settings: what an operator gave, checked against the schema, with its defaults filled in.

use serde_json::Value;

use crate::extension::Settings;

/// Bytes that the settings of an extension may have as JSON; the storage keeps them as one value.
const MAX_BYTES: usize = 48 << 10;

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings do not match the schema: {message}")]
pub struct SettingsError {
    /// What is wrong, naming the setting and the value.
    pub message: String,
}

/// The settings that the extension sees.
pub(super) fn resolve(schema: &Value, given: &Settings) -> Result<Settings, SettingsError> {
    let wrong = |message: String| SettingsError { message };
    let size = serde_json::to_vec(given).map_or(usize::MAX, |json| json.len());
    if size > MAX_BYTES {
        return Err(wrong(format!("they have {size} bytes, the limit is {MAX_BYTES}")));
    }
    let mut settings = Settings::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(default) = property.get("default") {
            settings.insert(name.clone(), default.clone());
        }
    }
    settings.extend(given.clone());
    let validator = jsonschema::validator_for(schema).map_err(|error| wrong(error.to_string()))?;
    let settings = Value::Object(settings);
    let problems: Vec<String> = validator
        .iter_errors(&settings)
        .take(10)
        .map(|error| match error.instance_path().to_string() {
            path if path.is_empty() => error.to_string(),
            path => format!("`{}`: {error}", path.trim_start_matches('/')),
        })
        .collect();
    match settings {
        Value::Object(settings) if problems.is_empty() => Ok(settings),
        _ => Err(wrong(problems.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        serde_json::json!({
            "type": "object", "additionalProperties": false,
            "properties": { "names": { "type": "array", "items": { "type": "string" }, "default": ["root"] }, "quota": { "type": "integer" } },
        })
    }

    fn given(json: Value) -> Settings {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn defaults_are_filled_in_and_given_values_win() {
        let settings = resolve(&schema(), &given(serde_json::json!({ "quota": 5 }))).unwrap();
        assert_eq!(Value::Object(settings), serde_json::json!({ "names": ["root"], "quota": 5 }));
        let settings = resolve(&schema(), &given(serde_json::json!({ "names": [] }))).unwrap();
        assert_eq!(settings["names"], serde_json::json!([]));
    }

    #[test]
    fn what_does_not_match_is_named() {
        let error = resolve(&schema(), &given(serde_json::json!({ "quota": "five" }))).unwrap_err();
        assert_eq!(error.message, "`quota`: \"five\" is not of type \"integer\"");
        let error = resolve(&schema(), &given(serde_json::json!({ "qouta": 5 }))).unwrap_err();
        assert!(error.message.contains("'qouta' was unexpected"), "{}", error.message);
    }
}
