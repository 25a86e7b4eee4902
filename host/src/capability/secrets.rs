//! `palisade:core/secrets` and `reveal`: secrets that a guest hands on without reading them, and reading them.
//!
//! Whatever a guest read, or the host filled in for it, is remembered in [`Known`] and taken out of everything that
//! others can see of the call. A secret must never leave here without that.
//!
//! [`Known`]: super::known::Known

use wasmtime::component::Resource;

use super::known::{Known, MAX_FORMS, TooMany};
use super::{About, CallState, Stop};
use crate::bindings::{reveal, secrets};
use crate::grant::Grant;
use crate::hook::{Fault, Value};
use crate::package::is_secret_setting;

/// A guest's handle to a secret.
pub struct SecretHandle {
    name: String,
    of: SecretOf,
}

/// What a secret is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SecretOf {
    Setting,
    Parameter,
}

impl secrets::Host for CallState {
    fn setting(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, secrets::Error>> {
        self.called(name.len())?;
        let extension = self.extension();
        if !is_secret_setting(&extension.manifest.settings_schema, &name) {
            let message = format!("`{}` is not a secret setting", name.escape_default());
            return Ok(Err(secrets::Error::Denied(message)));
        }
        if !extension.settings.contains_key(&name) {
            return Ok(Err(secrets::Error::Unset));
        }
        Ok(Ok(self.table.push(SecretHandle { name, of: SecretOf::Setting })?))
    }

    fn parameter(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, secrets::Error>> {
        self.called(name.len())?;
        let About::Event { handler, event } = &self.about else {
            return Ok(Err(secrets::Error::Denied("an operation has no secret parameters".into())));
        };
        if !handler.access.may_use(&name) {
            let hook = handler.subscription.hook.clone();
            let grant = match handler.subscription.reveal.contains(&name) {
                true => Grant::Reveal(hook, name.clone()),
                false => Grant::Use(hook, name.clone()),
            };
            let Err(why) = handler.extension.check(&grant) else {
                // What is granted is in `access`.
                return Ok(Err(secrets::Error::Other("not granted".into())));
            };
            self.uses.refused("use", &name);
            return Ok(Err(secrets::Error::Denied(why)));
        }
        Ok(match event.params.get(&name) {
            Some(Value::Secret(_)) => {
                Ok(self.table.push(SecretHandle { name, of: SecretOf::Parameter })?)
            }
            Some(_) => Err(secrets::Error::Other(format!(
                "the field `{}` is not secret; read it with `event.get`",
                name.escape_default()
            ))),
            None => Err(secrets::Error::Unset),
        })
    }
}

impl secrets::HostSecret for CallState {
    fn name(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<String> {
        let name = self.table.get(&secret)?.name.clone();
        self.called(name.len())?;
        Ok(name)
    }

    fn drop(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<()> {
        self.table.delete(secret)?;
        Ok(())
    }
}

impl reveal::Host for CallState {
    fn reveal(
        &mut self,
        secret: Resource<SecretHandle>,
    ) -> wasmtime::Result<Result<Vec<u8>, secrets::Error>> {
        self.called(0)?;
        let SecretHandle { name, of } = self.table.get(&secret)?;
        let grant = match of {
            SecretOf::Setting => Grant::RevealSetting(name.clone()),
            SecretOf::Parameter => {
                Grant::Reveal(self.event()?.0.subscription.hook.clone(), name.clone())
            }
        };
        let what = self.table.get(&secret)?.in_uses();
        if let Err(why) = self.extension().check(&grant) {
            self.uses.refused("reveal", &what);
            return Ok(Err(secrets::Error::Denied(why)));
        }
        self.uses.used("reveal", &what);
        let value = self.value_of(&secret)?;
        self.handed_out(value.as_ref().map_or(0, Vec::len));
        Ok(value.ok_or(secrets::Error::Unset))
    }
}

impl SecretHandle {
    /// What it is called in the journal, as in the spelling of its grant.
    fn in_uses(&self) -> String {
        match self.of {
            SecretOf::Setting => format!("setting {}", self.name),
            SecretOf::Parameter => self.name.clone(),
        }
    }

    /// The name of the setting or parameter.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl CallState {
    /// The value of a secret, for a host function that hands it on; `None` if it has none. What may be done with it,
    /// the caller has checked. From here on it is taken out of what the guest writes.
    pub(super) fn secret(
        &mut self,
        secret: &Resource<SecretHandle>,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        let what = self.table.get(secret)?.in_uses();
        self.uses.used("use", &what);
        self.value_of(secret)
    }

    fn value_of(&mut self, secret: &Resource<SecretHandle>) -> wasmtime::Result<Option<Vec<u8>>> {
        let SecretHandle { name, of } = self.table.get(secret)?;
        let setting;
        let value = match of {
            SecretOf::Setting => {
                setting = self.about.extension().settings.get(name).cloned().map(Value::from);
                setting.as_ref()
            }
            SecretOf::Parameter => match &self.about {
                About::Event { event, .. } => match event.params.get(name) {
                    Some(Value::Secret(secret)) => Some(secret.expose()),
                    _ => None,
                },
                About::Provider { .. } | About::Page { .. } | About::Overlay { .. } => None,
            },
        };
        let Some(value) = value else { return Ok(None) };
        let bytes = bytes_of(value);
        // Of a list or a document each text is a secret by itself.
        let texts = texts_in(value).into_iter().map(str::as_bytes);
        remember(&mut self.known, std::iter::once(bytes.as_slice()).chain(texts))?;
        Ok(Some(bytes))
    }

    /// Remembers what a secret became, to take it out of what the guest writes.
    pub(super) fn remember<'a>(
        &mut self,
        secrets: impl IntoIterator<Item = &'a [u8]>,
    ) -> wasmtime::Result<()> {
        remember(&mut self.known, secrets)
    }
}

fn remember<'a>(
    known: &mut Known,
    secrets: impl IntoIterator<Item = &'a [u8]>,
) -> wasmtime::Result<()> {
    known.add(secrets).map_err(|TooMany| Stop(Fault::Secrets { limit: MAX_FORMS as u64 }).into())
}

/// The bytes of a value that is withheld, as they are handed on.
pub(super) fn bytes_of_secret(value: &Value) -> Vec<u8> {
    match value {
        Value::Secret(secret) => bytes_of(secret.expose()),
        value => bytes_of(value),
    }
}

/// A secret as bytes: a text as it is, anything else as JSON.
fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) => bytes.clone(),
        value => value.to_json().to_string().into_bytes(),
    }
}

/// The texts in a value that is not a text itself.
fn texts_in(value: &Value) -> Vec<&str> {
    fn of_json<'a>(json: &'a serde_json::Value, texts: &mut Vec<&'a str>) {
        match json {
            serde_json::Value::String(text) => texts.push(text),
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| of_json(item, texts));
            }
            serde_json::Value::Object(members) => {
                members.values().for_each(|member| of_json(member, texts));
            }
            _ => {}
        }
    }
    let mut texts = Vec::new();
    match value {
        Value::Texts(items) => texts.extend(items.iter().map(String::as_str)),
        Value::Json(json) => of_json(json, &mut texts),
        _ => {}
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_of_a_list_or_a_document_is_a_secret() {
        let value = |json| Value::from(json);
        assert_eq!(texts_in(&value(serde_json::json!(["one", "two"]))), ["one", "two"]);
        let nested = value(serde_json::json!({ "a": [{ "b": "one" }, 2], "c": "two" }));
        assert_eq!(texts_in(&nested), ["one", "two"]);
        assert!(texts_in(&value(serde_json::json!("one"))).is_empty());
    }
}
