//! Large things as files named by the digest of their content.
//!
//! A file is written under another name, fsynced, renamed, and its directory fsynced, before anything refers to it.
//! What nothing refers to is swept when the host starts.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::StorageError;

/// The SHA-256 of some bytes; as text, 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("not a SHA-256 in hexadecimal: `{text}`"))
        })
    }
}

/// A directory of files named by their digest.
#[derive(Debug, Clone)]
pub struct Blobs {
    directory: PathBuf,
}

impl Blobs {
    /// Opens the directory, or makes it, readable by its owner alone.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        make_private_directory(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Stores bytes and returns their digest; when it returns they are on disk.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StorageError> {
        let digest = Digest::of(bytes);
        if self.get(&digest).is_err() {
            write_file(&self.path(&digest), &[bytes])?;
        }
        Ok(digest)
    }

    /// The bytes with this digest, checked against it.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, StorageError> {
        let path = self.path(digest);
        let bytes = fs::read(&path).map_err(|error| file_error(&path, &error))?;
        match Digest::of(&bytes) == *digest {
            true => Ok(bytes),
            false => Err(StorageError::File {
                path: path.display().to_string(),
                reason: "its content does not match its name; it is damaged".into(),
            }),
        }
    }

    /// The digests of all files.
    pub fn list(&self) -> Result<Vec<Digest>, StorageError> {
        let entries =
            fs::read_dir(&self.directory).map_err(|error| file_error(&self.directory, &error))?;
        Ok(entries
            .flatten()
            .filter_map(|entry| Digest::parse(entry.file_name().to_str()?))
            .collect())
    }

    /// Removes what is not in use, and what an interrupted write left behind.
    pub fn sweep(&self, in_use: impl Fn(&Digest) -> bool) -> Result<usize, StorageError> {
        sweep_directory(&self.directory, |name| {
            Digest::parse(name).is_some_and(|digest| in_use(&digest))
        })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.to_string())
    }
}

/// Removes the files of a directory that are not to be kept.
pub(crate) fn sweep_directory(
    directory: &Path,
    keep: impl Fn(&str) -> bool,
) -> Result<usize, StorageError> {
    let entries = fs::read_dir(directory).map_err(|error| file_error(directory, &error))?;
    let mut removed = 0;
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(&keep) {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Ok(()) => removed += 1,
            Err(error) => return Err(file_error(&entry.path(), &error)),
        }
    }
    Ok(removed)
}

/// Makes a directory that only its owner can read, with its name on disk.
pub(crate) fn make_private_directory(directory: &Path) -> Result<(), StorageError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| file_error(directory, &error))?;
    match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// Writes a file whole, readable by its owner alone: after a crash it has its old content or its new one.
pub fn write_file(path: &Path, parts: &[&[u8]]) -> Result<(), StorageError> {
    let failed = |error: &std::io::Error| file_error(path, error);
    // A bare name is in the working directory, and its parent is empty.
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(directory)
        .map_err(|error| failed(&error))?;
    for part in parts {
        file.write_all(part).map_err(|error| failed(&error))?;
    }
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> Result<(), StorageError> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| file_error(directory, &error))
}

fn file_error(path: &Path, error: &std::io::Error) -> StorageError {
    StorageError::File { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_got_and_what_is_unused_is_swept() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&directory.path().join("components")).unwrap();
        let (kept, swept) = (blobs.put(b"kept").unwrap(), blobs.put(b"swept").unwrap());
        assert_eq!(blobs.sweep(|digest| *digest == kept).unwrap(), 1);
        assert_eq!(blobs.get(&kept).unwrap(), b"kept");
        assert!(blobs.get(&swept).is_err());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(directory.path()).unwrap();
        let digest = blobs.put(b"content").unwrap();
        fs::write(directory.path().join(digest.to_string()), b"Content").unwrap();
        assert!(blobs.get(&digest).unwrap_err().to_string().contains("it is damaged"));
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse("zz"), None);
        assert_eq!(Digest::parse(&"é".repeat(32)), None);
    }
}
