//! Secret settings at rest: sealed with the host's key, and bound to their extension and their name.
//!
//! The key comes from outside the database: a credential of systemd, the environment, or a file beside it. A copy of
//! the database alone opens nothing. What cannot be opened is an error, and never an empty value.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};

use crate::storage::{StorageError, write_file};

/// The name of the credential.
const CREDENTIAL: &str = "palisade-key";
/// The variable of the environment.
const VARIABLE: &str = "PALISADE_KEY";
/// The file in the host's directory.
const FILE: &str = "seal.key";
/// What a sealed value begins with.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Where a key may come from, the first that there is.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// The directory of systemd's credentials.
    pub credentials: Option<PathBuf>,
    /// The key itself, from the environment.
    pub variable: Option<String>,
    /// The file, which is made when something is sealed and there is no key.
    pub file: PathBuf,
}

impl KeySources {
    /// The sources of this process, with the host's directory.
    pub fn of_process(data: &Path) -> Self {
        Self {
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            variable: std::env::var_os(VARIABLE).map(|key| key.to_string_lossy().into_owned()),
            file: data.join(FILE),
        }
    }
}

/// Seals and opens values.
pub struct Sealer {
    file: PathBuf,
    /// Held for no longer than it takes to copy a key, or to make the first one.
    key: Mutex<Option<Key>>,
}

/// A key, and where it comes from.
#[derive(Clone)]
struct Key {
    cipher: XChaCha20Poly1305,
    source: String,
}

/// Why a value was not sealed or opened. None of it shows a key or a value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SealError {
    /// A key is there and cannot be read.
    #[error("the key in {source_of} cannot be read: {reason}")]
    Unreadable {
        /// Where it comes from.
        source_of: String,
        /// Why.
        reason: String,
    },
    /// A key is there and is none.
    #[error("the key in {source_of} is not 64 hexadecimal digits")]
    Malformed {
        /// Where it comes from.
        source_of: String,
    },
    /// There is no key.
    #[error("there is no key, and `{file}` does not exist")]
    NoKey {
        /// The file in which it would be.
        file: String,
    },
    /// The key does not fit, or the value was changed.
    #[error(
        "the key in {source_of} does not open it: it was sealed with another key, or was changed since"
    )]
    DoesNotOpen {
        /// Where the key comes from.
        source_of: String,
    },
    /// Sealing failed.
    #[error("it cannot be sealed: {0}")]
    Failed(String),
    /// The key could not be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Sealer {
    /// Finds the key. There need be none as long as nothing is sealed.
    pub fn open(sources: KeySources) -> Result<Self, SealError> {
        let file = sources.file.clone();
        Ok(Self { file, key: Mutex::new(find(sources)?) })
    }

    /// Seals the value of a setting. Without a key, one is made.
    pub fn seal(&self, extension: &str, setting: &str, value: &[u8]) -> Result<String, SealError> {
        let failed = |reason: &str| SealError::Failed(reason.to_owned());
        let key = self.key_or_new()?;
        let nonce = random::<NONCE_BYTES>()?;
        let payload = Payload { msg: value, aad: &bound_to(extension, setting) };
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| failed("the value is too long"))?;
        Ok(BASE64.encode([&[VERSION], nonce.as_slice(), &sealed].concat()))
    }

    /// Opens the value of a setting.
    pub fn open_value(
        &self,
        extension: &str,
        setting: &str,
        sealed: &str,
    ) -> Result<Vec<u8>, SealError> {
        let key = self.lock().clone();
        let key = key.ok_or_else(|| SealError::NoKey { file: self.file.display().to_string() })?;
        let does_not_open = || SealError::DoesNotOpen { source_of: key.source.clone() };
        let bytes = BASE64.decode(sealed).map_err(|_| does_not_open())?;
        let Some((&[VERSION], rest)) = bytes.split_first_chunk::<1>() else {
            return Err(does_not_open());
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(does_not_open)?;
        let payload = Payload { msg: sealed, aad: &bound_to(extension, setting) };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| does_not_open())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Key>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_or_new(&self) -> Result<Key, SealError> {
        let mut kept = self.lock();
        if let Some(key) = &*kept {
            return Ok(key.clone());
        }
        let bytes = random::<KEY_BYTES>()?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_file(&self.file, &[text.as_bytes(), b"\n"])?;
        let source = format!("`{}`", self.file.display());
        let key = Key { cipher: XChaCha20Poly1305::new(&bytes.into()), source };
        *kept = Some(key.clone());
        Ok(key)
    }
}

/// What a sealed value cannot be moved from: no identifier of an extension has a NUL.
fn bound_to(extension: &str, setting: &str) -> Vec<u8> {
    format!("{extension}\0{setting}").into_bytes()
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| SealError::Failed(format!("there are no random numbers: {error}")))?;
    Ok(bytes)
}

fn find(sources: KeySources) -> Result<Option<Key>, SealError> {
    let credential = sources.credentials.map(|directory| directory.join(CREDENTIAL));
    if let Some(path) = credential
        && let Some(text) = read(&path)?
    {
        return parse(&text, format!("`{}`", path.display())).map(Some);
    }
    if let Some(text) = sources.variable {
        return parse(&text, format!("the environment's `{VARIABLE}`")).map(Some);
    }
    match read(&sources.file)? {
        Some(text) => parse(&text, format!("`{}`", sources.file.display())).map(Some),
        None => Ok(None),
    }
}

fn read(path: &Path) -> Result<Option<String>, SealError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SealError::Unreadable {
            source_of: format!("`{}`", path.display()),
            reason: error.to_string(),
        }),
    }
}

fn parse(text: &str, source: String) -> Result<Key, SealError> {
    let digits = text.trim().as_bytes();
    let digit = |digit: &u8| u8::try_from(char::from(*digit).to_digit(16)?).ok();
    let mut key = Vec::with_capacity(KEY_BYTES);
    for pair in digits.chunks(2) {
        if let [high, low] = pair
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            key.push(high << 4 | low);
        }
    }
    match XChaCha20Poly1305::new_from_slice(&key) {
        Ok(cipher) if digits.len() == 2 * KEY_BYTES => Ok(Key { cipher, source }),
        _ => Err(SealError::Malformed { source_of: source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(directory: &Path) -> Sealer {
        Sealer::open(KeySources { file: directory.join(FILE), ..KeySources::default() }).unwrap()
    }

    fn with_key(digit: &str) -> Sealer {
        let variable = Some(digit.repeat(64));
        Sealer::open(KeySources { variable, ..KeySources::default() }).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let sealed = sealer(directory.path()).seal("crm", "token", b"canary").unwrap();
        let opened = sealer(directory.path()).open_value("crm", "token", &sealed).unwrap();
        assert_eq!(opened, b"canary");
    }

    #[test]
    fn the_same_value_is_sealed_differently_every_time() {
        let sealer = with_key("0");
        assert_ne!(
            sealer.seal("crm", "token", b"canary").unwrap(),
            sealer.seal("crm", "token", b"canary").unwrap()
        );
    }

    #[test]
    fn a_sealed_value_cannot_be_moved() {
        let sealer = with_key("0");
        let sealed = sealer.seal("crm", "token", b"canary").unwrap();
        assert!(sealer.open_value("crm", "other", &sealed).is_err());
        assert!(sealer.open_value("other", "token", &sealed).is_err());
    }

    #[test]
    fn another_key_opens_nothing_and_says_where_it_comes_from() {
        let sealed = with_key("0").seal("crm", "token", b"canary").unwrap();
        let error = with_key("1").open_value("crm", "token", &sealed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the key in the environment's `PALISADE_KEY` does not open it: it was sealed with another key, or was changed since"
        );
    }

    #[test]
    fn a_value_that_was_changed_does_not_open() {
        let sealer = with_key("0");
        let sealed = BASE64.decode(sealer.seal("crm", "token", b"canary").unwrap()).unwrap();
        for at in [0, 1, 25, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open_value("crm", "token", &BASE64.encode(changed)).is_err(), "{at}");
        }
        assert!(sealer.open_value("crm", "token", "").is_err());
    }

    #[test]
    fn a_key_is_made_when_it_is_needed_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        let sealer = sealer(directory.path());
        assert!(!file.exists());
        sealer.seal("crm", "token", b"canary").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn without_a_key_nothing_opens_and_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let sealed = with_key("0").seal("crm", "token", b"canary").unwrap();
        let error = sealer(directory.path()).open_value("crm", "token", &sealed).unwrap_err();
        assert!(matches!(error, SealError::NoKey { .. }));
        assert!(!directory.path().join(FILE).exists());
    }

    #[test]
    fn a_credential_comes_before_the_environment_and_that_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, digit: &str| {
            std::fs::write(directory.path().join(name), digit.repeat(64)).unwrap();
        };
        write(FILE, "2");
        write(CREDENTIAL, "0");
        let mut sources = KeySources {
            credentials: Some(directory.path().to_owned()),
            variable: Some("1".repeat(64)),
            file: directory.path().join(FILE),
        };
        let opens = |sources: &KeySources, digit: &str| {
            let sealed = with_key(digit).seal("crm", "token", b"canary").unwrap();
            let sealer = Sealer::open(sources.clone()).unwrap();
            sealer.open_value("crm", "token", &sealed).is_ok()
        };
        assert!(opens(&sources, "0"));
        sources.credentials = None;
        assert!(opens(&sources, "1"));
        sources.variable = None;
        assert!(opens(&sources, "2"));
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_shown() {
        for text in ["", "abc", &"g".repeat(64), &"0".repeat(63), &"0".repeat(66)] {
            let variable = Some(text.to_owned());
            let error = Sealer::open(KeySources { variable, ..KeySources::default() }).err();
            assert_eq!(
                error.unwrap().to_string(),
                "the key in the environment's `PALISADE_KEY` is not 64 hexadecimal digits"
            );
        }
    }
}
