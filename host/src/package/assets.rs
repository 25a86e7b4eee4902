//! The assets of an extension: its message catalogue and its images, as a tar archive in a custom section of the
//! component. Bytes in, checked assets out; no I/O.
//!
//! Nothing is unpacked to files. What an archive can say beside a name and bytes — links, owners, times — is refused or
//! left unread.

use std::collections::BTreeMap;
use std::io::Read as _;

use bytes::Bytes;

use crate::locale::Locale;
use crate::messages::Messages;
use crate::suggest::shown;

/// Bytes of all files together.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// Files.
pub(crate) const MAX_FILES: usize = 200;
/// Bytes of the messages of one language.
const MAX_MESSAGES_BYTES: usize = 256 << 10;
/// Languages.
const MAX_LANGUAGES: usize = 50;
/// Bytes of a path; a plain archive has no room for more.
const MAX_PATH: usize = 100;
/// Bytes that an archive takes for each file beside what is in it, and at its end.
const OVERHEAD: usize = 1024;

/// Where messages are: `messages/de.ftl`.
const MESSAGES: &str = "messages/";
const MESSAGES_END: &str = ".ftl";
/// Where images are: `images/logo.png`.
const IMAGES: &str = "images/";
/// The kinds of images: how a name ends, and the media type.
const KINDS: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
];

/// The assets of an extension, checked.
#[derive(Debug, Default)]
pub struct Assets {
    /// Its messages, language by language in the order of their names.
    pub messages: Vec<Messages>,
    /// Its images, by path.
    pub images: BTreeMap<String, Image>,
    /// Bytes of all files together.
    pub bytes: usize,
}

/// An image of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its media type, which its first bytes confirm.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Bytes,
}

/// What is wrong with assets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct AssetsError {
    /// The file; nothing if it is the assets as a whole.
    pub file: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for AssetsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.file {
            Some(file) => write!(f, "`{file}`: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl AssetsError {
    fn of(file: &str, reason: String) -> Self {
        Self { file: Some(shown(file)), reason }
    }

    fn whole(reason: String) -> Self {
        Self { file: None, reason }
    }
}

impl Assets {
    /// Reads an archive.
    pub fn read(archive: &[u8]) -> Result<Self, AssetsError> {
        Self::check(unpack(archive)?)
    }

    /// Checks files, and makes an archive of them: the same bytes of the same files, whenever and wherever.
    pub fn pack(files: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, AssetsError> {
        Self::check(files.clone())?;
        let mut archive = tar::Builder::new(Vec::new());
        for (path, bytes) in &files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive
                .append_data(&mut header, path, bytes.as_slice())
                .map_err(|error| AssetsError::of(path, error.to_string()))?;
        }
        archive.into_inner().map_err(|error| AssetsError::whole(error.to_string()))
    }

    fn check(files: BTreeMap<String, Vec<u8>>) -> Result<Self, AssetsError> {
        if files.len() > MAX_FILES {
            return Err(too_many());
        }
        let bytes: usize = files.values().map(Vec::len).sum();
        if bytes > MAX_BYTES {
            return Err(AssetsError::whole(format!(
                "the files have {bytes} bytes, the limit is {MAX_BYTES}"
            )));
        }
        let mut assets = Self { bytes, ..Self::default() };
        for (path, bytes) in files {
            let wrong = |reason: String| AssetsError::of(&path, reason);
            check_path(&path).map_err(wrong)?;
            if let Some(name) = path.strip_prefix(MESSAGES) {
                assets.messages.push(check_messages(name, &bytes).map_err(wrong)?);
            } else if path.starts_with(IMAGES) {
                let media_type = check_image(&path, &bytes).map_err(wrong)?;
                assets.images.insert(path, Image { media_type, bytes: bytes.into() });
            } else {
                return Err(wrong(format!(
                    "assets are `{MESSAGES}LANGUAGE{MESSAGES_END}` and what is in `{IMAGES}`"
                )));
            }
        }
        match assets.messages.len() {
            0..=MAX_LANGUAGES => Ok(assets),
            languages => Err(AssetsError::whole(format!(
                "there are messages in {languages} languages, the limit is {MAX_LANGUAGES}"
            ))),
        }
    }
}

fn too_many() -> AssetsError {
    AssetsError::whole(format!("there are more than {MAX_FILES} files"))
}

/// The files of an archive.
fn unpack(archive: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, AssetsError> {
    // The library's own words repeat bytes of the archive.
    let unreadable = |_: std::io::Error| AssetsError::whole("not a tar archive".into());
    let most = MAX_BYTES + (MAX_FILES + 2) * OVERHEAD;
    if archive.len() > most {
        return Err(AssetsError::whole(format!(
            "the archive has {} bytes, the limit is {most}",
            archive.len()
        )));
    }
    let mut files = BTreeMap::new();
    let mut opened = tar::Archive::new(archive);
    // Raw: what stands for a long name or for attributes is an entry of another type, and refused.
    for entry in opened.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let wrong = |reason: &str| AssetsError::of(&path, reason.to_owned());
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(wrong("only plain files can be assets"));
        }
        if files.len() == MAX_FILES {
            return Err(too_many());
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 != entry.size() {
            return Err(wrong("it is cut short"));
        }
        if files.insert(path.clone(), bytes).is_some() {
            return Err(wrong("it is there twice"));
        }
    }
    Ok(files)
}

/// Checks that a path is plain names joined by `/`, each beginning with a letter or digit: so it leads nowhere else.
fn check_path(path: &str) -> Result<(), String> {
    let is_plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match path.len() <= MAX_PATH && path.split('/').all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "a path is names of a-z, A-Z, 0-9, `-`, `_` and `.` that begin with a letter or a digit, joined by `/`, at most {MAX_PATH} bytes"
        )),
    }
}

fn check_messages(name: &str, bytes: &[u8]) -> Result<Messages, String> {
    let named =
        || format!("messages are in a file named by their language, such as `de{MESSAGES_END}`");
    let tag = name.strip_suffix(MESSAGES_END).ok_or_else(named)?;
    let locale = Locale::parse(tag).map_err(|_| named())?;
    if locale.tag() != tag {
        return Err(format!("the language is written `{}`", locale.tag()));
    }
    if bytes.len() > MAX_MESSAGES_BYTES {
        return Err(format!("it has {} bytes, the limit is {MAX_MESSAGES_BYTES}", bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
    Messages::parse(locale, text).map_err(|error| error.to_string())
}

/// The media type of an image, by the end of its name and its first bytes.
fn check_image(path: &str, bytes: &[u8]) -> Result<&'static str, String> {
    let end = path.rsplit_once('.').map_or("", |(_, end)| end);
    let kind = KINDS.iter().find(|(known, _)| *known == end);
    let Some((_, media_type)) = kind else {
        let ends: Vec<_> = KINDS.iter().map(|(end, _)| format!("`.{end}`")).collect();
        return Err(format!("the name of an image ends with one of {}", ends.join(", ")));
    };
    let begins = match *media_type {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
        _ => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
    };
    match begins {
        true => Ok(media_type),
        false => Err(format!("it does not begin as `{media_type}` does")),
    }
}

#[cfg(test)]
mod tests;
