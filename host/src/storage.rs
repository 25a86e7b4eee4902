//! Durable state behind a narrow trait: what is acknowledged is on disk.
//!
//! Everything that the host keeps is either a small value here, or a large file in [`Blobs`] whose digest is a
//! value here. Reads go to the engine directly. Writes are closures that one committer thread runs one after
//! another, so that each reads what it decides by; it groups those that wait, applies a group at once and answers
//! all of them when the group is on disk. Nobody is told of a write that a power cut could still take back.

mod blobs;
mod memory;
mod sled_engine;
pub mod transfer;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

pub use self::blobs::{Blobs, Digest, write_file};
pub(crate) use self::blobs::{make_private_directory, sweep_directory};
use self::memory::MemoryEngine;
use self::sled_engine::SledEngine;

/// Bytes that a value may have. Above a quarter of its segment sled writes a value to a file that it never fsyncs.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// Bytes that a key may have.
pub const MAX_KEY_BYTES: usize = 1 << 10;
/// Writes that are made durable together at most.
const GROUP: usize = 256;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);
/// A key and the value that it is to have, or `None` to remove it.
type Write = (Vec<u8>, Option<Vec<u8>>);

/// What an embedded database must do for Palisade. Keys are ordered by their bytes.
trait Engine: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;
    /// At most `limit` pairs whose key begins with `prefix`, in the direction given, beyond `after`.
    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError>;
    /// Makes all writes or none; when it returns they are on disk.
    fn apply(&self, writes: Vec<Write>) -> Result<(), StorageError>;
    /// Bytes on disk.
    fn size(&self) -> u64;
}

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// Why the storage did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The database could not be opened.
    #[error("the database in `{path}` does not open: {reason}")]
    Open {
        /// Its directory.
        path: String,
        /// Why.
        reason: String,
    },
    /// Another process has it.
    #[error("the database in `{path}` is in use by another process")]
    InUse {
        /// Its directory.
        path: String,
    },
    /// The disk or the database failed. After a failed write nothing more is written until a restart.
    #[error("the database failed: {0}")]
    Failed(String),
    /// An earlier write failed.
    #[error("the database failed earlier and takes no more writes; restart the host")]
    Poisoned,
    /// A key or a value is too large.
    #[error("a {what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// `key` or `value`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// What is stored cannot be read.
    #[error("the record `{key}` cannot be read: {reason}")]
    Corrupt {
        /// Its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// What is stored is sealed and does not open.
    #[error("the secret settings {settings} of `{extension}` cannot be opened: {reason}")]
    Sealed {
        /// Whose they are.
        extension: String,
        /// Which.
        settings: String,
        /// Why.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("`{path}`: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

/// A handle to the database. Cloning is shallow; the last one that is dropped closes the database.
#[derive(Clone)]
pub struct Storage {
    shared: Arc<Shared>,
}

/// What handles share.
struct Shared {
    engine: Arc<dyn Engine>,
    /// `None` only while this is dropped.
    jobs: Option<mpsc::UnboundedSender<Job>>,
    committer: Option<JoinHandle<()>>,
    poisoned: Arc<AtomicBool>,
}

impl Drop for Shared {
    /// Waits for the committer, so that the database is closed, and another process can have it, when this returns.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(committer) = self
            .committer
            .take()
            .filter(|committer| committer.thread().id() != std::thread::current().id())
        {
            let _ = committer.join();
        }
    }
}

/// What one writer wants: run it on the transaction, then tell the writer how it ended.
type Job = Box<dyn FnOnce(&mut Transaction<'_>) -> Ack + Send>;
/// Tells the writer, once its group is on disk or is known not to be.
type Ack = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// The view of one writer: the database with the earlier writes of its group and its own.
pub struct Transaction<'a> {
    engine: &'a dyn Engine,
    group: &'a BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    own: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Storage {
    /// Opens the database in this directory, or makes one.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        Self::with_engine(Arc::new(SledEngine::open(directory)?))
    }

    /// A database in memory, for tests and rehearsals.
    pub fn in_memory() -> Result<Self, StorageError> {
        Self::with_engine(Arc::new(MemoryEngine::default()))
    }

    fn with_engine(engine: Arc<dyn Engine>) -> Result<Self, StorageError> {
        // Unbounded, and yet bounded: every writer waits for its answer before it writes again.
        let (jobs, queue) = mpsc::unbounded_channel();
        let poisoned = Arc::new(AtomicBool::new(false));
        let committer = Committer { engine: engine.clone(), queue, poisoned: poisoned.clone() };
        // The thread ends with the last handle, whose sender it listens to.
        let committer = std::thread::Builder::new()
            .name("palisade-storage".into())
            .spawn(move || committer.run())
            .map_err(|error| {
                StorageError::Failed(format!("no thread for the committer: {error}"))
            })?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                jobs: Some(jobs),
                committer: Some(committer),
                poisoned,
            }),
        })
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.shared.engine.get(key)
    }

    /// At most `limit` pairs whose key begins with `prefix`, beyond the key `after`.
    pub fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        self.shared.engine.scan(prefix, after, direction, limit)
    }

    /// Runs `write` on the newest state and returns what it returned once its writes are on disk. When it fails,
    /// nothing of it is written. It must be quick: all writers wait for it.
    pub async fn update<T, E>(
        &self,
        write: impl FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let result = write(transaction);
            if result.is_err() {
                transaction.own.clear();
            }
            // A writer that no longer waits does not take its write back.
            Box::new(move |durable| drop(answer.send(durable.map_err(E::from).and(result))))
        });
        let sent = self.shared.jobs.as_ref().map(|jobs| jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StorageError::Poisoned.into());
        }
        answered.await.unwrap_or_else(|_| Err(StorageError::Poisoned.into()))
    }

    /// Whether every write so far could be made durable.
    pub fn is_healthy(&self) -> bool {
        !self.shared.poisoned.load(Ordering::Acquire)
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.shared.engine.size()
    }
}

impl Transaction<'_> {
    /// The value of a key, with what earlier writers and this one changed.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        match self.own.get(key).or_else(|| self.group.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(key),
        }
    }

    /// Gives a key a value.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StorageError> {
        for (what, bytes, limit) in
            [("key", key.len(), MAX_KEY_BYTES), ("value", value.len(), MAX_VALUE_BYTES)]
        {
            if bytes > limit {
                return Err(StorageError::TooLarge { what, bytes, limit });
            }
        }
        self.own.insert(key, Some(value));
        Ok(())
    }

    /// Removes a key, if it is there.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.own.insert(key, None);
    }
}

/// The first key that no longer begins with `prefix`; `None` if there is none.
fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// The one writer.
struct Committer {
    engine: Arc<dyn Engine>,
    queue: mpsc::UnboundedReceiver<Job>,
    poisoned: Arc<AtomicBool>,
}

impl Committer {
    fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            let mut group = BTreeMap::new();
            let mut acks = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                // A job that panics is dropped with its answer, which its writer sees.
                let mut transaction =
                    Transaction { engine: &*self.engine, group: &group, own: BTreeMap::new() };
                let ran = catch_unwind(AssertUnwindSafe(|| job(&mut transaction)));
                let own = transaction.own;
                if let Ok(ack) = ran {
                    group.extend(own);
                    acks.push(ack);
                }
                next = if acks.len() < GROUP { self.queue.try_recv().ok() } else { None };
            }
            let durable = self.apply(group);
            for ack in acks {
                ack(durable.clone());
            }
        }
    }

    fn apply(&self, group: BTreeMap<Vec<u8>, Option<Vec<u8>>>) -> Result<(), StorageError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(StorageError::Poisoned);
        }
        if group.is_empty() {
            return Ok(());
        }
        let applied =
            catch_unwind(AssertUnwindSafe(|| self.engine.apply(group.into_iter().collect())))
                .unwrap_or_else(|_| Err(StorageError::Failed("the database panicked".into())));
        if let Err(error) = &applied {
            self.poisoned.store(true, Ordering::Release);
            tracing::error!(%error, "a write could not be made durable; no further writes are taken");
        }
        applied
    }
}

#[cfg(test)]
mod tests;
