//! `palisade.toml`: the one configuration of a host. It is parsed once, checked once, and passed on.

mod web;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use palisade_hook::Dialect;
use serde::{Deserialize, Serialize};

pub use self::web::{ConsoleConfig, GuiConfig};
use crate::command::{CommandConfig, CommandLimits, Commands};
use crate::conduct::{ConductConfig, check_concurrent};
use crate::journal::JournalLimits;
use crate::limits::HostLimits;
use crate::orders::OrderLimits;
use crate::outbound::HttpConfig;
use crate::registry::{Overrides, Policy};
use crate::sandbox::{CompileLimits, SandboxConfig};
use crate::suggest;

/// The directory of a host's state, unless another is given.
pub const DEFAULT_DATA: &str = "/var/lib/palisade";
/// The configuration that is read if it is there and none is given.
pub const DEFAULT_FILE: &str = "/etc/palisade/palisade.toml";

/// Everything that can be set for a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The directory of the host's state.
    pub data: PathBuf,
    /// The Unix socket; `palisade.sock` in `data` if there is none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The address and port to listen on; none without this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// What the host writes to standard error, as in `info` or `warn,palisade=debug`.
    pub log: String,
    /// The panel that this host serves, by its dialect's name, such as `coremanager`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panel: Option<Dialect>,
    /// The server.
    pub server: ServerConfig,
    /// Pages of extensions in browsers.
    pub gui: GuiConfig,
    /// The operator's console.
    pub console: ConsoleConfig,
    /// The language of the panel's people, as a BCP 47 tag, where a hook call does not name one.
    pub locale: String,
    /// What extensions may know of this host, such as `panel.name`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// The sandbox.
    pub sandbox: PoolConfig,
    /// What bounds compiling.
    pub compile: CompileLimits,
    /// The requests that extensions send.
    pub http: HttpConfig,
    /// How much of the past is kept.
    pub journal: JournalLimits,
    /// What bounds handlers.
    pub limits: HostLimits,
    /// How many orders are kept.
    pub orders: OrderLimits,
    /// How many commands extensions can run.
    pub commands: CommandLimits,
    /// When extensions are kept from running.
    pub conduct: ConductConfig,
    /// What is set for single extensions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extension: BTreeMap<String, Overrides>,
    /// The commands that extensions can be granted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub command: BTreeMap<String, CommandConfig>,
}

/// The server: `[server]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The permissions of the Unix socket, in octal. Who can open it may call hooks and administrate.
    pub socket_mode: String,
    /// Bytes of the body of a request.
    pub body_bytes: u64,
    /// Bytes of a component to install.
    pub component_bytes: u64,
    /// Parameters of a hook call.
    pub params: u32,
    /// Objects of a batch.
    pub batch: u32,
    /// How many actions of extensions may lead to one another.
    pub depth: u32,
    /// Milliseconds from waiting for a request to the end of its header; so also how long a connection may idle.
    pub header_timeout_ms: u32,
    /// Milliseconds for the body of a request.
    pub body_timeout_ms: u32,
    /// Milliseconds that a client may take to accept some of its answer.
    pub write_timeout_ms: u32,
    /// Connections over TCP at one time, and as many over the socket.
    pub connections: u32,
    /// Milliseconds that running calls have to end when the host stops.
    pub shutdown_ms: u32,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            socket_mode: "0660".into(),
            body_bytes: 1 << 20,
            component_bytes: 16 << 20,
            params: 10_000,
            batch: 1_000,
            depth: 4,
            header_timeout_ms: 30_000,
            body_timeout_ms: 10_000,
            write_timeout_ms: 10_000,
            connections: 1_024,
            shutdown_ms: 30_000,
        }
    }
}

/// The sandbox: `[sandbox]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Handlers that can run at one time.
    pub slots: u32,
    /// Compiled components kept mapped at one time.
    pub mapped: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { slots: 256, mapped: 1_024 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: DEFAULT_DATA.into(),
            socket: None,
            listen: None,
            log: "info".into(),
            panel: None,
            server: ServerConfig::default(),
            gui: GuiConfig::default(),
            console: ConsoleConfig::default(),
            locale: "en".into(),
            attributes: BTreeMap::new(),
            sandbox: PoolConfig::default(),
            compile: CompileLimits::default(),
            http: HttpConfig::default(),
            journal: JournalLimits::default(),
            limits: HostLimits::default(),
            orders: OrderLimits::default(),
            commands: CommandLimits::default(),
            conduct: ConductConfig::default(),
            extension: BTreeMap::new(),
            command: BTreeMap::new(),
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{path}` cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is wrong.
    #[error("the configuration `{path}` is wrong: {reason}")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Config {
    /// Reads the file given, or the default one if it is there, or nothing.
    pub fn read(given: Option<&Path>) -> Result<Self, ConfigError> {
        let path = given.unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(error) if given.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(ConfigError::Unreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            }),
        }
    }

    /// Parses and checks the text of a configuration; `path` is for its errors.
    pub fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        let wrong =
            |reason: String, hint| ConfigError::Wrong { path: path.to_owned(), reason, hint };
        let config: Self = toml::from_str(text).map_err(|error| {
            wrong(
                error.to_string().trim_end().to_owned(),
                suggest::for_unknown_field(error.message()),
            )
        })?;
        config.check().map_err(|reason| wrong(reason, None))?;
        Ok(config)
    }

    /// Checks that the values make sense, alone and together.
    pub fn check(&self) -> Result<(), String> {
        self.limits.check()?;
        self.conduct.check()?;
        for (id, overrides) in &self.extension {
            let limits = overrides.limits.check(&self.limits.ceiling);
            limits.map_err(|reason| format!("`extension.{id}.limits`: {reason}"))?;
            if let Some(concurrent) = overrides.concurrent {
                check_concurrent(&format!("extension.{id}.concurrent"), concurrent)?;
            }
            if overrides.priority.is_some_and(|priority| priority > 100) {
                return Err(format!(
                    "`extension.{id}.priority` must be 0 to 100: {}",
                    overrides.priority.unwrap_or_default()
                ));
            }
        }
        self.socket_mode()?;
        self.gui.check()?;
        self.console.check()?;
        Commands::new(&self.commands, &self.command)?;
        let between =
            |name: &str, value: u64, least: u64, most: u64| match (least..=most).contains(&value) {
                true => Ok(()),
                false => Err(format!("`{name}` must be {least} to {most}: {value}")),
            };
        between("sandbox.slots", self.sandbox.slots.into(), 1, 10_000)?;
        between("sandbox.mapped", self.sandbox.mapped.into(), 1, 15_000)?;
        between("compile.parallel", self.compile.parallel.into(), 1, 64)?;
        between("compile.memory-bytes", self.compile.memory_bytes, 256 << 20, 64 << 30)?;
        between("compile.cpu-seconds", self.compile.cpu_seconds.into(), 1, 3_600)?;
        between("compile.wall-ms", self.compile.wall_ms.into(), 100, 3_600_000)?;
        between("server.body-bytes", self.server.body_bytes, 1 << 10, 256 << 20)?;
        between("server.component-bytes", self.server.component_bytes, 1 << 10, 256 << 20)?;
        between("server.connections", self.server.connections.into(), 1, 100_000)?;
        between("server.header-timeout-ms", self.server.header_timeout_ms.into(), 100, 3_600_000)?;
        between("server.body-timeout-ms", self.server.body_timeout_ms.into(), 100, 3_600_000)?;
        between("server.write-timeout-ms", self.server.write_timeout_ms.into(), 100, 3_600_000)?;
        between("server.batch", self.server.batch.into(), 1, 100_000)?;
        between("server.params", self.server.params.into(), 1, 1_000_000)?;
        between("http.requests-per-call", self.http.requests_per_call.into(), 0, 1_000)?;
        between("http.requests-per-minute", self.http.requests_per_minute.into(), 1, 100_000)?;
        between("http.request-bytes", self.http.request_bytes, 0, 64 << 20)?;
        between("http.response-bytes", self.http.response_bytes, 0, 64 << 20)?;
        between("http.timeout-ms", self.http.timeout_ms.into(), 1, 600_000)?;
        between("http.redirects", self.http.redirects.into(), 0, 20)?;
        between("http.connections", self.http.connections.into(), 1, 10_000)?;
        between("orders.open", self.orders.open.into(), 0, 1_000)?;
        between("orders.keep-days", self.orders.keep_days.into(), 1, 36_500)?;
        between("journal.max-bytes", self.journal.max_bytes, 1 << 20, 1 << 40)?;
        between("journal.max-days", self.journal.max_days.into(), 1, 36_500)
    }

    /// The permissions of the Unix socket.
    pub fn socket_mode(&self) -> Result<u32, String> {
        let text = &self.server.socket_mode;
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
        mode.ok_or_else(|| {
            format!("`server.socket-mode` must be octal permissions such as `0660`: `{text}`")
        })
    }

    /// The path of the Unix socket.
    pub fn socket_path(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| self.data.join("palisade.sock"))
    }

    /// The operator's rules for handlers.
    pub fn policy(&self) -> Policy {
        Policy { limits: self.limits.clone(), overrides: self.extension.clone() }
    }

    /// What the sandbox is made with; `compiler` is the program that compiles.
    pub fn sandbox(&self, compiler: PathBuf) -> SandboxConfig {
        SandboxConfig {
            slots: self.sandbox.slots,
            mapped: self.sandbox.mapped as usize,
            compile: self.compile.clone(),
            compiler,
            directory: self.data.join("compiled"),
            limits: self.limits.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, "palisade.toml").unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_the_defaults_and_they_survive_a_round_trip() {
        let config = Config::parse("", "palisade.toml").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(
            Config::parse(&toml::to_string(&config).unwrap(), "palisade.toml").unwrap(),
            config
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let error = Config::parse("lissten = \"127.0.0.1:1\"", "palisade.toml").unwrap_err();
        assert!(
            matches!(error, ConfigError::Wrong { hint: Some(hint), .. } if hint == "did you mean `listen`?")
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        assert!(error("[sandbox]\nslots = 0").ends_with("`sandbox.slots` must be 1 to 10000: 0"));
        assert!(
            error("[limits.before]\nfuel = 0\ndeadline-ms = 1\nchain-deadline-ms = 1")
                .ends_with("`limits.before.fuel` must be more than 0")
        );
        assert!(
            error("[server]\nsocket-mode = \"9\"").contains("`server.socket-mode` must be octal")
        );
    }

    /// Every number below a table of the configuration, by its whole key.
    fn numbers(prefix: &str, table: &toml::Table, found: &mut BTreeMap<String, i64>) {
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                toml::Value::Integer(number) => drop(found.insert(key, *number)),
                toml::Value::Table(table) => numbers(&format!("{key}."), table, found),
                _ => {}
            }
        }
    }

    #[test]
    fn the_table_in_the_docs_has_every_default_as_it_is() {
        let page = include_str!("../../docs/src/limits.md");
        let table = page.split("<!-- table of defaults").nth(1).unwrap();
        let rows = table.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((
                cells.next()?.trim_end_matches('`').to_owned(),
                cells.next()?.parse::<i64>().ok()?,
            ))
        });
        let documented: BTreeMap<String, i64> = rows.collect();
        let mut defaults = BTreeMap::new();
        numbers("", &toml::Table::try_from(Config::default()).unwrap(), &mut defaults);
        defaults.retain(|key, _| {
            ["limits.", "sandbox.", "compile.", "commands.", "conduct.", "http."]
                .iter()
                .any(|part| key.starts_with(part))
        });
        assert_eq!(documented, defaults);
    }

    #[test]
    fn the_page_on_configuration_has_every_key_with_its_default() {
        fn leaves(prefix: &str, table: &toml::Table, found: &mut BTreeMap<String, String>) {
            for (key, value) in table {
                match value {
                    toml::Value::Table(table) => leaves(&format!("{prefix}{key}."), table, found),
                    value => drop(found.insert(format!("{prefix}{key}"), value.to_string())),
                }
            }
        }
        let page = include_str!("../../docs/src/configuration.md");
        let table = page.split("<!-- table of keys").nth(1).unwrap();
        let rows = table.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            Some((
                cells.next()?.trim_end_matches('`').to_owned(),
                cells.next()?.trim_matches('`').to_owned(),
            ))
        });
        let documented: BTreeMap<String, String> =
            rows.filter(|(_, default)| default != "none").collect();
        let mut defaults = BTreeMap::new();
        leaves("", &toml::Table::try_from(Config::default()).unwrap(), &mut defaults);
        assert_eq!(documented, defaults);
    }

    #[test]
    fn an_extension_can_be_given_its_own_limits() {
        let config = Config::parse(
            "[extension.guard]\non-failure = \"deny\"\n[extension.guard.limits]\nfuel = 7\n",
            "palisade.toml",
        )
        .unwrap();
        assert_eq!(config.extension["guard"].limits.fuel, Some(7));
    }
}
