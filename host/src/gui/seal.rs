//! What goes into a page and comes back from a browser is signed: the rows that can be chosen, and what a form
//! carries. So nobody can choose what was never shown to them, or send a form that they never got.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::hook::{Params, Value};
use crate::view::{Control, FieldProblem, Form, Listing, Node, View, WidgetBody};

/// Signs for one session.
pub struct Signer([u8; 32]);

/// Bytes of a signature.
const SIGNATURE: usize = 16;

/// What a form carries.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// What the extension keeps in it.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What can be entered, by name.
    #[serde(rename = "f")]
    pub fields: IndexMap<String, Entry>,
}

/// What can be entered into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A text.
    #[serde(rename = "t")]
    Text,
    /// A moment in RFC 3339 form.
    #[serde(rename = "d")]
    Moment,
    /// A whole number.
    #[serde(rename = "i")]
    Integer,
    /// A number.
    #[serde(rename = "n")]
    Number,
    /// Yes or no.
    #[serde(rename = "b")]
    Toggle,
    /// Any of several values.
    #[serde(rename = "m")]
    Texts,
    /// A file.
    #[serde(rename = "x")]
    File,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Entry {
    /// What is entered by a control; `None` if nothing is.
    fn of(control: &Control) -> Option<Self> {
        Some(match control {
            Control::Text(_)
            | Control::Textarea(_)
            | Control::Password(_)
            | Control::Code { .. }
            | Control::Select { .. }
            | Control::Date => Self::Text,
            Control::DateTime => Self::Moment,
            Control::Integer(_) => Self::Integer,
            Control::Number(_) => Self::Number,
            Control::Toggle => Self::Toggle,
            Control::MultiSelect { .. } => Self::Texts,
            Control::File { .. } => Self::File,
            Control::Shown | Control::Custom(_) => return None,
        })
    }

    /// Whether a value is of the kind that is entered.
    fn fits(self, value: &Value) -> bool {
        match self {
            _ if *value == Value::Null => true,
            Self::Text | Self::Moment => matches!(value, Value::Text(_)),
            Self::Integer => matches!(value, Value::Integer(_)),
            Self::Number => matches!(value, Value::Integer(_) | Value::Number(_)),
            Self::Toggle => matches!(value, Value::Boolean(_)),
            Self::Texts => matches!(value, Value::Texts(_)),
            Self::File => matches!(value, Value::Bytes(_)),
        }
    }

    /// What it is, for whoever entered something else.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Moment => "a moment such as `2026-11-24T10:00:00Z`",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Toggle => "true or false",
            Self::Texts => "a list of texts",
            Self::File => "the bytes of a file",
        }
    }
}

impl Carried {
    /// What a form carries.
    fn of(form: &Form) -> Self {
        let fields = form.sections.iter().flat_map(|section| &section.fields);
        let fields = fields
            .filter(|field| !field.read_only)
            .filter_map(|field| Entry::of(&field.control).map(|entry| (field.name.clone(), entry)));
        Self { state: form.state.clone(), fields: fields.collect() }
    }

    /// Checks what was entered: only into fields of the form, and of their kind.
    pub fn check(&self, inputs: &Params) -> Result<(), Vec<FieldProblem>> {
        let problem = |(name, value): (&String, &Value)| match self.fields.get(name) {
            None => Some(FieldProblem {
                field: None,
                message: format!("the form has no field `{}`", name.escape_default()),
            }),
            Some(entry) if !entry.fits(value) => Some(FieldProblem {
                field: Some(name.clone()),
                message: format!("must be {}", entry.wanted()),
            }),
            Some(_) => None,
        };
        let problems: Vec<_> = inputs.iter().filter_map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl Signer {
    /// A signer with a key of its own.
    pub fn new() -> Result<Self, String> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        Ok(Self(key))
    }

    fn mac(&self, place: &[&str], text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in place {
            // The length in front keeps the parts apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(text.as_bytes());
        Some(mac)
    }

    /// Signs a text for a place, which is not written into it.
    pub fn seal(&self, place: &[&str], text: &str) -> String {
        let mac = self.mac(place, text).map(|mac| mac.finalize().into_bytes());
        let signature = mac.as_ref().and_then(|mac| mac.get(..SIGNATURE)).unwrap_or_default();
        format!("{}.{text}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the text that was signed for this place, or nothing if this was not.
    pub fn open<'a>(&self, place: &[&str], sealed: &'a str) -> Option<&'a str> {
        let (signature, text) = sealed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if signature.len() != SIGNATURE {
            return None;
        }
        self.mac(place, text)?.verify_truncated_left(&signature).ok().map(|()| text)
    }

    /// What goes into a form against requests that other sites forge: another text each time, so that its length and
    /// its compression tell nothing.
    pub fn token(&self) -> Result<String, String> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        Ok(self.seal(&["token"], &URL_SAFE_NO_PAD.encode(nonce)))
    }

    /// Whether a token was given in this session.
    pub fn is_token(&self, token: &str) -> bool {
        self.open(&["token"], token).is_some()
    }

    /// Signs the rows and forms of a page of an extension.
    pub fn seal_view(&self, view: &mut View, extension: &str, page: &str) {
        let form = |form: &mut Form| {
            let carried = serde_json::to_string(&Carried::of(form)).unwrap_or_default();
            form.state = Some(self.seal(&["form", extension, page], &carried));
        };
        let listing = |listing: &mut Listing| {
            for row in &mut listing.rows {
                row.id = self.seal(&["row", extension], &row.id);
            }
        };
        match view {
            View::Form(its) => form(its),
            View::Listing(its) => listing(its),
            View::Dashboard(dashboard) => {
                for widget in &mut dashboard.widgets {
                    if let WidgetBody::Listing(its) = &mut widget.body {
                        listing(its);
                    }
                }
            }
            View::Layout(layout) => seal_node(&mut layout.root, &form, &listing),
        }
    }

    /// What a form of a page carried when it was drawn.
    pub fn open_form(&self, sealed: &str, extension: &str, page: &str) -> Option<Carried> {
        serde_json::from_str(self.open(&["form", extension, page], sealed)?).ok()
    }

    /// A row that an extension showed.
    pub fn open_row<'a>(&self, sealed: &'a str, extension: &str) -> Option<&'a str> {
        self.open(&["row", extension], sealed)
    }
}

fn seal_node(node: &mut Node, form: &impl Fn(&mut Form), listing: &impl Fn(&mut Listing)) {
    match node {
        Node::Stack { children }
        | Node::Columns { children, .. }
        | Node::Tabs { children, .. }
        | Node::Card { children, .. } => {
            children.iter_mut().for_each(|child| seal_node(child, form, listing));
        }
        Node::Form(its) => form(its),
        Node::Listing(its) => listing(its),
        Node::Widget(widget) => {
            if let WidgetBody::Listing(its) = &mut widget.body {
                listing(its);
            }
        }
        Node::Markdown { .. } | Node::Custom(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{FormField, Section};

    fn signer() -> Signer {
        Signer::new().unwrap()
    }

    #[test]
    fn what_was_signed_is_opened_only_where_it_was_signed_for_and_only_by_its_session() {
        let signer = signer();
        let sealed = signer.seal(&["row", "notes"], "example.com.v2");
        assert_eq!(signer.open(&["row", "notes"], &sealed), Some("example.com.v2"));
        assert_eq!(signer.open(&["row", "other"], &sealed), None);
        assert_eq!(signer.open(&["ro", "wnotes"], &sealed), None);
        assert_eq!(self::signer().open(&["row", "notes"], &sealed), None);
    }

    #[test]
    fn a_token_is_of_its_session_and_each_is_another() {
        let signer = signer();
        let token = signer.token().unwrap();
        assert!(signer.is_token(&token));
        assert!(!self::signer().is_token(&token));
        assert!(!signer.is_token(&signer.seal(&["row", "notes"], "1")));
        assert_ne!(signer.token().unwrap(), token);
    }

    #[test]
    fn what_was_changed_is_refused() {
        let signer = signer();
        let sealed = signer.seal(&["row", "notes"], "1");
        for forged in [sealed.replace(".1", ".2"), ".1".into(), "1".into(), format!("AAAA{sealed}")]
        {
            assert_eq!(signer.open(&["row", "notes"], &forged), None, "{forged}");
        }
    }

    #[test]
    fn only_fields_of_the_form_are_entered_and_only_their_kind() {
        let field = |name: &str, control, read_only| FormField {
            name: name.into(),
            label: String::new(),
            hint: None,
            control,
            value: Value::Null,
            required: false,
            read_only,
            shown_when: Vec::new(),
        };
        let section = Section {
            id: "s".into(),
            title: None,
            fields: vec![
                field("days", Control::Integer(Default::default()), false),
                field("fixed", Control::Text(Default::default()), true),
            ],
            collapsed: false,
            shown_when: Vec::new(),
        };
        let mut view = View::Form(Form {
            title: String::new(),
            notes: Vec::new(),
            sections: vec![section],
            buttons: Vec::new(),
            state: Some("{}".into()),
        });
        let signer = signer();
        signer.seal_view(&mut view, "notes", "edit");
        let View::Form(Form { state: Some(sealed), .. }) = view else { panic!("no form") };
        assert_eq!(signer.open_form(&sealed, "notes", "other"), None);
        let carried = signer.open_form(&sealed, "notes", "edit").unwrap();
        assert_eq!(carried.state.as_deref(), Some("{}"));
        let check = |name: &str, value: Value| {
            carried.check(&Params::from_iter([(name.to_owned(), value)]))
        };
        assert_eq!(check("days", Value::Integer(3)), Ok(()));
        let message =
            |checked: Result<(), Vec<FieldProblem>>| checked.unwrap_err().remove(0).message;
        assert_eq!(message(check("days", Value::Text("x".into()))), "must be a whole number");
        for name in ["fixed", "other"] {
            assert!(message(check(name, Value::Text("x".into()))).contains("has no field"));
        }
    }
}
