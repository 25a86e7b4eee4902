//! `cargo xtask fuzz`: throws random components at a host, or random calls of panels at the dialects, with one seed
//! after another, until it is told to stop or something is found.
//!
//! The tests `random` of `tests/all` and of `host/src/bridge` do the work; here is only what goes round them.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::host::{self, Profile};
use crate::workspace::Workspace;
use crate::{cmd, guests};

/// How long calls are thrown with one seed.
const ROUND: Duration = Duration::from_secs(60);

/// What the command can be given.
#[derive(clap::Args)]
pub struct Options {
    /// What is thrown
    #[arg(value_enum, default_value_t = What::Components)]
    what: What,
    /// How long, such as `30s`, `10m` or `2h`; without it, until it is interrupted
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    time: Option<Duration>,
    /// The first seed; each round takes the next one
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What is thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Random components, at a host
    Components,
    /// Random calls of panels, at each dialect for the time of a round, a minute at most
    Dialects,
}

impl Options {
    /// Each dialect for a minute.
    pub const DIALECTS: Self =
        Self { what: What::Dialects, time: Some(Duration::from_secs(60)), seed: 1 };
}

/// Runs the command.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut tests = match options.what {
        What::Components => components(workspace)?,
        What::Dialects => dialects(workspace, options.time),
    };
    let begun = Instant::now();
    let mut seed = options.seed;
    loop {
        let round = Instant::now();
        tests.env("PALISADE_FUZZ_SEED", seed.to_string());
        let output = tests.output().with_context(|| cmd::cannot_start(&tests))?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stdout));
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            let what = options.what.name();
            bail!("the seed {seed} found something; again: cargo xtask fuzz {what} --seed {seed}");
        }
        println!(
            "seed {seed}: nothing found in {:.0} s; {:.0} s in all",
            round.elapsed().as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
        if options.time.is_some_and(|time| begun.elapsed() >= time) {
            return Ok(());
        }
        seed = seed.checked_add(1).context("there are no more seeds")?;
    }
}

/// The tests that throw components.
fn components(workspace: &Workspace) -> Result<Command> {
    let palisade = host::build(workspace, Profile::Dev)?;
    guests::build(workspace, &palisade)?;
    let mut tests = cmd::cargo(&workspace.root);
    tests.args(["test", "--locked", "--quiet", "-p", "palisade-tests", "--test", "all"]);
    tests.args(["--", "random::"]);
    tests.env("PALISADE_BIN", &palisade).env("PALISADE_GUESTS", workspace.packed());
    Ok(tests)
}

/// The test that throws calls, for this long or a part of it.
fn dialects(workspace: &Workspace, time: Option<Duration>) -> Command {
    let mut tests = cmd::cargo(&workspace.root);
    tests.args(["test", "--locked", "--quiet", "-p", "palisade", "--lib"]);
    tests.args(["--", "bridge::random::"]);
    let round = time.map_or(ROUND, |time| time.min(ROUND));
    tests.env("PALISADE_FUZZ_SECONDS", round.as_secs().to_string());
    tests
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Components => "components",
            Self::Dialects => "dialects",
        }
    }
}

/// Reads a number with its unit: seconds, minutes or hours.
fn parse_time(text: &str) -> Result<Duration> {
    let units = [("s", 1), ("m", 60), ("h", 3_600)];
    let parsed = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    match parsed {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => bail!("a time is a number and `s`, `m` or `h`: `{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(parse_time("30s").unwrap(), Duration::from_secs(30));
        assert_eq!(parse_time("10m").unwrap(), Duration::from_secs(600));
        assert_eq!(parse_time("2h").unwrap(), Duration::from_secs(7_200));
    }

    #[test]
    fn a_time_without_a_unit_is_refused() {
        let error = parse_time("10").unwrap_err().to_string();
        assert_eq!(error, "a time is a number and `s`, `m` or `h`: `10`");
    }
}
