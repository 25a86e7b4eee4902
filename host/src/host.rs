//! The host: what is installed, what runs it and what remembers it, put together.
//!
//! It decides hook calls and carries out what an operator asks. The server speaks for it; nothing here knows HTTP.

mod assets;
mod noted;
mod pages;
mod provide;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Mutex, MutexGuard};

use crate::bridge::{Dialect, Unmet, check_required};
use crate::capability::Services;
use crate::conduct::{Conduct, Watched};
use crate::config::Config;
use crate::dispatch::dispatch;
use crate::extension::{Extension, Settings, State};
use crate::gui::session::Sessions;
use crate::hook::{HookCall, Verdict};
use crate::journal::Journal;
use crate::orders::Orders;
use crate::package::{Manifest, Package, PackageError};
use crate::registry::{GrantChange, Granting, Registry, RegistryError};
use crate::sandbox::{CompileError, CompiledError, Sandbox};
use crate::seal::{KeySources, Sealer};
use crate::storage::{Blobs, Digest, Storage, StorageError};

use self::assets::LoadedAssets;
pub use self::pages::{Applied, Contribution, PageError};
pub use self::provide::ProvideError;

/// A running host.
pub struct Host {
    /// What is installed.
    pub registry: Registry,
    /// What happened.
    pub journal: Journal,
    /// The durable state.
    pub storage: Storage,
    /// How extensions behave.
    pub conduct: Conduct,
    /// What panels ordered of extensions.
    pub orders: Orders,
    /// Who looks at pages.
    pub sessions: Sessions,
    sandbox: Sandbox,
    components: Blobs,
    assets: LoadedAssets,
    /// Lets changes of the registry come one after another, over the time that compiling takes. Hook calls never
    /// take it.
    changes: Mutex<()>,
}

/// The time between two sweeps of what extensions keep.
const MAINTENANCE: Duration = Duration::from_secs(3_600);

/// Where the parts of the state are.
pub mod directory {
    /// The database.
    pub const DATABASE: &str = "db";
    /// The components, by digest.
    pub const COMPONENTS: &str = "components";
}

/// A decided hook call.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The call.
    pub call: Arc<HookCall>,
    /// What was decided.
    pub verdict: Arc<Verdict>,
    /// How long it took.
    pub duration: Duration,
}

/// What an installation did.
#[derive(Debug)]
pub struct Installed {
    /// The extension as it is now.
    pub extension: Arc<Extension>,
    /// What was there before.
    pub change: InstallChange,
}

/// What an installation changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallChange {
    /// The extension is new.
    New,
    /// The very same component was installed already.
    Unchanged,
    /// It takes the place of this version.
    Replaced(Arc<str>),
    /// It asks for more than is granted, and waits; this version goes on.
    Waiting(Arc<str>),
}

impl InstallChange {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "installed",
            Self::Unchanged => "unchanged",
            Self::Replaced(_) => "replaced",
            Self::Waiting(_) => "waiting",
        }
    }
}

/// Whether an installation may take the place of a version that is not older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Only a higher version replaces.
    Older,
    /// Any version replaces.
    Any,
}

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file is no extension for this host.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It asks for more than this host allows anyone to ask.
    #[error("the extension `{id}` {reason}")]
    Limits {
        /// The extension.
        id: Arc<str>,
        /// What it asks for.
        reason: String,
    },
    /// The panel does not heed what a handler cannot do without.
    #[error(transparent)]
    Unheeded(#[from] Unmet),
    /// Another component of the same or a higher version is installed.
    #[error("`{id}` {installed} is installed; {offered} does not replace it")]
    NotNewer {
        /// The extension.
        id: Arc<str>,
        /// The version that is installed.
        installed: Arc<str>,
        /// The version that was to be installed.
        offered: String,
    },
    /// It could not be compiled, or does not fit.
    #[error(transparent)]
    Compiled(#[from] CompiledError),
    /// The registry refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The host itself failed.
    #[error("the host failed: {0}")]
    Host(String),
}

impl InstallError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            InstallError::Package(error) => error.code(),
            InstallError::Limits { .. } => "manifest.limits",
            InstallError::Unheeded(_) => "panel.unheeded",
            InstallError::NotNewer { .. } => "extension.not-newer",
            InstallError::Compiled(CompiledError::Compile(CompileError::Refused(_))) => {
                "component.invalid"
            }
            InstallError::Compiled(
                CompiledError::Compile(CompileError::Failed(_)) | CompiledError::Storage(_),
            ) => "internal",
            InstallError::Compiled(CompiledError::Compile(_)) => "component.compile-limit",
            InstallError::Compiled(CompiledError::Link(_)) => "component.link",
            InstallError::Registry(error) => error.code().unwrap_or("internal"),
            InstallError::Storage(_) | InstallError::Host(_) => "internal",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            InstallError::Package(error) => error.hint(),
            InstallError::Registry(error) => error.hint(),
            InstallError::Unheeded(_) => Some("install it on a host whose panel heeds it; `palisade events NAME` shows which panels call".into()),
            InstallError::NotNewer { .. } => Some("raise the version, or install with --replace".into()),
            InstallError::Limits { .. } => Some("raise `limits.ceiling` in palisade.toml if you trust it with that".into()),
            InstallError::Compiled(CompiledError::Link(_)) => {
                Some("it was perhaps built against a newer contract; `palisade --version` shows the host's".into())
            }
            _ => None,
        }
    }
}

impl Host {
    /// Opens the state in the configured directory. What has no compiled code of this host is compiled before this
    /// returns. `compiler` is the `palisade` binary. Must be called on a tokio runtime.
    pub async fn open(config: &Config, compiler: &Path) -> anyhow::Result<Self> {
        crate::storage::make_private_directory(&config.data)?;
        // Read now, or the first hook call would wait for it.
        crate::hook::catalogue::catalogue();
        let components = Blobs::open(&config.data.join(directory::COMPONENTS))?;
        let storage = Storage::open(&config.data.join(directory::DATABASE))?;
        let sealer = Sealer::open(KeySources::of_process(&config.data))?;
        let registry = Registry::open(storage.clone(), config.policy(), sealer)?;
        let sandbox = Sandbox::new(
            &config.sandbox(compiler.to_owned()),
            components.clone(),
            Services::open(config, storage.clone())?,
        )?;
        let journal = Journal::open(storage.clone(), config.journal.clone())?;
        let orders = Orders::new(storage.clone(), registry.sealer(), config.orders.clone());
        let host = Self {
            registry,
            orders,
            sessions: Sessions::default(),
            journal,
            storage,
            conduct: Conduct::of(config),
            sandbox,
            components,
            assets: LoadedAssets::new(),
            changes: Mutex::new(()),
        };
        host.tidy().await?;
        Ok(host)
    }

    /// Removes what a crash left behind, and compiles what has no code of this host.
    async fn tidy(&self) -> anyhow::Result<()> {
        let snapshot = self.registry.snapshot_owned();
        let digests: std::collections::HashSet<Digest> = snapshot
            .extensions
            .values()
            .flat_map(|extension| {
                let waiting = extension.waiting.as_ref().map(|waiting| waiting.digest);
                waiting.into_iter().chain([extension.digest])
            })
            .collect();
        self.components.sweep(|digest| digests.contains(digest))?;
        self.sandbox.sweep(|digest| digests.contains(digest))?;
        self.registry.sweep().await?;
        self.sweep_orders().await?;
        for extension in snapshot
            .extensions
            .values()
            .filter(|extension| !self.sandbox.has_compiled(&extension.digest))
        {
            tracing::info!(extension.id = %extension.id, "compiling `{}` for this version of the host", extension.id);
            if let Err(error) = self.sandbox.recompile(extension.digest).await {
                tracing::error!(extension.id = %extension.id, %error, "`{}` cannot be compiled; its calls fail until it is installed anew", extension.id);
            }
        }
        Ok(())
    }

    /// Removes orders that nobody can ask for any more, or that have been kept long enough.
    async fn sweep_orders(&self) -> Result<(), StorageError> {
        let snapshot = self.registry.snapshot_owned();
        let installed = |installation: u64| {
            snapshot.extensions.values().any(|extension| extension.installation == installation)
        };
        self.orders.sweep(installed, now_ms()).await
    }

    /// Decides a hook call: the handlers of its hook run, and the journal remembers it, also if the returned future is
    /// dropped before its end.
    ///
    /// All handlers together have the time that the configuration gives them, but not beyond `end`.
    pub async fn decide(&self, mut call: HookCall, end: Option<Instant>) -> Decided {
        let begun = Instant::now();
        call.seal_secrets();
        let call = Arc::new(call);
        let phase = call.phase();
        let snapshot = self.registry.snapshot_owned();
        let chain = Duration::from_millis(
            self.registry.policy().limits.phase(phase).chain_deadline_ms.into(),
        );
        let left = end.map(|end| end.saturating_duration_since(begun));
        let chain = left.map_or(chain, |left| left.min(chain));
        let runner = Watched::new(&self.conduct, &self.sandbox);
        let handlers = snapshot.handlers(phase, &call.action);
        let abandoned = |verdict| self.journal.record(&call, &Arc::new(verdict), begun.elapsed());
        let verdict = dispatch(&runner, handlers, call.clone(), chain, abandoned).await;
        let verdict = Arc::new(verdict);
        drop(runner);
        let duration = begun.elapsed();
        self.journal.record(&call, &verdict, duration);
        Decided { call, verdict, duration }
    }

    /// Installs a packed extension, or puts it in the place of an older version. On a `panel` that is known it is refused
    /// if a handler cannot do without what the panel does not heed.
    pub async fn install(
        &self,
        bytes: bytes::Bytes,
        replace: Replace,
        granting: Granting,
        panel: Option<Dialect>,
    ) -> Result<Installed, InstallError> {
        let file = bytes.clone();
        let read = tokio::task::spawn_blocking(move || {
            Package::read(&file).map(|package| (package, Digest::of(&file)))
        });
        let (package, digest) =
            read.await.map_err(|error| InstallError::Host(error.to_string()))??;
        for subscription in &package.manifest.subscriptions {
            if let Some(panel) = panel {
                check_required(panel, &subscription.hook, &subscription.requires)?;
            }
        }
        self.check_asked(&package.manifest)?;
        let _changes = self.lock_changes().await;
        let old = self.registry.snapshot().extensions.get(&package.manifest.id).cloned();
        self.registry.check_decided(&package.manifest, &granting)?;
        let change = match &old {
            None => InstallChange::New,
            Some(old) if old.digest == digest && granting == Granting::Undecided => {
                return Ok(Installed { extension: old.clone(), change: InstallChange::Unchanged });
            }
            Some(old) => {
                let newer = package.manifest.version > old.manifest.version;
                if !newer && replace == Replace::Older && old.digest != digest {
                    let (id, installed, offered) =
                        (old.id.clone(), old.version.clone(), package.manifest.version.to_string());
                    return Err(InstallError::NotNewer { id, installed, offered });
                }
                match old.digest == digest {
                    true => InstallChange::Unchanged,
                    false => InstallChange::Replaced(old.version.clone()),
                }
            }
        };
        self.sandbox.install(digest, &bytes).await?;
        let components = self.components.clone();
        let stored = tokio::task::spawn_blocking(move || components.put(&bytes));
        stored.await.map_err(|error| InstallError::Host(error.to_string()))??;
        let extension = self.registry.install(package, digest, now_ms(), granting).await?;
        let change = match (&old, extension.digest == digest) {
            (Some(old), false) => InstallChange::Waiting(old.version.clone()),
            _ => change,
        };
        self.forgive_another(old.as_deref(), &extension);
        Ok(Installed { extension, change })
    }

    fn check_asked(&self, manifest: &Manifest) -> Result<(), InstallError> {
        let limits = &self.registry.policy().limits;
        let asked = manifest.subscriptions.iter().map(|subscription| &subscription.asked);
        let asked = asked
            .chain(manifest.provider.as_ref().map(|provider| &provider.asked))
            .chain(manifest.pages.iter().map(|page| &page.asked))
            .chain(manifest.overlays.iter().map(|overlay| &overlay.asked))
            .try_for_each(|asked| asked.check(&limits.ceiling));
        asked.map_err(|reason| InstallError::Limits { id: manifest.id.clone(), reason })
    }

    /// Enables or disables an extension. Enabling one forgets how it behaved, so that it is bypassed no longer.
    pub async fn set_state(&self, id: &str, state: State) -> Result<Arc<Extension>, RegistryError> {
        let _changes = self.lock_changes().await;
        let extension = self.registry.set_state(id, state).await?;
        if state == State::Enabled {
            self.conduct.forgive(id);
        }
        Ok(extension)
    }

    /// Forgets how an extension behaved when another component took its place.
    fn forgive_another(&self, old: Option<&Extension>, new: &Extension) {
        if old.is_some_and(|old| old.digest != new.digest) {
            self.conduct.forgive(&new.id);
        }
    }

    /// Grants an extension things, or revokes them. The next hook call goes by it.
    pub async fn change_grants(
        &self,
        id: &str,
        change: GrantChange,
    ) -> Result<Arc<Extension>, InstallError> {
        let _changes = self.lock_changes().await;
        let old = self.registry.snapshot().extensions.get(id).cloned();
        // What waits may be put to use by this, and must be able to run then: another version of the host may have
        // compiled it.
        if let Some(waiting) = old.as_ref().and_then(|old| old.waiting.as_ref()) {
            self.sandbox.recompile(waiting.digest).await?;
        }
        let extension = self.registry.change_grants(id, change).await?;
        self.forgive_another(old.as_deref(), &extension);
        Ok(extension)
    }

    /// Gives an extension these settings, in place of all that it had.
    pub async fn set_settings(
        &self,
        id: &str,
        settings: Settings,
    ) -> Result<Arc<Extension>, RegistryError> {
        let _changes = self.lock_changes().await;
        self.registry.set_settings(id, settings).await
    }

    /// Removes an extension and what it keeps. Its files go at the next start.
    pub async fn remove(&self, id: &str) -> Result<Arc<Extension>, RegistryError> {
        let _changes = self.lock_changes().await;
        let removed = self.registry.remove(id).await?;
        self.conduct.forget(id);
        self.journal.history.forget(id);
        self.sweep_orders().await?;
        Ok(removed)
    }

    async fn lock_changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().await
    }

    /// Writes everything that the host keeps to a file.
    pub async fn export(
        &self,
        to: impl std::io::Write + Send + 'static,
    ) -> anyhow::Result<crate::storage::transfer::Counts> {
        self.journal.flush().await;
        let (storage, components) = (self.storage.clone(), self.components.clone());
        Ok(tokio::task::spawn_blocking(move || {
            crate::storage::transfer::export(&storage, &components, to)
        })
        .await??)
    }

    /// Removes what extensions keep in `kv` and what is kept of orders beyond its time, every hour. Never returns.
    pub async fn maintain(&self) {
        loop {
            tokio::time::sleep(MAINTENANCE).await;
            if let Err(error) = self.sweep_orders().await {
                tracing::error!(%error, "old orders could not be swept");
            }
            for extension in self.registry.snapshot_owned().extensions.values() {
                if let Err(error) =
                    crate::capability::sweep_kv(&self.storage, extension.installation).await
                {
                    tracing::error!(extension.id = %extension.id, %error, "what `{}` keeps could not be swept", extension.id);
                }
            }
        }
    }

    /// Writes what waits to be written.
    pub async fn close(self) {
        self.journal.close().await;
    }
}

/// A new identifier, for what comes without one.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
