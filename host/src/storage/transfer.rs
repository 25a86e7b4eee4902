//! Export and import: the whole store as one file that any version of Palisade can read.
//!
//! The file is zstd over lines of JSON: a head with the format's version, then every record with its CRC-32, then
//! every component, then an end with the counts, so that a file that was cut is known. Compiled code is not in it:
//! it belongs to one machine.

use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::{Blobs, Digest, Direction, Storage, StorageError};

/// The name of the format.
const FORMAT: &str = "palisade-store";
/// The version of the format.
const VERSION: u32 = 1;
/// Records that are read or written at one time.
const BATCH: usize = 200;
/// Bytes of a line: a component in base64 and a little.
const MAX_LINE_BYTES: u64 = 256 << 20;
const LEVEL: i32 = 3;
/// What the keys of the registry's records begin with. They refer to one another, so an export has them as they were
/// at one moment; what is under other keys stands for itself.
const RELATED: [&[u8]; 8] = [
    b"extension/",
    b"grants/",
    b"manifest/",
    b"meta/",
    b"sealed/",
    b"settings/",
    b"waiting-manifest/",
    b"waiting/",
];
/// How often changes may come between before an export gives up.
const TRIES: usize = 1_000;

/// How much was exported or imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records of the database.
    pub records: u64,
    /// Components.
    pub components: u64,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Head { format: String, version: u32 },
    Record { key: String, value: String, crc: u32 },
    Component { digest: Digest, bytes: String },
    End(Counts),
}

/// Why an export or an import failed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file could not be read or written.
    #[error("the export file: {0}")]
    Io(#[from] std::io::Error),
    /// The file is not an export, or is damaged.
    #[error("the export file is damaged or is none: line {line}: {reason}")]
    Damaged {
        /// The line.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Changes came faster than they could be read.
    #[error("the registry changes all the time; try again later")]
    Restless,
    /// There is something in the store already.
    #[error("the store is not empty: it holds {0} records or more")]
    NotEmpty(usize),
}

/// Writes everything that the storage and the components hold.
pub fn export(
    storage: &Storage,
    components: &Blobs,
    to: impl Write,
) -> Result<Counts, TransferError> {
    let mut to = zstd::Encoder::new(to, LEVEL)?;
    let mut write = |line: &Line| -> Result<(), TransferError> {
        serde_json::to_writer(&mut to, line).map_err(std::io::Error::from)?;
        Ok(to.write_all(b"\n")?)
    };
    write(&Line::Head { format: FORMAT.into(), version: VERSION })?;
    let mut counts = Counts::default();
    let mut write_record = |key: &[u8], value: &[u8]| {
        counts.records += 1;
        write(&Line::Record {
            key: BASE64.encode(key),
            value: BASE64.encode(value),
            crc: crc(key, value),
        })
    };
    for (key, value) in related(storage)? {
        write_record(&key, &value)?;
    }
    each(storage, b"", |key, value| match RELATED.iter().any(|prefix| key.starts_with(prefix)) {
        true => Ok(()),
        false => write_record(key, value),
    })?;
    for digest in components.list()? {
        counts.components += 1;
        write(&Line::Component { digest, bytes: BASE64.encode(components.get(&digest)?) })?;
    }
    write(&Line::End(counts))?;
    to.finish()?.flush()?;
    Ok(counts)
}

/// The records of the registry at one moment: when they are read twice and are the same, they were so between. They
/// cannot change back meanwhile, since an installation has a number and a time of its own.
fn related(storage: &Storage) -> Result<Vec<super::Pair>, TransferError> {
    let read = || {
        let mut pairs = Vec::new();
        for prefix in RELATED {
            each(storage, prefix, |key, value| {
                pairs.push((key.to_vec(), value.to_vec()));
                Ok(())
            })?;
        }
        Ok::<_, TransferError>(pairs)
    };
    let mut last = read()?;
    for _ in 0..TRIES {
        let pairs = read()?;
        if pairs == last {
            return Ok(pairs);
        }
        last = pairs;
    }
    Err(TransferError::Restless)
}

/// Visits every record whose key begins with `prefix`.
fn each(
    storage: &Storage,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let pairs = storage.scan(prefix, after.as_deref(), Direction::Forward, BATCH)?;
        let Some((last, _)) = pairs.last() else { return Ok(()) };
        after = Some(last.clone());
        pairs.iter().try_for_each(|(key, value)| visit(key, value))?;
    }
}

/// Reads an export into an empty store. The components come first into their place, so that no record refers to one
/// that is not there; a file that turns out to be damaged leaves the records out.
pub async fn import(
    storage: &Storage,
    components: &Blobs,
    from: impl Read,
) -> Result<Counts, TransferError> {
    let present = storage.scan(b"", None, Direction::Forward, 1)?.len();
    if present > 0 {
        return Err(TransferError::NotEmpty(present));
    }
    let (records, counts) = read(components, from)?;
    for batch in records.chunks(BATCH) {
        let batch = batch.to_vec();
        let written = storage.update(move |transaction| {
            batch.into_iter().try_for_each(|(key, value)| transaction.put(key, value))
        });
        written.await.map_err(|error: StorageError| error)?;
    }
    Ok(counts)
}

fn read(components: &Blobs, from: impl Read) -> Result<(Vec<super::Pair>, Counts), TransferError> {
    let mut from = BufReader::new(zstd::Decoder::new(from)?);
    let (mut records, mut counts, mut number) = (Vec::new(), Counts::default(), 0);
    loop {
        number += 1;
        let damaged = |reason: String| TransferError::Damaged { line: number, reason };
        let mut text = Vec::new();
        from.by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut text)
            .map_err(|error| damaged(error.to_string()))?;
        if text.is_empty() {
            return Err(damaged("the file ends without its last line; it was cut".into()));
        }
        let line: Line =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let decode = |text: &str| BASE64.decode(text).map_err(|error| damaged(error.to_string()));
        match line {
            Line::Head { format, version }
                if number == 1 && format == FORMAT && version == VERSION => {}
            Line::Head { format, version } => {
                return Err(damaged(format!(
                    "a head of `{format}` version {version}; this host reads `{FORMAT}` version {VERSION}"
                )));
            }
            _ if number == 1 => return Err(damaged("there is no head".into())),
            Line::Record { key, value, crc: expected } => {
                let (key, value) = (decode(&key)?, decode(&value)?);
                if crc(&key, &value) != expected {
                    return Err(damaged("a record does not match its checksum".into()));
                }
                counts.records += 1;
                records.push((key, value));
            }
            Line::Component { digest, bytes } => {
                if components.put(&decode(&bytes)?)? != digest {
                    return Err(damaged(format!(
                        "the component {digest} does not match its digest"
                    )));
                }
                counts.components += 1;
            }
            Line::End(expected) if expected == counts => return Ok((records, counts)),
            Line::End(expected) => {
                return Err(damaged(format!("{expected:?} were written, {counts:?} were read")));
            }
        }
    }
}

fn crc(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn filled() -> (Storage, tempfile::TempDir, Blobs) {
        let directory = tempfile::tempdir().unwrap();
        let components = Blobs::open(directory.path()).unwrap();
        components.put(b"component").unwrap();
        let storage = Storage::in_memory().unwrap();
        for n in 0..500_u32 {
            let written: Result<(), StorageError> = storage
                .update(move |transaction| transaction.put(n.to_be_bytes().to_vec(), vec![7; 100]))
                .await;
            written.unwrap();
        }
        (storage, directory, components)
    }

    #[tokio::test]
    async fn what_is_exported_is_imported() {
        let (storage, _directory, components) = filled().await;
        let mut file = Vec::new();
        let exported = export(&storage, &components, &mut file).unwrap();
        assert_eq!(exported, Counts { records: 500, components: 1 });
        let (copy, directory) = (Storage::in_memory().unwrap(), tempfile::tempdir().unwrap());
        let copied = Blobs::open(directory.path()).unwrap();
        assert_eq!(import(&copy, &copied, file.as_slice()).await.unwrap(), exported);
        let all = |storage: &Storage| storage.scan(b"", None, Direction::Forward, 1_000).unwrap();
        assert_eq!(all(&copy), all(&storage));
        assert_eq!(copied.list().unwrap(), components.list().unwrap());
    }

    #[tokio::test]
    async fn a_cut_or_changed_file_imports_nothing() {
        let (storage, _directory, components) = filled().await;
        let mut file = Vec::new();
        export(&storage, &components, &mut file).unwrap();
        for damage in [file.len() / 2, file.len() - 1] {
            let (copy, directory) = (Storage::in_memory().unwrap(), tempfile::tempdir().unwrap());
            let error = import(&copy, &Blobs::open(directory.path()).unwrap(), &file[..damage])
                .await
                .unwrap_err();
            assert!(error.to_string().starts_with("the export file"), "{error}");
            assert!(copy.scan(b"", None, Direction::Forward, 1).unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_store_that_is_not_empty_is_left_alone() {
        let (storage, _directory, components) = filled().await;
        let error = import(&storage, &components, [].as_slice()).await.unwrap_err();
        assert_eq!(error.to_string(), "the store is not empty: it holds 1 records or more");
    }
}
