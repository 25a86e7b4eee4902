//! A test guest, not an example: its page shows what the search says, mostly what no page may be.
//!
//! The list of what it can be told is in `README.md`. Told nothing, or something that it does not know, it shows an
//! empty form.

use exports::palisade::gui::pages::Guest;
use palisade::core::types::Failure;
use palisade::gui::types::{Choice, FieldProblem, Form, Label, Reply, Request, View};
use palisade::kv::store::{Bucket, Condition, Error};

mod burn;
mod everywhere;
mod payloads;
mod wrong;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package palisade:hostile-pages;
        world hostile-pages {
            include palisade:extension/gui-pages@1.0.0;
        }
    ",
    world: "palisade:hostile-pages/hostile-pages",
    generate_all,
});

struct HostilePages;

impl Guest for HostilePages {
    fn render(request: &Request) -> Result<View, Failure> {
        let command = request.window().search.unwrap_or_default();
        let (verb, argument) = command.split_once(':').unwrap_or((&command, ""));
        burn::run(verb);
        match verb {
            "fail" => return Err(Failure::Other(argument.into())),
            "write" => return Ok(titled(&write(argument).unwrap_or_else(|error| name(&error)))),
            "read" => return Ok(titled(&read(argument).unwrap_or_else(|error| name(&error)))),
            _ => {}
        }
        let shown = everywhere::view(verb, argument).or_else(|| wrong::view(verb, argument));
        Ok(shown.unwrap_or_else(|| titled("Told nothing")))
    }

    /// The buttons of the forms of `everywhere` carry in their state what the page was told.
    fn act(request: &Request, button: String) -> Result<Reply, Failure> {
        let state = request.state().unwrap_or_default();
        let text = payloads::of(state.trim_matches('"').rsplit(':').next().unwrap_or_default());
        let problem = |field: Option<&str>| FieldProblem {
            field: field.map(Into::into),
            message: Label::Literal(text.into()),
        };
        match button.as_str() {
            "done" => Ok(Reply::Done(Label::Literal(text.into()))),
            "invalid" => Ok(Reply::Invalid(vec![problem(None), problem(Some("plain"))])),
            "show" => Ok(Reply::Show(titled(text))),
            "write" => Ok(Reply::Show(titled(&write("key").unwrap_or_else(|error| name(&error))))),
            other => Err(Failure::Other(format!("there is no button `{other}`"))),
        }
    }

    fn lookup(_: &Request, _: String, typed: String, _: u32) -> Result<Vec<Choice>, Failure> {
        burn::run(&typed);
        let text = payloads::of(&typed);
        let choice =
            Choice { value: text.into(), label: Label::Literal(text.into()), disabled: false };
        Ok(vec![choice])
    }
}

export!(HostilePages);

/// A form of a title alone.
fn titled(title: &str) -> View {
    View::Form(Form {
        title: Label::Literal(title.into()),
        notes: Vec::new(),
        sections: Vec::new(),
        buttons: Vec::new(),
        state: None,
    })
}

fn write(key: &str) -> Result<String, Error> {
    Bucket::open("test")?.set(key, b"written", None, Condition::Always)?;
    Ok("written".into())
}

fn read(key: &str) -> Result<String, Error> {
    let entry = Bucket::open("test")?.get(key)?;
    Ok(entry.map_or_else(|| "none".into(), |entry| String::from_utf8_lossy(&entry.value).into()))
}

/// The name of an error in the contract.
fn name(error: &Error) -> String {
    match error {
        Error::DryRun => "dry-run".into(),
        other => format!("{other:?}"),
    }
}
