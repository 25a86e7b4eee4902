//! Looking for a canary: as it is and encoded, whole or only its beginning.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A secret of a panel that must be seen nowhere. Quotes, a letter beyond ASCII and what URLs escape make every
/// encoding of it different.
pub const CANARY: &str = "cq5dbf1f0a77 \"q\" \u{fc}/?&";
/// A secret setting that must be seen nowhere.
pub const SETTING: &str = "sk9e1c40b2d8 \"q\" \u{fc}/?&";
/// Bytes of its beginning that are looked for: so many are in no text by chance.
const BEGINNING: usize = 8;

/// Says where in a text a canary is; `None` if it is not in it.
pub fn found_in(what: &str, text: &str) -> Option<String> {
    let form = forms().into_iter().find(|form| text.contains(form.as_str()))?;
    let at = text.find(form.as_str()).unwrap_or_default();
    let from = text.floor_char_boundary(at.saturating_sub(200));
    let around: String = text[from..].chars().take(400).collect();
    Some(format!("{what} shows `{form}`: {around}"))
}

/// Says which files below a directory have a canary in them; the setting is kept there, and is not looked for.
pub fn found_in_files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in_files(&path));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let has = |form: &String| bytes.windows(form.len()).any(|part| part == form.as_bytes());
            let form = forms_of(CANARY).into_iter().find(has);
            found.extend(form.map(|form| format!("`{}` has `{form}` in it", path.display())));
        }
    }
    found
}

fn forms() -> Vec<String> {
    [forms_of(CANARY), forms_of(SETTING)].concat()
}

/// The beginning of a canary as letters, hexadecimal digits, and base64 at each place within a group. No other
/// encoding changes letters and digits.
fn forms_of(canary: &str) -> Vec<String> {
    let beginning = &canary[..BEGINNING];
    let hex = beginning.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let mut forms = vec![beginning.to_owned(), hex.to_uppercase(), hex];
    for before in 0..3_usize {
        let padded = ["\0".repeat(before).as_str(), beginning].concat();
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.push(base64(padded.as_bytes())[from..to].to_owned());
    }
    forms
}

/// Base64 without padding. Both alphabets write the letters and digits here in the same way.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        let digits = (0..=group.len()).map(|at| char::from(DIGITS[word >> (18 - 6 * at) & 63]));
        text.extend(digits);
    }
    text
}

#[test]
fn a_canary_is_found_in_every_form_and_within_other_text() {
    for text in [
        CANARY.to_owned(),
        format!("{CANARY:?}"),
        CANARY[..9].to_owned(),
        "637135646266316630".to_owned(),
        "6371356462663166".to_uppercase(),
        base64(CANARY.as_bytes()),
        base64(format!("u:{CANARY}").as_bytes()),
        base64(format!("user:{CANARY}").as_bytes()),
    ] {
        assert!(found_in("the text", &format!("before {text} after")).is_some(), "{text}");
    }
    assert_eq!(found_in("the text", "cq5dbf1 is too short"), None);
}
