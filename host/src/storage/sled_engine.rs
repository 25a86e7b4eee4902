//! The storage engine on sled 0.34, made to keep its word. The only module that names sled.
//!
//! sled's `flush` hands its writes to the kernel and does not wait for the disk, and values above a quarter of a
//! segment go to files that it never fsyncs. So a write here ends with an fsync of sled's file, the segment is
//! 8 MiB, and the storage above takes no value over 64 KiB. sled also panics where others return an error.
//!
//! What follows a damaged place in its file sled takes for the end of an interrupted write, and drops: a flipped bit
//! can take the registry back to any earlier state, or to none. So every write is counted, in the database and then
//! in a file beside it, and a database that holds fewer writes than that is refused.

use std::fs::File;
use std::ops::Bound;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Direction, Engine, Pair, StorageError, Write, make_private_directory};

/// Bytes of a segment. It is fixed when the database is made.
const SEGMENT_BYTES: usize = 8 << 20;
/// Bytes of pages kept in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// The key under which writes are counted. Every other key is longer, and no scan shows it.
const COUNT: &[u8] = b"";
/// The file with the number of writes that are on disk: 8 bytes, and 4 of CRC-32 over them. It is not fsynced: it may
/// say too little after a power cut, and never too much.
const WITNESS: &str = "count";
/// What a segment begins with: 4 bytes of CRC-32, inverted, over the next 16.
const HEADER_BYTES: usize = 20;

/// A sled database and its file.
pub(super) struct SledEngine {
    db: sled::Db,
    /// sled's own file, to fsync it.
    file: File,
    witness: File,
    count: AtomicU64,
}

impl SledEngine {
    /// Opens the database in this directory, or makes one.
    pub(super) fn open(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.display().to_string();
        let failed = |reason: String| StorageError::Open { path: path.clone(), reason };
        make_private_directory(directory)?;
        let witness = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(WITNESS));
        let witness = witness.map_err(|error| failed(format!("`{WITNESS}`: {error}")))?;
        let least = witnessed(&witness);
        if least > 0 {
            check(&directory.join("db"))
                .map_err(|reason| failed(format!("its file `db` {reason}")))?;
        }
        let open = || {
            sled::Config::new()
                .path(directory)
                .segment_size(SEGMENT_BYTES)
                .cache_capacity(CACHE_BYTES)
                .flush_every_ms(Some(500))
                .open()
        };
        let db = match catch_unwind(AssertUnwindSafe(open)) {
            Ok(Ok(db)) => db,
            Ok(Err(sled::Error::Io(error)))
                if error.to_string().contains("could not acquire lock") =>
            {
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
        let counted = guarded(|| db.get(COUNT).map_err(self::failed))
            .map_err(|error| failed(error.to_string()))?;
        let count = counted
            .and_then(|bytes| Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?)))
            .unwrap_or(0);
        if count < least {
            return Err(failed(format!(
                "it holds {count} of the {least} writes that were made to it; its file `db` is damaged"
            )));
        }
        Ok(Self { db, file, witness, count: count.into() })
    }
}

/// The number of writes that the witness knows of; 0 if it is new, or a power cut took what it said.
fn witnessed(witness: &File) -> u64 {
    let mut record = [0; 12];
    let Ok(()) = witness.read_exact_at(&mut record, 0) else { return 0 };
    let (count, crc) = record.split_at(8);
    match <[u8; 8]>::try_from(count) {
        Ok(count) if crc == crc32fast::hash(&count).to_be_bytes() => u64::from_be_bytes(count),
        _ => 0,
    }
}

/// Checks, without changing anything, that the file of a database that was written to still is one.
fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    // What a killed process wrote may be in the kernel only; sled builds on what it reads, so it must last.
    file.sync_all().map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut header = [0; HEADER_BYTES];
    let is_segment =
        |offset: u64| file.read_exact_at(&mut header, offset).is_ok() && is_header(&header);
    match (0..length).step_by(SEGMENT_BYTES).any(is_segment) {
        true => Ok(()),
        false => Err(format!("is damaged: there is no segment in its {length} bytes")),
    }
}

fn is_header(header: &[u8; HEADER_BYTES]) -> bool {
    let (crc, rest) = header.split_at(4);
    crc == (!crc32fast::hash(rest)).to_le_bytes()
}

fn failed(error: sled::Error) -> StorageError {
    StorageError::Failed(error.to_string())
}

fn guarded<T>(work: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StorageError::Failed("sled panicked".into())))
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        guarded(|| Ok(self.db.get(key).map_err(failed)?.map(|value| value.to_vec())))
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        let start = match (after, direction) {
            (Some(after), Direction::Forward) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ if prefix.is_empty() => Bound::Excluded(COUNT.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        let end = match (after, direction) {
            (Some(after), Direction::Backward) => Bound::Excluded(after.to_vec()),
            _ => super::prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded),
        };
        if let (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end)) =
            (&start, &end)
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
        .map(|pairs: Vec<Pair>| {
            pairs.into_iter().filter(|(key, _)| key.starts_with(prefix)).collect()
        })
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        let count = (self.count.load(Ordering::Relaxed) + 1).to_be_bytes();
        batch.insert(COUNT, count.as_slice());
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(failed)?;
        self.db.flush().map_err(failed)?;
        self.file.sync_all().map_err(|error| StorageError::Failed(format!("fsync: {error}")))?;
        self.count.fetch_add(1, Ordering::Relaxed);
        let record = [count.as_slice(), &crc32fast::hash(&count).to_be_bytes()].concat();
        self.witness
            .write_all_at(&record, 0)
            .map_err(|error| StorageError::Failed(format!("`{WITNESS}`: {error}")))
    }

    fn size(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }
}
