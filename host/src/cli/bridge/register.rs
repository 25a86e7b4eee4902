//! `palisade bridge register`, `unregister` and `check`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::machine::{Machine, Settings, Step, Todo};
use super::program;
use crate::bridge::registration::{Registration, Wanted, registration};
use crate::bridge::{Dialect, PanelHook, Simulation, find, panel_hooks, title};
use crate::cli::client::{Client, Content, segment};
use crate::cli::output::{self, Failure, Format, items, text};
use crate::cli::panels::parse_panel;
use crate::cli::{Context, block_on};
use crate::hook::{HookPattern, Phase, Power};

/// The user that the program becomes where nothing else is configured.
const USER: &str = "palisade";

/// A panel, and where it is.
#[derive(Args, Debug, Clone)]
pub struct Where {
    /// The panel, by its dialect
    #[arg(value_parser = parse_panel)]
    pub panel: Dialect,
    #[command(flatten)]
    pub on: On,
}

/// Where a panel is.
#[derive(Args, Debug, Clone)]
pub struct On {
    /// The directory that stands for `/`
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
    /// The program that the panel starts [default: `palisade-hook` beside this one]
    #[arg(long, value_name = "PATH")]
    pub hook_program: Option<PathBuf>,
    /// The panel on COREmanager: ispmgr, billmgr, vmmgr, dcimgr [default: ispmgr or billmgr]
    #[arg(long, value_name = "MANAGER")]
    pub manager: Option<String>,
    /// The panel's directory, where it is not the usual one
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
    /// An extension that provides something to a Bitrix environment; can be repeated
    #[arg(long = "provider", value_name = "ID")]
    pub providers: Vec<String>,
}

/// Has a panel call the program.
#[derive(Args)]
pub struct Register {
    #[command(flatten)]
    at: Where,
    /// Print what would be there, and write nothing
    #[arg(long)]
    print: bool,
    /// Set lines of the panel's own configuration, where nothing else is set
    #[arg(long)]
    write: bool,
}

/// Takes a registration away.
#[derive(Args)]
pub struct Unregister {
    #[command(flatten)]
    at: Where,
}

/// Sees whether a panel is registered and reaches the host.
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    at: Where,
}

/// The hooks that enabled extensions subscribe to. cPanel asks the host, which says the same.
pub async fn subscribed(client: &Client) -> Result<Vec<HookPattern>, Failure> {
    let extensions = client.request(Method::GET, "/v1/extensions", Content::None).await?;
    let mut hooks = Vec::new();
    let all = extensions.as_array().into_iter().flatten();
    for extension in all.filter(|extension| text(extension, "state") == "enabled") {
        let told = items(extension, "hooks").filter_map(Value::as_str);
        for hook in told.filter_map(|hook| HookPattern::parse(hook).ok()) {
            if !hooks.contains(&hook) {
                hooks.push(hook);
            }
        }
    }
    Ok(hooks)
}

/// The extensions that provide something, if it is a panel that orders: those named, and those that the host has.
pub async fn providers(client: &Client, at: &Where) -> Result<Vec<String>, Failure> {
    let mut providers = at.on.providers.clone();
    if at.panel != Dialect::Bitrix {
        return Ok(providers);
    }
    let extensions = client.request(Method::GET, "/v1/extensions", Content::None).await?;
    for summary in extensions.as_array().into_iter().flatten() {
        let id = text(summary, "id");
        let path = format!("/v1/extensions/{}", segment(id));
        let extension = client.request(Method::GET, &path, Content::None).await?;
        let provides = extension.get("provider").is_some_and(|provider| !provider.is_null());
        if provides && !providers.iter().any(|known| known == id) {
            providers.push(id.to_owned());
        }
    }
    Ok(providers)
}

impl Where {
    /// The machine that the panel is on.
    pub fn machine(&self) -> Machine {
        Machine::new(self.on.root.clone())
    }

    /// The program that the panel is to start.
    pub fn program(&self) -> Result<PathBuf, Failure> {
        self.on.hook_program.clone().map_or_else(program::beside, Ok)
    }

    /// What there has to be for the panel to call at these hooks.
    pub async fn registration(
        &self,
        context: &Context,
        hooks: &[PanelHook],
        providers: &[String],
    ) -> Result<Registration, Failure> {
        let program = self.program()?;
        // Where the program cannot say, it has its defaults.
        let checked = program::checked(&program).await.unwrap_or_default();
        let user = Some(text(&checked, "user")).filter(|user| !user.is_empty()).unwrap_or(USER);
        let socket = std::path::absolute(context.socket_path()?)?;
        registration(&Wanted {
            dialect: self.panel,
            hooks,
            program: &program,
            user,
            socket: &socket,
            manager: self.on.manager.as_deref(),
            into: self.on.into.as_deref(),
            providers,
        })
        .map_err(|error| Failure::new(error.to_string()))
    }
}

impl Register {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        block_on(async {
            let hooks = panel_hooks(self.at.panel, &subscribed(&client).await?);
            let providers = providers(&client, &self.at).await?;
            let own = self.at.registration(context, &hooks, &providers).await?;
            if self.print {
                return print(context, self.at.panel, &hooks, &own);
            }
            let machine = found(&self.at, &own)?;
            let settings = if self.write { Settings::Write } else { Settings::Name };
            let steps = machine.steps(&own, settings).await?;
            carry_out(context, &machine, &steps, &hooks, &own.hints).await
        })
    }
}

impl Unregister {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        block_on(async {
            let at = self.at;
            let own = at.registration(context, &[], &[]).await?;
            let machine = found(&at, &own)?;
            let steps = machine.steps(&own, Settings::Name).await?;
            let steps: Vec<Step> = steps.into_iter().filter(Step::is_open).collect();
            let hints: &[String] = if steps.is_empty() { &[] } else { &own.hints };
            carry_out(context, &machine, &steps, &[], hints).await
        })
    }
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        block_on(async {
            let panel = self.at.panel;
            let hooks = panel_hooks(panel, &subscribed(&client).await?);
            let providers = providers(&client, &self.at).await?;
            let own = self.at.registration(context, &hooks, &providers).await?;
            let steps = match self.at.machine().has(&own) {
                true => self.at.machine().steps(&own, Settings::Name).await?,
                false => Vec::new(),
            };
            let lacking: Vec<&Step> = steps
                .iter()
                .filter(|step| step.is_open() && !matches!(step.todo, Todo::ByHand(_)))
                .collect();
            let is_here = self.at.machine().has(&own);
            let call = probe_of(panel, &hooks, &providers)?;
            let begun = Instant::now();
            let output = program::probe(&self.at.program()?, &call.panel_call()).await?;
            let took = begun.elapsed();
            let note = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let answered = output.status.code() != Some(70) && output.status.code() != Some(2);
            let name = format!("{}:{}", call.hook.phase, call.hook.native);
            match context.format {
                Format::Json => output::print_json(&json!({
                    "panel": panel,
                    "here": is_here,
                    "lacking": lacking.iter().map(|step| step.told(step.lacking())).collect::<Vec<_>>(),
                    "probe": {
                        "hook": name,
                        "answered": answered,
                        "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                        "status": output.status.code(),
                        "stdout": String::from_utf8_lossy(&output.stdout),
                        "note": note,
                    },
                }))?,
                Format::Text => {
                    for step in &steps {
                        output::print(&format!(
                            "{} {}: {}",
                            step.kind,
                            step.place,
                            step.lacking()
                        ))?;
                    }
                    if !is_here {
                        output::print(&format!(
                            "{} is not on this machine: there is no `{}`",
                            title(panel),
                            own.base.display()
                        ))?;
                    }
                    let answer = match answered {
                        true => format!(
                            "the panel reads {} bytes, status {}",
                            output.stdout.len(),
                            output.status.code().unwrap_or_default()
                        ),
                        false => "no answer".to_owned(),
                    };
                    output::print(&format!(
                        "rehearsal of {name}: {answer}, after {:.1} ms",
                        took.as_secs_f64() * 1e3
                    ))?;
                    if !note.is_empty() {
                        output::print(&format!("  {note}"))?;
                    }
                }
            }
            match (answered, lacking.is_empty() && is_here) {
                (true, true) => Ok(()),
                (false, _) => Err(Failure::new(format!("the rehearsal got no answer: {note}"))),
                (true, false) => {
                    Err(Failure::new(format!("{} is not registered as it should be", title(panel)))
                        .with_hint(format!("palisade bridge register {panel}")))
                }
            }
        })
    }
}

/// A call that the panel makes: at the first hook that is registered, else at any.
fn probe_of(
    panel: Dialect,
    hooks: &[PanelHook],
    providers: &[String],
) -> Result<Simulation, Failure> {
    let any = [Phase::Before, Phase::After].map(|phase| format!("{phase}:*"));
    let any: Vec<HookPattern> =
        any.iter().filter_map(|hook| HookPattern::parse(hook).ok()).collect();
    let known = hooks.first().cloned().or_else(|| panel_hooks(panel, &any).into_iter().next());
    let hook = match (panel, known) {
        (_, Some(known)) => known.native,
        (Dialect::Bitrix, None) => find(panel, "help", None, None).map_err(Failure::of)?,
        (_, None) => find(panel, "palisade.probe", None, None).map_err(Failure::of)?,
    };
    Ok(Simulation { object: providers.first().cloned(), ..Simulation::bare(panel, hook) })
}

/// The machine, if the panel is on it.
fn found(at: &Where, own: &Registration) -> Result<Machine, Failure> {
    let machine = at.machine();
    match machine.has(own) {
        true => Ok(machine),
        false => Err(Failure::new(format!(
            "{} is not on this machine: there is no `{}`",
            title(at.panel),
            own.base.display()
        ))
        .with_hint(
            "`--print` shows what would be there; `--root` and `--into` say where the panel is",
        )),
    }
}

async fn carry_out(
    context: &Context,
    machine: &Machine,
    steps: &[Step],
    hooks: &[PanelHook],
    hints: &[String],
) -> Result<(), Failure> {
    let mut told = Vec::new();
    for step in steps {
        machine.take(step).await?;
        match context.format {
            Format::Text => {
                output::print(&format!("{} {}: {}", step.kind, step.place, step.done()))?
            }
            Format::Json => told.push(step.told(step.done())),
        }
    }
    let changed = steps.iter().any(Step::is_open);
    match context.format {
        Format::Json => output::print_json(&json!({
            "hooks": hooks.iter().map(hook_as_json).collect::<Vec<_>>(),
            "steps": told,
            "hints": if changed { hints } else { &[] },
        }))?,
        Format::Text if steps.is_empty() => {
            output::print("nothing is registered, and nothing has to be")?
        }
        Format::Text if changed => {
            for hint in hints {
                output::print(&format!("note: {hint}"))?;
            }
        }
        Format::Text => {}
    }
    let in_the_way = steps.iter().filter(|step| matches!(step.todo, Todo::InTheWay(_))).count();
    match in_the_way {
        0 => Ok(()),
        _ => Err(Failure::new(format!("{in_the_way} of {} steps are not done", steps.len()))
            .with_hint("have what is in the way call `palisade-hook` too, or move it")),
    }
}

/// What would be there, for a person to read or another program to put there.
fn print(
    context: &Context,
    panel: Dialect,
    hooks: &[PanelHook],
    own: &Registration,
) -> Result<(), Failure> {
    let commands: Vec<String> = own
        .told
        .iter()
        .flat_map(|told| told.missing(""))
        .map(|command| command.to_string())
        .collect();
    if context.format == Format::Json {
        let files = own.files.iter().map(|file| {
            json!({ "path": file.path, "contents": file.contents, "mode": format!("{:o}", file.mode) })
        });
        let settings = own.settings.iter().filter(|setting| !setting.value.is_empty());
        let settings = settings.map(
            |setting| json!({ "file": setting.file, "key": setting.key, "value": setting.value }),
        );
        return output::print_json(&json!({
            "panel": panel,
            "hooks": hooks.iter().map(hook_as_json).collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
            "links": own.links,
            "commands": commands,
            "settings": settings.collect::<Vec<_>>(),
            "hints": own.hints,
        }));
    }
    for hook in hooks {
        let unsure =
            if hook.native.verified { "" } else { " (not known from the vendor's documents)" };
        let heeds = match hook.powers {
            [] if hook.waits => "heeds nothing".to_owned(),
            [] => "only tells".to_owned(),
            powers => format!(
                "heeds {}",
                powers.iter().map(Power::to_string).collect::<Vec<_>>().join(", ")
            ),
        };
        let native = &hook.native;
        output::print(&output::dim(&format!(
            "# {}:{} is {}, and {} {heeds}{unsure}",
            native.phase,
            native.native,
            native.action,
            title(panel)
        )))?;
    }
    for file in &own.files {
        output::print(&format!("# file {} (mode {:o})", file.path.display(), file.mode))?;
        output::print(&file.contents)?;
    }
    for (path, target) in &own.links {
        output::print(&format!("ln -sfn {} {}", target.display(), path.display()))?;
    }
    for command in commands {
        output::print(&command)?;
    }
    for setting in own.settings.iter().filter(|setting| !setting.value.is_empty()) {
        output::print(&format!(
            "# in {}\n{}={}",
            setting.file.display(),
            setting.key,
            setting.value
        ))?;
    }
    for hint in &own.hints {
        output::print(&format!("# {hint}"))?;
    }
    Ok(())
}

fn hook_as_json(hook: &PanelHook) -> Value {
    json!({
        "phase": hook.native.phase,
        "native": hook.native.native,
        "action": hook.native.action,
        "powers": hook.powers,
        "waits": hook.waits,
        "verified": hook.native.verified,
    })
}
