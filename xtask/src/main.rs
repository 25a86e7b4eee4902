//! `cargo xtask`: everything that is done to this repository by a command.
//!
//! Each command is one file; this one only says which there are. It never
//! decides anything itself.

mod apt;
mod bench;
mod browser;
mod ci;
mod cmd;
mod contract;
mod demo;
mod docs;
mod fuzz;
mod guests;
mod hook;
mod host;
mod progress;
mod steps;
mod test;
mod toolchain;
mod tools;
mod unit;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, tests, demonstrates and checks Palisade.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(Subcommand)]
enum Command {
    /// Play a day of panel events through the example extensions.
    ///
    /// Sets up what is missing, builds host and guests, starts the host on a
    /// temporary data directory, installs the examples and prints the verdict of
    /// each event.
    Demo(demo::Options),
    /// Run every test, those of the guests included.
    Test,
    /// Check everything that a change must pass; ends with all tests.
    Ci(ci::Options),
    /// Build the example extensions and pack those that have a manifest.
    ///
    /// Uses an installed wasm32-wasip2 target; else adds it with rustup; else
    /// takes Debian's packages and builds std from source.
    Guests,
    /// Build `palisade-hook` as one small static program, for panels to start.
    Hook,
    /// Measure, and compare each measured ratio with its limit.
    Bench(bench::Options),
    /// Throw random components at a host until something is found.
    ///
    /// Each round runs the tests `random` with another seed; what is found names
    /// its seed.
    Fuzz(fuzz::Options),
    /// Build the book and the documentation of the code.
    Docs,
    /// Start the host under its systemd unit, in a container, and use it there.
    Unit,
    /// Check that the contract in `wit/` is documented and breaks no guest.
    Contract,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let workspace = Workspace::open()?;
    match command {
        Command::Demo(options) => demo::run(&workspace, &options),
        Command::Test => test::run(&workspace),
        Command::Ci(options) => ci::run(&workspace, &options),
        Command::Guests => guests::run(&workspace),
        Command::Hook => hook::run(&workspace),
        Command::Bench(options) => bench::run(&workspace, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Docs => docs::run(&workspace),
        Command::Unit => unit::run(&workspace),
        Command::Contract => contract::run(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
