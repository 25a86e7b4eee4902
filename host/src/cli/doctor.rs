//! `palisade doctor`: looks at everything that has to be right for a panel's hooks to come to handlers.

use std::process::ExitCode;

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::bridge::{
    Machine, On, Settings, Step, Todo, Where, beside, checked, providers, subscribed,
};
use super::client::{Client, Content, segment};
use super::output::{self, Failure, Format, items, number, text};
use super::panels::{handlers, parse_panel};
use super::{Context, block_on};
use crate::bridge::{Dialect, panel_hooks, title};

/// Looks for what is wrong.
#[derive(Args)]
pub struct Doctor {
    /// The panel, by its dialect [default: the `panel` of the host's configuration]
    #[arg(long, value_name = "PANEL", value_parser = parse_panel)]
    panel: Option<Dialect>,
    #[command(flatten)]
    on: On,
}

/// How it is with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Good,
    /// Not as one may think, and no reason to fail.
    Note,
    /// Wrong.
    Wrong,
}

/// One thing that was looked at.
struct Finding {
    state: State,
    /// What was looked at.
    subject: &'static str,
    message: String,
    /// What to do.
    hint: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, state: State, subject: &'static str, message: impl Into<String>) {
        self.0.push(Finding { state, subject, message: message.into(), hint: None });
    }

    fn wrong(&mut self, subject: &'static str, failure: &Failure) {
        self.add(State::Wrong, subject, failure.message.clone());
        self.hint(failure.hint.clone());
    }

    /// What to do about what was found last.
    fn hint(&mut self, hint: Option<String>) {
        if let Some(last) = self.0.last_mut() {
            last.hint = hint;
        }
    }
}

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let mut found = Findings::default();
        block_on(async {
            self.look(context, &mut found).await;
            Ok(())
        })?;
        let wrong = found.0.iter().filter(|finding| finding.state == State::Wrong).count();
        match context.format {
            Format::Json => output::print_json(&json!({
                "well": wrong == 0,
                "findings": found.0.iter().map(Finding::told).collect::<Vec<_>>(),
            }))?,
            Format::Text => {
                for finding in &found.0 {
                    finding.print()?;
                }
                output::print(&match wrong {
                    0 => "nothing is wrong".to_owned(),
                    1 => "1 thing is wrong".to_owned(),
                    wrong => format!("{wrong} things are wrong"),
                })?;
            }
        }
        Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(output::FAILED) })
    }

    async fn look(&self, context: &Context, found: &mut Findings) {
        let client = match context.client() {
            Ok(client) => client,
            Err(failure) => return found.wrong("configuration", &failure),
        };
        let status = client.request(Method::GET, "/v1/status", Content::None).await;
        let configured = match &status {
            Ok(status) => look_at_host(status, found),
            Err(failure) => {
                found.wrong("host", failure);
                context.config().ok().and_then(|config| config.panel)
            }
        };
        let panel = self.panel.or(configured);
        match panel {
            Some(panel) => found.add(State::Good, "panel", title(panel)),
            None => {
                found.add(
                    State::Note,
                    "panel",
                    "no panel is configured, so it is not known what works on it",
                );
                found.hint(Some("set `panel` in palisade.toml, or name it by --panel".to_owned()));
            }
        }
        if status.is_ok()
            && let Err(failure) = look_at_extensions(&client, panel, found).await
        {
            found.wrong("extensions", &failure);
        }
        self.look_at_program(found).await;
        if let Some(panel) = panel.filter(|panel| *panel != Dialect::Generic) {
            let at = Where { panel, on: self.on.clone() };
            if let Err(failure) =
                look_at_registration(context, &client, &at, status.is_ok(), found).await
            {
                found.wrong("registration", &failure);
            }
        }
    }

    /// The program that the panel starts, by what it says of itself.
    async fn look_at_program(&self, found: &mut Findings) {
        const SUBJECT: &str = "palisade-hook";
        let program = match self.on.hook_program.clone().map_or_else(beside, Ok) {
            Ok(program) => program,
            Err(failure) => return found.wrong(SUBJECT, &failure),
        };
        let told = match checked(&program).await {
            Ok(told) => told,
            Err(failure) => return found.wrong(SUBJECT, &failure),
        };
        let file = match text(&told, "configuration") {
            "" => "its defaults",
            file => file,
        };
        let (user, socket) = (text(&told, "user"), text(&told, "socket"));
        let is_sound = items(&told, "wrong").next().is_none();
        if is_sound {
            let message =
                format!("`{}` reaches `{socket}` as `{user}`, by {file}", program.display());
            found.add(State::Good, SUBJECT, message);
        }
        for wrong in items(&told, "wrong").filter_map(Value::as_str) {
            found.add(State::Wrong, SUBJECT, wrong);
        }
        for note in items(&told, "notes").filter_map(Value::as_str) {
            found.add(State::Note, SUBJECT, note);
        }
        look_at_version(SUBJECT, text(&told, "version"), found);
    }
}

/// The host's own state; returns the panel that it is configured for.
fn look_at_host(status: &Value, found: &mut Findings) -> Option<Dialect> {
    let version = text(status, "version");
    let (extensions, enabled) = (number(status, "extensions"), number(status, "enabled"));
    found.add(
        State::Good,
        "host",
        format!("version {version}, {extensions} extensions, {enabled} enabled"),
    );
    look_at_version("host", version, found);
    match status.get("healthy").and_then(Value::as_bool) {
        Some(true) => found.add(State::Good, "store", "every write is durable"),
        _ => {
            found.add(State::Wrong, "store", "a write could not be made durable");
            found.hint(Some("the host's log says why; restart it when that is mended".to_owned()));
        }
    }
    match number(status, "journal_dropped") {
        0 => {}
        dropped => found.add(
            State::Note,
            "journal",
            format!("{dropped} entries could not be taken since the start"),
        ),
    }
    Dialect::from_name(text(status, "panel")).ok()
}

fn look_at_version(subject: &'static str, version: &str, found: &mut Findings) {
    let own = env!("CARGO_PKG_VERSION");
    if version != own {
        found.add(
            State::Note,
            subject,
            format!("its version is {version}, and this program's {own}"),
        );
    }
}

/// What works of each handler, and how it behaves.
async fn look_at_extensions(
    client: &Client,
    panel: Option<Dialect>,
    found: &mut Findings,
) -> Result<(), Failure> {
    const SUBJECT: &str = "handler";
    let list = client.request(Method::GET, "/v1/extensions", Content::None).await?;
    for summary in list.as_array().into_iter().flatten() {
        let id = text(summary, "id");
        let path = format!("/v1/extensions/{}", segment(id));
        let extension = client.request(Method::GET, &path, Content::None).await?;
        if text(&extension, "state") == "disabled" {
            found.add(State::Note, SUBJECT, format!("`{id}` is disabled"));
        }
        for bypassed in items(&extension, "bypassed") {
            let hook =
                Some(text(bypassed, "hook")).filter(|hook| !hook.is_empty()).unwrap_or("all hooks");
            let message = format!("`{id}` is bypassed at {hook}: {}", text(bypassed, "reason"));
            found.add(State::Wrong, SUBJECT, message);
            found.hint(Some(format!("palisade enable {id} ends it")));
        }
        if extension.get("veto_alarm").and_then(Value::as_bool).unwrap_or_default() {
            found.add(State::Wrong, SUBJECT, format!("`{id}` denies more than it should"));
        }
        let Some(panel) = panel else { continue };
        let mut works = true;
        for handler in handlers(&extension) {
            if let Some(unmet) = handler.unmet(panel) {
                works = false;
                found.add(State::Wrong, SUBJECT, format!("`{id}`: {unmet}"));
                continue;
            }
            for shortfall in handler.shortfalls(panel) {
                works = false;
                found.add(State::Note, SUBJECT, format!("`{id}`: {shortfall}"));
            }
        }
        if works {
            found.add(State::Good, SUBJECT, format!("`{id}` works whole on {}", title(panel)));
        }
    }
    Ok(())
}

/// Whether the panel calls at the hooks that extensions subscribe to.
async fn look_at_registration(
    context: &Context,
    client: &Client,
    at: &Where,
    is_reached: bool,
    found: &mut Findings,
) -> Result<(), Failure> {
    const SUBJECT: &str = "registration";
    if !is_reached {
        found.add(
            State::Note,
            SUBJECT,
            "without the host it is not known what has to be registered",
        );
        return Ok(());
    }
    let hooks = panel_hooks(at.panel, &subscribed(client).await?);
    let own = at.registration(context, &hooks, &providers(client, at).await?).await?;
    let machine: Machine = at.machine();
    if !machine.has(&own) {
        let message = format!(
            "{} is not on this machine: there is no `{}`",
            title(at.panel),
            own.base.display()
        );
        found.add(State::Note, SUBJECT, message);
        return Ok(());
    }
    let steps = machine.steps(&own, Settings::Write).await?;
    for step in steps.iter().filter(|step| step.is_open()) {
        let state = if matches!(step.todo, Todo::ByHand(_)) { State::Note } else { State::Wrong };
        found.add(state, SUBJECT, format!("{} {}: {}", step.kind, step.place, step.lacking()));
        found.hint(Some(format!("palisade bridge register {}", at.panel)));
    }
    if !steps.iter().any(Step::is_open) {
        found.add(State::Good, SUBJECT, format!("{} hooks of {}", hooks.len(), title(at.panel)));
    }
    Ok(())
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Note => "note",
            State::Wrong => "wrong",
        }
    }
}

impl Finding {
    fn told(&self) -> Value {
        json!({
            "state": self.state.word(),
            "subject": self.subject,
            "message": self.message,
            "hint": self.hint,
        })
    }

    fn print(&self) -> Result<(), Failure> {
        output::print(&format!("{:<5}  {}: {}", self.state.word(), self.subject, self.message))?;
        match &self.hint {
            Some(hint) => output::print(&output::dim(&format!("       {hint}"))),
            None => Ok(()),
        }
    }
}
