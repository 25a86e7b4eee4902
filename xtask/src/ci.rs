//! `cargo xtask ci`: everything that a change must pass, the tests last.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{cmd, contract, demo, docs, fuzz, hook, test, tools, unit};

/// What is left out.
#[derive(Args)]
pub struct Options {
    /// Leave a step out; can be given more than once. Not where `CI` is `true`.
    #[arg(long, value_name = "STEP")]
    skip: Vec<Step>,
}

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The code is formatted.
    Fmt,
    /// Clippy has nothing to say.
    Clippy,
    /// The contract is documented and breaks no guest.
    Contract,
    /// The book and the documentation of the code can be built.
    Docs,
    /// Dependencies have licences and sources that are allowed. With
    /// `PALISADE_ADVISORIES=1` also: no dependency has a known vulnerability,
    /// for which the advisory database is downloaded.
    Deny,
    /// `palisade-hook` can be built as one static program without the sandbox.
    Hook,
    /// The host works under its systemd unit.
    Unit,
    /// The demo shows a deny, an alter and a skip.
    Demo,
    /// A minute of random calls of panels finds nothing.
    Fuzz,
    /// All tests pass.
    Test,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Contract => "contract",
            Self::Docs => "docs",
            Self::Deny => "deny",
            Self::Hook => "hook",
            Self::Unit => "unit",
            Self::Demo => "demo",
            Self::Fuzz => "fuzz",
            Self::Test => "test",
        }
    }

    /// How to run this step alone.
    fn alone(self) -> &'static str {
        match self {
            Self::Fmt => "cargo fmt --all --check, here and in guest-examples",
            Self::Clippy => "cargo clippy --workspace --all-targets --locked -- -D warnings",
            Self::Contract => "cargo xtask contract",
            Self::Docs => "cargo xtask docs",
            Self::Deny => "cargo deny --offline check bans licenses sources",
            Self::Hook => "cargo xtask hook",
            Self::Unit => "cargo xtask unit",
            Self::Demo => "cargo xtask demo",
            Self::Fuzz => "cargo xtask fuzz dialects --for 60s",
            Self::Test => "cargo xtask test",
        }
    }

    fn run(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Fmt => fmt(workspace),
            Self::Clippy => clippy(workspace),
            Self::Contract => contract::run(workspace),
            Self::Docs => docs::run(workspace),
            Self::Deny => deny(workspace),
            Self::Hook => hook::run(workspace),
            Self::Unit => unit::run(workspace),
            Self::Demo => demo::run(workspace, &demo::Options::default()),
            Self::Fuzz => fuzz::run(workspace, &fuzz::Options::DIALECTS),
            Self::Test => test::run(workspace),
        }
    }
}

/// Runs the command.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let plan = plan(&options.skip, env::var("CI").ok().as_deref())?;
    let mut steps = Steps::new(plan.len());
    for step in plan {
        steps.run(step.name(), step.alone(), || step.run(workspace))?;
    }
    Ok(())
}

/// Returns the steps to run. `ci` is what the environment variable `CI` says.
fn plan(skip: &[Step], ci: Option<&str>) -> Result<Vec<Step>> {
    if ci == Some("true") && !skip.is_empty() {
        let names: Vec<&str> = skip.iter().map(|step| step.name()).collect();
        bail!("`CI` is `true`, where no step is skipped: {}", names.join(", "));
    }
    Ok(Step::value_variants().iter().copied().filter(|step| !skip.contains(step)).collect())
}

/// Both workspaces: that of the host and that of the guests.
fn workspaces(workspace: &Workspace) -> [std::path::PathBuf; 2] {
    [workspace.root.clone(), workspace.guest_examples()]
}

fn fmt(workspace: &Workspace) -> Result<()> {
    for directory in workspaces(workspace) {
        cmd::run(cmd::cargo(&directory).args(["fmt", "--all", "--check"]))?;
    }
    Ok(())
}

fn clippy(workspace: &Workspace) -> Result<()> {
    cmd::run(clippy_in(&workspace.root).args(["--", "-D", "warnings"]))?;
    let mut guests = clippy_in(&workspace.guest_examples());
    guests.arg("--target-dir").arg(workspace.guests_native()).args(["--", "-D", "warnings"]);
    cmd::run(&mut guests)
}

fn clippy_in(directory: &Path) -> Command {
    let mut command = cmd::cargo(directory);
    command.args(["clippy", "--workspace", "--all-targets", "--locked"]);
    command
}

fn deny(workspace: &Workspace) -> Result<()> {
    let deny = tools::ensure(workspace, &tools::CARGO_DENY)?;
    let wants_advisories = env::var("PALISADE_ADVISORIES").as_deref() == Ok("1");
    for directory in workspaces(workspace) {
        // What other platforms need is checked too and was not built here.
        cmd::run(cmd::cargo(&directory).args(["fetch", "--locked"]))?;
        let manifest = directory.join("Cargo.toml");
        let config = workspace.root.join("deny.toml");
        let check = |options: &[&str], checks: &[&str]| {
            let mut command = Command::new(&deny);
            cmd::clean(&mut command);
            command.arg("--manifest-path").arg(&manifest).arg("--config").arg(&config);
            command.arg("--locked").args(options);
            command.args(["check", "--hide-inclusion-graph"]).args(checks);
            cmd::run(&mut command)
        };
        check(&["--offline"], &["bans", "licenses", "sources"])?;
        if wants_advisories {
            check(&[], &["advisories"])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_the_last_step() {
        assert_eq!(plan(&[], Some("true")).unwrap().last(), Some(&Step::Test));
    }

    #[test]
    fn a_step_can_be_skipped() {
        let plan = plan(&[Step::Demo], None).unwrap();
        assert!(!plan.contains(&Step::Demo) && plan.contains(&Step::Deny));
    }

    #[test]
    fn nothing_is_skipped_in_ci() {
        let error = plan(&[Step::Demo, Step::Fmt], Some("true")).unwrap_err();
        assert_eq!(error.to_string(), "`CI` is `true`, where no step is skipped: demo, fmt");
    }
}
