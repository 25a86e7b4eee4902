//! `palisade settings`: shows and changes the settings of an extension.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use hyper::Method;
use serde_json::{Map, Value};

use super::client::{Content, segment};
use super::output::{self, Failure, Format, text};
use super::{Context, block_on};
use crate::package::is_secret_setting;

/// Shows or changes settings.
#[derive(Args)]
pub struct Change {
    /// The identifier of the extension
    id: String,
    /// Settings to change, as NAME=VALUE; a list is comma-separated or JSON. NAME alone asks for the value of a secret one, and NAME=- reads it from standard input
    #[arg(value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A setting to take back to its default
    #[arg(long, value_name = "NAME")]
    unset: Vec<String>,
    /// A JSON file with all settings, in place of those that there are
    #[arg(long, value_name = "FILE", conflicts_with_all = ["set", "unset"])]
    file: Option<PathBuf>,
}

impl Change {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let path = format!("/v1/extensions/{}", segment(&self.id));
        let extension = block_on(client.request(Method::GET, &path, Content::None))?;
        let schema = extension.get("settings_schema").unwrap_or(&Value::Null);
        let settings_path = format!("{path}/settings");
        let given = block_on(client.request(Method::GET, &settings_path, Content::None))?;
        let mut settings = given.as_object().cloned().unwrap_or_default();
        if let Some(file) = &self.file {
            let text = std::fs::read(file).map_err(|error| {
                Failure::new(format!("`{}` cannot be read: {error}", file.display()))
            })?;
            settings = serde_json::from_slice(&text).map_err(|error| {
                Failure::new(format!("`{}` is not a JSON object: {error}", file.display()))
            })?;
        } else if self.set.is_empty() && self.unset.is_empty() {
            return show(context, &extension, &settings);
        }
        for name in &self.unset {
            if settings.remove(name).is_none() {
                return Err(Failure::new(format!(
                    "the setting `{name}` is not set; it has its default already"
                )));
            }
        }
        for pair in &self.set {
            let (name, value) = match pair.split_once('=') {
                Some((name, "-")) if is_secret_setting(schema, name) => (name, read_secret()?),
                Some((name, value)) => (name, value.to_owned()),
                None if is_secret_setting(schema, pair) => (pair.as_str(), ask_for_secret(pair)?),
                None => return Err(Failure::new(format!("a setting is NAME=VALUE: `{pair}`"))),
            };
            settings.insert(name.to_owned(), parse(schema, name, &value)?);
        }
        let changed = block_on(client.request(
            Method::PUT,
            &settings_path,
            Content::Json(Value::Object(settings.clone())),
        ))?;
        show(context, &changed, &settings)
    }
}

/// Asks for a secret on the terminal, without showing it. What is piped in is read instead.
fn ask_for_secret(name: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return read_secret();
    }
    let ask = dialoguer::Password::new().with_prompt(name).report(false);
    ask.interact()
        .map_err(|error| Failure::new(format!("the value of `{name}` cannot be read: {error}")))
}

/// Reads a secret from standard input, without the line's end.
fn read_secret() -> Result<String, Failure> {
    let mut text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    let end = text.trim_end_matches('\n').trim_end_matches('\r').len();
    text.truncate(end);
    Ok(text)
}

/// Reads a value by the type that the schema gives the setting.
fn parse(schema: &Value, name: &str, value: &str) -> Result<Value, Failure> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let property = properties.and_then(|properties| properties.get(name)).ok_or_else(|| {
        let names = properties.into_iter().flat_map(Map::keys).map(String::as_str);
        let hint = match crate::suggest::nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its settings are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        Failure::new(format!("the extension has no setting `{name}`")).with_hint(hint)
    })?;
    let secret = is_secret_setting(schema, name);
    let shown = |value: &str| if secret { String::new() } else { format!(": `{value}`") };
    let json = || {
        serde_json::from_str(value).map_err(|error| {
            Failure::new(format!("the setting `{name}` needs JSON: {error}{}", shown(value)))
        })
    };
    match text(property, "type") {
        "string" => Ok(value.into()),
        "array" if !value.trim_start().starts_with('[') => Ok(value
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect::<Vec<_>>()
            .into()),
        kind @ ("integer" | "number" | "boolean") => json().map_err(|_| {
            Failure::new(format!("the setting `{name}` is of type {kind}{}", shown(value)))
        }),
        _ => json(),
    }
}

fn show(context: &Context, extension: &Value, given: &Map<String, Value>) -> Result<(), Failure> {
    let settings = extension.get("settings").unwrap_or(&Value::Null);
    if context.format == Format::Json {
        return output::print_json(settings);
    }
    let schema = extension
        .get("settings_schema")
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object);
    let Some(properties) = schema.filter(|properties| !properties.is_empty()) else {
        return output::print(&format!("`{}` has no settings", text(extension, "id")));
    };
    let mut table = output::table(&["setting", "value", "", "description"]);
    for (name, property) in properties {
        let value = settings.get(name).map_or_else(|| "(none)".to_owned(), output::value);
        let origin = if given.contains_key(name) { "set" } else { "default" };
        table.add_row([name.as_str(), &value, origin, text(property, "description")]);
    }
    output::print_table(&table)
}
