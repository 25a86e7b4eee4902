//! The storage engine on sled 0.34, made to keep its word. The only module that names sled.
//!
//! sled's `flush` hands its writes to the kernel and does not wait for the disk, and values above a quarter of a
//! segment go to files that it never fsyncs. So a write here ends with an fsync of sled's file, the segment is
//! 8 MiB, and the storage above takes no value over 64 KiB. sled also panics where others return an error.

use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{Direction, Engine, Pair, StorageError, Write};

/// Bytes of a segment. It is fixed when the database is made.
const SEGMENT_BYTES: usize = 8 << 20;
/// Bytes of pages kept in memory.
const CACHE_BYTES: u64 = 64 << 20;

/// A sled database and its file.
pub(super) struct SledEngine {
    db: sled::Db,
    /// sled's own file, to fsync it.
    file: File,
}

impl SledEngine {
    /// Opens the database in this directory, or makes one.
    pub(super) fn open(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.display().to_string();
        let failed = |reason: String| StorageError::Open { path: path.clone(), reason };
        let open = || sled::Config::new().path(directory).segment_size(SEGMENT_BYTES).cache_capacity(CACHE_BYTES).flush_every_ms(Some(500)).open();
        let db = match catch_unwind(AssertUnwindSafe(open)) {
            Ok(Ok(db)) => db,
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                return Err(StorageError::InUse { path });
            }
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed("sled panicked while opening it; it is damaged".into())),
        };
        let file = File::open(directory.join("db")).map_err(|error| failed(error.to_string()))?;
        // The files and their names must be on disk before the first write that depends on them.
        for entry in ["db", "conf", "."] {
            let synced = File::open(directory.join(entry)).and_then(|file| file.sync_all());
            synced.map_err(|error| failed(format!("`{entry}`: {error}")))?;
        }
        if let Some(parent) = directory.parent() {
            File::open(parent).and_then(|file| file.sync_all()).map_err(|error| failed(error.to_string()))?;
        }
        Ok(Self { db, file })
    }
}

fn failed(error: sled::Error) -> StorageError {
    StorageError::Failed(error.to_string())
}

fn guarded<T>(work: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StorageError::Failed("sled panicked".into())))
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        guarded(|| Ok(self.db.get(key).map_err(failed)?.map(|value| value.to_vec())))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, direction: Direction, limit: usize) -> Result<Vec<Pair>, StorageError> {
        let start = match (after, direction) {
            (Some(after), Direction::Forward) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        let end = match (after, direction) {
            (Some(after), Direction::Backward) => Bound::Excluded(after.to_vec()),
            _ => super::prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        };
        if let (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end)) = (&start, &end)
            && start >= end
        {
            return Ok(Vec::new());
        }
        guarded(|| {
            let pairs = self.db.range((start, end));
            let own = |pair: sled::Result<(sled::IVec, sled::IVec)>| {
                pair.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(failed)
            };
            match direction {
                Direction::Forward => pairs.take(limit).map(own).collect(),
                Direction::Backward => pairs.rev().take(limit).map(own).collect(),
            }
        })
        .map(|pairs: Vec<Pair>| pairs.into_iter().filter(|(key, _)| key.starts_with(prefix)).collect())
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(failed)?;
        self.db.flush().map_err(failed)?;
        self.file.sync_all().map_err(|error| StorageError::Failed(format!("fsync: {error}")))
    }

    fn size(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }
}
