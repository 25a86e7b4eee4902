//! Blocks: many entries, packed into one value of the storage.
//!
//! A block is one byte of version, 8 bytes with the time of its newest entry in milliseconds since the epoch,
//! big-endian, then the entries as a JSON array, compressed with zstd.

use super::entry::Entry;
use crate::storage::MAX_VALUE_BYTES;

/// The version of the format.
const VERSION: u8 = 1;
/// Bytes before the compressed entries.
const HEAD: usize = 9;
/// Bytes of entries, as JSON, that go into one block. They shrink to a fifth or less.
const PACKED: usize = 192 << 10;
/// Bytes of entries, as JSON, that wait for the next write. A write costs an fsync, whatever its size.
const MAX_WAITING: usize = 2 << 20;
/// Bytes of an entry, as JSON, that is kept whole.
const MAX_ENTRY: usize = 512 << 10;
/// Bytes of JSON that a block unpacks to at most.
const MAX_UNPACKED: usize = 16 << 20;
/// How hard to compress: the fastest level already shrinks JSON well.
const LEVEL: i32 = 1;

/// What is known of a block without unpacking it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The time of its newest entry, in milliseconds since the epoch.
    pub(super) last_ms: u64,
}

/// Collects entries for blocks.
#[derive(Default)]
pub(super) struct Packer {
    entries: Vec<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Packer {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: Entry) {
        let mut entry = entry;
        match serde_json::to_vec(&entry) {
            Ok(json) if json.len() > MAX_ENTRY => {
                entry.abridge();
                self.add_json(&entry);
            }
            _ => self.add_json(&entry),
        }
    }

    fn add_json(&mut self, entry: &Entry) {
        match serde_json::to_vec(entry) {
            Ok(json) => {
                self.bytes += json.len();
                self.entries.push((entry.time_ms, json));
            }
            Err(error) => tracing::error!(%error, "an entry cannot be written to the journal"),
        }
    }

    /// Whether so much waits that it should be written before its time.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_WAITING
    }

    /// Takes what there is as blocks that fit into the storage.
    pub(super) fn take(&mut self) -> Vec<(Head, Vec<u8>)> {
        self.bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        let (mut blocks, mut begin, mut bytes) = (Vec::new(), 0, 0);
        for (end, (_, json)) in entries.iter().enumerate() {
            if bytes > 0 && bytes + json.len() > PACKED {
                pack(entries.get(begin..end).unwrap_or_default(), &mut blocks);
                (begin, bytes) = (end, 0);
            }
            bytes += json.len();
        }
        pack(entries.get(begin..).unwrap_or_default(), &mut blocks);
        blocks
    }
}

/// Packs entries into as few blocks as fit.
fn pack(entries: &[(u64, Vec<u8>)], blocks: &mut Vec<(Head, Vec<u8>)>) {
    let Some(last_ms) = entries.iter().map(|(time, _)| *time).max() else { return };
    let json = [
        b"[".as_slice(),
        &entries.iter().map(|(_, json)| json.as_slice()).collect::<Vec<_>>().join(&b','),
        b"]",
    ]
    .concat();
    let mut block = vec![VERSION];
    block.extend_from_slice(&last_ms.to_be_bytes());
    match zstd::bulk::compress(&json, LEVEL) {
        Ok(compressed) => block.extend_from_slice(&compressed),
        Err(error) => return tracing::error!(%error, "entries of the journal cannot be compressed"),
    }
    if block.len() <= MAX_VALUE_BYTES {
        return blocks.push((Head { last_ms }, block));
    }
    if let [(time, json)] = entries {
        // It does not shrink enough. Abridged, it fits as it is.
        return match serde_json::from_slice::<Entry>(json) {
            Ok(mut entry) if !entry.abridged => {
                entry.abridge();
                pack(&[(*time, serde_json::to_vec(&entry).unwrap_or_default())], blocks);
            }
            _ => tracing::error!("an entry of {} bytes is too large for the journal", json.len()),
        };
    }
    let (first, second) = entries.split_at(entries.len() / 2);
    pack(first, blocks);
    pack(second, blocks);
}

/// What is known of a block.
pub(super) fn head(block: &[u8]) -> Result<Head, String> {
    match block.split_first() {
        Some((&VERSION, rest)) => {
            let last_ms = rest.first_chunk::<8>().ok_or("it is cut short")?;
            Ok(Head { last_ms: u64::from_be_bytes(*last_ms) })
        }
        Some((version, _)) => {
            Err(format!("its version is {version}, and this host reads {VERSION}"))
        }
        None => Err("it is empty".into()),
    }
}

/// The entries of a block, oldest first.
pub(super) fn unpack(block: &[u8]) -> Result<(Head, Vec<Entry>), String> {
    let head = head(block)?;
    let json = zstd::bulk::decompress(block.get(HEAD..).unwrap_or_default(), MAX_UNPACKED)
        .map_err(|error| error.to_string())?;
    let entries = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    Ok((head, entries))
}
