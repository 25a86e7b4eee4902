//! Notes about domains, in the panel itself: a tab of each domain with a form, and a column of the list of domains.
//!
//! The host says which domain a page is about, and has checked that the person may see it. So a note is kept under the
//! domain's identifier and nothing else is needed to keep one customer's notes from another.
//!
//! What it says is in `assets/messages`, in three languages; the host chooses by who reads.

use exports::palisade::gui::overlay::Guest as Overlay;
use exports::palisade::gui::pages::Guest as Pages;
use palisade::core::types::{Failure, ObjectRef, Value};
use palisade::gui::panel::{ColumnInsert, Edit, Page};
use palisade::gui::types::{
    Argument, Button, Choice, Choices, Column, ColumnKind, Control, FieldProblem, Form, FormField,
    Label, Message, Reply, Request, Scope, Section, Target, TextLimits, Tone, View,
};
use palisade::kv::store::{self, Bucket, Condition};

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package palisade:site-notes;
        world site-notes {
            include palisade:extension/gui-pages@1.0.0;
            include palisade:extension/gui-overlay@1.0.0;
        }
    ",
    world: "palisade:site-notes/site-notes",
    generate_all,
});

/// Characters of a note.
const MAX_NOTE: usize = 2_000;
/// The colours of a note, with the messages that name them.
const COLOURS: [(&str, &str); 3] =
    [("grey", "colour-grey"), ("green", "colour-green"), ("red", "colour-red")];

struct SiteNotes;

/// A note.
#[derive(Debug, Clone, Default, PartialEq)]
struct Note {
    colour: String,
    text: String,
}

impl Pages for SiteNotes {
    fn render(request: &Request) -> Result<View, Failure> {
        let domain = domain(request)?;
        Ok(View::Form(form(&domain.id, &read(&domain.id)?)))
    }

    fn act(request: &Request, button: String) -> Result<Reply, Failure> {
        let domain = domain(request)?;
        match button.as_str() {
            "save" => {
                let note =
                    Note { colour: entered(request, "colour"), text: entered(request, "text") };
                if let Err(problem) = check(&note) {
                    return Ok(Reply::Invalid(vec![problem]));
                }
                write(&domain.id, &note)?;
                Ok(Reply::Done(message("kept")))
            }
            "remove" => {
                bucket()?.delete(&domain.id, Condition::Always).map_err(failure)?;
                Ok(Reply::Done(message("gone")))
            }
            other => Err(Failure::Other(format!("there is no button `{other}`"))),
        }
    }

    fn lookup(_: &Request, name: String, _: String, _: u32) -> Result<Vec<Choice>, Failure> {
        Err(Failure::Other(format!("there is no lookup `{name}`")))
    }
}

impl Overlay for SiteNotes {
    fn apply(page: &Page) -> Result<Vec<Edit>, Failure> {
        let cells =
            page.rows().into_iter().map(|row| Ok(Value::Text(first_line(&read(&row)?.text))));
        let cells: Result<Vec<Value>, Failure> = cells.collect();
        let column = Column {
            name: "site-note".into(),
            label: message("note"),
            kind: ColumnKind::Text,
            sortable: false,
        };
        Ok(vec![Edit::AddColumn(ColumnInsert { after: None, column, cells: cells? })])
    }
}

export!(SiteNotes);

/// The domain that the page is about.
fn domain(request: &Request) -> Result<ObjectRef, Failure> {
    request.object().ok_or_else(|| Failure::Other("the page is about no domain".into()))
}

fn form(domain: &str, note: &Note) -> Form {
    let colours = COLOURS.map(|(value, label)| Choice {
        value: value.into(),
        label: message(label),
        disabled: false,
    });
    let colour = if note.colour.is_empty() { "grey" } else { &note.colour };
    let text = TextLimits {
        max_length: Some(MAX_NOTE as u32),
        pattern: None,
        placeholder: Some(message("note-placeholder")),
    };
    let field = |name: &str, label: &str, control, value: &str| FormField {
        name: name.into(),
        label: message(label),
        hint: None,
        control,
        value: Value::Text(value.into()),
        required: false,
        read_only: false,
        shown_when: Vec::new(),
    };
    let button = |id: &str, label: &str, tone, confirm: Option<&str>| Button {
        id: id.into(),
        label: message(label),
        icon: None,
        tone,
        scope: Scope::Page,
        target: Target::Act,
        confirm: confirm.map(message),
    };
    let mut buttons = vec![button("save", "keep", Tone::Info, None)];
    if !note.text.is_empty() {
        buttons.push(button("remove", "remove", Tone::Danger, Some("remove-question")));
    }
    Form {
        title: message_with("notes-about", ("domain", Argument::Text(domain.into()))),
        notes: Vec::new(),
        sections: vec![Section {
            id: "note".into(),
            title: None,
            fields: vec![
                field("text", "note", Control::Textarea(text), &note.text),
                field("colour", "colour", Control::Select(Choices::Fixed(colours.into())), colour),
            ],
            collapsed: false,
            shown_when: Vec::new(),
        }],
        buttons,
        state: None,
    }
}

/// What is wrong with a note, at its field.
fn check(note: &Note) -> Result<(), FieldProblem> {
    let problem =
        |field: &str, message: Label| Err(FieldProblem { field: Some(field.into()), message });
    if note.text.trim().is_empty() {
        return problem("text", message("note-missing"));
    }
    if note.text.chars().count() > MAX_NOTE {
        let limit = ("limit", Argument::Number(MAX_NOTE as f64));
        return problem("text", message_with("note-long", limit));
    }
    match COLOURS.iter().any(|(colour, _)| *colour == note.colour) {
        true => Ok(()),
        false => problem("colour", message("colour-unknown")),
    }
}

fn entered(request: &Request, name: &str) -> String {
    match request.input(name) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    }
}

/// The first line of a note, cut to what fits into a cell.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.into(),
    }
}

/// A message of the catalogue.
fn message(id: &str) -> Label {
    Label::Message(Message { id: id.into(), arguments: Vec::new() })
}

/// A message of the catalogue with what stands in it.
fn message_with(id: &str, (name, argument): (&str, Argument)) -> Label {
    Label::Message(Message { id: id.into(), arguments: vec![(name.into(), argument)] })
}

fn bucket() -> Result<Bucket, Failure> {
    Bucket::open("notes").map_err(failure)
}

/// The note of a domain; an empty one if there is none. It is kept as its colour, a line's end, and its text.
fn read(domain: &str) -> Result<Note, Failure> {
    let entry = bucket()?.get(domain).map_err(failure)?;
    let text = entry.map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
    Ok(text.map_or_else(Note::default, |text| parse(&text)))
}

fn parse(text: &str) -> Note {
    let (colour, text) = text.split_once('\n').unwrap_or(("grey", text));
    Note { colour: colour.into(), text: text.into() }
}

fn write(domain: &str, note: &Note) -> Result<(), Failure> {
    let kept = format!("{}\n{}", note.colour, note.text);
    bucket()?.set(domain, kept.as_bytes(), None, Condition::Always).map_err(failure)?;
    Ok(())
}

/// What a failing store means: it may work later, or the extension was set up wrongly.
fn failure(error: store::Error) -> Failure {
    match error {
        store::Error::Unavailable => Failure::Unavailable("the store is not available".into()),
        store::Error::Denied(why) => Failure::Misconfigured(why),
        other => Failure::Other(format!("the notes cannot be read or kept: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
