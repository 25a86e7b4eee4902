//! Runs a command of the host with what the parameters of the event say, and logs what came of it.

use serde_json::{Value as Json, json};

use crate::exports::palisade::events::handler::Event;
use crate::palisade::commands::runner::{self, Argument, Ending, Error, Output};
use crate::palisade::core::secrets;
use crate::palisade::core::types::Value;
use crate::write::info;

/// What the name of an event's parameter begins with whose text is a plain value.
const PLAIN: &str = "arg-";
/// What it begins with when its text names a secret parameter of the event.
const HANDED: &str = "hand-";

/// Does what a command asks for, if it is about commands of the host. An error is logged, not answered.
pub fn run(verb: &str, argument: &str, event: &Event) {
    let times = match verb {
        "command" => 1,
        "command-twice" => 2,
        "command-flood" => 20,
        _ => return,
    };
    for _ in 0..times {
        let result = match command(argument, event) {
            Ok(output) => shown(output),
            Err(error) => json!({ "error": error }),
        };
        info(&json!({ "command": result }).to_string(), &[]);
    }
}

fn command(name: &str, event: &Event) -> Result<Output, Json> {
    let text = |name: &str| match event.get(name) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    let names = event.names();
    let handed = names.iter().filter_map(|name| Some((name, name.strip_prefix(HANDED)?)));
    let handed = handed.map(|(name, argument)| {
        let secret = secrets::parameter(&text(name));
        Ok((argument, secret.map_err(|error| json!({ "secret": error.to_string() }))?))
    });
    let handed: Vec<_> = handed.collect::<Result<_, Json>>()?;
    let mut arguments: Vec<(String, Argument)> = names
        .iter()
        .filter_map(|name| {
            Some((name.strip_prefix(PLAIN)?.to_owned(), Argument::Plain(text(name))))
        })
        .collect();
    for (argument, secret) in &handed {
        arguments.push(((*argument).to_owned(), Argument::Secret(secret)));
    }
    runner::run(name, &arguments).map_err(|error| match error {
        Error::Denied(why) => json!({ "denied": why }),
        Error::Unknown => json!("unknown"),
        Error::InvalidArgument(why) => json!({ "invalid-argument": why }),
        Error::Timeout(limit) => json!({ "timeout": limit }),
        Error::Limited(limit) => json!({ "limited": limit }),
        Error::DryRun => json!("dry-run"),
        Error::Unavailable(why) => json!({ "unavailable": why }),
        Error::Other(why) => json!({ "other": why }),
    })
}

/// The beginning of an output, which may be longer than a log can be, and its whole length.
fn shown(output: Output) -> Json {
    let begin =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..1_000).unwrap_or(bytes)).into_owned();
    let (ending, number) = match output.ending {
        Ending::Exited(code) => ("exited", code),
        Ending::Killed(signal) => ("killed", signal),
    };
    json!({
        ending: number,
        "stdout": begin(&output.stdout),
        "stdout_bytes": output.stdout.len(),
        "stderr": begin(&output.stderr),
        "cut": output.cut,
    })
}
