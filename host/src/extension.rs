//! An installed extension and its handlers, with everything decided that can be decided before a call.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::grant::{Grant, Grants, Standing};
use crate::hook::{Power, SECRET_KEY};
use crate::limits::Limits;
use crate::messages::Reading;
use crate::order::Provides;
use crate::package::{Fields, Manifest, OnFailure, Subscription, is_secret_setting};
use crate::storage::Digest;

/// The settings of an extension, checked against its schema and with its defaults filled in.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// An installed extension. Immutable: a change of any of it makes a new one.
#[derive(Clone)]
pub struct Extension {
    /// The identifier.
    pub id: Arc<str>,
    /// The version.
    pub version: Arc<str>,
    /// The digest of its component.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// Its settings.
    pub settings: Settings,
    /// What the operator granted. What the manifest does not ask for has no effect.
    pub granted: Grants,
    /// A newer version that asks for more than is granted, and waits for it.
    pub waiting: Option<Arc<Waiting>>,
    /// Whether its handlers run.
    pub state: State,
    /// Differs for every installation, also of the same extension: what `kv` keeps belongs to one of them.
    pub installation: u64,
    /// When it was installed, in milliseconds since the epoch.
    pub installed_ms: u64,
}

/// A version that is installed and does not run yet.
#[derive(Debug)]
pub struct Waiting {
    /// The version.
    pub version: Arc<str>,
    /// The digest of its component.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// When it came, in milliseconds since the epoch.
    pub installed_ms: u64,
}

/// Whether the handlers of an extension run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// They run.
    Enabled,
    /// They do not.
    Disabled,
}

/// A handler: one subscription of one extension, and what bounds it.
#[derive(Debug)]
pub struct Handler {
    /// The extension.
    pub extension: Arc<Extension>,
    /// The subscription.
    pub subscription: Subscription,
    /// What it may see and do.
    pub access: Access,
    /// What bounds a call.
    pub limits: Limits,
    /// What a fault becomes: the operator's word, else the manifest's.
    pub on_failure: OnFailure,
}

/// A provider: what panels order of an extension, and what bounds a call of it.
#[derive(Debug)]
pub struct Provider {
    /// The extension.
    pub extension: Arc<Extension>,
    /// What it provides.
    pub provides: Provides,
    /// What bounds a call.
    pub limits: Limits,
}

/// An extension that draws: a page of its own, or changes to a page of the panel; and what bounds a call of it.
#[derive(Debug)]
pub struct Drawer {
    /// The extension.
    pub extension: Arc<Extension>,
    /// What bounds a call.
    pub limits: Limits,
    /// Of a page of the panel, the fields and columns that it sees.
    pub read: Fields,
    /// Its messages, as the person reads them who looks.
    pub messages: Reading,
}

/// What a handler may see and do: what its subscription asks for and the operator granted.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// What it may do to the action.
    pub powers: Vec<Power>,
    /// The fields that it sees; secret ones without their values.
    pub read: Fields,
    /// The fields that it may change.
    pub alter: Fields,
    /// The secret fields that it may hand on.
    pub secrets: BTreeSet<String>,
    /// The secret fields that it may read.
    pub reveal: BTreeSet<String>,
}

impl Extension {
    /// Whether it may do something: two keys open the door, the manifest's and the operator's.
    pub fn standing(&self, grant: &Grant) -> Standing {
        match self.manifest.asks.iter().any(|ask| ask.grant == *grant) {
            false => Standing::NotAsked,
            true if self.granted.contains(grant) => Standing::Granted,
            true => Standing::NotGranted,
        }
    }

    /// Its settings with the secret ones as `{"$secret": null}`, for whoever may see the settings.
    pub fn shown_settings(&self) -> Settings {
        self.shown(&self.settings)
    }

    /// Settings of this extension, with the secret ones as `{"$secret": null}`.
    pub fn shown(&self, settings: &Settings) -> Settings {
        let schema = &self.manifest.settings_schema;
        let shown = |(name, value): (&String, &serde_json::Value)| {
            let shown = match is_secret_setting(schema, name) {
                true => serde_json::json!({ SECRET_KEY: null }),
                false => value.clone(),
            };
            (name.clone(), shown)
        };
        settings.iter().map(shown).collect()
    }

    /// Returns nothing if it may do this, and otherwise why not, in words for whoever makes or operates it.
    pub fn check(&self, grant: &Grant) -> Result<(), String> {
        match self.standing(grant) {
            Standing::Granted => Ok(()),
            Standing::NotGranted => Err(format!(
                "`{grant}` is not granted; the operator can: palisade grants add {} \"{grant}\"",
                self.id
            )),
            Standing::NotAsked => Err(format!("the manifest does not ask for `{grant}`")),
        }
    }
}

impl fmt::Debug for Extension {
    /// Without what is long, and without secret settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("id", &self.id)
            .field("version", &self.version)
            .field("digest", &self.digest)
            .field("settings", &self.shown_settings())
            .field("granted", &self.granted)
            .field("state", &self.state)
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// What a subscription of an extension may see and do.
    pub fn new(subscription: &Subscription, granted: &Grants) -> Self {
        let hook = &subscription.hook;
        let has = |grant: Grant| granted.contains(&grant);
        let fields = |asked: &Fields, grant: fn(crate::hook::HookPattern, String) -> Grant| {
            Fields::of(
                asked.to_list().into_iter().filter(|name| has(grant(hook.clone(), name.clone()))),
            )
        };
        let names = |asked: &BTreeSet<String>, grant: fn(_, _) -> Grant| {
            asked.iter().filter(|name| has(grant(hook.clone(), (*name).clone()))).cloned().collect()
        };
        let alter = fields(&subscription.alter, Grant::Alter);
        let holds = |power: &Power| match power {
            Power::Alter => alter != Fields::Named(BTreeSet::new()),
            Power::Skip => has(Grant::Skip(hook.clone())),
            Power::Deny => has(Grant::Deny(hook.clone())),
        };
        Self {
            powers: subscription.powers.iter().copied().filter(holds).collect(),
            read: fields(&subscription.read, Grant::Read),
            secrets: names(&subscription.secrets, Grant::Use),
            reveal: names(&subscription.reveal, Grant::Reveal),
            alter,
        }
    }

    /// Whether the handler sees the field at all.
    pub fn sees(&self, field: &str) -> bool {
        self.read.allows(field) || self.may_use(field)
    }

    /// Whether the handler may hand the secret field on. What it may read, it may hand on too.
    pub fn may_use(&self, field: &str) -> bool {
        self.secrets.contains(field) || self.reveal.contains(field)
    }
}
