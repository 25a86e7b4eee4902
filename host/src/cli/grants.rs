//! `palisade grants`: what an extension asks for, and what the operator lets it do.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Content, segment};
use super::output::{self, Failure, Format, items, text};
use super::{Context, block_on};
use crate::grant::{Grant, Grants};

/// What to do with grants.
#[derive(Subcommand)]
pub enum Verb {
    /// Show what an extension asks for, and what of it is granted
    Show {
        /// The identifier of the extension
        id: String,
    },
    /// Grant something; the next hook call goes by it
    Add(Add),
    /// Take grants away; the next hook call goes by it
    Revoke(Revoke),
    /// Print what is granted as a file for `import` and `install --grants`
    Export {
        /// The identifier of the extension
        id: String,
    },
    /// Grant what stands in a file, in place of all that was granted
    Import {
        /// A file that `export` wrote
        file: PathBuf,
    },
}

/// Grants something.
#[derive(Args)]
pub struct Add {
    /// The identifier of the extension
    id: String,
    /// What to grant, such as "deny before:mailbox.create"
    #[arg(value_name = "GRANT", value_parser = Grant::parse, required_unless_present = "all")]
    grants: Vec<Grant>,
    /// Grant everything that it asks for, and what a version asks for that waits
    #[arg(long, conflicts_with = "grants")]
    all: bool,
}

/// Takes grants away.
#[derive(Args)]
pub struct Revoke {
    /// The identifier of the extension
    id: String,
    /// What to take away, such as "http https://crm.example.com"
    #[arg(value_name = "GRANT", value_parser = Grant::parse, required = true)]
    grants: Vec<Grant>,
}

/// Grants in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantsFile {
    /// The extension.
    pub(super) extension: String,
    /// What it is granted.
    pub(super) grants: Grants,
}

impl Verb {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Verb::Show { id } => show(context, &request(context, &id, Method::GET, Content::None)?),
            Verb::Add(Add { id, all: true, .. }) => change(context, &id, json!({ "all": true })),
            Verb::Add(Add { id, grants, .. }) => change(context, &id, json!({ "add": grants })),
            Verb::Revoke(Revoke { id, grants }) => {
                change(context, &id, json!({ "revoke": grants }))
            }
            Verb::Export { id } => export(context, &id),
            Verb::Import { file } => {
                let GrantsFile { extension, grants } = read_file(&file)?;
                let content = Content::Json(json!(grants));
                changed(context, &request(context, &extension, Method::PUT, content)?)
            }
        }
    }
}

/// Reads a file of grants.
pub(super) fn read_file(file: &Path) -> Result<GrantsFile, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", file.display())))?;
    toml::from_str(&text).map_err(|error| {
        let message = format!("`{}` is wrong: {}", file.display(), error.to_string().trim_end());
        Failure::new(message).with_hint("`palisade grants export ID` shows the form")
    })
}

fn request(
    context: &Context,
    id: &str,
    method: Method,
    content: Content,
) -> Result<Value, Failure> {
    let path = format!("/v1/extensions/{}/grants", segment(id));
    block_on(context.client()?.request(method, &path, content))
}

fn change(context: &Context, id: &str, change: Value) -> Result<(), Failure> {
    changed(context, &request(context, id, Method::POST, Content::Json(change))?)
}

/// Shows an extension after its grants changed.
fn changed(context: &Context, extension: &Value) -> Result<(), Failure> {
    if context.format == Format::Text {
        let (id, version) = (text(extension, "id"), text(extension, "version"));
        output::print(&format!("`{id}` {version}"))?;
    }
    show(context, extension)
}

pub(super) fn show(context: &Context, asking: &Value) -> Result<(), Failure> {
    if context.format == Format::Json {
        return output::print_json(asking);
    }
    table(asking, "it asks for nothing")?;
    let Some(waiting) = asking.get("waiting").filter(|waiting| waiting.is_object()) else {
        return Ok(());
    };
    output::print(&format!("\n{} waits for what it asks for:", text(waiting, "version")))?;
    table(waiting, "nothing")
}

fn table(asking: &Value, none: &str) -> Result<(), Failure> {
    let mut table = output::table(&["", "grant", "wants to", "because"]);
    for ask in items(asking, "asks") {
        let granted = ask.get("granted").and_then(Value::as_bool).unwrap_or_default();
        let state = if granted { "granted" } else { "not granted" };
        table.add_row([state, text(ask, "grant"), text(ask, "words"), text(ask, "reason")]);
    }
    match table.is_empty() {
        true => output::print(none),
        false => output::print_table(&table),
    }
}

fn export(context: &Context, id: &str) -> Result<(), Failure> {
    let asking = request(context, id, Method::GET, Content::None)?;
    let granted = items(&asking, "asks")
        .filter(|ask| ask.get("granted").and_then(Value::as_bool).unwrap_or_default())
        .filter_map(|ask| Grant::parse(text(ask, "grant")).ok());
    let file = GrantsFile { extension: id.to_owned(), grants: granted.collect() };
    if context.format == Format::Json {
        return output::print_json(&json!(file));
    }
    let text = toml::to_string_pretty(&file)
        .map_err(|error| Failure::new(format!("the grants cannot be written: {error}")))?;
    output::print(&text)
}
