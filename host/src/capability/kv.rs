//! `palisade:kv/store`: durable key-value state of one extension, within its quota.
//!
//! An entry is one value of the storage: 8 bytes of revision, 8 bytes of expiry in milliseconds since the epoch
//! (0 for never), then the bytes of the guest. How much the extension keeps is an entry of its own, changed in the
//! same transaction, so that it is exact after a crash.

use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::component::Resource;

use super::CallState;
use crate::bindings::kv::{self, Condition, Entry, Error, KeyPage, WriteResult};
use crate::grant::Grant;
use crate::hook::Rehearsal;
use crate::storage::{Direction, Storage, StorageError, Transaction};

/// Bytes of a key.
const MAX_KEY_BYTES: usize = 512;
/// Bytes of the name of a bucket.
const MAX_BUCKET_BYTES: usize = 64;
/// Bytes of a value.
const MAX_VALUE_BYTES: usize = 60 << 10;
/// Keys in one page.
const MAX_PAGE: u32 = 1_000;
/// Bytes before the guest's in an entry.
const HEADER: usize = 16;

/// A guest's handle to a bucket.
pub struct Bucket {
    /// What the keys of all its entries begin with.
    prefix: Vec<u8>,
}

/// What all keys of an installation begin with.
pub(crate) fn prefix(installation: u64) -> Vec<u8> {
    let mut prefix = b"kv/".to_vec();
    prefix.extend_from_slice(&installation.to_be_bytes());
    prefix
}

/// The key under which the extension's use is counted. No bucket has an empty name.
fn usage_key(installation: u64) -> Vec<u8> {
    let mut key = prefix(installation);
    key.push(0);
    key
}

/// What an extension keeps.
#[derive(Clone, Copy, Default)]
struct Usage {
    bytes: u64,
    entries: u64,
}

/// What the use of an extension is counted and checked by.
#[derive(Clone)]
struct Quota {
    key: Vec<u8>,
    bytes: u64,
    entries: u64,
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Poisoned | StorageError::Failed(_) => Error::Unavailable,
            error => Error::Other(error.to_string()),
        }
    }
}

impl CallState {
    fn bucket(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(bucket)?.prefix.clone())
    }

    fn quota(&self) -> Quota {
        let limits = self.about.limits();
        Quota {
            key: usage_key(self.extension().installation),
            bytes: limits.kv_bytes,
            entries: limits.kv_entries,
        }
    }

    fn may_write(&self) -> Result<(), Error> {
        match self.about.rehearsal() {
            Rehearsal::No => Ok(()),
            Rehearsal::DryRun => Err(Error::DryRun),
        }
    }
}

impl kv::Host for CallState {}

impl kv::HostBucket for CallState {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Bucket>, Error>> {
        self.called(name.len())?;
        if let Err(why) = self.extension().check(&Grant::Kv) {
            return Ok(Err(Error::Denied(why)));
        }
        if check_name(&name, MAX_BUCKET_BYTES).is_err() {
            return Ok(Err(Error::InvalidKey));
        }
        let mut prefix = prefix(self.extension().installation);
        // The length in front keeps the buckets `a` and `ab` apart.
        prefix.push(u8::try_from(name.len())?);
        prefix.extend_from_slice(name.as_bytes());
        Ok(Ok(self.table.push(Bucket { prefix })?))
    }

    async fn get(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Entry>, Error>> {
        self.called(key.len())?;
        let prefix = self.bucket(&bucket)?;
        let found = full_key(prefix, &key).and_then(|full| {
            Ok(self
                .services
                .storage
                .get(&full)?
                .as_deref()
                .and_then(|stored| read_entry(stored, now_ms())))
        });
        self.handed_out(
            found.as_ref().ok().and_then(Option::as_ref).map_or(0, |entry| entry.value.len()),
        );
        Ok(found)
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
        ttl_seconds: Option<u32>,
        condition: Condition,
    ) -> wasmtime::Result<Result<WriteResult, Error>> {
        self.called(key.len() + value.len())?;
        let prefix = self.bucket(&bucket)?;
        let prepared = self.may_write().and_then(|()| full_key(prefix, &key)).and_then(|full| {
            match value.len() > MAX_VALUE_BYTES {
                true => Err(Error::TooLarge(MAX_VALUE_BYTES as u64)),
                false => Ok(full),
            }
        });
        let Ok(full) = prepared else { return Ok(prepared.map(|_| WriteResult::Conflict(None))) };
        let quota = self.quota();
        let written = self.services.storage.update(move |transaction| {
            let now = now_ms();
            let expiry = ttl_seconds
                .map_or(0, |seconds| now.saturating_add(u64::from(seconds) * 1_000).max(1));
            match conflict(transaction, &full, &condition, now)? {
                Some(conflict) => Ok(conflict),
                None => put(transaction, &quota, full, &value, expiry).map(WriteResult::Written),
            }
        });
        Ok(written.await)
    }

    async fn delete(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        condition: Condition,
    ) -> wasmtime::Result<Result<WriteResult, Error>> {
        self.called(key.len())?;
        let prefix = self.bucket(&bucket)?;
        let prepared = self.may_write().and_then(|()| full_key(prefix, &key));
        let Ok(full) = prepared else { return Ok(prepared.map(|_| WriteResult::Conflict(None))) };
        let quota = self.quota();
        let written = self.services.storage.update(move |transaction| {
            if let Some(conflict) = conflict(transaction, &full, &condition, now_ms())? {
                return Ok(conflict);
            }
            take_out(transaction, &quota.key, full)?;
            Ok(WriteResult::Written(0))
        });
        Ok(written.await)
    }

    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, Error>> {
        self.called(key.len())?;
        let prefix = self.bucket(&bucket)?;
        let prepared = self.may_write().and_then(|()| full_key(prefix, &key));
        let Ok(full) = prepared else { return Ok(prepared.map(|_| 0)) };
        let quota = self.quota();
        let written = self.services.storage.update(move |transaction| {
            let stored = transaction.get(&full)?;
            let entry = stored.as_deref().and_then(|stored| read_entry(stored, now_ms()));
            let number = match &entry {
                None => 0,
                Some(entry) => std::str::from_utf8(&entry.value)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
                    .ok_or(Error::NotANumber)?,
            };
            let sum = number.checked_add(delta).ok_or(Error::NotANumber)?;
            let expiry = entry
                .and(stored.as_deref())
                .and_then(|stored| stored.get(8..HEADER))
                .and_then(read_u64)
                .unwrap_or(0);
            put(transaction, &quota, full, sum.to_string().as_bytes(), expiry)?;
            Ok(sum)
        });
        Ok(written.await)
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<KeyPage, Error>> {
        self.called(prefix.len() + after.as_ref().map_or(0, String::len))?;
        let bucket = self.bucket(&bucket)?;
        let page = list(&self.services.storage, &bucket, &prefix, after, limit.clamp(1, MAX_PAGE));
        self.handed_out(
            page.as_ref().map_or(0, |page| page.keys.iter().map(|key| key.len() + 8).sum()),
        );
        Ok(page)
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

fn check_name(name: &str, limit: usize) -> Result<(), Error> {
    match name.is_empty() || name.len() > limit || name.chars().any(char::is_control) {
        true => Err(Error::InvalidKey),
        false => Ok(()),
    }
}

fn full_key(mut prefix: Vec<u8>, key: &str) -> Result<Vec<u8>, Error> {
    check_name(key, MAX_KEY_BYTES)?;
    prefix.extend_from_slice(key.as_bytes());
    Ok(prefix)
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn read_u64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The entry as the guest sees it; `None` if its time is over.
fn read_entry(stored: &[u8], now: u64) -> Option<Entry> {
    let revision = read_u64(stored.get(..8)?)?;
    let expiry = read_u64(stored.get(8..HEADER)?)?;
    let value = stored.get(HEADER..)?.to_vec();
    (expiry == 0 || expiry > now).then_some(Entry { value, revision })
}

/// What a write under this condition must answer instead of writing.
fn conflict(
    transaction: &Transaction<'_>,
    key: &[u8],
    condition: &Condition,
    now: u64,
) -> Result<Option<WriteResult>, Error> {
    let entry = transaction.get(key)?.as_deref().and_then(|stored| read_entry(stored, now));
    let holds = match condition {
        Condition::Always => true,
        Condition::Absent => entry.is_none(),
        Condition::Unchanged(revision) => {
            entry.as_ref().is_some_and(|entry| entry.revision == *revision)
        }
    };
    Ok((!holds).then_some(WriteResult::Conflict(entry)))
}

/// Bytes that an entry counts for: its key without the host's part, and its value.
fn cost(full_key: &[u8], value_bytes: usize) -> u64 {
    full_key.len().saturating_sub(prefix(0).len()) as u64 + value_bytes as u64
}

/// Writes an entry and counts it. Returns its revision.
fn put(
    transaction: &mut Transaction<'_>,
    quota: &Quota,
    key: Vec<u8>,
    value: &[u8],
    expiry: u64,
) -> Result<u64, Error> {
    let old = transaction.get(&key)?;
    let revision =
        old.as_deref().and_then(|old| read_u64(old.get(..8)?)).unwrap_or_else(now_ms) + 1;
    let usage = read_usage(transaction, &quota.key)?;
    let old_bytes = old.as_ref().map_or(0, |old| cost(&key, old.len().saturating_sub(HEADER)));
    let new = Usage {
        bytes: usage.bytes.saturating_sub(old_bytes) + cost(&key, value.len()),
        entries: usage.entries + u64::from(old.is_none()),
    };
    let grows = new.bytes > usage.bytes || new.entries > usage.entries;
    if grows && (new.bytes > quota.bytes || new.entries > quota.entries) {
        return Err(Error::QuotaExceeded);
    }
    write_usage(transaction, &quota.key, new)?;
    let mut stored = Vec::with_capacity(HEADER + value.len());
    stored.extend_from_slice(&revision.to_be_bytes());
    stored.extend_from_slice(&expiry.to_be_bytes());
    stored.extend_from_slice(value);
    transaction.put(key, stored)?;
    Ok(revision)
}

/// Removes an entry, if it is there, and counts it no longer.
fn take_out(
    transaction: &mut Transaction<'_>,
    usage_key: &[u8],
    key: Vec<u8>,
) -> Result<(), StorageError> {
    let Some(stored) = transaction.get(&key)? else { return Ok(()) };
    let usage = read_usage(transaction, usage_key)?;
    let left = Usage {
        bytes: usage.bytes.saturating_sub(cost(&key, stored.len().saturating_sub(HEADER))),
        entries: usage.entries.saturating_sub(1),
    };
    write_usage(transaction, usage_key, left)?;
    transaction.remove(key);
    Ok(())
}

/// Removes the entries of an installation whose time is over. Until then nobody sees them, and they count.
pub(crate) async fn sweep(storage: &Storage, installation: u64) -> Result<(), StorageError> {
    let (prefix, usage_key) = (prefix(installation), usage_key(installation));
    let mut after: Option<Vec<u8>> = None;
    loop {
        let pairs = storage.scan(&prefix, after.as_deref(), Direction::Forward, 200)?;
        let Some((last, _)) = pairs.last() else { return Ok(()) };
        after = Some(last.clone());
        let over = |stored: &[u8]| read_entry(stored, now_ms()).is_none();
        let expired: Vec<Vec<u8>> = pairs
            .into_iter()
            .filter(|(key, stored)| *key != usage_key && over(stored))
            .map(|(key, _)| key)
            .collect();
        if expired.is_empty() {
            continue;
        }
        let usage_key = usage_key.clone();
        let removed = storage.update(move |transaction| {
            for key in expired {
                // It may have been written anew meanwhile.
                if transaction.get(&key)?.is_some_and(|stored| over(&stored)) {
                    take_out(transaction, &usage_key, key)?;
                }
            }
            Ok::<_, StorageError>(())
        });
        removed.await?;
    }
}

fn read_usage(transaction: &Transaction<'_>, usage_key: &[u8]) -> Result<Usage, StorageError> {
    let stored = transaction.get(usage_key)?.unwrap_or_default();
    let number = |range: std::ops::Range<usize>| stored.get(range).and_then(read_u64).unwrap_or(0);
    Ok(Usage { bytes: number(0..8), entries: number(8..16) })
}

fn write_usage(
    transaction: &mut Transaction<'_>,
    usage_key: &[u8],
    usage: Usage,
) -> Result<(), StorageError> {
    let stored = [usage.bytes.to_be_bytes(), usage.entries.to_be_bytes()].concat();
    transaction.put(usage_key.to_vec(), stored)
}

fn list(
    storage: &Storage,
    bucket: &[u8],
    prefix: &str,
    after: Option<String>,
    limit: u32,
) -> Result<KeyPage, Error> {
    if prefix.len() > MAX_KEY_BYTES
        || after.as_ref().is_some_and(|after| after.len() > MAX_KEY_BYTES)
    {
        return Err(Error::InvalidKey);
    }
    let full = |key: &str| [bucket, key.as_bytes()].concat();
    let after = after.map(|after| full(&after));
    let limit = limit as usize;
    // One more than asked for, to know whether there is more.
    let pairs = storage.scan(&full(prefix), after.as_deref(), Direction::Forward, limit + 1)?;
    let more = pairs.len() > limit;
    let now = now_ms();
    let text = |key: &[u8]| {
        String::from_utf8_lossy(key.get(bucket.len()..).unwrap_or_default()).into_owned()
    };
    let last = pairs.iter().take(limit).next_back().map(|(key, _)| text(key));
    let keys = pairs
        .iter()
        .take(limit)
        .filter(|(_, stored)| read_entry(stored, now).is_some())
        .map(|(key, _)| text(key))
        .collect();
    Ok(KeyPage { keys, next: if more { last } else { None } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_over_is_swept_and_counts_no_longer() {
        let storage = Storage::in_memory().unwrap();
        let quota = Quota { key: usage_key(7), bytes: 1_000, entries: 10 };
        let key = |name: &str| [prefix(7), vec![1, b'b'], name.as_bytes().to_vec()].concat();
        let (mine, entries) = (quota.clone(), [(key("over"), 1), (key("lasting"), 0)]);
        let written = storage.update(move |transaction| {
            entries.into_iter().try_for_each(|(key, expiry)| {
                put(transaction, &mine, key, b"value", expiry).map(drop)
            })
        });
        written.await.unwrap();
        sweep(&storage, 7).await.unwrap();
        assert!(
            storage.get(&key("over")).unwrap().is_none()
                && storage.get(&key("lasting")).unwrap().is_some()
        );
        let usage =
            storage.update(move |transaction| read_usage(transaction, &quota.key)).await.unwrap();
        assert_eq!((usage.entries, usage.bytes), (1, cost(&key("lasting"), 5)));
    }

    #[tokio::test]
    async fn a_write_over_the_quota_is_refused_and_a_smaller_one_is_not() {
        let storage = Storage::in_memory().unwrap();
        let quota = Quota { key: usage_key(7), bytes: 100, entries: 1 };
        let key = [prefix(7), b"\x01bkey".to_vec()].concat();
        let result = storage.update(move |transaction| {
            put(transaction, &quota, key.clone(), &[0; 90], 0)?;
            assert!(matches!(
                put(transaction, &quota, key.clone(), &[0; 99], 0),
                Err(Error::QuotaExceeded)
            ));
            assert!(matches!(
                put(transaction, &quota, [&*key, b"2"].concat(), b"", 0),
                Err(Error::QuotaExceeded)
            ));
            put(transaction, &quota, key, &[0; 10], 0)
        });
        result.await.unwrap();
    }
}
