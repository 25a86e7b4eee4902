//! The command line: the host itself, and the verbs of operators and developers.
//!
//! A verb that talks to a host goes through the same API as everything else. Every table has `--json`.

mod bridge;
mod client;
mod config;
mod console;
mod doctor;
mod events;
mod extensions;
mod fire;
mod grants;
mod install;
mod journal;
mod orders;
mod output;
mod pack;
mod panels;
mod serve;
mod settings;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::client::Client;
use self::output::{Failure, Format};

/// Runs the extensions of a hosting panel as WebAssembly components, in sandboxes.
#[derive(Parser)]
#[command(
    name = "palisade",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 the host cannot be reached,
4 `fire` was denied, 5 `fire` was skipped, 78 the store or the configuration cannot be used."
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// The Unix socket of the host
    #[arg(
        long,
        global = true,
        env = "PALISADE_SOCKET",
        value_name = "PATH",
        help_heading = "Global options"
    )]
    socket: Option<PathBuf>,
    /// The configuration file [default: /etc/palisade/palisade.toml if it is there]
    #[arg(
        long,
        global = true,
        env = "PALISADE_CONFIG",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a host
    Serve(serve::Serve),
    /// Install a packed extension, or upgrade one
    Install(install::Install),
    /// List what is installed
    List,
    /// Show an extension: its handlers, limits and settings
    Show(extensions::Named),
    /// Let the handlers of an extension run
    Enable(extensions::Named),
    /// Keep the handlers of an extension from running
    Disable(extensions::Named),
    /// Remove an extension and everything that it keeps
    Remove(extensions::Named),
    /// Show or change what an extension may do
    #[command(subcommand)]
    Grants(grants::Verb),
    /// Show or change the settings of an extension
    Settings(settings::Change),
    /// Simulate a hook call on the running host and show the verdict
    Fire(fire::Fire),
    /// Show what happened: hook calls and who decided what
    Journal(journal::Show),
    /// Show what panels ordered of extensions that provide something
    Orders(orders::Show),
    /// Put a manifest into a component, after checking one against the other
    Pack(pack::Pack),
    /// Show the catalogue of actions
    Events(events::Show),
    /// Show the configuration that a host would run with, or check one
    Config(config::Show),
    /// Print an address that opens the operator's console, once
    Console,
    /// Look for what is wrong: host, panel, handlers, registration
    Doctor(doctor::Doctor),
    /// Export, import or verify the store
    #[command(subcommand)]
    Store(store::Verb),
    /// Have panels call `palisade-hook`, and try out what they would read
    #[command(subcommand)]
    Bridge(bridge::Verb),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What every verb is given.
struct Context {
    socket: Option<PathBuf>,
    config: Option<PathBuf>,
    format: Format,
}

impl Context {
    /// The configuration file's settings.
    fn config(&self) -> Result<crate::config::Config, Failure> {
        Ok(crate::config::Config::read(self.config.as_deref())?)
    }

    /// The host's socket: `--socket`, else where the configuration says.
    fn socket_path(&self) -> Result<PathBuf, Failure> {
        match &self.socket {
            Some(socket) => Ok(socket.clone()),
            None => Ok(self.config()?.socket_path()),
        }
    }

    /// A client of the host.
    fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(self.socket_path()?))
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(crate::sandbox::COMPILE_VERB) {
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        return crate::sandbox::compile_worker(number(), number());
    }
    let arguments = Arguments::parse();
    let format = if arguments.json { Format::Json } else { Format::Text };
    let context = Context { socket: arguments.socket, config: arguments.config, format };
    match run_verb(arguments.verb, &context) {
        Ok(status) => status,
        Err(failure) => failure.print(format),
    }
}

fn run_verb(verb: Verb, context: &Context) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Serve(serve) => serve.run(context)?,
        Verb::Install(install) => install.run(context)?,
        Verb::List => extensions::list(context)?,
        Verb::Show(named) => named.show(context)?,
        Verb::Enable(named) => named.switch(context, "enable")?,
        Verb::Disable(named) => named.switch(context, "disable")?,
        Verb::Remove(named) => named.remove(context)?,
        Verb::Grants(grants) => grants.run(context)?,
        Verb::Settings(settings) => settings.run(context)?,
        Verb::Fire(fire) => return fire.run(context),
        Verb::Journal(journal) => journal.run(context)?,
        Verb::Orders(orders) => orders.run(context)?,
        Verb::Pack(pack) => pack.run(context)?,
        Verb::Events(events) => events.run(context)?,
        Verb::Config(config) => config.run(context)?,
        Verb::Console => console::run(context)?,
        Verb::Doctor(doctor) => return doctor.run(context),
        Verb::Store(store) => store.run(context)?,
        Verb::Bridge(bridge) => bridge.run(context)?,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "palisade", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A runtime for a verb that makes a few requests.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
