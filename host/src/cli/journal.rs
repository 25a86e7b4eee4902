//! `palisade journal`: what happened, and who decided what.

use clap::Args;
use hyper::Method;
use serde_json::Value;

use super::client::{Content, segment};
use super::fire::print_handlers;
use super::output::{self, Failure, Format, items, number, text};
use super::{Context, block_on};

/// Shows the journal.
#[derive(Args)]
pub struct Show {
    /// Show the hook calls of this action, each with what every handler did
    action_id: Option<String>,
    /// Only this action, such as `mailbox.create`
    #[arg(long)]
    action: Option<String>,
    /// Only this phase
    #[arg(long, value_parser = ["before", "after"])]
    phase: Option<String>,
    /// Only this verdict
    #[arg(long, value_parser = ["proceed", "skip", "deny"])]
    verdict: Option<String>,
    /// Only calls in which this extension took part
    #[arg(long)]
    extension: Option<String>,
    /// Only calls in which some handler failed
    #[arg(long)]
    faults: bool,
    /// Only calls that are not older than this, such as `10m`, `2h` or `72h`
    #[arg(long, value_name = "SPAN")]
    since: Option<jiff::SignedDuration>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        if let Some(action_id) = &self.action_id {
            let found = block_on(client.request(
                Method::GET,
                &format!("/v1/journal/{}", segment(action_id)),
                Content::None,
            ))?;
            return match context.format {
                Format::Json => output::print_json(&found),
                Format::Text => items(&found, "entries").try_for_each(print_entry),
            };
        }
        let found = block_on(client.request(
            Method::GET,
            &format!("/v1/journal?{}", self.query()),
            Content::None,
        ))?;
        if context.format == Format::Json {
            return output::print_json(&found);
        }
        let mut table = output::table(&[
            "time",
            "hook",
            "actor",
            "object",
            "verdict",
            "handlers",
            "took",
            "action id",
        ]);
        for entry in items(&found, "entries") {
            table.add_row([
                output::time(number(entry, "time_ms")),
                format!("{}:{}", text(entry, "phase"), text(entry, "action")),
                entry.get("actor").map_or(String::new(), |actor| text(actor, "id").to_owned()),
                entry.get("object").map_or(String::new(), |object| text(object, "id").to_owned()),
                output::verdict(text(entry, "verdict")),
                handlers(entry),
                output::duration(number(entry, "duration_us")),
                text(entry, "action_id").to_owned(),
            ]);
        }
        match table.is_empty() {
            true => output::print("the journal has no such hook call"),
            false => output::print_table(&table),
        }
    }

    fn query(&self) -> String {
        let since = self.since.map(|since| {
            let since = u64::try_from(since.as_millis()).unwrap_or(0);
            crate::host::now_ms().saturating_sub(since).to_string()
        });
        let parts = [
            ("action", self.action.clone()),
            ("phase", self.phase.clone()),
            ("verdict", self.verdict.clone()),
            ("extension", self.extension.clone()),
            ("faults", Some(self.faults.to_string())),
            ("since_ms", since),
            ("limit", Some(self.limit.to_string())),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", segment(&value?))));
        parts.collect::<Vec<_>>().join("&")
    }
}

/// Who did what, in short.
fn handlers(entry: &Value) -> String {
    let handlers = items(entry, "trace").map(|trace| {
        let what = match trace.get("fault") {
            Some(fault) => format!("failed ({})", text(fault, "code")),
            None => text(trace, "outcome").to_owned(),
        };
        format!("{} {what}", text(trace, "extension"))
    });
    handlers.collect::<Vec<_>>().join(", ")
}

fn print_entry(entry: &Value) -> Result<(), Failure> {
    let status = match text(entry, "status") {
        "" => String::new(),
        status => format!(" ({status})"),
    };
    output::print(&format!(
        "{} {}:{}{status} {} in {}",
        output::time(number(entry, "time_ms")),
        text(entry, "phase"),
        text(entry, "action"),
        output::verdict(text(entry, "verdict")),
        output::duration(number(entry, "duration_us")),
    ))?;
    if let Some(actor) = entry.get("actor") {
        let role = match text(actor, "role") {
            "" => String::new(),
            role => format!(", {role}"),
        };
        output::print(&format!("  by {} {}{role}", text(actor, "kind"), text(actor, "id")))?;
    }
    if let Some(object) = entry.get("object") {
        output::print(&format!("  on {} {}", text(object, "kind"), text(object, "id")))?;
    }
    for (name, value) in entry.get("params").and_then(Value::as_object).into_iter().flatten() {
        output::print(&format!("  {name} = {}", output::value(value)))?;
    }
    print_handlers(entry)?;
    output::print("")
}
