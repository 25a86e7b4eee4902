//! Settings: what an operator gave, checked against the schema, with its defaults filled in.
//!
//! Secret ones are kept apart, each sealed. What was given as a secret stays one: a version whose schema no longer
//! says so does not get it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::key;
use crate::extension::Settings;
use crate::hook::SECRET_KEY;
use crate::package::is_secret_setting;
use crate::seal::{SealError, Sealer};
use crate::storage::{Storage, StorageError, Transaction};

/// Bytes that the settings of an extension may have as JSON; the storage keeps them as one value.
const MAX_BYTES: usize = 48 << 10;
/// Bytes that the secret ones may have when they are sealed, which makes them a third longer.
const MAX_SEALED_BYTES: usize = 60 << 10;

/// The secret settings of an extension as they are kept: sealed, by name.
type SealedSettings = BTreeMap<String, String>;

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings do not match the schema: {message}")]
pub struct SettingsError {
    /// What is wrong, naming the setting and the value.
    pub message: String,
    /// The same, setting by setting; nothing if it is not about single ones.
    pub problems: Vec<SettingProblem>,
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The setting, as a JSON Pointer without its first slash; empty for all of them together.
    pub at: String,
    /// What is wrong with it.
    pub message: String,
}

impl SettingsError {
    fn new(message: String) -> Self {
        Self { message, problems: Vec::new() }
    }
}

/// What an operator gave an extension.
#[derive(Default)]
pub(super) struct Given {
    /// All of it, opened.
    pub(super) settings: Settings,
    /// The names of what was given as a secret.
    pub(super) secret: Vec<String>,
}

impl Given {
    /// Reads what was given.
    pub(super) fn read(storage: &Storage, sealer: &Sealer, id: &str) -> Result<Self, StorageError> {
        let mut settings: Settings = read_json(storage, &key::settings(id))?;
        let sealed: SealedSettings = read_json(storage, &key::sealed(id))?;
        let mut closed = Vec::new();
        let mut why = None;
        for (name, text) in &sealed {
            match sealer.open_value(id, name, text) {
                Ok(value) => {
                    let value = serde_json::from_slice(&value)
                        .map_err(|error| super::corrupt(&key::sealed(id), &error.to_string()))?;
                    settings.insert(name.clone(), value);
                }
                Err(error) => {
                    closed.push(format!("`{name}`"));
                    why = Some(error.to_string());
                }
            }
        }
        match why {
            None => Ok(Self { settings, secret: sealed.into_keys().collect() }),
            Some(reason) => Err(StorageError::Sealed {
                extension: id.to_owned(),
                settings: closed.join(", "),
                reason,
            }),
        }
    }

    /// The settings under a schema that keeps secret what is secret.
    pub(super) fn under(&self, schema: &Value) -> Result<Settings, SettingsError> {
        match self.secret.iter().find(|name| !is_secret_setting(schema, name)) {
            Some(name) => Err(SettingsError::new(format!(
                "`{name}` was given as a secret and would be none; take it back first, with `--unset {name}`"
            ))),
            None => resolve(schema, &self.settings),
        }
    }
}

/// Forgets the secret settings of an extension, whether they open or not. Returns their names.
pub async fn forget_secrets(storage: &Storage, id: &str) -> Result<Vec<String>, StorageError> {
    let key = key::sealed(id);
    let sealed: SealedSettings = read_json(storage, &key)?;
    let removed = storage.update(move |transaction| {
        transaction.remove(key);
        Ok::<_, StorageError>(())
    });
    removed.await?;
    Ok(sealed.into_keys().collect())
}

/// A record that is a JSON object; an empty one if there is none.
fn read_json<T: Default + serde::de::DeserializeOwned>(
    storage: &Storage,
    key: &[u8],
) -> Result<T, StorageError> {
    match storage.get(key)? {
        None => Ok(T::default()),
        Some(value) => {
            serde_json::from_slice(&value).map_err(|error| super::corrupt(key, &error.to_string()))
        }
    }
}

/// Settings as the storage keeps them.
pub(super) struct Records {
    id: String,
    open: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
}

impl Records {
    /// Seals what the schema calls secret.
    pub(super) fn new(
        sealer: &Sealer,
        id: &str,
        schema: &Value,
        given: &Settings,
    ) -> Result<Self, super::RegistryError> {
        let mut open = Settings::new();
        let mut sealed = SealedSettings::new();
        for (name, value) in given {
            if is_secret_setting(schema, name) {
                let text = sealer.seal(id, name, &super::to_json(value)?);
                sealed.insert(name.clone(), text.map_err(storage_error)?);
            } else {
                open.insert(name.clone(), value.clone());
            }
        }
        let bytes = super::to_json(&sealed)?;
        if bytes.len() > MAX_SEALED_BYTES {
            let message = format!(
                "the secret ones have {} bytes when they are sealed, the limit is {MAX_SEALED_BYTES}",
                bytes.len()
            );
            return Err(SettingsError::new(message).into());
        }
        let sealed = (!sealed.is_empty()).then_some(bytes);
        let open = if open.is_empty() { None } else { Some(super::to_json(&open)?) };
        Ok(Self { id: id.to_owned(), open, sealed })
    }

    /// Writes them in place of what there was.
    pub(super) fn write(self, transaction: &mut Transaction<'_>) -> Result<(), StorageError> {
        let pairs = [(key::settings(&self.id), self.open), (key::sealed(&self.id), self.sealed)];
        for (key, value) in pairs {
            match value {
                Some(value) => transaction.put(key, value)?,
                None => transaction.remove(key),
            }
        }
        Ok(())
    }
}

fn storage_error(error: SealError) -> StorageError {
    match error {
        SealError::Storage(error) => error,
        error => StorageError::Failed(error.to_string()),
    }
}

/// Puts the secrets that there are in the place of `{"$secret": null}`, by which whoever cannot see them keeps them.
pub(super) fn keep_secrets(
    schema: &Value,
    given: &mut Settings,
    there: &Settings,
) -> Result<(), SettingsError> {
    for (name, value) in given {
        let stands_for_secret = value.as_object().is_some_and(|object| {
            object.len() == 1 && object.get(SECRET_KEY).is_some_and(Value::is_null)
        });
        if !stands_for_secret || !is_secret_setting(schema, name) {
            continue;
        }
        *value = there.get(name).cloned().ok_or_else(|| {
            SettingsError::new(format!("`{name}` has no value that could be kept"))
        })?;
    }
    Ok(())
}

/// The settings that the extension sees.
pub(super) fn resolve(schema: &Value, given: &Settings) -> Result<Settings, SettingsError> {
    let wrong = SettingsError::new;
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
    let has_secrets = settings.keys().any(|name| is_secret_setting(schema, name));
    let validator = jsonschema::validator_for(schema).map_err(|error| wrong(error.to_string()))?;
    let settings = Value::Object(settings);
    let problems: Vec<SettingProblem> = validator
        .iter_errors(&settings)
        .take(10)
        .map(|error| {
            let path = error.instance_path().to_string();
            let at = path.trim_start_matches('/').to_owned();
            let top =
                at.split('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            // What is wrong with all of them together may show all of them.
            let message = match (at.is_empty(), is_secret_setting(schema, &top)) {
                (true, _) if has_secrets => error.masked_with("they").to_string(),
                (true, _) | (false, false) => error.to_string(),
                (false, true) => error.masked_with("the secret").to_string(),
            };
            SettingProblem { at, message }
        })
        .collect();
    match settings {
        Value::Object(settings) if problems.is_empty() => Ok(settings),
        _ => {
            let named = problems.iter().map(|SettingProblem { at, message }| match at.as_str() {
                "" => message.clone(),
                at => format!("`{at}`: {message}"),
            });
            Err(SettingsError { message: named.collect::<Vec<_>>().join("; "), problems })
        }
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
