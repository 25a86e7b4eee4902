//! The program's own configuration: `palisade-hook.toml` beside it, or `/etc/palisade/hook.toml`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use palisade_hook::{Dialect, OnFailure, PanelCall};
use serde::Deserialize;

/// Where it is when there is none beside the program.
const SYSTEM: &str = "/etc/palisade/hook.toml";
/// Its name beside the program.
const BESIDE: &str = "palisade-hook.toml";
/// What is wrong with a file that others can write.
const NOT_ROOTS: &str = "is not root's alone to write: `chown root` and `chmod go-w` it";
/// Bytes that it may have.
const MAX_BYTES: u64 = 64 << 10;

/// How the host is asked, and what happens when it does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The host's Unix socket.
    pub socket: PathBuf,
    /// The user to become when started as root.
    pub user: String,
    /// Milliseconds from the start to the answer before an action.
    pub before_deadline_ms: u32,
    /// The same after an action.
    pub after_deadline_ms: u32,
    /// Milliseconds that standard input may take.
    pub stdin_ms: u32,
    /// What becomes of an action when there is no answer before it.
    pub on_failure: OnFailure,
    /// What is set for single dialects.
    pub dialect: BTreeMap<Dialect, Overrides>,
}

/// What can be set for one dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Overrides {
    /// What becomes of an action when there is no answer before it.
    pub on_failure: Option<OnFailure>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            socket: "/run/palisade/palisade.sock".into(),
            user: "palisade".into(),
            before_deadline_ms: 2_000,
            after_deadline_ms: 10_000,
            stdin_ms: 1_000,
            on_failure: OnFailure::Proceed,
            dialect: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads the configuration. When it cannot be used, what comes back beside the reason has the defaults, and denies
    /// if the file speaks of denying anywhere: who wanted that does not want the opposite for a slip of the pen.
    pub fn load() -> Result<Self, (Self, String)> {
        let path = path().unwrap_or_else(|| SYSTEM.into());
        match read(&path) {
            Ok(None) => Ok(Self::default()),
            Ok(Some(text)) => Self::parse(&text).map_err(|error| {
                let denies = text.contains("\"deny\"") || text.contains("'deny'");
                let on_failure = if denies { OnFailure::Deny } else { OnFailure::Proceed };
                (Self { on_failure, ..Self::default() }, format!("`{}`: {error}", path.display()))
            }),
            // Somebody wanted something there, and it cannot be said that it was not to deny.
            Err(error) => {
                let config = Self { on_failure: OnFailure::Deny, ..Self::default() };
                Err((config, format!("`{}` {error}", path.display())))
            }
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (key, value) in [
            ("before-deadline-ms", config.before_deadline_ms),
            ("after-deadline-ms", config.after_deadline_ms),
            ("stdin-ms", config.stdin_ms),
        ] {
            if !(1..=600_000).contains(&value) {
                return Err(format!("`{key}` is {value}; it must be from 1 to 600000"));
            }
        }
        Ok(config)
    }

    /// How long a call may take from the program's start.
    pub fn deadline(&self, call: &PanelCall) -> Duration {
        let millis =
            if call.is_before() { self.before_deadline_ms } else { self.after_deadline_ms };
        Duration::from_millis(millis.into())
    }

    /// What becomes of an action of this dialect when there is no answer.
    pub fn on_failure(&self, dialect: Dialect) -> OnFailure {
        self.dialect.get(&dialect).and_then(|set| set.on_failure).unwrap_or(self.on_failure)
    }
}

/// The file that is read; nothing if there is none.
pub fn path() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().map(|program| program.with_file_name(BESIDE));
    beside.into_iter().chain([SYSTEM.into()]).find(|path| path.exists())
}

/// Whether the file is root's alone to write, as it must be for whoever starts as root.
pub fn check_owner(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(about) if is_roots(&about) => Ok(()),
        Ok(_) => Err(format!("`{}` {NOT_ROOTS}", path.display())),
        Err(error) => Err(format!("`{}` cannot be read: {error}", path.display())),
    }
}

fn is_roots(about: &std::fs::Metadata) -> bool {
    about.uid() == 0 && about.mode() & 0o022 == 0
}

/// Reads the file; nothing if there is none. Root goes by no file that another could have written.
fn read(path: &Path) -> Result<Option<String>, String> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let about = file.metadata().map_err(|error| format!("cannot be read: {error}"))?;
    if rustix::process::geteuid().is_root() && !is_roots(&about) {
        return Err(NOT_ROOTS.to_owned());
    }
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(bytes) if bytes as u64 > MAX_BYTES => Err(format!("has more than {MAX_BYTES} bytes")),
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default() {
        assert_eq!(Config::parse(""), Ok(Config::default()));
    }

    #[test]
    fn a_dialect_can_have_its_own() {
        let config = Config::parse("[dialect.cpanel]\non-failure = 'deny'").unwrap();
        assert_eq!(config.on_failure(Dialect::Cpanel), OnFailure::Deny);
        assert_eq!(config.on_failure(Dialect::Plesk), OnFailure::Proceed);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, error) in [
            ("sokcet = 'x'", "unknown field `sokcet`"),
            ("stdin-ms = 0", "`stdin-ms` is 0; it must be from 1 to 600000"),
            ("on-failure = 'maybe'", "unknown variant `maybe`"),
            ("[dialect.plesc]\n", "unknown variant `plesc`"),
        ] {
            let said = Config::parse(text).unwrap_err();
            assert!(said.contains(error), "{said}");
        }
    }
}
