//! `palisade fire`: simulates a hook call on the running host.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;
use serde_json::{Map, Value, json};

use super::client::{Content, segment};
use super::output::{self, DENIED, Failure, Format, SKIPPED, items, number, text};
use super::{Context, block_on};
use crate::hook::catalogue::{FieldKind, catalogue};

/// Simulates a hook call.
#[derive(Args)]
pub struct Fire {
    /// The action, such as `mailbox.create`
    action: String,
    /// Call the hook after the action instead of the one before it
    #[arg(long)]
    after: bool,
    /// A value that the action sets, as NAME=VALUE, or NAME:=JSON
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// A value that the object has now
    #[arg(long, value_name = "NAME=VALUE")]
    old: Vec<String>,
    /// Who is behind the action, as KIND:ID or ID
    #[arg(long, value_name = "KIND:ID")]
    actor: Option<String>,
    /// What the actor may do: superuser, administrator, reseller, customer, mailbox-user
    #[arg(long, requires = "actor")]
    role: Option<String>,
    /// What the action is about, as KIND:ID
    #[arg(long, value_name = "KIND:ID")]
    object: Option<String>,
    /// A fact about the request, such as `remote.address=192.0.2.1`
    #[arg(long, value_name = "NAME=VALUE")]
    attribute: Vec<String>,
    /// How the action ended
    #[arg(long, requires = "after", value_parser = ["succeeded", "skipped", "denied", "failed"])]
    status: Option<String>,
    /// The action's result, as JSON
    #[arg(long, requires = "after", value_name = "JSON")]
    result: Option<String>,
    /// The identifier of the action
    #[arg(long)]
    id: Option<String>,
    /// A rehearsal: handlers answer, and nothing is changed
    #[arg(long)]
    dry_run: bool,
}

impl Fire {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let phase = if self.after { "after" } else { "before" };
        let path = format!("/v1/actions/{}/{phase}", segment(&self.action));
        let request = self.request()?;
        let verdict =
            block_on(context.client()?.request(Method::POST, &path, Content::Json(request)))?;
        match context.format {
            Format::Json => {
                output::print_json(&output::without_secrets(&self.action, verdict.clone()))?
            }
            Format::Text => self.print(phase, &verdict)?,
        }
        Ok(match text(&verdict, "verdict") {
            "deny" => ExitCode::from(DENIED),
            "skip" => ExitCode::from(SKIPPED),
            _ => ExitCode::SUCCESS,
        })
    }

    fn request(&self) -> Result<Value, Failure> {
        let mut request = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            value.map(|value| request.insert(name.to_owned(), value))
        };
        put(if self.after { "action_id" } else { "id" }, self.id.clone().map(Value::from));
        put("params", Some(self.values(&self.params)?));
        put("old", Some(self.values(&self.old)?));
        let attributes = self
            .attribute
            .iter()
            .map(|pair| named(pair).map(|(name, value)| (name.to_owned(), value.into())));
        put("attributes", Some(Value::Object(attributes.collect::<Result<_, _>>()?)));
        put("dry_run", Some(self.dry_run.into()));
        put("status", self.status.clone().map(Value::from));
        let result = self.result.as_ref().map(|json| {
            serde_json::from_str(json)
                .map_err(|error| Failure::new(format!("`--result` is not JSON: {error}: `{json}`")))
        });
        put("result", result.transpose()?);
        put(
            "actor",
            self.actor.as_ref().map(|actor| {
                let (kind, id) = actor.split_once(':').unwrap_or(("person", actor));
                let mut actor = json!({ "kind": kind, "id": id });
                if let (Some(role), Value::Object(members)) = (&self.role, &mut actor) {
                    members.insert("role".into(), role.as_str().into());
                }
                actor
            }),
        );
        if let Some(object) = &self.object {
            let (kind, id) = object
                .split_once(':')
                .ok_or_else(|| Failure::new(format!("an object is KIND:ID: `{object}`")))?;
            put("object", Some(json!({ "kind": kind, "id": id })));
        }
        Ok(Value::Object(request))
    }

    /// Reads NAME=VALUE by the type that the catalogue gives the field, and NAME:=JSON as it is.
    fn values(&self, pairs: &[String]) -> Result<Value, Failure> {
        let mut values = Map::new();
        for pair in pairs {
            let (name, value) = named(pair)?;
            let (name, value) = match name.strip_suffix(':') {
                Some(name) => {
                    let json = serde_json::from_str(value).map_err(|error| {
                        Failure::new(format!(
                            "the value of `{name}` is not JSON: {error}: `{value}`"
                        ))
                    })?;
                    (name, json)
                }
                None => (name, typed(&self.action, name, value)?),
            };
            values.insert(name.to_owned(), value);
        }
        Ok(Value::Object(values))
    }

    fn print(&self, phase: &str, verdict: &Value) -> Result<(), Failure> {
        let word = match text(verdict, "verdict") {
            "deny" => "denied",
            "skip" => "skipped",
            _ if items(verdict, "alterations").next().is_some() => "altered",
            _ => "proceeds",
        };
        output::print(&format!(
            "{phase}:{} {}  {}",
            self.action,
            output::verdict(word),
            output::dim(text(verdict, "action_id"))
        ))?;
        print_handlers(verdict)?;
        if items(verdict, "trace").next().is_none() {
            output::print("  no extension handles this hook")?;
        }
        if let (None, Some(near)) =
            (catalogue().action(&self.action), catalogue().near(&self.action).first())
        {
            output::print(&format!(
                "  the catalogue has no action `{}`; did you mean `{near}`?",
                self.action
            ))?;
        }
        Ok(())
    }
}

/// What a fault is called in a table. A guest's own failure says itself what it is.
fn failed(fault: &Value) -> String {
    let message = text(fault, "message");
    match text(fault, "code") {
        "failure" => message.to_owned(),
        _ => format!("failed: {message}"),
    }
}

fn named(pair: &str) -> Result<(&str, &str), Failure> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Failure::new(format!("a value is NAME=VALUE: `{pair}`"))),
    }
}

fn typed(action: &str, name: &str, value: &str) -> Result<Value, Failure> {
    let wrong = |kind: FieldKind| {
        Failure::new(format!("`{name}` of `{action}` is of type {kind}: `{value}`"))
    };
    match catalogue().field(action, name).map(|field| field.kind) {
        Some(kind @ FieldKind::Integer) => {
            value.parse::<i64>().map(Value::from).map_err(|_| wrong(kind))
        }
        Some(kind @ FieldKind::Number) => {
            value.parse::<f64>().map(Value::from).map_err(|_| wrong(kind))
        }
        Some(kind @ FieldKind::Boolean) => {
            value.parse::<bool>().map(Value::from).map_err(|_| wrong(kind))
        }
        Some(FieldKind::List) => Ok(value.split(',').map(str::trim).collect::<Vec<_>>().into()),
        Some(kind @ FieldKind::Json) => serde_json::from_str(value).map_err(|_| wrong(kind)),
        Some(FieldKind::Text) | None => Ok(value.into()),
    }
}

/// Prints what changed and who changed it, each on a line that begins so.
pub(super) fn print_changes(decided: &Value, indent: &str) -> Result<(), Failure> {
    for change in items(decided, "alterations") {
        let side = |key: &str| match change.get(key) {
            None | Some(Value::Null) => "(nothing)".to_owned(),
            Some(value) => output::value(value),
        };
        output::print(&format!(
            "{indent}{}: {} -> {}  {}",
            text(change, "field"),
            side("from"),
            side("to"),
            output::dim(&format!("by {}", text(change, "extension")))
        ))?;
    }
    Ok(())
}

/// Prints what changed, what is wrong, and what each handler did: of a verdict or an entry of the journal.
pub(super) fn print_handlers(decided: &Value) -> Result<(), Failure> {
    for problem in items(decided, "problems") {
        let field = match text(problem, "field") {
            "" => String::new(),
            field => format!("{field}: "),
        };
        output::print(&format!(
            "  {field}{}  {}",
            text(problem, "message"),
            output::dim(&format!("{} by {}", text(problem, "code"), text(problem, "extension")))
        ))?;
    }
    print_changes(decided, "  ")?;
    if let Some(result) = decided.get("result").filter(|result| !result.is_null()) {
        output::print(&format!("  result: {}", crate::hook::redacted(result)))?;
    }
    let mut table = output::table(&["handler", "version", "outcome", "fuel", "memory", "took"]);
    for trace in items(decided, "trace") {
        let fault = trace.get("fault").filter(|fault| !fault.is_null());
        table.add_row([
            text(trace, "extension").to_owned(),
            text(trace, "version").to_owned(),
            fault.map_or_else(|| text(trace, "outcome").to_owned(), failed),
            output::short(number(trace, "fuel")),
            output::short(number(trace, "memory_bytes")),
            output::duration(number(trace, "duration_us")),
        ]);
    }
    if !table.is_empty() {
        output::print("")?;
        let text: String =
            table.to_string().lines().map(|line| format!(" {}\n", line.trim_end())).collect();
        output::print(&text)?;
    }
    for trace in items(decided, "trace") {
        let extension = text(trace, "extension");
        if let Some(reason) = trace.get("reason").and_then(Value::as_str) {
            output::print(&format!("  {extension} skips: {reason}"))?;
        }
        let backtrace = trace.get("fault").into_iter().flat_map(|fault| items(fault, "backtrace"));
        for frame in backtrace.filter_map(Value::as_str) {
            output::print(&format!("    at {frame}"))?;
        }
        for record in items(trace, "log") {
            output::print(&format!(
                "  {extension} {}: {}",
                text(record, "level"),
                text(record, "message")
            ))?;
        }
    }
    Ok(())
}
