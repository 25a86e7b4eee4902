//! Keeps a Samba account for each customer, with the customer's password.
//!
//! It never sees a password: it takes the secret of the event and hands it to the command, and the
//! host fills it in. What is run, and as whom, the operator of the host wrote down.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::commands::runner::{self, Argument, Ending, Error, Output};
use palisade::core::{secrets, types::Value};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct SambaSync;

impl Guest for SambaSync {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        // A rehearsal is about an account that there is not to be.
        if event.dry_run() {
            return Ok(Outcome::Proceed);
        }
        let Some(Value::Text(login)) = event.get("login").or_else(|| event.get_old("login")) else {
            return Ok(Outcome::Proceed);
        };
        let user = ("user".to_owned(), Argument::Plain(login));
        if event.action() == "customer.delete" {
            check("smbpasswd-remove", runner::run("smbpasswd-remove", &[user]))?;
            return Ok(Outcome::Proceed);
        }
        match secrets::parameter("password") {
            Ok(password) => {
                let password = ("password".to_owned(), Argument::Secret(&password));
                check("smbpasswd", runner::run("smbpasswd", &[user, password]))?;
            }
            // An action that leaves the password as it is.
            Err(secrets::Error::Unset) => {}
            Err(error) => return Err(Failure::Misconfigured(error.to_string())),
        }
        Ok(Outcome::Proceed)
    }
}

export!(SambaSync);

/// What went wrong with a command, if something did, as what the operator is told.
fn check(command: &str, ran: Result<Output, Error>) -> Result<(), Failure> {
    let failed = |what: &str| format!("`{command}` {what}");
    match ran {
        Ok(output) if matches!(output.ending, Ending::Exited(0)) => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure::Other(failed(&format!("failed: {}", said.trim()))))
        }
        Err(Error::Denied(why)) => Err(Failure::Misconfigured(why)),
        Err(Error::Unknown) => {
            Err(Failure::Misconfigured(failed("is not defined on this host; the README has it")))
        }
        Err(Error::InvalidArgument(why)) => Err(Failure::Other(failed(&format!("refused: {why}")))),
        Err(Error::Timeout(ms)) => Err(Failure::Unavailable(failed(&format!("took over {ms} ms")))),
        Err(Error::Limited(limit)) => Err(Failure::Unavailable(limit)),
        Err(error) => Err(Failure::Unavailable(failed(&error.to_string()))),
    }
}

#[cfg(test)]
mod tests;
