//! How verbs speak: tables and JSON on standard output, errors with a hint on standard error.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
}

/// Exit status of a verb that was refused or failed.
pub const FAILED: u8 = 1;
/// Exit status when the host cannot be reached.
pub const UNREACHABLE: u8 = 3;
/// Exit status of `fire` when the action is denied.
pub const DENIED: u8 = 4;
/// Exit status of `fire` when the action is skipped.
pub const SKIPPED: u8 = 5;
/// Exit status when the store or the configuration cannot be used: a restart does not help.
pub const UNUSABLE: u8 = 78;
/// What to do when secret settings do not open.
pub const KEY_HINT: &str = "give the host the key that they were sealed with: the credential `palisade-key`, PALISADE_KEY, or `seal.key` in its directory; if it is lost, `palisade store forget-secrets ID --data DIR` forgets them";

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// The stable code, if the host gave one.
    pub code: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The exit status.
    pub status: u8,
}

impl Failure {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: None, hint: None, status: FAILED }
    }

    /// A failure that says what an error says.
    pub fn of(error: impl fmt::Display) -> Self {
        Self::new(error.to_string())
    }

    /// The same with what to do; nothing if that is empty.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self
    }

    /// The same with another exit status.
    #[must_use]
    pub fn with_status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// Prints it and returns the exit status.
    pub fn print(&self, format: Format) -> ExitCode {
        match format {
            // The reader of the output has seen enough.
            _ if self.status == 0 => {}
            Format::Json => {
                let error = serde_json::json!({ "error": { "code": self.code, "message": self.message, "hint": self.hint } });
                eprintln!("{error}");
            }
            Format::Text => {
                eprintln!("{} {}", red("error:"), self.message);
                if let Some(hint) = &self.hint {
                    eprintln!("hint: {hint}");
                }
            }
        }
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // A reader such as `head` that has seen enough is no failure.
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new("").with_status(0),
            _ => Self::new(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!("the host's answer cannot be read: {error}"))
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        let hint = match &error {
            crate::config::ConfigError::Wrong { hint, .. } => hint.clone(),
            crate::config::ConfigError::Unreadable { .. } => None,
        };
        Self { hint, ..Self::new(error.to_string()).with_status(UNUSABLE) }
    }
}

/// Prints text to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Prints JSON to standard output.
pub fn print_json(value: &Value) -> Result<(), Failure> {
    print(&escaped(&serde_json::to_string_pretty(value)?))
}

/// JSON with the control characters escaped that it allows in texts and a terminal would obey.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_control() && c != '\n' {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    escaped
}

/// A table without lines, as wide as the terminal.
pub fn table(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(heads.iter().map(|head| head.to_uppercase()));
    table
}

/// Prints a table, without the spaces at the ends of its lines.
pub fn print_table(table: &Table) -> Result<(), Failure> {
    let text: String = table
        .to_string()
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line).trim_end()))
        .collect();
    print(&text)
}

fn coloured(code: &str, text: &str, terminal: bool) -> String {
    match terminal && std::env::var_os("NO_COLOR").is_none() {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

fn red(text: &str) -> String {
    coloured("1;31", text, std::io::stderr().is_terminal())
}

/// A verdict or an outcome in its colour.
pub fn verdict(word: &str) -> String {
    let code = match word {
        "deny" | "denied" => "1;31",
        "skip" | "skipped" => "1;33",
        "alter" | "altered" => "1;36",
        _ => "1;32",
    };
    coloured(code, word, std::io::stdout().is_terminal())
}

/// Something less important.
pub fn dim(text: &str) -> String {
    coloured("2", text, std::io::stdout().is_terminal())
}

/// A number of units of fuel or bytes, short.
pub fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1} k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", number as f64 / 1e6),
        _ => format!("{:.1} G", number as f64 / 1e9),
    }
}

/// A duration, short.
pub fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// A point in time, in the machine's time zone.
pub fn time(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(time) => {
            time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
        }
        Err(_) => millis.to_string(),
    }
}

/// A JSON value as a person writes it; a secret as `secret`.
pub fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text
            .chars()
            .flat_map(
                |c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] },
            )
            .collect(),
        Value::Object(members) if members.contains_key(crate::hook::SECRET_KEY) => "secret".into(),
        other => other.to_string(),
    }
}

/// The answer to a hook call without the values of secrets, which the panel gets back and nobody is to read here.
pub fn without_secrets(action: &str, mut answer: Value) -> Value {
    if let Some(params) = answer.get_mut("params").and_then(Value::as_object_mut) {
        for (name, value) in params {
            let marked = value.get(crate::hook::SECRET_KEY).is_some();
            *value = match marked || crate::hook::is_secret(action, name) {
                true => serde_json::json!({ crate::hook::SECRET_KEY: null }),
                false => crate::hook::redacted(value),
            };
        }
    }
    if let Some(result) = answer.get_mut("result") {
        *result = crate::hook::redacted(result);
    }
    answer
}

/// A member of a JSON object, as text; empty if it is not there.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A member of a JSON object, as a number.
pub fn number(object: &Value, key: &str) -> u64 {
    object.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// The members of a JSON array, or none.
pub fn items<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The texts of a JSON array, joined.
pub fn joined(object: &Value, key: &str) -> String {
    items(object, key).filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_printed_has_no_character_that_a_terminal_obeys() {
        let value = serde_json::json!({ "a": "\u{9b}31m\u{7f}\u{1b}\n\u{e4}" });
        let printed = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(printed, "{\n  \"a\": \"\\u009b31m\\u007f\\u001b\\n\u{e4}\"\n}");
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
    }
}
