//! A test guest, not an example: it does what the parameter `do` of an event says, mostly wrong.
//!
//! The list of what it can be told is in `README.md`. Told nothing, or something that it does not know,
//! it proceeds.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::types::Value;

mod answer;
mod burn;
mod commands;
mod flood;
mod leak;
mod read;
mod state;
mod trap;
mod write;

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct Misbehaving;

impl Guest for Misbehaving {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let Some(Value::Text(command)) = event.get("do") else {
            return Ok(Outcome::Proceed);
        };
        let (verb, argument) = command.split_once(':').unwrap_or((&command, ""));
        if let Some(answer) = answer::answer(verb, argument) {
            return answer;
        }
        burn::run(verb, argument, event)?;
        trap::run(verb, argument)?;
        flood::run(verb, argument, event);
        leak::run(verb);
        write::run(verb, argument)?;
        read::run(verb, argument, event);
        commands::run(verb, argument, event);
        state::run(verb, argument)?;
        Ok(Outcome::Proceed)
    }
}

export!(Misbehaving);

/// The number that a command needs as its argument.
fn number<T: std::str::FromStr>(argument: &str) -> Result<T, Failure> {
    argument.parse().map_err(|_| Failure::Other(format!("`{argument}` is not a number here")))
}

/// The two sides of an argument such as `field=value`.
fn pair(argument: &str) -> Result<(&str, &str), Failure> {
    let missing = || Failure::Other(format!("`{argument}` is not of the form `name=value`"));
    argument.split_once('=').ok_or_else(missing)
}
