//! `cargo xtask test`: every test there is, those of the guests included.

use std::process::Command;

use anyhow::{Context, Result};

use crate::host::{self, Profile};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{apt, browser, cmd, guests};

/// The program that runs the PHP files of the bridges, and Debian's package that has it.
const PHP: &str = "php";
const PHP_PACKAGE: &str = "php-cli";

/// Runs the command.
pub fn run(workspace: &Workspace) -> Result<()> {
    get_php();
    browser::get(workspace);
    // The cloud of the example `mock-cloud` is a program in it.
    if cmd::in_path("python3").is_none() {
        apt::install(&["python3"])?;
    }
    let mut steps = Steps::new(4);
    let palisade = steps.run("build the host", "cargo build --bin palisade", || {
        host::build(workspace, Profile::Dev)
    })?;
    steps.run("build the guests", "cargo xtask guests", || guests::build(workspace, &palisade))?;

    let mut tests = cmd::cargo(&workspace.root);
    tests.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    tests.env("PALISADE_BIN", &palisade).env("PALISADE_GUESTS", workspace.packed());
    let mut guest_tests = cmd::cargo(&workspace.guest_examples());
    guest_tests.args(["test", "--workspace", "--locked", "--no-fail-fast", "--target-dir"]);
    guest_tests.arg(workspace.guests_native());

    // Both run whatever the first says: one look shows all that is broken.
    let mut total = Outcomes::default();
    let host = run_tests(&mut steps, "test the host", &mut tests, &mut total);
    let guests = run_tests(&mut steps, "test the guests natively", &mut guest_tests, &mut total);
    let Outcomes { passed, failed, ignored } = total;
    println!("\n{passed} passed, {failed} failed, {ignored} ignored, in {}", steps.elapsed());
    match (host, guests) {
        (Err(host), Err(guests)) => Err(host.context(format!("{guests:#}"))),
        (host, guests) => host.and(guests),
    }
}

/// Gets what runs the PHP files. Where it cannot be had, their tests say that they are skipped, and fail on CI.
fn get_php() {
    let can_install = rustix::process::geteuid().is_root() && cmd::in_path("apt-get").is_some();
    if cmd::in_path(PHP).is_none()
        && can_install
        && let Err(error) = apt::install(&[PHP_PACKAGE])
    {
        println!("warning: {error:#}");
    }
}

fn run_tests(
    steps: &mut Steps,
    title: &str,
    command: &mut Command,
    total: &mut Outcomes,
) -> Result<()> {
    let alone = cmd::describe(command);
    steps.run(title, &alone, || {
        cmd::tee(command, |line| total.add(line)).context("tests failed, see above")
    })
}

/// How many tests ended how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcomes {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Outcomes {
    /// Adds what the last line of a test program says, such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_test_programs_are_added_up() {
        let mut total = Outcomes::default();
        total.add("running 4 tests");
        total.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        total.add("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        assert_eq!(total, Outcomes { passed: 4, failed: 2, ignored: 1 });
    }
}
