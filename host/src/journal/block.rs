//! Blocks: many entries, packed into one value of the storage.
//!
//! A block is one byte of version, 8 bytes with the time of its newest entry in milliseconds since the epoch,
//! big-endian, then the entries, each a JSON object on a line of its own, compressed with zstd.

use super::entry::Entry;
use crate::storage::MAX_VALUE_BYTES;

/// The version of the format.
const VERSION: u8 = 1;
/// Bytes before the compressed entries.
const HEAD: usize = 9;
/// Bytes of entries, as JSON, that go into one block. They shrink to a fifth or less.
const PACKED: usize = 192 << 10;
/// Bytes of entries, as JSON, that are written before their time. A write costs an fsync, whatever its size.
const WORTH_A_WRITE: usize = 2 << 20;
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
    /// The entries as JSON, one after another.
    json: Vec<u8>,
    places: Vec<Place>,
}

/// Where an entry stands in the JSON of a packer.
#[derive(Clone, Copy)]
struct Place {
    time_ms: u64,
    begin: usize,
    end: usize,
}

impl Packer {
    /// Adds an entry that is written as JSON.
    pub(super) fn add(&mut self, time_ms: u64, json: &[u8]) {
        let begin = self.json.len();
        self.json.extend_from_slice(json);
        self.json.push(b'\n');
        self.places.push(Place { time_ms, begin, end: self.json.len() });
    }

    /// Forgets the entries and keeps the room for as many.
    pub(super) fn clear(&mut self) {
        self.json.clear();
        self.places.clear();
    }

    /// Bytes of the entries.
    pub(super) fn bytes(&self) -> usize {
        self.json.len()
    }

    /// Whether so much waits that it should be written before its time.
    pub(super) fn is_full(&self) -> bool {
        self.bytes() >= WORTH_A_WRITE
    }

    /// Packs the entries into blocks that fit into the storage.
    pub(super) fn blocks(&self) -> Vec<(Head, Vec<u8>)> {
        let (mut blocks, mut rest) = (Vec::new(), self.places.as_slice());
        while let Some(first) = rest.first() {
            let together = rest.iter().take_while(|place| place.end - first.begin <= PACKED);
            let (block, more) = rest.split_at(together.count().max(1));
            pack(&self.json, block, &mut blocks);
            rest = more;
        }
        blocks
    }
}

/// Packs entries, which stand one after another, into as few blocks as fit.
fn pack(json: &[u8], places: &[Place], blocks: &mut Vec<(Head, Vec<u8>)>) {
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
    let last_ms = places.iter().map(|place| place.time_ms).max().unwrap_or_default();
    let entries = json.get(first.begin..last.end).unwrap_or_default();
    if places.len() == 1 && entries.len() > MAX_ENTRY {
        return pack_abridged(entries, blocks);
    }
    let mut block = vec![VERSION];
    block.extend_from_slice(&last_ms.to_be_bytes());
    match zstd::bulk::compress(entries, LEVEL) {
        Ok(compressed) => block.extend_from_slice(&compressed),
        Err(error) => return tracing::error!(%error, "entries of the journal cannot be compressed"),
    }
    if block.len() <= MAX_VALUE_BYTES {
        return blocks.push((Head { last_ms }, block));
    }
    if places.len() == 1 {
        // It does not shrink enough.
        return pack_abridged(entries, blocks);
    }
    let (first, second) = places.split_at(places.len() / 2);
    pack(json, first, blocks);
    pack(json, second, blocks);
}

/// Packs what is left of an entry that is too large. Abridged, it fits as it is.
fn pack_abridged(json: &[u8], blocks: &mut Vec<(Head, Vec<u8>)>) {
    match serde_json::from_slice::<Entry>(json) {
        Ok(mut entry) if !entry.abridged => {
            entry.abridge();
            let json = serde_json::to_vec(&entry).unwrap_or_default();
            let place = Place { time_ms: entry.time_ms, begin: 0, end: json.len() };
            pack(&json, &[place], blocks);
        }
        _ => tracing::error!("an entry of {} bytes is too large for the journal", json.len()),
    }
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
    let entries: serde_json::Result<Vec<Entry>> =
        serde_json::Deserializer::from_slice(&json).into_iter().collect();
    match entries {
        Ok(entries) if entries.is_empty() => Err("it has no entry".into()),
        Ok(entries) => Ok((head, entries)),
        Err(error) => Err(error.to_string()),
    }
}
