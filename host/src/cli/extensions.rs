//! `palisade list`, `show`, `enable`, `disable` and `remove`.

use clap::Args;
use hyper::Method;
use serde_json::Value;

use super::client::{Content, segment};
use super::output::{self, Failure, Format, items, joined, number, text};
use super::{Context, block_on};

/// An extension that is installed.
#[derive(Args)]
pub struct Named {
    /// The identifier of the extension
    id: String,
}

pub(super) fn list(context: &Context) -> Result<(), Failure> {
    let extensions =
        block_on(context.client()?.request(Method::GET, "/v1/extensions", Content::None))?;
    if context.format == Format::Json {
        return output::print_json(&extensions);
    }
    let extensions = extensions.as_array().map(Vec::as_slice).unwrap_or_default();
    if extensions.is_empty() {
        return output::print(
            "nothing is installed; `palisade install FILE` installs an extension",
        );
    }
    let mut table = output::table(&["id", "version", "state", "powers", "hooks"]);
    for extension in extensions {
        table.add_row([
            text(extension, "id"),
            text(extension, "version"),
            &state(extension),
            &joined(extension, "powers"),
            &joined(extension, "hooks"),
        ]);
    }
    output::print_table(&table)
}

/// Whether an extension runs, in one word, and what an operator should know of how it behaves.
fn state(extension: &Value) -> String {
    let state = match text(extension, "state") {
        "enabled" if items(extension, "bypassed").next().is_some() => "bypassed",
        state => state,
    };
    match extension.get("veto_alarm").and_then(Value::as_bool) {
        Some(true) => format!("{state}, denies too much"),
        _ => state.to_owned(),
    }
}

impl Named {
    pub(super) fn show(self, context: &Context) -> Result<(), Failure> {
        let extension = self.request(context, Method::GET, "")?;
        if context.format == Format::Json {
            return output::print_json(&extension);
        }
        output::print(&format!(
            "{} {} ({})",
            text(&extension, "id"),
            text(&extension, "version"),
            state(&extension)
        ))?;
        for bypassed in items(&extension, "bypassed") {
            let hook = bypassed.get("hook").and_then(Value::as_str).unwrap_or("every hook");
            output::print(&format!(
                "bypassed on {hook} for {}: {}",
                output::duration(number(bypassed, "remaining_ms") * 1_000),
                text(bypassed, "reason")
            ))?;
        }
        output::print(&format!(
            "{}: {}",
            text(&extension, "name"),
            text(&extension, "description")
        ))?;
        for (label, key) in
            [("licence", "license"), ("homepage", "homepage"), ("component", "digest")]
        {
            if let Some(value) = extension.get(key).and_then(Value::as_str) {
                output::print(&format!("{label}: {value}"))?;
            }
        }
        output::print(&format!("installed: {}", output::time(number(&extension, "installed_ms"))))?;
        output::print("")?;
        let mut table = output::table(&[
            "hook",
            "priority",
            "powers",
            "may alter",
            "on",
            "when",
            "on failure",
            "fuel",
            "deadline",
            "memory",
        ]);
        for handler in items(&extension, "handlers") {
            table.add_row([
                text(handler, "hook").to_owned(),
                number(handler, "priority").to_string(),
                joined(handler, "powers"),
                joined(handler, "alter"),
                joined(handler, "status"),
                text(handler, "when").to_owned(),
                text(handler, "on_failure").to_owned(),
                output::short(number(handler, "fuel")),
                output::duration(number(handler, "deadline_ms") * 1_000),
                output::short(number(handler, "memory_bytes")),
            ]);
        }
        if !table.is_empty() {
            output::print_table(&table)?;
            output::print("")?;
        }
        if let Some(provider) = extension.get("provider").filter(|provider| provider.is_object()) {
            output::print(&format!(
                "provides: {} (fuel {}, deadline {}, memory {})\n",
                text(provider, "provides"),
                output::short(number(provider, "fuel")),
                output::duration(number(provider, "deadline_ms") * 1_000),
                output::short(number(provider, "memory_bytes")),
            ))?;
        }
        super::grants::show(context, &extension)?;
        let settings = extension.get("settings").and_then(Value::as_object);
        for (number, (name, value)) in settings.into_iter().flatten().enumerate() {
            let head = if number == 0 { "\nsettings\n" } else { "" };
            output::print(&format!("{head}  {name} = {}", output::value(value)))?;
        }
        Ok(())
    }

    pub(super) fn switch(self, context: &Context, verb: &str) -> Result<(), Failure> {
        let extension = self.request(context, Method::POST, &format!("/{verb}"))?;
        match context.format {
            Format::Json => output::print_json(&extension),
            Format::Text => output::print(&format!(
                "`{}` is {}",
                text(&extension, "id"),
                text(&extension, "state")
            )),
        }
    }

    pub(super) fn remove(self, context: &Context) -> Result<(), Failure> {
        let extension = self.request(context, Method::DELETE, "")?;
        match context.format {
            Format::Json => output::print_json(&extension),
            Format::Text => output::print(&format!(
                "`{}` {} is removed, with everything that it kept",
                text(&extension, "id"),
                text(&extension, "version")
            )),
        }
    }

    fn request(&self, context: &Context, method: Method, rest: &str) -> Result<Value, Failure> {
        let path = format!("/v1/extensions/{}{rest}", segment(&self.id));
        block_on(context.client()?.request(method, &path, Content::None))
    }
}
