//! Compiled code: kept in files, mapped on first use, dropped again when it is long unused.
//!
//! Compiled code is run as it is, so only code that this host wrote may be loaded: each file begins with a MAC over
//! the host's version, the engine's settings, the component's digest and the code, by a key that only the host's
//! user can read. What does not match is compiled anew.

use std::collections::HashMap;
use std::fs;
use std::hash::{Hash as _, Hasher};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use lru::LruCache;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::compile::{self, CompileError, CompileLimits};
use super::{Prepared, RunState, SandboxConfig};
use crate::extension::Extension;
use crate::storage::{Blobs, Digest, StorageError, write_file};

/// Bytes of the MAC at the beginning of a file.
const MAC_BYTES: usize = 32;

/// Why there is no compiled code.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CompiledError {
    /// It could not be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// It compiled, and asks for something that this host does not have.
    #[error("it does not fit this host: {0}")]
    Link(String),
    /// A file could not be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The cache of compiled code.
pub(super) struct Compiled {
    directory: PathBuf,
    components: Blobs,
    key: Vec<u8>,
    /// Differs for every version of the host and every setting of the engine.
    fingerprint: [u8; 32],
    compiler: PathBuf,
    limits: CompileLimits,
    compiling: Semaphore,
    engine: Engine,
    linker: Linker<RunState>,
    /// What is mapped. A std lock, held for a look-up.
    mapped: Mutex<LruCache<Digest, Arc<Prepared>>>,
    /// What is being loaded now, so that many first calls load it once.
    loading: Mutex<HashMap<Digest, Arc<Loading>>>,
}

/// One attempt to load a component, which everyone who wants it waits for.
struct Loading {
    begun: Instant,
    loaded: OnceCell<Result<Arc<Prepared>, CompiledError>>,
}

/// How long a failure to load is taken as final, so that not every call compiles what cannot be compiled.
const FAILURE_KEPT: Duration = Duration::from_secs(60);

impl Compiled {
    pub(super) fn open(
        config: &SandboxConfig,
        engine: &Engine,
        linker: Linker<RunState>,
        components: Blobs,
    ) -> anyhow::Result<Self> {
        crate::storage::make_private_directory(&config.directory)?;
        Ok(Self {
            directory: config.directory.clone(),
            components,
            key: open_key(&config.directory.join("key"))?,
            fingerprint: fingerprint(engine),
            compiler: config.compiler.clone(),
            limits: config.compile.clone(),
            compiling: Semaphore::new(config.compile.parallel.max(1) as usize),
            engine: engine.clone(),
            linker,
            mapped: Mutex::new(LruCache::new(
                NonZeroUsize::new(config.mapped).unwrap_or(NonZeroUsize::MIN),
            )),
            loading: Mutex::default(),
        })
    }

    /// Compiles a component, keeps the code and links it once, to know that it can be called.
    pub(super) async fn install(
        &self,
        digest: Digest,
        component: &[u8],
    ) -> Result<(), CompiledError> {
        if let Ok(prepared) = self.load(digest) {
            self.keep(digest, prepared);
            return Ok(());
        }
        let code = self.compile(component).await?;
        let prepared = self.link(&code)?;
        self.write(digest, &code)?;
        self.keep(digest, prepared);
        Ok(())
    }

    /// Compiles the code of an installed component anew, if it is not there or not of this host.
    pub(super) async fn recompile(&self, digest: Digest) -> Result<(), CompiledError> {
        let component = self.components.get(&digest)?;
        self.install(digest, &component).await
    }

    /// Whether there is a file of code that this host and engine would have written. Whether it is authentic, its
    /// first use shows.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// The component, ready to be called. The common case is one look-up under a lock.
    pub(super) async fn prepared(
        self: &Arc<Self>,
        extension: &Arc<Extension>,
    ) -> Result<Arc<Prepared>, CompiledError> {
        let digest = extension.digest;
        if let Some(prepared) = self.mapped(&digest) {
            return Ok(prepared);
        }
        let loading = self.loading(digest);
        let (its, extension) = (self.clone(), extension.clone());
        // A task of its own: compiling goes on, and is of use to the next call, when this one is past its deadline.
        let task = tokio::spawn(async move {
            let loaded =
                loading.loaded.get_or_init(|| its.load_or_compile(&extension)).await.clone();
            if loaded.is_ok() {
                lock(&its.loading).remove(&digest);
            }
            loaded
        });
        task.await.unwrap_or_else(|error| Err(CompiledError::Link(error.to_string())))
    }

    /// The component, if it is mapped.
    pub(super) fn mapped(&self, digest: &Digest) -> Option<Arc<Prepared>> {
        lock(&self.mapped).get(digest).cloned()
    }

    /// The attempt that is under way, or that failed a moment ago, or a new one.
    fn loading(&self, digest: Digest) -> Arc<Loading> {
        let mut all = lock(&self.loading);
        let failed = |loading: &Loading| matches!(loading.loaded.get(), Some(Err(_)));
        all.retain(|_, loading| !failed(loading) || loading.begun.elapsed() < FAILURE_KEPT);
        let new = || Arc::new(Loading { begun: Instant::now(), loaded: OnceCell::new() });
        all.entry(digest).or_insert_with(new).clone()
    }

    pub(super) fn sweep(&self, in_use: impl Fn(&Digest) -> bool) -> anyhow::Result<usize> {
        let keep = |name: &str| {
            name == "key"
                || name
                    .split_once('-')
                    .and_then(|(digest, _)| Digest::parse(digest))
                    .is_some_and(|digest| in_use(&digest) && name == self.name(&digest))
        };
        Ok(crate::storage::sweep_directory(&self.directory, keep)?)
    }

    async fn load_or_compile(&self, extension: &Extension) -> Result<Arc<Prepared>, CompiledError> {
        let digest = extension.digest;
        // Reading and mapping take a fraction of a millisecond; what else runs on this thread can wait for it.
        let loaded = match self.load(digest) {
            Ok(prepared) => Ok(prepared),
            Err(why) => {
                tracing::warn!(extension.id = %extension.id, %why, "the compiled code of `{}` cannot be used; compiling it anew", extension.id);
                let component = self.components.get(&digest)?;
                let code = self.compile(&component).await?;
                let prepared = self.link(&code)?;
                self.write(digest, &code)?;
                Ok(prepared)
            }
        };
        loaded.inspect(|prepared| self.keep(digest, prepared.clone()))
    }

    async fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompiledError> {
        let permit = self.compiling.acquire().await;
        let code = compile::compile(&self.compiler, component, &self.limits).await;
        drop(permit);
        Ok(code?)
    }

    fn keep(&self, digest: Digest, prepared: Arc<Prepared>) {
        lock(&self.loading).remove(&digest);
        lock(&self.mapped).put(digest, prepared);
    }

    fn load(&self, digest: Digest) -> Result<Arc<Prepared>, LoadError> {
        let file = fs::read(self.path(&digest))
            .map_err(|error| LoadError(format!("it cannot be read: {error}")))?;
        let (mac, code) =
            file.split_at_checked(MAC_BYTES).ok_or_else(|| LoadError("it is cut short".into()))?;
        self.mac(&digest, code)
            .verify_slice(mac)
            .map_err(|_| LoadError("this host did not write it as it is".into()))?;
        self.link(code).map_err(|error| LoadError(error.to_string()))
    }

    fn write(&self, digest: Digest, code: &[u8]) -> Result<(), StorageError> {
        let mac = self.mac(&digest, code).finalize().into_bytes();
        write_file(&self.path(&digest), &[&mac, code])
    }

    /// Maps code that this host compiled, and links it.
    #[expect(
        unsafe_code,
        reason = "loading compiled code is unsafe by nature; see the comment at the block"
    )]
    fn link(&self, code: &[u8]) -> Result<Arc<Prepared>, CompiledError> {
        let link = |error: wasmtime::Error| CompiledError::Link(format!("{error:#}"));
        // SAFETY: `code` comes either straight from the compiler, which is this very binary, or from a file whose MAC
        // over these same bytes was checked with a key that only this host has; the bytes are not read again between
        // the check and here.
        let component = unsafe { Component::deserialize(&self.engine, code) }.map_err(link)?;
        let prepared = self.linker.instantiate_pre(&component).and_then(Prepared::new);
        Ok(Arc::new(prepared.map_err(link)?))
    }

    fn mac(&self, digest: &Digest, code: &[u8]) -> Hmac<Sha256> {
        // A key of any length is taken; 32 bytes are given.
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.key) {
            Ok(mac) => mac,
            Err(_) => Hmac::<Sha256>::new(&Default::default()),
        };
        mac.update(&self.fingerprint);
        mac.update(digest.as_bytes());
        mac.update(code);
        mac
    }

    fn name(&self, digest: &Digest) -> String {
        let [a, b, c, d, ..] = self.fingerprint;
        format!("{digest}-{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(self.name(digest))
    }
}

/// Why a file of compiled code cannot be used; it is compiled anew then.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LoadError(String);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the key, or makes one.
fn open_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    match fs::read(path) {
        Ok(key) if key.len() == 32 => return Ok(key),
        Ok(key) => tracing::warn!(
            "the key of the compiled code has {} bytes instead of 32; making a new one",
            key.len()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    write_file(path, &[&key])?;
    Ok(key.to_vec())
}

fn fingerprint(engine: &Engine) -> [u8; 32] {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    sha.write(b"palisade ");
    sha.write(env!("CARGO_PKG_VERSION").as_bytes());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.finalize().into()
}
