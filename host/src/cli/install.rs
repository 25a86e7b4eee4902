//! `palisade install`: shows what an extension asks for, in words, and installs it with what is granted.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use dialoguer::{Confirm, Select};
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Client, Content, segment};
use super::grants::read_file;
use super::output::{self, Failure, Format, items, text};
use super::panels::{handlers, parse_panel};
use super::{Context, block_on};
use crate::bridge::Dialect;
use crate::grant::{Ask, Grant, Grants};
use crate::package::Package;

/// Installs an extension.
#[derive(Args)]
pub struct Install {
    /// The packed component
    file: PathBuf,
    /// Take the place of a version that is not lower
    #[arg(long)]
    replace: bool,
    /// Grant everything that it asks for
    #[arg(long, conflicts_with_all = ["grant_none", "grant", "grants"])]
    grant_all: bool,
    /// Grant nothing of what it asks for
    #[arg(long, conflicts_with_all = ["grant", "grants"])]
    grant_none: bool,
    /// Grant this and nothing else that is new, such as "deny before:mailbox.create"; can be repeated
    #[arg(long, value_name = "GRANT", value_parser = Grant::parse)]
    grant: Vec<Grant>,
    /// Grant what stands in a file that `palisade grants export` wrote
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,
    /// The panel that it is to serve [default: the `panel` of the host's configuration]
    #[arg(long, value_name = "PANEL", value_parser = parse_panel)]
    panel: Option<Dialect>,
}

/// What the operator decided before anything is sent.
enum Decision {
    /// Nothing: the host decides by what is granted already.
    Open,
    /// What to send as `grants`.
    Made(String),
    /// Not to install it.
    Cancelled,
}

impl Install {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let bytes = std::fs::read(&self.file).map_err(|error| {
            Failure::new(format!("`{}` cannot be read: {error}", self.file.display()))
        })?;
        let client = context.client()?;
        let decision = match self.decided(&bytes)? {
            Some(decision) => decision,
            None => ask(context, &client, &bytes)?,
        };
        let mut path = format!("/v1/extensions?replace={}", self.replace);
        if let Some(panel) = self.panel {
            path.push_str(&format!("&panel={panel}"));
        }
        match decision {
            Decision::Open => {}
            Decision::Made(grants) => path.push_str(&format!("&grants={}", segment(&grants))),
            Decision::Cancelled => return output::print("nothing is installed"),
        }
        let done = block_on(client.request(Method::POST, &path, Content::Component(bytes)))?;
        if context.format == Format::Json {
            return output::print_json(&done);
        }
        tell(&done)?;
        tell_panel(&done)
    }

    /// What the command line says about grants; `None` if it says nothing.
    fn decided(&self, bytes: &[u8]) -> Result<Option<Decision>, Failure> {
        if self.grant_all {
            return Ok(Some(Decision::Made("all".into())));
        }
        if self.grant_none {
            return Ok(Some(Decision::Made("none".into())));
        }
        let mut grants: Grants = self.grant.iter().cloned().collect();
        if let Some(file) = &self.grants {
            grants.extend(granted_in(file, bytes)?);
        } else if grants.is_empty() {
            return Ok(None);
        }
        Ok(Some(Decision::Made(json!(grants).to_string())))
    }
}

/// The grants in a file, which must be about the extension that is to be installed.
fn granted_in(file: &Path, bytes: &[u8]) -> Result<Grants, Failure> {
    let granted = read_file(file)?;
    match Package::read(bytes) {
        Ok(package) if *package.manifest.id != *granted.extension => Err(Failure::new(format!(
            "`{}` is about `{}`, and the component is `{}`",
            file.display(),
            granted.extension,
            package.manifest.id
        ))),
        // What is wrong with the component, the host says better.
        Ok(_) | Err(_) => Ok(granted.grants),
    }
}

/// Asks the person at the terminal, if there is one and there is something to decide.
fn ask(context: &Context, client: &Client, bytes: &[u8]) -> Result<Decision, Failure> {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !terminal || context.format == Format::Json {
        return Ok(Decision::Open);
    }
    // What is wrong with the component, the host says better.
    let Ok(package) = Package::read(bytes) else { return Ok(Decision::Open) };
    let manifest = package.manifest;
    let path = format!("/v1/extensions/{}/grants", segment(&manifest.id));
    let known = match block_on(client.request(Method::GET, &path, Content::None)) {
        Ok(known) => known,
        Err(failure) if failure.code.as_deref() == Some("extension.unknown") => Value::Null,
        Err(failure) => return Err(failure),
    };
    let decided: Vec<&str> = items(&known, "asks").map(|ask| text(ask, "grant")).collect();
    let open: Vec<&Ask> = manifest
        .asks
        .iter()
        .filter(|ask| !ask.grant.is_ordinary() && !decided.contains(&&*ask.grant.to_string()))
        .collect();
    if open.is_empty() {
        return Ok(Decision::Open);
    }
    let more = if decided.is_empty() { "" } else { " more than what you decided on" };
    eprintln!("`{}` {} wants{more} to", manifest.id, manifest.version);
    for ask in &open {
        eprintln!("  {}", ask.grant.in_words());
        if !ask.reason.is_empty() {
            eprintln!("      {}", ask.reason);
        }
    }
    decide(&open)
}

fn decide(open: &[&Ask]) -> Result<Decision, Failure> {
    let failed = |error: dialoguer::Error| Failure::new(format!("the terminal failed: {error}"));
    let choices = ["grant all of it", "decide on each", "grant none of it", "do not install"];
    let choice = Select::new()
        .with_prompt("What do you grant?")
        .items(choices)
        .default(3)
        .interact_opt()
        .map_err(failed)?;
    match choice {
        // What was shown, and nothing that was decided before.
        Some(0) => {
            let shown: Grants = open.iter().map(|ask| ask.grant.clone()).collect();
            Ok(Decision::Made(json!(shown).to_string()))
        }
        Some(1) => {
            let mut granted = Grants::new();
            for ask in open {
                let answer = Confirm::new().with_prompt(ask.grant.in_words()).default(false);
                if answer.interact().map_err(failed)? {
                    granted.insert(ask.grant.clone());
                }
            }
            Ok(Decision::Made(json!(granted).to_string()))
        }
        Some(2) => Ok(Decision::Made("none".into())),
        Some(_) | None => Ok(Decision::Cancelled),
    }
}

fn tell(done: &Value) -> Result<(), Failure> {
    let extension = done.get("extension").unwrap_or(&Value::Null);
    let (id, version) = (text(extension, "id"), text(extension, "version"));
    if text(done, "change") == "waiting" {
        let waiting = extension.get("waiting").unwrap_or(&Value::Null);
        output::print(&format!(
            "`{id}` {} waits: it asks for more than is granted; {version} goes on",
            text(waiting, "version")
        ))?;
        tell_asks(waiting)?;
        return output::print(&format!(
            "grant it with: palisade grants add {id} --all, or name what you grant"
        ));
    }
    output::print(&match text(done, "change") {
        "unchanged" => format!("`{id}` {version} was installed already"),
        "replaced" => format!("`{id}` {version} takes the place of {}", text(done, "replaced")),
        _ => format!("installed `{id}` {version}: {}", text(extension, "name")),
    })?;
    tell_asks(extension)
}

/// What an extension asks for, in words, each with whether it is granted.
fn tell_asks(asking: &Value) -> Result<(), Failure> {
    for ask in items(asking, "asks") {
        let granted = ask.get("granted").and_then(Value::as_bool).unwrap_or_default();
        let may = if granted { "may" } else { "may not" };
        output::print(&format!("  {may} {}", text(ask, "words")))?;
    }
    Ok(())
}

/// What of it does not work on the panel, in words.
fn tell_panel(done: &Value) -> Result<(), Failure> {
    let handlers = handlers(done.get("extension").unwrap_or(&Value::Null));
    let Some(panel) = Dialect::from_name(text(done, "panel")).ok() else {
        let needed: Vec<String> = handlers
            .iter()
            .filter(|handler| !handler.requires.is_empty())
            .map(|handler| handler.hook.to_string())
            .collect();
        return match needed.is_empty() {
            true => Ok(()),
            false => output::print(&format!(
                "  note: it cannot do without powers at {}, and no panel is configured to heed them",
                needed.join(", ")
            )),
        };
    };
    for shortfall in handlers.iter().flat_map(|handler| handler.shortfalls(panel)) {
        output::print(&format!("  note: {shortfall}"))?;
    }
    Ok(())
}
