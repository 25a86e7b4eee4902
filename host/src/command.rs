//! Commands that the operator defined: what may be run, with what values, and how much of it.
//!
//! A guest names a command and gives values; everything else is the operator's word. There is never a shell, the
//! host never becomes another user, and a secret never stands in a command line. Whether an extension may run a
//! command at all, the capability has checked.

mod definition;
mod inherited;
mod process;
mod template;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) use self::definition::Command;
pub use self::definition::CommandConfig;
use self::definition::Place;
pub use self::inherited::keep_from_programs;
use self::process::Invocation;
pub(crate) use self::process::{Ending, Kept, Output};
use self::template::{CAUSATION, RUN_AS};

/// Bytes of one value.
const MAX_VALUE_BYTES: usize = 64 << 10;
/// Characters of a value that an error shows.
const SHOWN: usize = 80;

/// How many commands extensions can run: `[commands]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CommandLimits {
    /// Commands in a call of a handler.
    pub per_call: u32,
    /// Commands of an extension in a minute.
    pub per_minute: u32,
    /// Commands of all extensions that run at one time.
    pub concurrent: u32,
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self { per_call: 8, per_minute: 60, concurrent: 8 }
    }
}

/// The commands of a host, and what bounds running them.
pub struct Commands {
    defined: BTreeMap<String, Command>,
    limits: CommandLimits,
    rate: DefaultKeyedRateLimiter<Arc<str>>,
    running: Semaphore,
}

/// A value that a guest gives.
pub(crate) enum Argument {
    /// A text.
    Plain(String),
    /// A secret.
    Secret(Vec<u8>),
}

/// Why a command did not run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A value is wrong.
    Argument(String),
    /// It ran longer than it may.
    Timeout(Duration),
    /// Too many are run.
    Limited(String),
    /// It could not be started.
    NotStarted(String),
    /// Anything else.
    Failed(String),
}

impl Commands {
    /// Checks the operator's definitions.
    pub fn new(
        limits: &CommandLimits,
        defined: &BTreeMap<String, CommandConfig>,
    ) -> Result<Self, String> {
        let positive = |key: &str, value: u32| {
            let value = NonZeroU32::new(value).filter(|value| value.get() <= 100_000);
            value.ok_or_else(|| format!("`commands.{key}` must be 1 to 100000"))
        };
        positive("per-call", limits.per_call)?;
        let rate = Quota::per_minute(positive("per-minute", limits.per_minute)?);
        let running = positive("concurrent", limits.concurrent)?;
        let command = |(name, config): (&String, &CommandConfig)| {
            crate::grant::check_command_name(name)
                .map_err(|reason| format!("{reason}: `{}`", name.escape_default()))?;
            let command = Command::new(config);
            Ok((name.clone(), command.map_err(|reason| format!("`command.{name}`: {reason}"))?))
        };
        Ok(Self {
            defined: defined.iter().map(command).collect::<Result<_, String>>()?,
            limits: limits.clone(),
            rate: RateLimiter::keyed(rate),
            running: Semaphore::new(running.get() as usize),
        })
    }

    /// The command of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Command> {
        self.defined.get(name)
    }

    /// Counts a command that an extension is about to run, its so many-th in this call.
    pub(crate) fn count(&self, extension: &Arc<str>, in_call: u32) -> Result<(), CommandError> {
        let CommandLimits { per_call, per_minute, .. } = self.limits;
        if in_call > per_call {
            return Err(CommandError::Limited(format!("`commands.per-call` is {per_call}")));
        }
        self.rate
            .check_key(extension)
            .map_err(|_| CommandError::Limited(format!("`commands.per-minute` is {per_minute}")))
    }

    /// Runs a command whose values were checked. When the caller leaves, it is killed with all that it started.
    pub(crate) async fn run(&self, ready: Ready<'_>) -> Result<Output, CommandError> {
        let end = Instant::now() + ready.command.timeout;
        let turn = tokio::time::timeout_at(end, self.running.acquire());
        let Ok(Ok(_turn)) = turn.await else {
            let concurrent = self.limits.concurrent;
            return Err(CommandError::Limited(format!("`commands.concurrent` is {concurrent}")));
        };
        match tokio::time::timeout_at(end, process::run(&ready.invocation)).await {
            Ok(ran) => ran,
            Err(_) => Err(CommandError::Timeout(ready.command.timeout)),
        }
    }
}

/// A command with its values filled in.
pub(crate) struct Ready<'a> {
    command: &'a Command,
    invocation: Invocation,
}

impl Command {
    /// Checks the values that a guest gives, and fills them in. `causation` is the chain that led here.
    pub(crate) fn with(
        &self,
        arguments: Vec<(String, Argument)>,
        causation: String,
    ) -> Result<Ready<'_>, CommandError> {
        let wrong = |reason: String| Err(CommandError::Argument(reason));
        let mut values: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for (name, argument) in arguments {
            let Some((name, value)) = self.value(&name, argument)? else {
                let shown = shown(&name);
                return wrong(format!("the command has no parameter of this name: `{shown}`"));
            };
            if values.insert(name, value).is_some() {
                return wrong(format!("the parameter is given twice: `{name}`"));
            }
        }
        if let Some(name) = self.parameters.keys().find(|name| !values.contains_key(name.as_str()))
        {
            return wrong(format!("a value is missing for the parameter `{name}`"));
        }
        values.insert(CAUSATION, causation.into_bytes());
        values.insert(RUN_AS, self.run_as.clone().unwrap_or_default().into_bytes());
        let mut words = Vec::with_capacity(self.words.len());
        for template in &self.words {
            let word = template.fill(&values);
            if template.becomes_option(&word) {
                let name = template.names().next().unwrap_or_default();
                return wrong(format!(
                    "the value of `{name}` would be taken for an option, since it begins with `-`"
                ));
            }
            words.push(word);
        }
        let variable = |(name, template): &(String, template::Template)| {
            (name.clone(), template.fill(&values))
        };
        Ok(Ready {
            command: self,
            invocation: Invocation {
                words,
                stdin: self.stdin.as_ref().map(|template| template.fill(&values)),
                environment: self.environment.iter().map(variable).collect(),
                directory: self.directory.clone(),
                output_bytes: self.output_bytes,
            },
        })
    }

    /// The value of a parameter, if there is one of this name and the value is one that it can have.
    fn value(
        &self,
        name: &str,
        argument: Argument,
    ) -> Result<Option<(&str, Vec<u8>)>, CommandError> {
        let Some((name, parameter)) = self.parameters.get_key_value(name) else { return Ok(None) };
        let wrong = |reason: String| Err(CommandError::Argument(reason));
        let (bytes, shown) = match argument {
            Argument::Plain(text) => {
                let shown = shown(&text);
                (text.into_bytes(), shown)
            }
            Argument::Secret(_) if parameter.place == Place::Open => {
                return wrong(format!(
                    "the parameter cannot be a secret, since it does not stand in the standard input alone: `{name}`"
                ));
            }
            Argument::Secret(secret) => (secret, "a secret".to_owned()),
        };
        if bytes.len() > MAX_VALUE_BYTES {
            let size = bytes.len();
            return wrong(format!("the value of `{name}` is over {MAX_VALUE_BYTES} bytes: {size}"));
        }
        if bytes.contains(&0) {
            return wrong(format!("the value of `{name}` has a NUL byte: `{shown}`"));
        }
        let matches =
            std::str::from_utf8(&bytes).is_ok_and(|text| parameter.matches.is_match(text));
        match matches {
            true => Ok(Some((name, bytes))),
            false => wrong(format!(
                "the value of `{name}` does not match `{}`: `{shown}`",
                parameter.pattern
            )),
        }
    }
}

/// A text of a guest as an error shows it.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests;
