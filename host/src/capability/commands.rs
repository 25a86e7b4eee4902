//! `palisade:commands/runner`: commands that the operator defined, under a grant for each.
//!
//! What may be run and with what values, [`crate::command`] decides. Here is who may run it, and what the guest is
//! told: never a secret that it handed over.

use super::CallState;
use super::known::Cut;
use crate::bindings::commands::{self, Argument, Ending, Error, Output};
use crate::command::{self, CommandError};
use crate::grant::Grant;
use crate::hook::Rehearsal;

/// Values that a guest can give a command; more than a command has parameters.
const MAX_ARGUMENTS: usize = 100;

impl commands::Host for CallState {
    async fn run(
        &mut self,
        name: String,
        arguments: Vec<(String, Argument)>,
    ) -> wasmtime::Result<Result<Output, Error>> {
        let size = |(name, value): &(String, Argument)| match value {
            Argument::Plain(text) => name.len() + text.len(),
            Argument::Secret(_) => name.len(),
        };
        self.called(name.len() + arguments.iter().map(size).sum::<usize>())?;
        let ran = self.try_run(&name, arguments).await?;
        if matches!(ran, Err(Error::Denied(_) | Error::InvalidArgument(_) | Error::Limited(_))) {
            self.uses.refused("command", &name);
        }
        Ok(ran)
    }
}

impl CallState {
    async fn try_run(
        &mut self,
        name: &str,
        arguments: Vec<(String, Argument)>,
    ) -> wasmtime::Result<Result<Output, Error>> {
        if let Err(why) = self.extension().check(&Grant::Command(name.to_owned())) {
            return Ok(Err(Error::Denied(why)));
        }
        let services = self.services.clone();
        let Some(command) = services.commands.get(name) else { return Ok(Err(Error::Unknown)) };
        if arguments.len() > MAX_ARGUMENTS {
            let message = format!("over {MAX_ARGUMENTS} values: {}", arguments.len());
            return Ok(Err(Error::InvalidArgument(message)));
        }
        let mut given = Vec::with_capacity(arguments.len());
        for (name, argument) in arguments {
            let value = match argument {
                Argument::Plain(text) => command::Argument::Plain(text),
                Argument::Secret(secret) => match self.secret(&secret)? {
                    Some(bytes) => command::Argument::Secret(bytes),
                    None => {
                        let message =
                            format!("the secret for `{}` has no value", name.escape_default());
                        return Ok(Err(Error::InvalidArgument(message)));
                    }
                },
            };
            given.push((name, value));
        }
        let ready = match command.with(given, self.causation()) {
            Ok(ready) => ready,
            Err(error) => return Ok(Err(error.into())),
        };
        if self.about.rehearsal() == Rehearsal::DryRun {
            return Ok(Err(Error::DryRun));
        }
        self.commands_run = self.commands_run.saturating_add(1);
        if let Err(error) = services.commands.count(&self.extension().id, self.commands_run) {
            return Ok(Err(error.into()));
        }
        self.uses.used("command", name);
        Ok(services.commands.run(ready).await.map(|output| self.shown(output)).map_err(Error::from))
    }

    /// The extensions and actions that led here, this call the last.
    fn causation(&self) -> String {
        let mut chain = String::new();
        for cause in self.about.causes() {
            chain.push_str(&format!("{}/{},", cause.extension, cause.action_id));
        }
        chain.push_str(&format!("{}/{}", self.extension().id, self.about.id()));
        chain
    }

    /// What the guest is shown of an output, and charged for.
    fn shown(&mut self, output: command::Output) -> Output {
        let cut = output.stdout.dropped > 0 || output.stderr.dropped > 0;
        let show = |mut kept: command::Kept| {
            let cut = if kept.dropped > 0 { Cut::Yes } else { Cut::No };
            self.known.take_out_of_output(&mut kept.bytes, cut);
            kept.bytes
        };
        let (stdout, stderr) = (show(output.stdout), show(output.stderr));
        self.handed_out(stdout.len() + stderr.len());
        let ending = match output.ending {
            command::Ending::Exited(code) => Ending::Exited(code),
            command::Ending::Killed(signal) => Ending::Killed(signal),
        };
        Output { ending, stdout, stderr, cut }
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Argument(reason) => Self::InvalidArgument(reason),
            CommandError::Timeout(limit) => {
                Self::Timeout(u32::try_from(limit.as_millis()).unwrap_or(u32::MAX))
            }
            CommandError::Limited(reason) => Self::Limited(reason),
            CommandError::NotStarted(reason) => Self::Unavailable(reason),
            CommandError::Failed(reason) => Self::Other(reason),
        }
    }
}
