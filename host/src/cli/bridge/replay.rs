//! `palisade bridge replay`: plays recorded calls of panels.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::program;
use crate::bridge::{self, Asked, PanelCall, Raw, RecordedCall, Translated, recorded_calls};
use crate::cli::client::{Client, Content};
use crate::cli::fire::print_changes;
use crate::cli::output::{self, Failure, Format, items, text};
use crate::cli::{Context, block_on};
use crate::hook::Power;
use crate::host::now_ms;

/// Plays recorded calls.
#[derive(Args)]
pub struct Replay {
    /// The recording: one call as a JSON object on each line
    file: PathBuf,
    /// Start this program for each call, as the panel would, instead of asking the host
    #[arg(long, value_name = "PALISADE-HOOK")]
    through: Option<PathBuf>,
}

/// One hook call that a panel's call stood for, and what was decided.
struct Hooked {
    hook: Translated,
    verdict: Value,
}

impl Replay {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let Replay { file, through } = self;
        let recording = std::fs::read(&file).map_err(|error| {
            Failure::new(format!("`{}` cannot be read: {error}", file.display()))
        })?;
        let calls = recorded_calls(&recording)
            .map_err(|error| Failure::new(format!("`{}`: {error}", file.display())))?;
        let client = context.client()?;
        block_on(async {
            let mut player = Player { client, through, seen: HashSet::new(), since_ms: now_ms() };
            let mut played = Vec::new();
            for recorded in &calls {
                let (printed, hooked) = player.play(&recorded.call).await.map_err(|error| {
                    let RecordedCall { at, call } = recorded;
                    Failure::new(format!("the call at {at} of `{}`: {}", call.dialect, error))
                })?;
                if context.format == Format::Text {
                    show(recorded, &hooked, &printed)?;
                }
                played.push(told(recorded, hooked, &printed));
            }
            match context.format {
                Format::Json => output::print_json(&Value::Array(played)),
                Format::Text => Ok(()),
            }
        })
    }
}

/// Plays calls, one after another.
struct Player {
    client: Client,
    through: Option<PathBuf>,
    /// The entries of the journal that were shown.
    seen: HashSet<String>,
    since_ms: u64,
}

impl Player {
    /// What the panel reads of this call, and what was decided.
    async fn play(&mut self, call: &PanelCall) -> Result<(String, Vec<Hooked>), Failure> {
        let hooks = match bridge::read(call).map_err(|error| Failure::new(error.to_string()))? {
            Asked::Hooks(hooks) => hooks,
            // What is to be registered is listed or a provider asked, and nothing is decided.
            Asked::Registration | Asked::Provider(_) => {
                let printed = match self.through.clone() {
                    None => text(&self.ask(call).await?, "stdout").to_owned(),
                    Some(program) => run(&program, call).await?,
                };
                return Ok((printed, Vec::new()));
            }
        };
        let (printed, verdicts) = match self.through.clone() {
            None => {
                let answer = self.ask(call).await?;
                let verdicts = items(&answer, "hooks").map(|hook| hook["verdict"].clone());
                (text(&answer, "stdout").to_owned(), verdicts.collect())
            }
            Some(program) => {
                let printed = run(&program, call).await?;
                (printed, self.newly_decided(hooks.len()).await?)
            }
        };
        if verdicts.len() != hooks.len() {
            return Err(Failure::new(format!(
                "{} hook calls were to be decided, and {} were",
                hooks.len(),
                verdicts.len()
            )));
        }
        let hooked = hooks.into_iter().zip(verdicts);
        Ok((printed, hooked.map(|(hook, verdict)| Hooked { hook, verdict }).collect()))
    }

    async fn ask(&self, call: &PanelCall) -> Result<Value, Failure> {
        let call = serde_json::to_value(call)?;
        self.client.request(Method::POST, "/v1/bridge?explain=true", Content::Json(call)).await
    }

    /// The journal's entries that were not there before, the oldest first.
    async fn newly_decided(&mut self, expected: usize) -> Result<Vec<Value>, Failure> {
        let path = format!("/v1/journal?since_ms={}&limit={}", self.since_ms, expected.max(1));
        let journal = self.client.request(Method::GET, &path, Content::None).await?;
        let new = |entry: &&Value| self.seen.insert(text(entry, "action_id").to_owned());
        let mut entries: Vec<Value> = items(&journal, "entries").filter(new).cloned().collect();
        entries.reverse();
        Ok(entries)
    }
}

/// What the program prints of the call.
async fn run(program: &Path, call: &PanelCall) -> Result<String, Failure> {
    // What it says on standard error stands in the verdict that is shown.
    let output = program::call(program, call).await?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// One played call as JSON.
fn told(recorded: &RecordedCall, hooked: Vec<Hooked>, printed: &str) -> Value {
    let name = |hooked: &Hooked| format!("{}:{}", hooked.hook.phase, hooked.hook.action);
    let hooks: Vec<String> = hooked.iter().map(name).collect();
    let verdicts: Vec<Value> = hooked
        .into_iter()
        .map(|Hooked { hook, verdict }| output::without_secrets(&hook.action, verdict))
        .collect();
    json!({ "at": recorded.at, "panel": recorded.call.dialect.name(), "hooks": hooks, "verdicts": verdicts, "printed": printed })
}

/// One played call for a person.
fn show(recorded: &RecordedCall, hooked: &[Hooked], printed: &str) -> Result<(), Failure> {
    let powers = bridge::powers(&recorded.call);
    if hooked.is_empty() {
        let arguments: Vec<_> = recorded.call.arguments.iter().map(Raw::text).collect();
        let line = format!("{}  {:11} {}", recorded.at, recorded.call.dialect, arguments.join(" "));
        return output::print(&format!("{line}\n          the panel reads {}", printed.trim_end()));
    }
    for Hooked { hook, verdict } in hooked {
        print(recorded, hook, verdict, powers)?;
    }
    let changed = hooked.iter().any(|hooked| text(&hooked.verdict, "verdict") != "proceed");
    if changed && !printed.is_empty() {
        output::print(&output::dim(&format!(
            "          the panel reads {}",
            printed.lines().last().unwrap_or_default()
        )))?;
    }
    Ok(())
}

fn print(
    recorded: &RecordedCall,
    hook_call: &Translated,
    verdict: &Value,
    powers: &[Power],
) -> Result<(), Failure> {
    let altered = items(verdict, "alterations").next().is_some();
    let word = match text(verdict, "verdict") {
        "proceed" if altered => "altered",
        "deny" => "denied",
        "skip" => "skipped",
        word => word,
    };
    let object =
        hook_call.object.as_ref().map_or(String::new(), |object| format!(" {}", object.id));
    output::print(&format!(
        "{}  {:11} {:38} {}{} {}{object}",
        recorded.at,
        recorded.call.dialect.name(),
        format!("{}:{}", hook_call.phase, hook_call.action),
        output::verdict(word),
        // Not by the format, which would count what colours the word.
        " ".repeat(7_usize.saturating_sub(word.len())),
        output::dim(&format!("({})", hook_call.native)),
    ))?;
    for problem in items(verdict, "problems") {
        let field = problem
            .get("field")
            .and_then(Value::as_str)
            .map_or(String::new(), |field| format!("{field}: "));
        output::print(&format!(
            "          {field}{}  {}",
            text(problem, "message"),
            output::dim(&format!("by {}", text(problem, "extension")))
        ))?;
    }
    print_changes(verdict, "          ")?;
    if let Some(result) =
        verdict.get("result").filter(|result| !result.is_null() && word == "skipped")
    {
        output::print(&format!("          result: {}", crate::hook::redacted(result)))?;
    }
    for trace in items(verdict, "trace")
        .filter(|trace| trace.get("fault").is_some_and(|fault| !fault.is_null()))
    {
        let fault = trace.get("fault").unwrap_or(&Value::Null);
        output::print(&format!(
            "          {} failed: {}",
            text(trace, "extension"),
            text(fault, "message")
        ))?;
    }
    let needed = match word {
        "denied" => Some(Power::Deny),
        "skipped" => Some(Power::Skip),
        "altered" => Some(Power::Alter),
        _ => None,
    };
    match needed.filter(|power| !powers.contains(power)) {
        Some(power) => output::print(&output::dim(&format!(
            "          {power} has no effect here: {} does not heed it",
            recorded.call.dialect
        ))),
        None => Ok(()),
    }
}
