//! What is installed: durable in the storage, and as an immutable snapshot that hook calls read.
//!
//! A change is first on disk and then in the snapshot; a hook call that began before keeps the snapshot that it
//! began with. Nothing here compiles or runs a component.

mod grants;
mod index;
mod settings;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use self::grants::listed;
pub use self::grants::{GrantChange, Granting};
pub use self::index::Index;
pub(crate) use self::index::round;
use self::settings::{Given, Records};
pub use self::settings::{SettingProblem, SettingsError, forget_secrets};
use crate::capability::kv_prefix;
use crate::conduct::VetoAction;
use crate::extension::{Access, Extension, Handler, Provider, Settings, State, Waiting};
use crate::grant::{Grant, Grants};
use crate::hook::Phase;
use crate::limits::{Asked, HostLimits, LimitOverrides, Limits};
use crate::order::Provides;
use crate::package::{Manifest, OnFailure, Package};
use crate::seal::Sealer;
use crate::storage::{Digest, Direction, Storage, StorageError};

/// What an operator sets for one extension: `[extension.<id>]` in `palisade.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Overrides {
    /// What a fault of its `before` handlers becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// The priority of all its handlers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Its calls at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
    /// What follows when it denies more than it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub veto_action: Option<VetoAction>,
    /// What bounds its handlers.
    pub limits: LimitOverrides,
}

/// The operator's rules by which handlers are made of subscriptions.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What bounds handlers.
    pub limits: HostLimits,
    /// What is set for single extensions.
    pub overrides: BTreeMap<String, Overrides>,
}

impl Policy {
    /// What an extension provides, and what bounds a call of it.
    pub fn provider(&self, extension: &Extension) -> Option<(Provides, Limits)> {
        let provision = extension.manifest.provider.as_ref()?;
        let limits = self.limits.resolve_provider(&provision.asked, &self.set_for(extension));
        Some((provision.provides, limits))
    }

    /// What bounds a call about a page of an extension.
    pub fn page(&self, extension: &Extension, asked: &Asked) -> Limits {
        self.limits.resolve_page(asked, &self.set_for(extension))
    }

    /// The limits that are set for an extension.
    fn set_for(&self, extension: &Extension) -> LimitOverrides {
        self.overrides.get(&*extension.id).map(|set| set.limits.clone()).unwrap_or_default()
    }
}

/// Everything that is installed at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The extensions by identifier.
    pub extensions: BTreeMap<Arc<str>, Arc<Extension>>,
    index: Index,
}

/// What is installed, durably. Cloning is shallow.
#[derive(Clone)]
pub struct Registry {
    storage: Storage,
    sealer: Arc<Sealer>,
    policy: Arc<Policy>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    /// Lets changes come one after another.
    turn: Arc<Mutex<()>>,
}

/// An extension as the storage keeps it. The manifest, the settings and the grants are values of their own.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    digest: Digest,
    state: State,
    installation: u64,
    installed_ms: u64,
}

impl Record {
    fn of(extension: &Extension) -> Self {
        let Extension { digest, state, installation, installed_ms, .. } = *extension;
        Self { digest, state, installation, installed_ms }
    }
}

/// A version that waits, as the storage keeps it. Its manifest is a value of its own.
#[derive(Debug, Serialize, Deserialize)]
struct WaitingRecord {
    digest: Digest,
    installed_ms: u64,
}

/// Keys in the storage.
mod key {
    pub(super) const EXTENSION: &str = "extension/";
    pub(super) const INSTALLATIONS: &[u8] = b"meta/installations";

    pub(super) fn extension(id: &str) -> Vec<u8> {
        format!("{EXTENSION}{id}").into_bytes()
    }

    pub(super) fn manifest(id: &str) -> Vec<u8> {
        format!("manifest/{id}").into_bytes()
    }

    pub(super) fn settings(id: &str) -> Vec<u8> {
        format!("settings/{id}").into_bytes()
    }

    /// The secret settings, each sealed.
    pub(super) fn sealed(id: &str) -> Vec<u8> {
        format!("sealed/{id}").into_bytes()
    }

    pub(super) fn grants(id: &str) -> Vec<u8> {
        format!("grants/{id}").into_bytes()
    }

    pub(super) fn waiting(id: &str) -> Vec<u8> {
        format!("waiting/{id}").into_bytes()
    }

    pub(super) fn waiting_manifest(id: &str) -> Vec<u8> {
        format!("waiting-manifest/{id}").into_bytes()
    }

    /// Everything that is kept of an extension.
    pub(super) fn all(id: &str) -> [Vec<u8>; 7] {
        [
            extension(id),
            manifest(id),
            settings(id),
            sealed(id),
            grants(id),
            waiting(id),
            waiting_manifest(id),
        ]
    }
}

impl Snapshot {
    /// The handlers of a hook, in the order in which they run.
    pub fn handlers(&self, phase: Phase, action: &str) -> &[Arc<Handler>] {
        self.index.handlers(phase, action)
    }

    /// Every handler of every enabled extension.
    pub fn all_handlers(&self) -> impl Iterator<Item = &Arc<Handler>> {
        self.index.all()
    }

    /// A snapshot of these extensions under this policy.
    pub fn new(extensions: impl IntoIterator<Item = Arc<Extension>>, policy: &Policy) -> Self {
        let extensions: BTreeMap<_, _> =
            extensions.into_iter().map(|extension| (extension.id.clone(), extension)).collect();
        let enabled = extensions.values().filter(|extension| extension.state == State::Enabled);
        let handlers = enabled.flat_map(|extension| handlers_of(extension, policy)).collect();
        Self { index: Index::new(handlers), extensions }
    }
}

/// Makes the handlers of an extension, with everything decided that the policy decides.
fn handlers_of(extension: &Arc<Extension>, policy: &Policy) -> Vec<Arc<Handler>> {
    let unset = Overrides::default();
    let set = policy.overrides.get(&*extension.id).unwrap_or(&unset);
    let handler = |subscription: &crate::package::Subscription| {
        let mut subscription = subscription.clone();
        subscription.priority = set.priority.unwrap_or(subscription.priority);
        Arc::new(Handler {
            extension: extension.clone(),
            access: Access::new(&subscription, &extension.granted),
            limits: policy.limits.resolve(
                subscription.hook.phase,
                &subscription.asked,
                &set.limits,
            ),
            on_failure: match subscription.hook.phase {
                Phase::Before => set.on_failure.unwrap_or(subscription.on_failure),
                Phase::After => OnFailure::Proceed,
            },
            subscription,
        })
    };
    extension.manifest.subscriptions.iter().map(handler).collect()
}

impl Registry {
    /// Reads what is installed. A record that cannot be read is an error: better no start than a missing policy.
    pub fn open(storage: Storage, policy: Policy, sealer: Sealer) -> Result<Self, StorageError> {
        let mut extensions = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let pairs = storage.scan(
                key::EXTENSION.as_bytes(),
                after.as_deref(),
                Direction::Forward,
                500,
            )?;
            let Some((last, _)) = pairs.last() else { break };
            after = Some(last.clone());
            for (key, value) in &pairs {
                extensions.push(Arc::new(read_extension(&storage, &sealer, key, value)?));
            }
        }
        let snapshot = ArcSwap::from_pointee(Snapshot::new(extensions, &policy));
        Ok(Self {
            storage,
            sealer: Arc::new(sealer),
            policy: Arc::new(policy),
            snapshot: Arc::new(snapshot),
            turn: Arc::default(),
        })
    }

    /// What is installed now.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// What is installed now, to keep for longer than a moment.
    pub fn snapshot_owned(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// What seals secrets.
    pub fn sealer(&self) -> Arc<Sealer> {
        self.sealer.clone()
    }

    /// The provider that an extension is, by its manifest. Whether it may be called, its grants say.
    pub fn provider(&self, extension: &Arc<Extension>) -> Option<Arc<Provider>> {
        let (provides, limits) = self.policy.provider(extension)?;
        Some(Arc::new(Provider { extension: extension.clone(), provides, limits }))
    }

    /// The operator's rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Records an extension as installed and puts it to use. An extension of the same identifier is replaced; it
    /// keeps its settings, its state, its grants and what it keeps in `kv`. A version that asks for more than its
    /// operator decided on waits, and the old one goes on.
    pub async fn install(
        &self,
        package: Package,
        digest: Digest,
        installed_ms: u64,
        granting: Granting,
    ) -> Result<Arc<Extension>, RegistryError> {
        let change = |registry: Self| async move {
            registry.record_install(package, digest, installed_ms, granting).await
        };
        self.make_whole(change).await
    }

    /// Grants and revokes. What was waiting for these grants is put to use.
    pub async fn change_grants(
        &self,
        id: &str,
        change: GrantChange,
    ) -> Result<Arc<Extension>, RegistryError> {
        let id = id.to_owned();
        self.make_whole(|registry| async move { registry.record_grants(&id, change).await }).await
    }

    /// Enables or disables an extension.
    pub async fn set_state(&self, id: &str, state: State) -> Result<Arc<Extension>, RegistryError> {
        let id = id.to_owned();
        self.make_whole(|registry| async move { registry.record_state(&id, state).await }).await
    }

    /// Gives an extension these settings, in place of all that it had.
    pub async fn set_settings(
        &self,
        id: &str,
        given: Settings,
    ) -> Result<Arc<Extension>, RegistryError> {
        let id = id.to_owned();
        self.make_whole(|registry| async move { registry.record_settings(&id, given).await }).await
    }

    /// Removes an extension and what it keeps.
    pub async fn remove(&self, id: &str) -> Result<Arc<Extension>, RegistryError> {
        let id = id.to_owned();
        self.make_whole(|registry| async move { registry.record_removal(&id).await }).await
    }

    /// Makes a change after those before it, in a task of its own: a caller that leaves in the middle must not leave
    /// a snapshot behind that the storage contradicts, since the next change builds on it.
    async fn make_whole<F>(
        &self,
        change: impl FnOnce(Self) -> F,
    ) -> Result<Arc<Extension>, RegistryError>
    where
        F: Future<Output = Result<Arc<Extension>, RegistryError>> + Send + 'static,
    {
        let (change, turn) = (change(self.clone()), self.turn.clone());
        let task = tokio::spawn(async move {
            let _turn = turn.lock().await;
            change.await
        });
        task.await.unwrap_or_else(|error| Err(StorageError::Failed(error.to_string()).into()))
    }

    async fn record_state(&self, id: &str, state: State) -> Result<Arc<Extension>, RegistryError> {
        let extension = Extension { state, ..Extension::clone(&*self.get(id)?) };
        let (key, record) = (key::extension(id), to_json(&Record::of(&extension))?);
        self.storage.update(move |transaction| transaction.put(key, record)).await?;
        Ok(self.put(extension))
    }

    async fn record_settings(
        &self,
        id: &str,
        mut given: Settings,
    ) -> Result<Arc<Extension>, RegistryError> {
        let old = self.get(id)?;
        let schema = &old.manifest.settings_schema;
        settings::keep_secrets(schema, &mut given, &self.given(id)?.settings)?;
        let settings = settings::resolve(schema, &given)?;
        let records = Records::new(&self.sealer, id, schema, &given)?;
        self.storage.update(move |transaction| records.write(transaction)).await?;
        Ok(self.put(Extension { settings, ..Extension::clone(&old) }))
    }

    /// The settings that an operator gave, without defaults and with `{"$secret": null}` for the secret ones.
    pub fn given_settings(&self, id: &str) -> Result<Settings, RegistryError> {
        Ok(self.get(id)?.shown(&self.given(id)?.settings))
    }

    fn given(&self, id: &str) -> Result<Given, StorageError> {
        Given::read(&self.storage, &self.sealer, id)
    }

    async fn record_removal(&self, id: &str) -> Result<Arc<Extension>, RegistryError> {
        let old = self.get(id)?;
        let keys = key::all(id);
        let removed = self.storage.update(move |transaction| {
            keys.into_iter().for_each(|key| transaction.remove(key));
            Ok::<_, StorageError>(())
        });
        removed.await?;
        let left = self
            .snapshot_owned()
            .extensions
            .values()
            .filter(|extension| *extension.id != *id)
            .cloned()
            .collect::<Vec<_>>();
        self.snapshot.store(Arc::new(Snapshot::new(left, &self.policy)));
        self.remove_kv(old.installation).await?;
        Ok(old)
    }

    /// Removes what removed extensions kept in `kv`, which a crash may have left behind.
    pub async fn sweep(&self) -> Result<(), StorageError> {
        let installed: HashSet<u64> =
            self.snapshot().extensions.values().map(|extension| extension.installation).collect();
        let mut next: Option<Vec<u8>> = None;
        // One look at the first key of each installation that has any.
        while let Some((key, _)) =
            self.storage.scan(b"kv/", next.as_deref(), Direction::Forward, 1)?.pop()
        {
            let installation =
                key.get(3..11).and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
            let installation = installation.ok_or_else(|| corrupt(&key, "its key is too short"))?;
            if !installed.contains(&installation) {
                self.remove_kv(installation).await?;
            }
            let mut end = kv_prefix(installation);
            end.extend_from_slice(&[u8::MAX; 2]);
            next = Some(end);
        }
        Ok(())
    }

    async fn remove_kv(&self, installation: u64) -> Result<(), StorageError> {
        loop {
            let pairs =
                self.storage.scan(&kv_prefix(installation), None, Direction::Forward, 500)?;
            if pairs.is_empty() {
                return Ok(());
            }
            let removed = self.storage.update(move |transaction| {
                pairs.into_iter().for_each(|(key, _)| transaction.remove(key));
                Ok::<_, StorageError>(())
            });
            removed.await?;
        }
    }

    /// The extension of this identifier.
    pub fn get(&self, id: &str) -> Result<Arc<Extension>, RegistryError> {
        let snapshot = self.snapshot();
        snapshot.extensions.get(id).cloned().ok_or_else(|| RegistryError::Unknown {
            id: crate::suggest::shown(id),
            near: crate::suggest::nearest(id, snapshot.extensions.keys().map(|id| &**id))
                .map(str::to_owned),
        })
    }

    fn put(&self, extension: Extension) -> Arc<Extension> {
        let extension = Arc::new(extension);
        let mut extensions = self.snapshot_owned().extensions.clone();
        extensions.insert(extension.id.clone(), extension.clone());
        self.snapshot.store(Arc::new(Snapshot::new(extensions.into_values(), &self.policy)));
        extension
    }
}

/// Why the registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No such extension.
    #[error("no extension `{id}` is installed")]
    Unknown {
        /// What was asked for.
        id: String,
        /// What was perhaps meant.
        near: Option<String>,
    },
    /// The settings do not match the schema.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A grant that the manifest does not ask for.
    #[error("`{id}` does not ask for `{grant}`")]
    NotAsked {
        /// The extension.
        id: Arc<str>,
        /// What was to be granted.
        grant: Grant,
        /// What was perhaps meant.
        near: Option<String>,
    },
    /// A grant that there is not was to be revoked.
    #[error("`{id}` was not granted `{grant}`")]
    NotGranted {
        /// The extension.
        id: Arc<str>,
        /// What was to be revoked.
        grant: Grant,
    },
    /// Nobody decided what a new extension is granted.
    #[error(
        "`{id}` asks for {}; nothing is installed until it is decided what is granted",
        listed(asks)
    )]
    Undecided {
        /// The extension.
        id: Arc<str>,
        /// What is to be decided.
        asks: Vec<Grant>,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RegistryError {
    /// The stable code of the error; none if the host itself failed.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { .. } => Some("extension.unknown"),
            Self::Settings(_) => Some("settings.invalid"),
            Self::NotAsked { .. } => Some("grants.not-asked"),
            Self::NotGranted { .. } => Some("grants.not-granted"),
            Self::Undecided { .. } => Some("grants.undecided"),
            Self::Storage(_) => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { near, .. } | Self::NotAsked { near, .. } => {
                near.as_ref().map(|near| format!("did you mean `{near}`?"))
            }
            Self::NotGranted { id, .. } => Some(format!("palisade grants show {id}")),
            Self::Undecided { .. } => Some(
                "install with --grant-all, with --grant for each, with --grants FILE, or with --grant-none"
                    .into(),
            ),
            Self::Settings(_) | Self::Storage(_) => None,
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, StorageError> {
    serde_json::to_vec(value).map_err(|error| StorageError::Failed(error.to_string()))
}

/// The number of the last installation that there was; 0 if there was none.
fn last_installation(stored: Option<Vec<u8>>) -> Result<u64, StorageError> {
    match stored.map(<[u8; 8]>::try_from) {
        None => Ok(0),
        Some(Ok(bytes)) => Ok(u64::from_be_bytes(bytes)),
        Some(Err(bytes)) => {
            Err(corrupt(key::INSTALLATIONS, &format!("it has {} bytes instead of 8", bytes.len())))
        }
    }
}

fn corrupt(key: &[u8], reason: &str) -> StorageError {
    StorageError::Corrupt {
        key: String::from_utf8_lossy(key).into_owned(),
        reason: reason.to_owned(),
    }
}

fn read_extension(
    storage: &Storage,
    sealer: &Sealer,
    key: &[u8],
    value: &[u8],
) -> Result<Extension, StorageError> {
    let wrong = |reason: String| corrupt(key, &reason);
    let record: Record = serde_json::from_slice(value).map_err(|error| wrong(error.to_string()))?;
    let id = key
        .strip_prefix(key::EXTENSION.as_bytes())
        .and_then(|id| std::str::from_utf8(id).ok())
        .ok_or_else(|| wrong("its key is no identifier".into()))?;
    let text =
        storage.get(&key::manifest(id))?.ok_or_else(|| wrong("its manifest is missing".into()))?;
    let text = String::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|error| wrong(error.to_string()))?;
    if *manifest.id != *id {
        return Err(wrong(format!("its manifest is of `{}`", manifest.id)));
    }
    let given = Given::read(storage, sealer, id)?;
    let settings =
        given.under(&manifest.settings_schema).map_err(|error| wrong(error.to_string()))?;
    let granted = match storage.get(&key::grants(id))? {
        None => Grants::new(),
        Some(value) => serde_json::from_slice(&value).map_err(|error| wrong(error.to_string()))?,
    };
    let waiting = read_waiting(storage, id)?.map(Arc::new);
    let Record { digest, state, installation, installed_ms } = record;
    Ok(Extension {
        id: manifest.id.clone(),
        version: manifest.version.to_string().into(),
        digest,
        manifest: Arc::new(manifest),
        settings,
        granted,
        waiting,
        state,
        installation,
        installed_ms,
    })
}

fn read_waiting(storage: &Storage, id: &str) -> Result<Option<Waiting>, StorageError> {
    let key = key::waiting(id);
    let Some(value) = storage.get(&key)? else { return Ok(None) };
    let wrong = |reason: String| corrupt(&key, &reason);
    let record: WaitingRecord =
        serde_json::from_slice(&value).map_err(|error| wrong(error.to_string()))?;
    let text = storage
        .get(&key::waiting_manifest(id))?
        .ok_or_else(|| wrong("its manifest is missing".into()))?;
    let text = String::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Waiting {
        version: manifest.version.to_string().into(),
        digest: record.digest,
        manifest: Arc::new(manifest),
        installed_ms: record.installed_ms,
    }))
}

#[cfg(test)]
mod tests;
