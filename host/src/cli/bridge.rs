//! `palisade bridge`: plays recorded calls of panels against the host.

use std::path::PathBuf;

use clap::Subcommand;
use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, Content, segment};
use super::output::{self, Failure, Format, items, text};
use super::{Context, block_on};
use crate::bridge::{Answer, Dialect, PanelCall, Translated, recorded_calls};
use crate::hook::{Change, Decision, Disclosed, Phase, Power, Problem};

/// What to do with a dialect.
#[derive(Subcommand)]
pub enum Verb {
    /// Play recorded calls of panels, and print each verdict with what changed and by whom
    Replay {
        /// The recording: one call as a JSON object on each line
        file: PathBuf,
    },
}

impl Verb {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let Verb::Replay { file } = self;
        let recording = std::fs::read(&file).map_err(|error| {
            Failure::new(format!("`{}` cannot be read: {error}", file.display()))
        })?;
        let calls = recorded_calls(&recording)
            .map_err(|error| Failure::new(format!("`{}`: {error}", file.display())))?;
        let client = context.client()?;
        block_on(async {
            let mut played = Vec::new();
            for call in &calls {
                played.push(play(context, &client, call).await?);
            }
            match context.format {
                Format::Json => output::print_json(&Value::Array(played)),
                Format::Text => Ok(()),
            }
        })
    }
}

/// Plays one call: translates it, asks the host, and translates the answer back.
async fn play(context: &Context, client: &Client, call: &PanelCall) -> Result<Value, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(format!("the call at {} of `{}`: {error}", call.at, call.panel))
    };
    let dialect =
        Dialect::from_name(&call.panel).ok_or_else(|| wrong(&"no dialect of this name"))?;
    let translated = dialect.translate(call).map_err(|error| wrong(&error))?;
    let mut verdicts = Vec::new();
    for hook_call in &translated {
        let path = format!("/v1/actions/{}/{}", segment(&hook_call.action), hook_call.phase);
        verdicts
            .push(client.request(Method::POST, &path, Content::Json(request(hook_call)?)).await?);
    }
    let answers: Vec<Answer> = translated
        .iter()
        .zip(&verdicts)
        .map(|(hook_call, verdict)| answer(hook_call.phase, verdict))
        .collect();
    let printed = dialect.answer(call, &answers);
    if context.format == Format::Text {
        for (hook_call, verdict) in translated.iter().zip(&verdicts) {
            print(call, hook_call, verdict, dialect.powers(call))?;
        }
        let changed = verdicts.iter().any(|verdict| text(verdict, "verdict") != "proceed");
        if changed && !printed.is_empty() {
            output::print(&output::dim(&format!(
                "          the panel reads {}",
                printed.lines().last().unwrap_or_default()
            )))?;
        }
    }
    let verdicts: Vec<Value> = translated
        .iter()
        .zip(verdicts)
        .map(|(hook_call, verdict)| output::without_secrets(&hook_call.action, verdict))
        .collect();
    Ok(
        json!({ "at": call.at, "panel": call.panel, "hooks": translated.iter().map(|hook_call| format!("{}:{}", hook_call.phase, hook_call.action)).collect::<Vec<_>>(), "verdicts": verdicts, "printed": printed }),
    )
}

/// The request of the panel API that a translated call is.
#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: &'a Option<crate::hook::ObjectRef>,
    params: Disclosed<'a, crate::hook::Params>,
    old: Disclosed<'a, crate::hook::Params>,
    attributes: &'a indexmap::IndexMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<crate::hook::Status>,
}

fn request(call: &Translated) -> Result<Value, Failure> {
    let actor = call.actor.as_ref().map(|actor| {
        json!({ "kind": actor.kind.name(), "role": actor.role.as_ref().map(crate::hook::Role::name), "id": actor.id, "name": actor.name })
    });
    Ok(serde_json::to_value(Request {
        actor,
        object: &call.object,
        params: Disclosed(&call.params),
        old: Disclosed(&call.old),
        attributes: &call.attributes,
        status: (call.phase == Phase::After).then_some(call.status),
    })?)
}

fn answer(phase: Phase, verdict: &Value) -> Answer {
    let decision = match text(verdict, "verdict") {
        "deny" => Decision::Deny,
        "skip" => Decision::Skip,
        _ => Decision::Proceed,
    };
    let problems = items(verdict, "problems").map(|problem| Problem {
        code: text(problem, "code").to_owned(),
        field: problem.get("field").and_then(Value::as_str).map(str::to_owned),
        message: text(problem, "message").to_owned(),
    });
    let shown =
        items(verdict, "alterations").filter(|_| phase == Phase::After).map(|alteration| Change {
            name: text(alteration, "field").to_owned(),
            value: alteration.get("to").filter(|to| !to.is_null()).map(|to| to.clone().into()),
        });
    Answer { decision, problems: problems.collect(), shown: shown.collect() }
}

fn print(
    call: &PanelCall,
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
        call.at,
        call.panel,
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
    for change in items(verdict, "alterations") {
        let side = |key: &str| {
            change
                .get(key)
                .filter(|value| !value.is_null())
                .map_or("(nothing)".to_owned(), output::value)
        };
        output::print(&format!(
            "          {}: {} -> {}  {}",
            text(change, "field"),
            side("from"),
            side("to"),
            output::dim(&format!("by {}", text(change, "extension")))
        ))?;
    }
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
            call.panel
        ))),
        None => Ok(()),
    }
}
