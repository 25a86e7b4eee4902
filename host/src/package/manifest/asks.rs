//! What a manifest asks for: the powers and fields of its subscriptions, and the tables under `needs`.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{MAX_REASON, ManifestError, Subscription, check_text, wrong};
use crate::grant::{self, Ask, Grant, Origin};
use crate::hook::{HookPattern, Power};
use crate::suggest::shown;

/// Entries of a list under `needs`.
const MAX_NEEDS: usize = 100;
/// Things that a manifest may ask for, and bytes of them as they are written; the registry keeps those
/// of two versions as one value.
const MAX_ASKS: usize = 1_000;
const MAX_ASKS_BYTES: usize = 24 << 10;

/// The tables under `needs`, as they are written.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Needs {
    pub(super) kv: Option<NeedsKv>,
    http: Option<NeedsHttp>,
    #[serde(default)]
    commands: Vec<NeedsCommand>,
    reveal: Option<NeedsReveal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NeedsKv {
    reason: String,
    pub(super) quota_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NeedsHttp {
    reason: String,
    origins: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NeedsCommand {
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NeedsReveal {
    reason: String,
    settings: Vec<String>,
}

/// What a subscription asks for, the weightiest first.
pub(super) fn asks_of(subscription: &Subscription, reason: &str) -> Vec<Ask> {
    let hook = || subscription.hook.clone();
    let has = |power| subscription.powers.contains(&power);
    let denies = has(Power::Deny).then(|| Grant::Deny(hook()));
    let skips = has(Power::Skip).then(|| Grant::Skip(hook()));
    let each = |names: Vec<String>, grant: fn(HookPattern, String) -> Grant| {
        names.into_iter().map(move |name| grant(subscription.hook.clone(), name))
    };
    let grants = denies
        .into_iter()
        .chain(skips)
        .chain(each(subscription.alter.to_list(), Grant::Alter))
        .chain(each(subscription.reveal.iter().cloned().collect(), Grant::Reveal))
        .chain(each(subscription.secrets.iter().cloned().collect(), Grant::Use))
        .chain(each(subscription.read.to_list(), Grant::Read));
    grants.map(|grant| Ask { grant, reason: reason.to_owned() }).collect()
}

/// What the tables under `needs` ask for.
pub(super) fn check_needs(
    needs: Needs,
    settings_schema: &serde_json::Value,
) -> Result<Vec<Ask>, ManifestError> {
    let mut asks = Vec::new();
    if let Some(kv) = needs.kv {
        check_text("needs.kv.reason", &kv.reason, 1, MAX_REASON)?;
        asks.push(Ask { grant: Grant::Kv, reason: kv.reason });
    }
    if let Some(http) = needs.http {
        check_text("needs.http.reason", &http.reason, 1, MAX_REASON)?;
        check_number("needs.http.origins", http.origins.len())?;
        for text in http.origins {
            let origin = Origin::parse(&text).map_err(|reason| ManifestError {
                message: format!("`needs.http.origins`: {reason}: `{}`", shown(&text)),
                hint: Some("write a scheme and a host, such as `https://crm.example.com`".into()),
            })?;
            asks.push(Ask { grant: Grant::Http(origin), reason: http.reason.clone() });
        }
    }
    for command in needs.commands {
        check_text("needs.commands.reason", &command.reason, 1, MAX_REASON)?;
        grant::check_command_name(&command.name).map_err(|reason| {
            wrong(format!("`needs.commands`: {reason}: `{}`", shown(&command.name)))
        })?;
        asks.push(Ask { grant: Grant::Command(command.name), reason: command.reason });
    }
    if let Some(reveal) = needs.reveal {
        check_text("needs.reveal.reason", &reveal.reason, 1, MAX_REASON)?;
        check_number("needs.reveal.settings", reveal.settings.len())?;
        for name in reveal.settings {
            if !is_secret_setting(settings_schema, &name) {
                return Err(ManifestError {
                    message: format!(
                        "`needs.reveal.settings` names `{}`, which is not a secret setting",
                        shown(&name)
                    ),
                    hint: Some("a secret setting has `writeOnly = true` in its schema".into()),
                });
            }
            asks.push(Ask { grant: Grant::RevealSetting(name), reason: reveal.reason.clone() });
        }
    }
    let mut seen = BTreeSet::new();
    match asks.iter().find(|ask| !seen.insert(&ask.grant)) {
        Some(twice) => Err(wrong(format!("`needs` asks for `{}` twice", twice.grant))),
        None => Ok(asks),
    }
}

/// Checks that what a manifest asks for is not too much for a person to read, nor for the registry to keep.
pub(super) fn check_size(asks: &[Ask]) -> Result<(), ManifestError> {
    let bytes: usize = asks.iter().map(|ask| ask.grant.to_string().len() + 3).sum();
    match asks.len() <= MAX_ASKS && bytes <= MAX_ASKS_BYTES {
        true => Ok(()),
        false => Err(wrong(format!(
            "it asks for {} things in {bytes} bytes, the limits are {MAX_ASKS} and {MAX_ASKS_BYTES}",
            asks.len()
        ))),
    }
}

/// Whether a setting is secret: its schema says that it is only ever written.
pub(crate) fn is_secret_setting(schema: &serde_json::Value, name: &str) -> bool {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    property
        .and_then(|property| property.get("writeOnly"))
        .and_then(serde_json::Value::as_bool)
        .unwrap_or_default()
}

fn check_number(name: &str, number: usize) -> Result<(), ManifestError> {
    match (1..=MAX_NEEDS).contains(&number) {
        true => Ok(()),
        false => Err(wrong(format!("`{name}` must have 1 to {MAX_NEEDS} entries: {number}"))),
    }
}
