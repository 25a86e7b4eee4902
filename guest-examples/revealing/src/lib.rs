//! A test guest, not an example: it reads a secret that it was granted, and tries to have it seen.
//!
//! The list of ways is in `README.md`. Told nothing, or something that it does not know, it proceeds.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::log::{self, Level};
use palisade::core::types::{Problem, Value};
use palisade::core::{reveal, secrets};
use palisade::events::types::{Change, Denial, Skip};

mod form;

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct Revealing;

impl Guest for Revealing {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let Some(Value::Text(command)) = event.get("do") else {
            return Ok(Outcome::Proceed);
        };
        let mut parts = command.splitn(3, ':');
        let mut part = |default| parts.next().filter(|part| !part.is_empty()).unwrap_or(default);
        let (way, form, which) = (part(""), part("raw"), part("password"));
        let secret = form::written(form, &read(which)?);
        put(way, &secret)
    }
}

export!(Revealing);

/// Reads a secret.
fn read(which: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::Other(format!("no secret: {error:?}"));
    let handle = match which {
        "setting" => secrets::setting("api-key"),
        parameter => secrets::parameter(parameter),
    };
    reveal::reveal(&handle.map_err(failed)?).map_err(failed)
}

/// Puts a secret where somebody may see it.
fn put(way: &str, secret: &str) -> Result<Outcome, Failure> {
    let told = format!("the secret is {secret}, it is");
    if let Some((way, at)) = way.split_once('@') {
        return put_at(way, at, secret);
    }
    match way {
        "log" => log::write(Level::Info, &told, &[]),
        "log-field" => log::write(Level::Info, "told", &[("secret".into(), told)]),
        "stdout" => println!("{told}"),
        "stderr" => eprintln!("{told}"),
        "panic" => panic!("{told}"),
        "fail" => return Err(Failure::Other(told)),
        "deny" => return Ok(deny(None, None, told)),
        "deny-code" => return Ok(deny(Some(told), None, "told".into())),
        "deny-field" => return Ok(deny(None, Some(told), "told".into())),
        "skip-reason" => return Ok(skip(told, None)),
        "skip-result" => return Ok(skip("told".into(), Some(format!("{{\"note\":{told:?}}}")))),
        "skip-member" => return Ok(skip("told".into(), Some(format!("{{{told:?}:1}}")))),
        "alter-note" => return Ok(alter("note", Value::Text(told))),
        "alter-json" => return Ok(alter("note", Value::Json(format!("[{told:?}]")))),
        "alter-name" => return Ok(alter(&told, Value::Integer(1))),
        "alter-pin" => return Ok(alter("pin", Value::Text(told))),
        "ask" => drop(secrets::parameter(secret)),
        _ => {}
    }
    Ok(Outcome::Proceed)
}

/// Puts a secret so far behind the beginning of a text that the host may cut it in the middle.
fn put_at(way: &str, at: &str, secret: &str) -> Result<Outcome, Failure> {
    let before = at.parse().map_err(|_| Failure::Other(format!("`{at}` is not a number here")))?;
    let told = ".".repeat(before) + secret;
    match way {
        "panic" => panic!("{told}"),
        "fail" => Err(Failure::Other(told)),
        _ => {
            log::write(Level::Info, &told, &[]);
            Ok(Outcome::Proceed)
        }
    }
}

fn deny(code: Option<String>, field: Option<String>, message: String) -> Outcome {
    Outcome::Deny(Denial { problems: vec![Problem { code, field, message }] })
}

fn skip(reason: String, result: Option<String>) -> Outcome {
    Outcome::Skip(Skip { reason, result })
}

fn alter(name: &str, value: Value) -> Outcome {
    Outcome::Alter(vec![Change { name: name.into(), value: Some(value) }])
}
