//! `palisade:core/secrets` and `reveal`: secrets that a guest hands on without reading them, and reading them.
//!
//! Whatever a guest read, or the host filled in for it, is taken out of everything that others can see of the call:
//! its log, its faults and its answer. A guest that changes the value before it writes it down gets past that; whom
//! a secret is revealed to has it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use wasmtime::component::Resource;

use super::CallState;
use crate::bindings::{reveal, secrets};
use crate::grant::Grant;
use crate::hook::{Change, Fault, LogRecord, Outcome, Value, is_secret};
use crate::package::is_secret_setting;

/// What stands where a secret stood.
const TAKEN_OUT: &str = "[secret]";
/// Bytes of a secret below which its encodings are not looked for: they would be found in everything.
const LEAST_ENCODED: usize = 4;

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

/// The secrets that left the host's hands in a call, in every form in which they are taken out of texts.
#[derive(Default)]
pub(crate) struct Known {
    forms: Vec<String>,
}

impl secrets::Host for CallState {
    fn setting(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, secrets::Error>> {
        self.called(name.len())?;
        let extension = &self.handler.extension;
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
        if !self.handler.access.may_use(&name) {
            let hook = self.handler.subscription.hook.clone();
            let grant = match self.handler.subscription.reveal.contains(&name) {
                true => Grant::Reveal(hook, name.clone()),
                false => Grant::Use(hook, name.clone()),
            };
            let Err(why) = self.handler.extension.check(&grant) else {
                // What is granted is in `access`.
                return Ok(Err(secrets::Error::Other("not granted".into())));
            };
            self.uses.refused("use", &name);
            return Ok(Err(secrets::Error::Denied(why)));
        }
        Ok(match self.event.params.get(&name) {
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
                Grant::Reveal(self.handler.subscription.hook.clone(), name.clone())
            }
        };
        let what = match of {
            SecretOf::Setting => format!("setting {name}"),
            SecretOf::Parameter => name.clone(),
        };
        if let Err(why) = self.handler.extension.check(&grant) {
            self.uses.refused("reveal", &what);
            return Ok(Err(secrets::Error::Denied(why)));
        }
        self.uses.used("reveal", &what);
        let value = self.secret(&secret)?;
        self.handed_out(value.as_ref().map_or(0, Vec::len));
        Ok(value.ok_or(secrets::Error::Unset))
    }
}

impl CallState {
    /// The value of a secret, for a host function that hands it on; `None` if it has none. What may be done with it,
    /// the caller has checked. From here on it is taken out of what the guest writes.
    pub(super) fn secret(
        &mut self,
        secret: &Resource<SecretHandle>,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        let SecretHandle { name, of } = self.table.get(secret)?;
        let bytes = match of {
            SecretOf::Setting => {
                let setting = self.handler.extension.settings.get(name).cloned();
                setting.map(|setting| bytes_of(&setting.into()))
            }
            SecretOf::Parameter => match self.event.params.get(name) {
                Some(Value::Secret(secret)) => Some(bytes_of(secret.expose())),
                _ => None,
            },
        };
        if let Some(bytes) = &bytes {
            self.known.add(bytes);
        }
        Ok(bytes)
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

impl Known {
    /// Remembers a secret, to be taken out of what is written from now on.
    fn add(&mut self, secret: &[u8]) {
        let mut forms = Vec::new();
        if let Ok(text) = std::str::from_utf8(secret) {
            forms.push(text.to_owned());
            let escaped = serde_json::Value::from(text).to_string();
            forms.push(escaped.trim_matches('"').to_owned());
            forms.push(url::form_urlencoded::byte_serialize(secret).collect());
        }
        if secret.len() >= LEAST_ENCODED {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            forms.push(hex.to_uppercase());
            forms.push(hex);
            forms.push(STANDARD_NO_PAD.encode(secret));
            forms.push(URL_SAFE_NO_PAD.encode(secret));
        }
        self.forms.extend(forms.into_iter().filter(|form| !form.is_empty()));
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        self.forms.dedup();
    }

    /// Whether there is nothing to take out.
    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }

    fn take_out(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form) {
                *text = text.replace(form, TAKEN_OUT);
            }
        }
    }

    /// Takes the secrets out of what a guest wrote to its log.
    pub(crate) fn take_out_of_log(&self, log: &mut [LogRecord]) {
        log.iter_mut().for_each(|record| self.take_out(&mut record.message));
    }

    /// Takes the secrets out of what is told of a fault.
    pub(crate) fn take_out_of_fault(&self, fault: &mut Fault) {
        match fault {
            Fault::Trap { message, backtrace } => {
                self.take_out(message);
                backtrace.iter_mut().for_each(|frame| self.take_out(frame));
            }
            Fault::Failure { message, .. } => self.take_out(message),
            Fault::BadAnswer { reason } => self.take_out(reason),
            _ => {}
        }
    }

    /// Takes the secrets out of what people read of an answer, and refuses an answer that would put one into a field
    /// that is not secret.
    pub(crate) fn take_out_of_answer(
        &self,
        action: &str,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        match outcome {
            Outcome::Proceed => {}
            Outcome::Alter(changes) => {
                changes.iter().try_for_each(|change| self.check_change(action, change))?;
            }
            Outcome::Skip { reason, result } => {
                self.take_out(reason);
                if let Some(result) = result {
                    self.take_out_of_json(result);
                }
            }
            Outcome::Deny(problems) => {
                for problem in problems {
                    self.take_out(&mut problem.message);
                    self.take_out(&mut problem.code);
                    if let Some(field) = &mut problem.field {
                        self.take_out(field);
                    }
                }
            }
        }
        Ok(())
    }

    fn check_change(&self, action: &str, change: &Change) -> Result<(), String> {
        let Some(value) = &change.value else { return Ok(()) };
        let shown = value.to_json().to_string();
        match !is_secret(action, &change.name) && self.is_in(&shown) {
            true => Err(format!("it put a secret into `{}`, which is not secret", change.name)),
            false => Ok(()),
        }
    }

    fn take_out_of_json(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => self.take_out(text),
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|item| self.take_out_of_json(item));
            }
            serde_json::Value::Object(members) => {
                members.values_mut().for_each(|member| self.take_out_of_json(member));
            }
            serde_json::Value::Number(number) if self.is_in(&number.to_string()) => {
                *json = TAKEN_OUT.into();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::{LogLevel, Problem};

    fn known() -> Known {
        let mut known = Known::default();
        known.add(b"canary \"1\"");
        known
    }

    #[test]
    fn a_secret_is_taken_out_of_a_text_in_every_usual_form() {
        for form in [
            "canary \"1\"",
            "canary \\\"1\\\"",
            "canary+%221%22",
            "63616e617279202231220a",
            "63616E61727920223122",
            "Y2FuYXJ5ICIxIg==",
        ] {
            let mut log =
                vec![LogRecord { level: LogLevel::Info, message: format!("it is {form}!") }];
            known().take_out_of_log(&mut log);
            assert!(log[0].message.starts_with("it is [secret]"), "{}", log[0].message);
        }
    }

    #[test]
    fn a_secret_is_taken_out_of_a_denial_and_of_a_result() {
        let problem = Problem {
            code: "x".into(),
            field: None,
            message: "the password canary \"1\" is weak".into(),
        };
        let mut deny = Outcome::Deny(vec![problem]);
        known().take_out_of_answer("customer.create", &mut deny).unwrap();
        assert!(
            matches!(&deny, Outcome::Deny(problems) if problems[0].message == "the password [secret] is weak")
        );
        let result = serde_json::json!({ "list": ["canary \"1\""] });
        let mut skip = Outcome::Skip { reason: String::new(), result: Some(result) };
        known().take_out_of_answer("customer.create", &mut skip).unwrap();
        assert!(
            matches!(&skip, Outcome::Skip { result: Some(result), .. } if result["list"][0] == TAKEN_OUT)
        );
    }

    #[test]
    fn a_secret_stays_in_secret_fields() {
        let alter = |name: &str| {
            Outcome::Alter(vec![Change {
                name: name.into(),
                value: Some(Value::Text("canary \"1\"".into())),
            }])
        };
        let answer = |name: &str| known().take_out_of_answer("customer.create", &mut alter(name));
        assert_eq!(answer("password"), Ok(()));
        assert_eq!(answer("name"), Err("it put a secret into `name`, which is not secret".into()));
    }

    #[test]
    fn a_short_secret_is_taken_out_as_it_is() {
        let mut known = Known::default();
        known.add(b"7");
        let mut text = "it is 7, not 37".to_owned();
        known.take_out(&mut text);
        assert_eq!(text, "it is [secret], not 3[secret]");
    }
}
