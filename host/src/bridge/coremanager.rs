//! ISPsystem's COREmanager and the panels on it:
//! `palisade-hook coremanager before|after cgi|xml`, or `billmanager` in its place.
//!
//! The parameters stand in variables `PARAM_<name>`. A handler of type `xml` finds the document
//! that the panel is about to show on standard input, and has to write it out again. One function
//! serves a form's three uses:
//!
//! | `sok` | `elid` | it |
//! | --- | --- | --- |
//! | empty | any | shows the form, which is the action `form.render` |
//! | set | empty | creates an object |
//! | set | set | changes it |
//!
//! A function is a form if its name ends in `.edit` or `.add`, or if the catalogue knows two uses
//! of it. Any other one does its work whether `sok` is set or not.

use indexmap::{IndexMap, IndexSet};
use palisade_hook::write::{xml_document, xml_error, xml_escaped};
use palisade_hook::{OnFailure, fallback};

use super::{Answer, BridgeError, Printed, Raw, Said, Translated, fields, xml};
use crate::hook::catalogue::{Action, When, catalogue};
use crate::hook::{
    Actor, ActorKind, Decision, ObjectRef, Params, Phase, Power, Problem, Role, Status, Value,
};

/// The most objects that a group operation may name.
const MAX_OBJECTS: usize = 1000;

/// The most that are looked at, each of which may be there many times.
const MAX_NAMED: usize = 100_000;

/// Parameters that are about the request and say nothing of the action. Among them are the session
/// and a repeated password, neither of which is anybody's business. A field of the catalogue can
/// still claim one, such as `elid`.
const PLUMBING: [&str; 11] = [
    "auth",
    "authinfo",
    "clicked_button",
    "confirm",
    "elid",
    "elids",
    "func",
    "operafake",
    "out",
    "progressid",
    "sok",
];

/// What a call says, read once.
struct Request<'a> {
    said: &'a Said<'a>,
    phase: Phase,
    kind: Kind,
    function: &'a str,
    /// The objects that the call is about, as the panel writes them.
    objects: String,
    purpose: Purpose,
    action: Option<&'static Action>,
}

/// How a handler is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It gets parameters.
    Cgi,
    /// It gets the document, too.
    Xml,
}

/// What a function is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To show a form.
    Show,
    /// To do something.
    Do,
}

/// Translates one call: to one hook call, or to one for each object that it names.
pub(super) fn translate(said: &Said<'_>) -> Result<Vec<Translated>, BridgeError> {
    let request = Request::read(said)?;
    let ids = request.ids()?;
    match ids.is_empty() {
        true => Ok(vec![request.about("")?]),
        false => ids.into_iter().map(|id| request.about(id)).collect(),
    }
}

/// Returns the document for the panel.
pub(super) fn answer(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let Ok(request) = Request::read(said) else {
        // Who called wrongly may still wait for its document.
        return fallback(said.call, OnFailure::Proceed, "");
    };
    match (request.phase, request.kind) {
        (Phase::Before, _) => Printed::text(request.before(answers)),
        (Phase::After, Kind::Xml) => after(said, answers),
        (Phase::After, Kind::Cgi) => Printed::text(xml_document("")),
    }
}

/// Returns the powers that the panel heeds: it takes no parameters from a script, and no result but a document.
pub(super) fn powers(said: &Said<'_>) -> &'static [Power] {
    match Request::read(said).map(|request| (request.phase, request.kind)) {
        Ok((Phase::Before, _)) => &[Power::Skip, Power::Deny],
        Ok((Phase::After, Kind::Xml)) => &[Power::Alter],
        Ok((Phase::After, Kind::Cgi)) | Err(_) => &[],
    }
}

impl<'a> Request<'a> {
    fn read(said: &'a Said<'a>) -> Result<Self, BridgeError> {
        let (phase, kind) = arguments(said)?;
        let function = param(said, "func").ok_or(BridgeError::MissingVariable("PARAM_func"))?;
        let panel = said.call.dialect.name();
        // What adds does not change, whatever object it is given.
        let is_named_form = function.ends_with(".edit") || function.ends_with(".add");
        let objects = objects(said, is_named_form);
        let creates = objects.is_empty() || function.ends_with(".add");
        let when = if creates { When::Create } else { When::Change };
        let known = catalogue().by_native(panel, function, Some(when));
        let has_two_uses = known
            .and_then(|action| action.panels.get(panel))
            .is_some_and(|native| native.when.is_some());
        let is_form = has_two_uses || is_named_form;
        let (purpose, action) = match is_form && param(said, "sok").is_none() {
            true => (Purpose::Show, catalogue().action("form.render")),
            false => (Purpose::Do, known),
        };
        Ok(Self { said, phase, kind, function, objects, purpose, action })
    }

    /// The identifiers of the objects; a group operation names several, separated by commas.
    fn ids(&self) -> Result<IndexSet<&str>, BridgeError> {
        let ids = self.objects.split(',').map(str::trim).filter(|id| !id.is_empty());
        let mut ids: IndexSet<&str> = ids.take(MAX_NAMED).collect();
        ids.truncate(MAX_OBJECTS + 1);
        match ids.len() > MAX_OBJECTS {
            true => Err(BridgeError::TooManyObjects(MAX_OBJECTS)),
            false => Ok(ids),
        }
    }

    /// The hook call about the object `id`, or about none if it is empty.
    fn about(&self, id: &str) -> Result<Translated, BridgeError> {
        let action = fields::action_name(self.said.call.dialect, self.action, self.function)?;
        let object =
            (!id.is_empty()).then(|| ObjectRef { kind: self.object_kind(), id: id.to_owned() });
        let address = self.said.variable("REMOTE_ADDR");
        let attributes = address.map(|address| ("remote.address".to_owned(), address.to_owned()));
        let is_failed = self.phase == Phase::After
            && self.kind == Kind::Xml
            && xml::has_element(&self.said.stdin, "error");
        Ok(Translated {
            actor: actor(self.said),
            object,
            params: self.params(id),
            attributes: IndexMap::from_iter(attributes),
            status: if is_failed { Status::Failed } else { Status::Succeeded },
            ..Translated::new(self.phase, action, self.function)
        })
    }

    /// The parameters, without plumbing that is no field. Of a form that is only shown its name is
    /// enough.
    fn params(&self, id: &str) -> Params {
        let sent = self.sent();
        let fields = self.action.iter().flat_map(|action| &action.fields);
        let claimed: Vec<&str> = fields
            .filter_map(|field| fields::claimed(self.said.call.dialect, field, &sent))
            .collect();
        let kept = |key| {
            claimed.contains(&key) || (self.purpose == Purpose::Do && !PLUMBING.contains(&key))
        };
        let one_object =
            |(key, text)| if key == "elid" || key == "elids" { (key, id) } else { (key, text) };
        let kept: Vec<_> =
            sent.iter().filter(|(key, _)| kept(key)).copied().map(one_object).collect();
        let mut params = fields::named(self.said.call.dialect, self.action, &kept);
        fields::join_address(&mut params);
        params
    }

    /// Every parameter of the request, by its name there.
    fn sent(&self) -> Vec<(&'a str, &'a str)> {
        self.said.with_prefix("PARAM_")
    }

    /// What the function is about: `mailbox` of `mailbox.create`, or what stands before the last
    /// dot of its own name.
    fn object_kind(&self) -> String {
        let name = match (self.purpose, self.action) {
            (Purpose::Do, Some(action)) => &action.name,
            _ => self.function,
        };
        fields::object_kind(name).to_owned()
    }

    fn before(&self, answers: &[Answer]) -> String {
        let denials: Vec<&Answer> =
            answers.iter().filter(|answer| answer.decision == Decision::Deny).collect();
        if !denials.is_empty() {
            let problems: Vec<&Problem> =
                denials.into_iter().flat_map(|answer| &answer.problems).collect();
            return self.refusal(&problems);
        }
        match answers.iter().filter(|answer| answer.decision == Decision::Skip).count() {
            0 => xml_document(""),
            skipped if skipped == answers.len() => xml_document("<skipaction/>"),
            // The panel does all or nothing: going on would do what an extension took over.
            _ => xml_error(
                "policy",
                "An extension takes over a part of what is selected. Select one at a time.",
            ),
        }
    }

    /// The error that the panel shows beside the first field at fault.
    fn refusal(&self, problems: &[&Problem]) -> String {
        let field = problems.iter().find_map(|problem| problem.field.as_deref());
        let object = field.map_or("policy", |field| self.native_key(field));
        let mut messages: Vec<&str> =
            problems.iter().map(|problem| problem.message.as_str()).collect();
        // The objects of a group operation are often refused for the same reason.
        messages.dedup();
        xml_error(object, &messages.join("; "))
    }

    /// The panel's name for a field.
    fn native_key<'s>(&'s self, short: &'s str) -> &'s str {
        let Some(field) = self.action.and_then(|action| action.field(short)) else {
            return short;
        };
        let first =
            || field.native.get(fields::panel(self.said.call.dialect))?.first().map(String::as_str);
        fields::claimed(self.said.call.dialect, field, &self.sent()).or_else(first).unwrap_or(short)
    }
}

/// The document that the panel is about to show, with what handlers changed.
fn after(said: &Said<'_>, answers: &[Answer]) -> Printed {
    let mut content = String::new();
    for change in answers.iter().flat_map(|answer| &answer.changes) {
        if let Some(text) =
            change.value.as_ref().and_then(shown).filter(|_| xml::is_name(&change.name))
        {
            content.push_str(&format!("<{0}>{1}</{0}>", change.name, xml_escaped(&text)));
        }
    }
    let changed = match content.as_str() {
        "" => None,
        content => xml::with_content(&said.call.stdin.0, content),
    };
    match changed {
        Some(document) => Printed::text(Raw(document)),
        // As it came: an empty one would blank the page.
        None => fallback(said.call, OnFailure::Proceed, ""),
    }
}

/// A value as the panel writes it; `None` if it is not to be shown.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Boolean(value) => Some(if *value { "on" } else { "off" }.to_owned()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Texts(texts) => Some(texts.join(", ")),
        Value::Json(json) => Some(json.to_string()),
        Value::Bytes(_) | Value::Secret(_) => None,
    }
}

/// A parameter that has a value.
fn param<'a>(said: &'a Said<'_>, name: &str) -> Option<&'a str> {
    said.variable(&format!("PARAM_{name}"))
}

/// The objects that the call is about, as the panel writes them: all that it names, for whoever sends both names must
/// not have a policy look at the wrong ones. A form is about `elid` alone.
fn objects(said: &Said<'_>, is_form: bool) -> String {
    let own = param(said, "elid").unwrap_or_default();
    match param(said, "elids").filter(|_| !is_form) {
        Some(group) if own.is_empty() => group.to_owned(),
        Some(group) => format!("{own},{group}"),
        None => own.to_owned(),
    }
}

fn arguments(said: &Said<'_>) -> Result<(Phase, Kind), BridgeError> {
    let unknown = |word: &str| BridgeError::UnknownArgument(word.to_owned());
    let phase = match said.argument(0).as_deref() {
        Some("before") => Phase::Before,
        Some("after") => Phase::After,
        Some(word) => return Err(unknown(word)),
        None => return Err(BridgeError::MissingArgument("before|after")),
    };
    let kind = match said.argument(1).as_deref() {
        Some("cgi") => Kind::Cgi,
        Some("xml") => Kind::Xml,
        Some(word) => return Err(unknown(word)),
        None => return Err(BridgeError::MissingArgument("cgi|xml")),
    };
    match said.argument(2) {
        Some(word) => Err(unknown(&word)),
        None => Ok((phase, kind)),
    }
}

fn actor(said: &Said<'_>) -> Option<Actor> {
    let id = said.variable("AUTH_USER")?.to_owned();
    let level = said.variable("AUTH_LEVEL");
    let role = level.map(|level| match level {
        "30" => Role::Superuser,
        "29" => Role::Administrator,
        "24" => Role::Reseller,
        "16" => Role::Customer,
        "9" => Role::MailboxUser,
        other => Role::Other(other.to_owned()),
    });
    Some(Actor { kind: ActorKind::Person, role, id, name: None })
}

#[cfg(test)]
mod tests;
