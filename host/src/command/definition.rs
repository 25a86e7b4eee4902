//! A command as the operator defines it in `palisade.toml`, and the checks that make it one that can be run.
//!
//! Everything that can be wrong with it is found when the configuration is read, and never at a call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::template::{self, CAUSATION, RUN_AS, Template};

/// Bytes that a compiled pattern may have.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Parameters of a command, and words of its command line.
const MAX_PARAMETERS: usize = 64;
const MAX_WORDS: usize = 256;
/// Milliseconds that an operator can give a command.
const MAX_TIMEOUT_MS: u32 = 3_600_000;
/// Bytes of output that an operator can let through.
const MAX_OUTPUT_BYTES: u32 = 16 << 20;

/// A command: `[command.<name>]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandConfig {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// The words after the program, each a template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// What the program reads from its standard input, a template. Nothing without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// The whole environment of the program, each value a template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The directory in which it runs.
    #[serde(default = "root")]
    pub directory: PathBuf,
    /// What stands before the program to run it as another user, and may name `{run-as}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launcher: Vec<String>,
    /// Whom the launcher runs it as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// Milliseconds that it may take.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u32,
    /// Bytes that are kept of what it writes to its standard output, and as many of its standard error.
    #[serde(default = "default_output_bytes")]
    pub output_bytes: u32,
    /// The pattern of each parameter, which the whole value must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

fn root() -> PathBuf {
    "/".into()
}

fn default_timeout_ms() -> u32 {
    10_000
}

fn default_output_bytes() -> u32 {
    64 << 10
}

/// A command that can be run.
#[derive(Debug)]
pub(crate) struct Command {
    /// The launcher with its words, if there is one, the program and its arguments.
    pub(super) words: Vec<Template>,
    pub(super) stdin: Option<Template>,
    pub(super) environment: Vec<(String, Template)>,
    pub(super) directory: PathBuf,
    pub(super) run_as: Option<String>,
    pub(super) timeout: Duration,
    pub(super) output_bytes: usize,
    pub(super) parameters: BTreeMap<String, Parameter>,
}

/// What a guest gives a value for.
#[derive(Debug)]
pub(super) struct Parameter {
    /// The pattern as the operator wrote it.
    pub(super) pattern: String,
    /// The same, anchored at both ends.
    pub(super) matches: Regex,
    /// Where its value goes.
    pub(super) place: Place,
}

/// Where the value of a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To the standard input and nowhere else, so that it can be a secret.
    Stdin,
    /// To the command line or the environment, where others can see it.
    Open,
}

impl Command {
    /// Checks a definition.
    pub(super) fn new(config: &CommandConfig) -> Result<Self, String> {
        let program = absolute("program", &config.program)?;
        absolute("directory", &config.directory)?;
        check_launcher(config)?;
        between("timeout-ms", config.timeout_ms, 1, MAX_TIMEOUT_MS)?;
        between("output-bytes", config.output_bytes, 0, MAX_OUTPUT_BYTES)?;
        let number = |name: &str, number: usize, most: usize| match number <= most {
            true => Ok(()),
            false => Err(format!("`{name}` has more than {most} entries: {number}")),
        };
        number("arguments", config.arguments.len() + config.launcher.len(), MAX_WORDS)?;
        number("parameters", config.parameters.len(), MAX_PARAMETERS)?;
        number("environment", config.environment.len(), MAX_WORDS)?;

        let parse = |key: &'static str| {
            move |text: &String| {
                Template::parse(text).map_err(|reason| format!("`{key}`: {reason}"))
            }
        };
        let launcher = templates(&config.launcher, parse("launcher"))?;
        let arguments = templates(&config.arguments, parse("arguments"))?;
        let stdin = config.stdin.as_ref().map(parse("stdin")).transpose()?;
        let environment = config
            .environment
            .iter()
            .map(|(name, text)| {
                check_variable(name)?;
                Ok((name.clone(), parse("environment")(text)?))
            })
            .collect::<Result<Vec<_>, String>>()?;

        let open: BTreeSet<&str> = arguments
            .iter()
            .chain(environment.iter().map(|(_, template)| template))
            .flat_map(Template::names)
            .collect();
        let in_stdin: BTreeSet<&str> = stdin.iter().flat_map(Template::names).collect();
        check_names(config, &open, &in_stdin)?;
        let parameters = config
            .parameters
            .iter()
            .map(|(name, pattern)| {
                let place = if open.contains(name.as_str()) { Place::Open } else { Place::Stdin };
                let parameter = Parameter::new(pattern, place);
                Ok((name.clone(), parameter.map_err(|why| format!("`parameters.{name}`: {why}"))?))
            })
            .collect::<Result<_, String>>()?;
        let words = launcher.into_iter().chain([program]).chain(arguments).collect();
        Ok(Self {
            words,
            stdin,
            environment,
            directory: config.directory.clone(),
            run_as: config.run_as.clone(),
            timeout: Duration::from_millis(config.timeout_ms.into()),
            output_bytes: config.output_bytes as usize,
            parameters,
        })
    }
}

impl Parameter {
    fn new(pattern: &str, place: Place) -> Result<Self, String> {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| {
                format!("the pattern cannot be used: {error}: `{}`", pattern.escape_default())
            })
        };
        // Alone first: `a)|(b` is no pattern, and would be one between the anchors.
        compile(pattern)?;
        Ok(Self {
            pattern: pattern.to_owned(),
            matches: compile(&format!(r"\A(?:{pattern})\z"))?,
            place,
        })
    }
}

fn templates(
    texts: &[String],
    parse: impl Fn(&String) -> Result<Template, String>,
) -> Result<Vec<Template>, String> {
    texts.iter().map(parse).collect()
}

/// An absolute path as a word that is taken as it is.
fn absolute(key: &str, path: &std::path::Path) -> Result<Template, String> {
    let text = path.to_str().filter(|text| path.is_absolute() && !text.contains('\0'));
    let Some(text) = text else {
        return Err(format!("`{key}` must be an absolute path: `{}`", path.display()));
    };
    Template::parse(&text.replace('{', "{{").replace('}', "}}"))
}

fn between(key: &str, value: u32, least: u32, most: u32) -> Result<(), String> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(format!("`{key}` must be {least} to {most}: {value}")),
    }
}

/// Another user only through the operator's launcher: the two keys stand together, and the one names the other.
fn check_launcher(config: &CommandConfig) -> Result<(), String> {
    if let Some(program) = config.launcher.first()
        && !program.starts_with('/')
    {
        return Err(format!("`launcher` must begin with an absolute path: `{program}`"));
    }
    let mut names = BTreeSet::new();
    for word in &config.launcher {
        let template = Template::parse(word).map_err(|reason| format!("`launcher`: {reason}"))?;
        names.extend(template.names().map(str::to_owned));
    }
    match (names.remove(RUN_AS), &config.run_as) {
        (true, None) => return Err("`launcher` names `{run-as}`, and `run-as` is not set".into()),
        (false, Some(user)) => {
            return Err(format!("`run-as` needs a `launcher` that names `{{run-as}}`: `{user}`"));
        }
        (true, Some(_)) | (false, None) => {}
    }
    match names.first() {
        Some(name) => Err(format!("`launcher` can name `{{run-as}}` alone, and names `{name}`")),
        None => Ok(()),
    }
}

fn check_variable(name: &str) -> Result<(), String> {
    match name.is_empty() || name.contains(['=', '\0']) {
        true => Err(format!("`environment` has a name that is none: `{}`", name.escape_default())),
        false => Ok(()),
    }
}

/// Every name of a template is declared, and every parameter that is declared is used.
fn check_names(
    config: &CommandConfig,
    open: &BTreeSet<&str>,
    in_stdin: &BTreeSet<&str>,
) -> Result<(), String> {
    for name in config.parameters.keys() {
        template::check_name(name)?;
        if [CAUSATION, RUN_AS].contains(&name.as_str()) {
            return Err(format!("a parameter cannot have the host's own name `{name}`"));
        }
        if !open.contains(name.as_str()) && !in_stdin.contains(name.as_str()) {
            return Err(format!("the parameter `{name}` is declared and used nowhere"));
        }
    }
    let declared = |name: &str| name == CAUSATION || config.parameters.contains_key(name);
    match open.iter().chain(in_stdin).find(|name| !declared(name)) {
        Some(name) => Err(format!("`{{{name}}}` is used, and `parameters` has no pattern for it")),
        None => Ok(()),
    }
}
