//! `palisade bridge simulate`: a call as a panel would make it, and what the panel would read.

use clap::{Args, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use crate::bridge::{self, Dialect, PanelCall, Raw, Simulation};
use crate::cli::client::Content;
use crate::cli::output::{self, Failure, Format, items, text};
use crate::cli::panels::parse_panel;
use crate::cli::{Context, block_on};
use crate::hook::Phase;
use crate::hook::catalogue::When;

/// Makes a call as a panel would.
#[derive(Args)]
pub struct Simulate {
    /// The panel, by its dialect
    #[arg(value_parser = parse_panel)]
    panel: Dialect,
    /// What happens: the catalogue's name of the action, or the panel's own
    event: String,
    /// When it happens [default: the first phase in which the panel calls out]
    #[arg(long)]
    phase: Option<PhaseName>,
    /// A value to set, by the panel's name or the catalogue's; can be repeated
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// A value that the object had; can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    old: Vec<(String, String)>,
    /// The object that it is about; a form of COREmanager with one changes it
    #[arg(long, value_name = "ID")]
    object: Option<String>,
    /// Let handlers do what they do, instead of rehearsing
    #[arg(long)]
    for_real: bool,
}

/// A phase on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum PhaseName {
    Before,
    After,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is not NAME=VALUE".to_owned()),
    }
}

impl Simulate {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let phase = self.phase.map(|phase| match phase {
            PhaseName::Before => Phase::Before,
            PhaseName::After => Phase::After,
        });
        let when = self.object.as_ref().map(|_| When::Change);
        let hook = bridge::find(self.panel, &self.event, phase, when).map_err(Failure::of)?;
        let (dialect, object) = (self.panel, self.object);
        let simulation = Simulation { dialect, hook, object, params: self.params, old: self.old };
        let call = simulation.panel_call();
        let path = match self.for_real {
            true => "/v1/bridge?explain=true",
            false => "/v1/bridge?explain=true&dry_run=true",
        };
        let content = Content::Json(serde_json::to_value(&call)?);
        let answer = block_on(context.client()?.request(Method::POST, path, content))?;
        let hooks: Vec<Value> = items(&answer, "hooks").map(shown).collect();
        let stdout: Raw =
            serde_json::from_value(answer.get("stdout").cloned().unwrap_or_default())?;
        match context.format {
            Format::Json => output::print_json(&json!({
                "call": call,
                "stdout": stdout,
                "status": answer.get("status"),
                "note": text(&answer, "note"),
                "hooks": hooks,
            })),
            Format::Text => {
                tell_call(&call)?;
                tell_answer(&stdout, &answer, &hooks)
            }
        }
    }
}

/// A decided hook call without what is secret.
fn shown(hook: &Value) -> Value {
    let mut hook = hook.clone();
    let action = text(&hook, "hook").split_once(':').map_or("", |(_, action)| action).to_owned();
    if let Some(verdict) = hook.get_mut("verdict") {
        *verdict = output::without_secrets(&action, verdict.take());
    }
    hook
}

fn tell_call(call: &PanelCall) -> Result<(), Failure> {
    let arguments = call.arguments.iter().map(|raw| format!(" {}", word(raw)));
    output::print(&format!(
        "the panel starts  palisade-hook {}{}",
        call.dialect,
        arguments.collect::<String>()
    ))?;
    for (name, value) in &call.env {
        output::print(&format!("  {name}={}", word(value)))?;
    }
    lines("  on standard input", &call.stdin)
}

fn tell_answer(stdout: &Raw, answer: &Value, hooks: &[Value]) -> Result<(), Failure> {
    for hook in hooks {
        let verdict = hook.get("verdict").unwrap_or(&Value::Null);
        let without = match text(hook, "without_effect") {
            "" => String::new(),
            power => format!(", and {power} has no effect here"),
        };
        let (name, decided) = (text(hook, "hook"), text(verdict, "verdict"));
        output::print(&format!("{name}: {}{without}", output::verdict(decided)))?;
    }
    match stdout.is_empty() {
        true => output::print("the panel reads nothing")?,
        false => lines("the panel reads", stdout)?,
    }
    let status = answer.get("status").and_then(Value::as_u64).unwrap_or_default();
    output::print(&format!("exit status {status}"))?;
    match text(answer, "note") {
        "" => Ok(()),
        note => output::print(&output::dim(&format!("on standard error: {note}"))),
    }
}

/// Bytes as they are typed in a shell.
fn word(raw: &Raw) -> String {
    let shown = escaped(&raw.0);
    match raw.is_text() && !raw.text().chars().any(char::is_control) {
        true => shlex::try_quote(&raw.text()).map_or(shown, |word| word.into_owned()),
        false => format!("$'{}'", shown.replace('\'', "\\'")),
    }
}

/// Bytes line by line, with what a terminal would obey escaped.
fn lines(head: &str, raw: &Raw) -> Result<(), Failure> {
    if raw.is_empty() {
        return Ok(());
    }
    output::print(&format!("{head} ({} bytes)", raw.0.len()))?;
    let (ended, whole) = match raw.0.strip_suffix(b"\n") {
        Some(whole) => (true, whole),
        None => (false, raw.0.as_slice()),
    };
    for line in whole.split(|&byte| byte == b'\n') {
        output::print(&format!("  | {}", escaped(line)))?;
    }
    match ended {
        true => Ok(()),
        false => output::print(&output::dim("  (without an end of line)")),
    }
}

/// Text as it is, with control characters and what is no text escaped.
fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c.is_control() {
                true => shown.extend(c.escape_default()),
                false => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(escaped("é\u{1b}[31m\t".as_bytes()), "é\\u{1b}[31m\\t");
        assert_eq!(escaped(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(word(&"a b".into()), "'a b'");
        assert_eq!(word(&"".into()), "''");
        assert_eq!(word(&Raw(b"\xff'\n".to_vec())), "$'\\xff\\'\\n'");
    }

    #[test]
    fn a_value_has_a_name() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("=b").is_err() && pair("a").is_err());
    }
}
