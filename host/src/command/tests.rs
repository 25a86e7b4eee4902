//! What can be defined, which values are taken, and what becomes of what is run.

mod definitions;
mod runs;
mod values;

use super::*;

/// The commands of a configuration.
fn commands(toml: &str) -> Result<Commands, String> {
    let config = crate::config::Config::parse(toml, "palisade.toml").map_err(|e| e.to_string())?;
    Commands::new(&config.commands, &config.command)
}

/// A command `tool` whose table goes on with `rest`.
fn tool(rest: &str) -> Commands {
    commands(&format!("[command.tool]\n{rest}")).unwrap()
}

/// A command `tool` that is a fixed script of the shell; its parameters go on with `rest`.
fn script(script: &str, rest: &str) -> Commands {
    tool(&format!("program = \"/bin/sh\"\narguments = ['-c', '{script}']\n{rest}"))
}

fn plain(values: &[(&str, &str)]) -> Vec<(String, Argument)> {
    let plain =
        |(name, text): &(&str, &str)| ((*name).to_owned(), Argument::Plain((*text).to_owned()));
    values.iter().map(plain).collect()
}

/// What is wrong with these values; `None` if nothing is.
fn wrong(commands: &Commands, values: Vec<(String, Argument)>) -> Option<String> {
    match commands.get("tool").unwrap().with(values, String::new()) {
        Ok(_) => None,
        Err(CommandError::Argument(reason)) => Some(reason),
        Err(error) => panic!("{error:?}"),
    }
}

/// Runs `tool`.
async fn run(commands: &Commands, values: Vec<(String, Argument)>) -> Result<Output, CommandError> {
    let ready = commands.get("tool").unwrap().with(values, "one/1,two/2".into())?;
    commands.run(ready).await
}

/// What `tool` writes to its standard output, if it succeeds.
async fn output(commands: &Commands, values: Vec<(String, Argument)>) -> String {
    let output = run(commands, values).await.unwrap();
    assert_eq!(output.ending, Ending::Exited(0), "{output:?}");
    String::from_utf8(output.stdout.bytes).unwrap()
}
