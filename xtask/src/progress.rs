//! Shows how far a cargo build is: a bar on a terminal, now and then a line
//! elsewhere.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{cmd, toolchain};

/// How often a line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(15);

/// Runs a `cargo build` command and shows its progress under `label`. `crates` is
/// how many it builds, where that is known.
pub fn build(label: &str, command: &mut Command, crates: Option<u64>) -> Result<()> {
    command.arg("--message-format=json-render-diagnostics");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cmd::cannot_start(command))?;
    let stdout = child.stdout.take().context("cargo's output is not captured")?;
    let stderr = child.stderr.take().context("cargo's errors are not captured")?;

    let (sender, events) = mpsc::channel();
    let messages = spawn_reader(stdout, sender.clone(), |line| parse_message(&line));
    let lines = spawn_reader(stderr, sender, |line| Some(parse_line(line)));
    let mut display = Display::new(label, crates);
    for event in events {
        display.show(event);
    }
    // Both have ended: the channel closes with the last of them.
    for reader in [messages, lines] {
        let _ = reader.join();
    }
    display.finish();
    let status = child.wait()?;
    cmd::check(command, status)
}

/// Downloads what building `package` takes and counts its packages, or returns
/// `None` if cargo cannot tell: the build itself will say why.
pub fn fetch_and_count(root: &Path, package: &str) -> Option<u64> {
    let mut fetch = cmd::cargo(root);
    fetch.args(["fetch", "--locked", "--target", &toolchain::host_triple().ok()??]);
    cmd::run(&mut fetch).ok()?;

    let mut command = cmd::cargo(root);
    command.args(["tree", "--locked", "--package", package, "--edges", "normal,build"]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    let tree = cmd::output(&mut command).ok()?;
    let packages: HashSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect();
    u64::try_from(packages.len()).ok()
}

/// What cargo tells while it builds.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// A part of this package is built.
    Built(String),
    /// Cargo does something, such as `Compiling serde v1.0`.
    Doing(String),
    /// A line of a warning or an error.
    Diagnostic(String),
}

fn spawn_reader(
    source: impl Read + Send + 'static,
    sender: Sender<Event>,
    parse: impl Fn(String) -> Option<Event> + Send + 'static,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some(event) = parse(line) else { continue };
            if sender.send(event).is_err() {
                return;
            }
        }
    })
}

fn parse_message(line: &str) -> Option<Event> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message.get("reason")?.as_str()? != "compiler-artifact" {
        return None;
    }
    Some(Event::Built(message.get("package_id")?.as_str()?.to_owned()))
}

/// Cargo right-aligns the verb of a status line in twelve columns.
fn parse_line(line: String) -> Event {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let verb = text.split(' ').next().unwrap_or_default();
    let is_status = indent > 0
        && indent + verb.len() == 12
        && verb.starts_with(|first: char| first.is_ascii_uppercase());
    match is_status {
        true => Event::Doing(text.to_owned()),
        false => Event::Diagnostic(line),
    }
}

/// What the user sees.
struct Display {
    label: String,
    bar: ProgressBar,
    crates: Option<u64>,
    built: HashSet<String>,
    doing: String,
    began: Instant,
    last_line: Instant,
}

impl Display {
    fn new(label: &str, crates: Option<u64>) -> Self {
        let bar = match std::io::stdout().is_terminal() {
            true => ProgressBar::with_draw_target(crates, ProgressDrawTarget::stdout()),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template(template(crates)) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        let began = Instant::now();
        let (built, doing) = (HashSet::new(), String::new());
        Self { label: label.to_owned(), bar, crates, built, doing, began, last_line: began }
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::Built(package) => {
                self.built.insert(package);
                self.bar.set_position(self.built.len() as u64);
            }
            Event::Doing(what) => {
                let what = what.split(" (").next().unwrap_or_default();
                self.bar.set_message(what.to_owned());
                self.doing = what.to_owned();
            }
            Event::Diagnostic(line) => self.bar.suspend(|| eprintln!("{line}")),
        }
        let is_due = self.last_line.elapsed() >= LINE_INTERVAL;
        if self.bar.is_hidden() && is_due {
            println!("    {}: {}, {}", self.label, self.count(), self.doing);
            self.last_line = Instant::now();
        }
    }

    fn finish(self) {
        self.bar.finish_and_clear();
        let seconds = self.began.elapsed().as_secs();
        println!("    {}: {} in {seconds} s", self.label, self.count());
    }

    fn count(&self) -> String {
        match self.crates {
            Some(crates) => format!("{} of {crates} crates", self.built.len()),
            None => format!("{} crates", self.built.len()),
        }
    }
}

fn template(crates: Option<u64>) -> &'static str {
    match crates {
        Some(_) => "    {prefix} [{bar:30}] {pos}/{len} {wide_msg}",
        None => "    {prefix} {spinner} {pos} crates {wide_msg}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_told_from_a_diagnostic() {
        let status = parse_line("   Compiling serde v1.0.2".to_owned());
        assert_eq!(status, Event::Doing("Compiling serde v1.0.2".to_owned()));
        let warning = "warning: unused variable: `Blue`".to_owned();
        assert_eq!(parse_line(warning.clone()), Event::Diagnostic(warning));
        let code = "    Blue => 1,".to_owned();
        assert_eq!(parse_line(code.clone()), Event::Diagnostic(code));
    }

    #[test]
    fn only_built_packages_are_counted() {
        let built = r#"{"reason":"compiler-artifact","package_id":"a#1.0.0"}"#;
        assert_eq!(parse_message(built), Some(Event::Built("a#1.0.0".to_owned())));
        assert_eq!(parse_message(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(parse_message("not JSON"), None);
    }
}
