//! `palisade bridge`: has panels call `palisade-hook`, and tries out what they would read.

mod machine;
mod program;
mod record;
mod register;
mod replay;
mod simulate;

use clap::Subcommand;

pub(super) use self::machine::{Machine, Settings, Step, Todo};
pub(super) use self::program::{beside, checked};
pub(super) use self::register::{On, Where, providers, subscribed};
use super::Context;
use super::output::Failure;

/// What to do with a panel.
#[derive(Subcommand)]
pub enum Verb {
    /// Have a panel call `palisade-hook` at the hooks that installed extensions subscribe to
    Register(register::Register),
    /// Take away what `register` put there
    Unregister(register::Unregister),
    /// See whether a panel is registered, and send a rehearsal through the program that it starts
    Check(register::Check),
    /// Make a call as a panel would, and show what the panel would read
    Simulate(simulate::Simulate),
    /// Record the calls of panels, without what is secret
    Record(record::Record),
    /// Play recorded calls of panels, and print each verdict with what changed and by whom
    Replay(replay::Replay),
}

impl Verb {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Verb::Register(register) => register.run(context),
            Verb::Unregister(unregister) => unregister.run(context),
            Verb::Check(check) => check.run(context),
            Verb::Simulate(simulate) => simulate.run(context),
            Verb::Record(record) => record.run(context),
            Verb::Replay(replay) => replay.run(context),
        }
    }
}
