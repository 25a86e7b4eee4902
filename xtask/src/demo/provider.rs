//! A server that a Bitrix environment orders: the panel asks by `palisade-hook`, the
//! extension `mock-cloud` orders it at the cloud that it brings.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::running::RunningHost;
use crate::workspace::Workspace;
use crate::{apt, cmd};

/// How long the server may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often the panel asks for it.
const INTERVAL: Duration = Duration::from_millis(400);
/// How long the cloud takes for each of its stages, in milliseconds.
const STAGE_MS: &str = "600";
/// What is ordered.
const OFFER: &str = "7";

/// The cloud, a process that ends with this.
struct Cloud {
    child: Child,
    origin: String,
}

impl Cloud {
    fn start(script: &Path) -> Result<Self> {
        if cmd::in_path("python3").is_none() {
            apt::install(&["python3"])?;
        }
        let mut command = Command::new("python3");
        command.arg(script).args(["--port", "0", "--stage-ms", STAGE_MS]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| cmd::cannot_start(&command))?;
        let stdout = child.stdout.take().context("the cloud has no output")?;
        let mut cloud = Self { child, origin: String::new() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let origin = line.split_whitespace().find(|word| word.starts_with("http://"));
        cloud.origin = origin.with_context(|| format!("the cloud says `{line}`"))?.to_owned();
        Ok(cloud)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Orders a server and waits until the panel has it.
pub fn order(
    workspace: &Workspace,
    host: &RunningHost,
    hook: &Path,
    directory: &Path,
) -> Result<()> {
    let example = workspace.guest_examples().join("mock-cloud");
    let cloud = Cloud::start(&example.join("api/mock_cloud.py"))?;
    let packed = pack(workspace, host, &example, directory, &cloud.origin)?;
    cmd::run(host.client().arg("install").arg(packed).arg("--grant-all"))?;
    cmd::run(host.client().args(["settings", "mock-cloud", "token=correct-horse"]))?;

    ask(hook, &["help"])?;
    ask(hook, &["configs"])?;
    let ordered = ask(hook, &["order", OFFER])?;
    let task = text(&ordered, "task_id").context("the order has no task")?.to_owned();
    let began = Instant::now();
    let mut last = String::new();
    while began.elapsed() < DEADLINE {
        let answer = status(hook, &task)?;
        let state = text(&answer, "status").unwrap_or("no status").to_owned();
        if state != last {
            println!("    order_status {task}: {state}");
            last = state;
        }
        match last.as_str() {
            "in_progress" => thread::sleep(INTERVAL),
            "finished" => {
                let server = text(&answer, "server").context("the server has no address")?;
                text(&answer, "server_password").context("the server has no password")?;
                println!("    the panel has the server {server} and its password");
                return cmd::run(host.client().arg("orders"));
            }
            _ => bail!("the order ended: {answer}"),
        }
    }
    bail!("the order did not end within {DEADLINE:?}")
}

/// Packs the example anew, with the address of the cloud in its manifest.
fn pack(
    workspace: &Workspace,
    host: &RunningHost,
    example: &Path,
    directory: &Path,
    origin: &str,
) -> Result<std::path::PathBuf> {
    let manifest = std::fs::read_to_string(example.join("extension.toml"))?;
    let manifest = manifest.replace("http://127.0.0.1:8098", origin);
    std::fs::write(directory.join("extension.toml"), manifest)?;
    let packed = directory.join("mock-cloud.wasm");
    let mut pack = host.client();
    pack.current_dir(directory).arg("pack").arg(workspace.packed().join("mock-cloud.wasm"));
    cmd::output(pack.arg("--output").arg(&packed))?;
    Ok(packed)
}

/// Calls the provider as the panel does, and prints what the panel reads.
fn ask(hook: &Path, arguments: &[&str]) -> Result<Value> {
    let printed = call(hook, arguments)?;
    println!("    {}: {}", arguments.join(" "), printed.trim_end());
    parse(&printed)
}

/// Asks how far an order is. The answer has the server's password and is not printed.
fn status(hook: &Path, task: &str) -> Result<Value> {
    parse(&call(hook, &["order_status", task])?)
}

fn call(hook: &Path, arguments: &[&str]) -> Result<String> {
    cmd::output(Command::new(hook).args(["bitrix", "mock-cloud"]).args(arguments))
}

fn parse(printed: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(printed).context("the panel read no JSON")?;
    match answer.get("error") {
        None => Ok(answer),
        Some(_) => bail!("the panel read an error: {answer}"),
    }
}

fn text<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer.get(name)?.as_str()
}
