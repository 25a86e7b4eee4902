//! An installed extension and its handlers, with everything decided that can be decided before a call.

use std::sync::Arc;

use crate::limits::Limits;
use crate::package::{Manifest, OnFailure, Subscription};
use crate::storage::Digest;

/// The settings of an extension, checked against its schema and with its defaults filled in.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// An installed extension. Immutable: a change of any of it makes a new one.
#[derive(Debug)]
pub struct Extension {
    /// The identifier.
    pub id: Arc<str>,
    /// The version.
    pub version: Arc<str>,
    /// The digest of its component.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its settings.
    pub settings: Settings,
    /// Whether its handlers run.
    pub state: State,
    /// Differs for every installation, also of the same extension: what `kv` keeps belongs to one of them.
    pub installation: u64,
    /// When it was installed, in milliseconds since the epoch.
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
    /// What bounds a call.
    pub limits: Limits,
    /// What a fault becomes: the operator's word, else the manifest's.
    pub on_failure: OnFailure,
}
