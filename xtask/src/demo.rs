//! `cargo xtask demo`: plays a day of panel events through the example extensions
//! on a host of its own.

mod bridge;
mod panel;
mod provider;
mod running;
mod summary;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::panel::Panel;
use self::running::{End, RunningHost};
use crate::host::{self, Profile};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{cmd, guests};

/// The extensions that are installed; `misbehaving` is for the tests.
const EXAMPLES: [&str; 6] = [
    "reserved-names",
    "domain-defaults",
    "activation-mail",
    "audit-trail",
    "site-notes",
    "mailbox-insights",
];

/// How the demo runs.
#[derive(Args, Default)]
pub struct Options {
    /// Leave the host running, and print how to reach and stop it.
    #[arg(long)]
    keep: bool,
    /// Build the host as it is released: faster, and longer to build.
    #[arg(long)]
    release: bool,
}

/// Runs the command.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let profile = match options.release {
        true => Profile::Release,
        false => Profile::Dev,
    };
    let day = workspace.root.join("tests/fixtures/day.jsonl");
    if !day.is_file() {
        bail!("there is no day of events at `{}`", day.display());
    }
    let mut steps = Steps::new(7);
    let palisade = steps
        .run("build the host", "cargo build --bin palisade", || host::build(workspace, profile))?;
    steps.run("build the example extensions", "cargo xtask guests", || {
        guests::build(workspace, &palisade)
    })?;

    let end = match options.keep {
        true => End::Keep,
        false => End::Stop,
    };
    let directory = tempfile::Builder::new().prefix("palisade-demo-").tempdir()?;
    let port = panel::free_port()?;
    let mut host = steps.run("start the host", "palisade serve", || {
        RunningHost::start(&palisade, directory.path(), end, &panel::configuration(port))
    })?;
    steps.run("install the examples", "palisade install FILE", || {
        for example in EXAMPLES {
            let file = workspace.packed().join(format!("{example}.wasm"));
            cmd::run(host.client().arg("install").arg(file).arg("--grant-all"))?;
        }
        // Without it quotas stay as they are; the day has some that are too large.
        cmd::run(host.client().args(["settings", "domain-defaults", "max-quota=50000"]))?;
        cmd::run(host.client().arg("list"))
    })?;
    let program = bridge::install(&palisade, directory.path(), host.socket())?;
    let command = "palisade bridge replay FILE --through palisade-hook";
    steps.run("replay a day of events", command, || replay(&host, &day, &program))?;
    let command = "palisade-hook bitrix mock-cloud order 7";
    steps.run("order a server", command, || {
        provider::order(workspace, &host, &program, directory.path())
    })?;

    let mut panel = steps.run("show pages in a panel", "guest-examples/panel/panel.py", || {
        let panel = Panel::start(workspace, &host, port, end)?;
        panel.look()?;
        Ok(panel)
    })?;

    if end == End::Keep {
        let kept = directory.keep();
        explain(&palisade, &kept, &host, &panel);
        host.leave_running();
        panel.leave_running();
        return Ok(());
    }
    host.stop()?;
    println!("\nThe host is stopped and its data removed. All of it took {}.", steps.elapsed());
    println!("With `--keep` it stays, to be looked at: `cargo xtask demo --keep`.");
    Ok(())
}

fn replay(host: &RunningHost, day: &Path, program: &Path) -> Result<()> {
    let through = ["bridge", "replay", "--through"];
    cmd::run(host.client().args(through).arg(program).arg(day))?;
    let journal = cmd::output(host.client().args(["journal", "--limit", "1000", "--json"]))?;
    let journal = serde_json::from_str(&journal)
        .context("`palisade journal --json` printed something other than JSON")?;
    let summary = summary::count(&journal)?;
    println!("\nThe journal: {summary}");
    let missing = summary.missing();
    if !missing.is_empty() {
        bail!("the day shows no {}: an example does not do its work", missing.join(", no "));
    }
    Ok(())
}

fn explain(palisade: &Path, directory: &Path, host: &RunningHost, panel: &Panel) {
    let data: PathBuf = directory.to_path_buf();
    println!(
        "
The host is running.
  look:    export PALISADE_SOCKET={socket}
           {palisade} list
           {palisade} journal
           {palisade} fire mailbox.create --param address=root@customer.example
           curl --unix-socket {socket} http://localhost/v1/openapi.json
  panel:   {panel}
  its log: {log}
  stop:    kill {process} {panel_process} && rm -r {data}",
        socket = host.socket().display(),
        palisade = palisade.display(),
        log = host.log().display(),
        panel = panel.url(),
        process = host.process(),
        panel_process = panel.process().map(|process| process.to_string()).unwrap_or_default(),
        data = data.display(),
    );
}
