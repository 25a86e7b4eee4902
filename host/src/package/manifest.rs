//! `extension.toml`: what an extension says of itself and asks for. Text in, a checked manifest out; no I/O.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use crate::hook::{Phase, Power, Status};
use crate::limits::Asked;
use crate::suggest;

/// Bytes that a manifest may have; the storage keeps it as one value.
const MAX_BYTES: usize = 32 << 10;
/// Subscriptions that a manifest may have.
const MAX_SUBSCRIPTIONS: usize = 200;
/// The version of the contract that this host offers: `palisade:extension`.
const CONTRACT: (u64, u64) = (1, 0);

/// What an extension says of itself, checked.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The identifier, which never changes.
    pub id: Arc<str>,
    /// The name to show.
    pub name: String,
    /// The version.
    pub version: semver::Version,
    /// One sentence about it.
    pub description: String,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// Where to read more.
    pub homepage: Option<String>,
    /// The hooks that it subscribes to.
    pub subscriptions: Vec<Subscription>,
    /// What it asks of `kv`, if it asks for it.
    pub kv: Option<KvRequest>,
    /// The JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
}

/// A hook that an extension subscribes to, and what its handler may do there.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// The phase.
    pub phase: Phase,
    /// The actions.
    pub pattern: Pattern,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// What the handler may do to the action.
    pub powers: Vec<Power>,
    /// The fields that it may change.
    pub alter: Alterable,
    /// After the action: on which endings the handler runs.
    pub statuses: Vec<Status>,
    /// What a fault becomes.
    pub on_failure: OnFailure,
    /// The limits that it asks for.
    pub asked: Asked,
}

/// The actions that a subscription matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One action, such as `mailbox.create`.
    Exact(String),
    /// All actions whose name begins with this and a dot; empty for all actions.
    Under(String),
}

/// The fields that a handler may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alterable {
    /// Every field that is not secret.
    All,
    /// These.
    Fields(BTreeSet<String>),
}

/// What a fault becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The action goes on without the handler.
    #[default]
    Proceed,
    /// The action is refused.
    Deny,
}

/// What an extension asks of `kv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvRequest {
    /// Why, for the operator.
    pub reason: String,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest is wrong: {message}")]
pub struct ManifestError {
    /// What is wrong, naming the place and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(action) => f.write_str(action),
            Pattern::Under(prefix) if prefix.is_empty() => f.write_str("*"),
            Pattern::Under(prefix) => write!(f, "{prefix}.*"),
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnFailure::Proceed => "proceed",
            OnFailure::Deny => "deny",
        })
    }
}

impl Alterable {
    /// Whether the handler may change the field. Whether it is secret, the caller knows.
    pub fn allows(&self, field: &str) -> bool {
        match self {
            Alterable::All => true,
            Alterable::Fields(fields) => fields.contains(field),
        }
    }

    /// Whether the field is named, as a secret field must be.
    pub fn names(&self, field: &str) -> bool {
        matches!(self, Alterable::Fields(fields) if fields.contains(field))
    }
}

/// The file as it is written, before it is checked.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    manifest: u32,
    extension: Extension,
    #[serde(default)]
    on: Vec<On>,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    limits: LimitsAsked,
    #[serde(default)]
    settings: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Extension {
    id: String,
    name: String,
    version: String,
    contract: String,
    #[serde(default)]
    description: String,
    license: Option<String>,
    homepage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct On {
    hook: String,
    priority: Option<i64>,
    #[serde(default)]
    powers: Vec<Power>,
    #[serde(default)]
    alter: Vec<String>,
    status: Option<Vec<Status>>,
    #[serde(default)]
    on_failure: OnFailure,
    fuel: Option<u64>,
    deadline_ms: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Needs {
    kv: Option<NeedsKv>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NeedsKv {
    reason: String,
    quota_bytes: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LimitsAsked {
    memory_bytes: Option<u64>,
}

impl Manifest {
    /// Parses and checks the text of an `extension.toml`.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_BYTES {
            return Err(wrong(format!("it has {} bytes, the limit is {MAX_BYTES}", text.len())));
        }
        let file: File = toml::from_str(text).map_err(|error| {
            let message = error.to_string();
            ManifestError {
                hint: suggest::for_unknown_field(error.message()),
                message: message.trim_end().to_owned(),
            }
        })?;
        if file.manifest != 1 {
            return Err(wrong(format!(
                "`manifest` is {}, and this host reads version 1 of the format",
                file.manifest
            )));
        }
        let extension = file.extension;
        check_id(&extension.id)?;
        check_text("extension.name", &extension.name, 1, 100)?;
        check_text("extension.description", &extension.description, 0, 1000)?;
        check_contract(&extension.contract)?;
        let version = semver::Version::parse(&extension.version).map_err(|error| {
            wrong(format!(
                "`extension.version` is not a semantic version such as `1.0.0`: {error}: `{}`",
                extension.version
            ))
        })?;
        let kv_bytes = file.needs.kv.as_ref().and_then(|kv| kv.quota_bytes);
        let subscriptions = check_subscriptions(file.on, file.limits.memory_bytes, kv_bytes)?;
        let kv = match file.needs.kv {
            Some(kv) => {
                check_text("needs.kv.reason", &kv.reason, 1, 500)?;
                Some(KvRequest { reason: kv.reason })
            }
            None => None,
        };
        Ok(Self {
            id: extension.id.into(),
            name: extension.name,
            version,
            description: extension.description,
            license: extension.license,
            homepage: extension.homepage,
            subscriptions,
            kv,
            settings_schema: check_schema(file.settings)?,
        })
    }
}

fn wrong(message: String) -> ManifestError {
    ManifestError { message, hint: None }
}

fn check_id(id: &str) -> Result<(), ManifestError> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if id.len() <= 64 && id.split(['-', '.']).all(word) {
        return Ok(());
    }
    Err(wrong(format!(
        "`extension.id` must be words of a-z and 0-9 joined by `-` or `.`, at most 64 characters: `{}`",
        shown(id)
    )))
}

fn check_text(name: &str, text: &str, least: usize, most: usize) -> Result<(), ManifestError> {
    let length = text.chars().count();
    if length < least || length > most || text.chars().any(char::is_control) {
        return Err(wrong(format!(
            "`{name}` must be {least} to {most} characters without control characters: `{}`",
            shown(text)
        )));
    }
    Ok(())
}

/// At most 80 characters of a text, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

fn check_contract(contract: &str) -> Result<(), ManifestError> {
    let (major, minor) = contract
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u64>().ok()?, minor.parse::<u64>().ok()?)))
        .ok_or_else(|| {
            wrong(format!(
                "`extension.contract` must be a major and a minor version such as `1.0`: `{}`",
                shown(contract)
            ))
        })?;
    if major != CONTRACT.0 || minor > CONTRACT.1 {
        return Err(ManifestError {
            message: format!(
                "`extension.contract` is {major}.{minor}, and this host offers palisade:extension {}.{}",
                CONTRACT.0, CONTRACT.1
            ),
            hint: Some(
                if (major, minor) > CONTRACT {
                    "upgrade this host"
                } else {
                    "build the extension against the newer contract"
                }
                .into(),
            ),
        });
    }
    Ok(())
}

fn check_subscriptions(
    on: Vec<On>,
    memory_bytes: Option<u64>,
    kv_bytes: Option<u64>,
) -> Result<Vec<Subscription>, ManifestError> {
    if on.is_empty() {
        return Err(ManifestError {
            message: "it subscribes to no hook".into(),
            hint: Some("add one: [[on]] hook = \"before:mailbox.create\"".into()),
        });
    }
    if on.len() > MAX_SUBSCRIPTIONS {
        return Err(wrong(format!(
            "it has {} subscriptions, the limit is {MAX_SUBSCRIPTIONS}",
            on.len()
        )));
    }
    let mut seen = BTreeSet::new();
    on.into_iter()
        .map(|on| {
            if !seen.insert(on.hook.clone()) {
                return Err(wrong(format!(
                    "the hook `{}` is subscribed to twice",
                    shown(&on.hook)
                )));
            }
            let asked =
                Asked { fuel: on.fuel, deadline_ms: on.deadline_ms, memory_bytes, kv_bytes };
            check_subscription(on, asked)
        })
        .collect()
}

fn check_subscription(on: On, asked: Asked) -> Result<Subscription, ManifestError> {
    let hook = shown(&on.hook);
    let fail = |message: &str| Err(wrong(format!("hook `{hook}`: {message}")));
    let (phase, pattern) = parse_hook(&on.hook)?;
    let priority = on.priority.unwrap_or(50);
    let Some(priority) = u8::try_from(priority).ok().filter(|priority| *priority <= 100) else {
        return fail(&format!("`priority` must be 0 to 100: {priority}"));
    };
    if phase == Phase::After && on.powers.iter().any(|power| *power != Power::Alter) {
        return fail("after an action only the power `alter` means anything");
    }
    if phase == Phase::After && on.on_failure == OnFailure::Deny {
        return fail("`on-failure = \"deny\"` means nothing after an action");
    }
    if phase == Phase::Before && on.status.is_some() {
        return fail("`status` means nothing before an action");
    }
    if on.alter.is_empty() == on.powers.contains(&Power::Alter) {
        return fail("the power `alter` and the list `alter` of fields go together");
    }
    if asked.fuel == Some(0) || asked.deadline_ms == Some(0) || asked.memory_bytes == Some(0) {
        return fail("`fuel`, `deadline-ms` and `memory-bytes` must be more than 0");
    }
    let statuses = match on.status {
        Some(statuses) if statuses.is_empty() => {
            return fail("`status` must name at least one of succeeded, skipped, denied, failed");
        }
        Some(statuses) => statuses,
        None => vec![Status::Succeeded],
    };
    for field in &on.alter {
        check_text("alter", field, 1, 256)?;
    }
    let alter = match on.alter.iter().any(|field| field == "*") {
        true => Alterable::All,
        false => Alterable::Fields(on.alter.into_iter().collect()),
    };
    Ok(Subscription {
        phase,
        pattern,
        priority,
        powers: on.powers,
        alter,
        statuses,
        on_failure: on.on_failure,
        asked,
    })
}

fn parse_hook(hook: &str) -> Result<(Phase, Pattern), ManifestError> {
    let malformed = || ManifestError {
        message: format!("`hook` must be `before:` or `after:` and an action: `{}`", shown(hook)),
        hint: Some("such as `before:mailbox.create`, `after:site.*` or `after:*`".into()),
    };
    let (phase, action) = hook.split_once(':').ok_or_else(malformed)?;
    let phase = match phase {
        "before" => Phase::Before,
        "after" => Phase::After,
        _ => return Err(malformed()),
    };
    let pattern = match action.strip_suffix('*') {
        Some("") => Pattern::Under(String::new()),
        Some(prefix) => Pattern::Under(prefix.strip_suffix('.').ok_or_else(malformed)?.to_owned()),
        None => Pattern::Exact(action.to_owned()),
    };
    let name = match &pattern {
        Pattern::Under(prefix) if prefix.is_empty() => return Ok((phase, pattern)),
        Pattern::Under(name) | Pattern::Exact(name) => name,
    };
    crate::hook::check_action(name).map_err(|message| ManifestError {
        message: format!("hook `{}`: {message}", shown(hook)),
        hint: None,
    })?;
    Ok((phase, pattern))
}

fn check_schema(settings: Option<toml::Table>) -> Result<serde_json::Value, ManifestError> {
    let Some(settings) = settings else {
        return Ok(serde_json::json!({ "type": "object", "additionalProperties": false }));
    };
    let schema = serde_json::to_value(settings)
        .map_err(|error| wrong(format!("`settings` is not a JSON Schema: {error}")))?;
    if schema.get("type").and_then(serde_json::Value::as_str) != Some("object") {
        return Err(wrong("`settings` must be a JSON Schema with `type = \"object\"`".into()));
    }
    jsonschema::validator_for(&schema)
        .map_err(|error| wrong(format!("`settings` is not a JSON Schema: {error}")))?;
    check_required(&schema)?;
    Ok(schema)
}

/// A setting that is required needs a default: an extension is installed before anyone can set it.
fn check_required(schema: &serde_json::Value) -> Result<(), ManifestError> {
    let required = schema.get("required").and_then(serde_json::Value::as_array);
    for name in required.into_iter().flatten().filter_map(serde_json::Value::as_str) {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        if property.and_then(|property| property.get("default")).is_none() {
            return Err(wrong(format!(
                "the setting `{}` is required and has no `default`",
                shown(name)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
