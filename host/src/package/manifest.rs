//! `extension.toml`: what an extension says of itself and asks for. Text in, a checked manifest out; no I/O.

mod asks;
mod gui;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

pub(crate) use self::asks::is_secret_setting;
use self::asks::{Needs, asks_of, check_needs, check_size};
pub use self::gui::{Overlay, Page, Title};
use self::gui::{OverlayTable, PageTable, check_drawn};
use crate::condition::Condition;
use crate::grant::{self, ALL_FIELDS, Ask, Grant};
use crate::hook::{HookPattern, HookPatternError, Phase, Power, Status};
use crate::limits::Asked;
use crate::locale::Locale;
use crate::order::Provides;
use crate::suggest::{self, shown};

/// Bytes that a manifest may have; the storage keeps it as one value.
const MAX_BYTES: usize = 32 << 10;
/// Subscriptions that a manifest may have.
const MAX_SUBSCRIPTIONS: usize = 200;
/// Characters of a reason.
const MAX_REASON: usize = 500;
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
    /// The language that has the messages which the others lack, if it is not English or the first.
    pub default_locale: Option<Locale>,
    /// The hooks that it subscribes to.
    pub subscriptions: Vec<Subscription>,
    /// What it provides, if panels can order something of it.
    pub provider: Option<Provision>,
    /// Its pages.
    pub pages: Vec<Page>,
    /// The places of the panel that it changes.
    pub overlays: Vec<Overlay>,
    /// Everything that it asks for and the operator may grant, in the manifest's order.
    pub asks: Vec<Ask>,
    /// The JSON Schema of its settings.
    pub settings_schema: serde_json::Value,
}

/// A hook that an extension subscribes to, and what its handler may do there.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// The hooks.
    pub hook: HookPattern,
    /// 0 to 100, higher first.
    pub priority: u8,
    /// What the handler asks to do to the action.
    pub powers: Vec<Power>,
    /// Those of them that it cannot do without: it is not installed for a panel that does not heed them.
    pub requires: Vec<Power>,
    /// The fields that it asks to see.
    pub read: Fields,
    /// The fields that it asks to change.
    pub alter: Fields,
    /// The secret fields that it asks to hand on without reading them.
    pub secrets: BTreeSet<String>,
    /// The secret fields that it asks to read.
    pub reveal: BTreeSet<String>,
    /// Whether it runs on actions that the extension itself caused.
    pub own_actions: OwnActions,
    /// After the action: on which endings the handler runs.
    pub statuses: Vec<Status>,
    /// What must hold of an event for the handler to be called; nothing for every event.
    pub when: Option<Arc<Condition>>,
    /// What a fault becomes.
    pub on_failure: OnFailure,
    /// The limits that it asks for.
    pub asked: Asked,
}

/// What an extension provides.
#[derive(Debug, Clone, PartialEq)]
pub struct Provision {
    /// What can be ordered.
    pub provides: Provides,
    /// The limits that it asks for.
    pub asked: Asked,
}

/// A choice of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Every field that is not secret.
    All,
    /// These.
    Named(BTreeSet<String>),
}

/// Whether a handler runs on actions that its own extension caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnActions {
    /// It does not, or it could cause itself for ever.
    #[default]
    Ignore,
    /// It does.
    Run,
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

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest is wrong: {message}")]
pub struct ManifestError {
    /// What is wrong, naming the place and the value.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnFailure::Proceed => "proceed",
            OnFailure::Deny => "deny",
        })
    }
}

impl Fields {
    /// The choice that a list of names makes: `*` is every field.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().collect();
        match names.contains(ALL_FIELDS) {
            true => Fields::All,
            false => Fields::Named(names),
        }
    }

    /// Whether the field is among them. Whether it is secret, the caller knows.
    pub fn allows(&self, field: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Named(fields) => fields.contains(field),
        }
    }

    /// Whether the field is named, as a secret field must be.
    pub fn names(&self, field: &str) -> bool {
        matches!(self, Fields::Named(fields) if fields.contains(field))
    }

    /// The names as a list; `*` for every field.
    pub fn to_list(&self) -> Vec<String> {
        match self {
            Fields::All => vec![ALL_FIELDS.to_owned()],
            Fields::Named(fields) => fields.iter().cloned().collect(),
        }
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
    provider: Option<ProviderAsked>,
    #[serde(default)]
    page: Vec<PageTable>,
    #[serde(default)]
    overlay: Vec<OverlayTable>,
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
    default_locale: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct On {
    hook: String,
    #[serde(default)]
    reason: String,
    priority: Option<i64>,
    #[serde(default)]
    powers: Vec<Power>,
    #[serde(default)]
    requires: Vec<Power>,
    read: Option<Vec<String>>,
    #[serde(default)]
    alter: Vec<String>,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    reveal: Vec<String>,
    #[serde(default)]
    own_actions: OwnActions,
    status: Option<Vec<Status>>,
    when: Option<String>,
    #[serde(default)]
    on_failure: OnFailure,
    fuel: Option<u64>,
    deadline_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ProviderAsked {
    provides: Provides,
    reason: String,
    fuel: Option<u64>,
    deadline_ms: Option<u32>,
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
        let default_locale = extension.default_locale.as_deref().map(Locale::parse).transpose();
        let default_locale = default_locale
            .map_err(|reason| wrong(format!("`extension.default-locale` is {reason}")))?;
        let kv_bytes = file.needs.kv.as_ref().and_then(|kv| kv.quota_bytes);
        let draws = !file.page.is_empty() || !file.overlay.is_empty();
        if file.on.is_empty() && file.provider.is_none() && !draws {
            return Err(ManifestError {
                message: "it subscribes to no hook, provides nothing and shows nothing".into(),
                hint: Some("add a hook: [[on]] hook = \"before:mailbox.create\"".into()),
            });
        }
        let memory_bytes = file.limits.memory_bytes;
        let (subscriptions, mut asks) = check_subscriptions(file.on, memory_bytes, kv_bytes)?;
        let provider = match file.provider {
            None => None,
            Some(provider) => {
                let asked = Asked {
                    fuel: provider.fuel,
                    deadline_ms: provider.deadline_ms,
                    memory_bytes,
                    kv_bytes,
                };
                check_more_than_nothing(&asked)
                    .map_err(|reason| wrong(format!("`provider`: {reason}")))?;
                check_text("provider.reason", &provider.reason, 1, MAX_REASON)?;
                let provides = provider.provides;
                asks.push(Ask { grant: Grant::Provide(provides), reason: provider.reason });
                Some(Provision { provides, asked })
            }
        };
        let drawn = check_drawn(file.page, file.overlay, memory_bytes, kv_bytes)?;
        asks.extend(drawn.asks);
        let settings_schema = check_schema(file.settings)?;
        asks.extend(check_needs(file.needs, &settings_schema)?);
        check_size(&asks)?;
        Ok(Self {
            id: extension.id.into(),
            name: extension.name,
            version,
            description: extension.description,
            license: extension.license,
            homepage: extension.homepage,
            default_locale,
            subscriptions,
            provider,
            pages: drawn.pages,
            overlays: drawn.overlays,
            asks,
            settings_schema,
        })
    }
}

fn wrong(message: String) -> ManifestError {
    ManifestError { message, hint: None }
}

fn check_id(id: &str) -> Result<(), ManifestError> {
    if id.len() <= 64 && id.split(['-', '.']).all(grant::is_word) {
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
) -> Result<(Vec<Subscription>, Vec<Ask>), ManifestError> {
    if on.len() > MAX_SUBSCRIPTIONS {
        return Err(wrong(format!(
            "it has {} subscriptions, the limit is {MAX_SUBSCRIPTIONS}",
            on.len()
        )));
    }
    let mut seen = BTreeSet::new();
    let (mut subscriptions, mut asks) = (Vec::with_capacity(on.len()), Vec::new());
    for on in on {
        if !seen.insert(on.hook.clone()) {
            return Err(wrong(format!("the hook `{}` is subscribed to twice", shown(&on.hook))));
        }
        let asked = Asked { fuel: on.fuel, deadline_ms: on.deadline_ms, memory_bytes, kv_bytes };
        let reason = on.reason.clone();
        let subscription = check_subscription(on, asked)?;
        asks.extend(asks_of(&subscription, &reason));
        subscriptions.push(subscription);
    }
    Ok((subscriptions, asks))
}

fn check_subscription(on: On, asked: Asked) -> Result<Subscription, ManifestError> {
    let hook = shown(&on.hook);
    let fail = |message: &str| Err(wrong(format!("hook `{hook}`: {message}")));
    let pattern = parse_hook(&on.hook)?;
    let phase = pattern.phase;
    let priority = match check_priority(on.priority) {
        Ok(priority) => priority,
        Err(reason) => return fail(&format!("`priority` {reason}")),
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
    if let Some(power) = on.requires.iter().find(|power| !on.powers.contains(power)) {
        return fail(&format!("`requires` names `{power}`, which is none of its `powers`"));
    }
    if let Err(reason) = check_more_than_nothing(&asked) {
        return fail(reason);
    }
    let statuses = match on.status {
        Some(statuses) if statuses.is_empty() => {
            return fail("`status` must name at least one of succeeded, skipped, denied, failed");
        }
        Some(statuses) => statuses,
        None => vec![Status::Succeeded],
    };
    let read = on.read.unwrap_or_else(|| vec![ALL_FIELDS.to_owned()]);
    for (key, fields) in
        [("read", &read), ("alter", &on.alter), ("secrets", &on.secrets), ("reveal", &on.reveal)]
    {
        for field in fields {
            grant::check_field(field).map_err(|reason| {
                wrong(format!("hook `{hook}`: `{key}`: {reason}: `{}`", shown(field)))
            })?;
        }
    }
    for (key, fields) in [("secrets", &on.secrets), ("reveal", &on.reveal)] {
        if fields.iter().any(|field| field == ALL_FIELDS) {
            return fail(&format!("`{key}` must name each field; `*` is not one"));
        }
    }
    let when = match on.when.as_deref().map(|text| Condition::parse(text, phase)) {
        Some(Err(reason)) => return fail(&format!("`when`: {reason}")),
        Some(Ok(condition)) => Some(Arc::new(condition)),
        None => None,
    };
    let plain = on.powers.is_empty() && on.secrets.is_empty() && on.reveal.is_empty();
    check_text(&format!("hook `{hook}`: reason"), &on.reason, usize::from(!plain), MAX_REASON)?;
    Ok(Subscription {
        hook: pattern,
        priority,
        powers: on.powers,
        requires: on.requires,
        read: Fields::of(read),
        alter: Fields::of(on.alter),
        secrets: on.secrets.into_iter().collect(),
        reveal: on.reveal.into_iter().collect(),
        own_actions: on.own_actions,
        statuses,
        when,
        on_failure: on.on_failure,
        asked,
    })
}

/// A priority: 50 where none is given.
fn check_priority(priority: Option<i64>) -> Result<u8, String> {
    let priority = priority.unwrap_or(50);
    let fits = u8::try_from(priority).ok().filter(|priority| *priority <= 100);
    fits.ok_or_else(|| format!("must be 0 to 100: {priority}"))
}

fn check_more_than_nothing(asked: &Asked) -> Result<(), &'static str> {
    match asked.fuel == Some(0) || asked.deadline_ms == Some(0) || asked.memory_bytes == Some(0) {
        true => Err("`fuel`, `deadline-ms` and `memory-bytes` must be more than 0"),
        false => Ok(()),
    }
}

fn parse_hook(hook: &str) -> Result<HookPattern, ManifestError> {
    HookPattern::parse(hook).map_err(|error| match error {
        HookPatternError::Malformed => ManifestError {
            message: format!(
                "`hook` must be `before:` or `after:` and an action: `{}`",
                shown(hook)
            ),
            hint: Some("such as `before:mailbox.create`, `after:site.*` or `after:*`".into()),
        },
        HookPatternError::Action(message) => wrong(format!("hook `{}`: {message}", shown(hook))),
    })
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
