//! A form for settings, made of their JSON Schema: which fields there are, how they are drawn, and which settings
//! come of what was entered. What it does not understand of a schema is entered as JSON. No I/O.
//!
//! A value that is the default is not kept, so that another version can bring another default.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::form::Fields;
use super::format;
use super::layout;
use crate::extension::Settings;
use crate::hook::SECRET_KEY;
use crate::view::Tone;

/// Choices that are drawn as such.
const MAX_CHOICES: usize = 200;

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// The names of the settings that lead to it.
    path: Vec<String>,
    label: String,
    hint: Option<String>,
    required: bool,
    default: Option<Value>,
    kind: Kind,
}

/// How a value is entered.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Text {
        longest: Option<u64>,
        input: &'static str,
    },
    Number {
        whole: bool,
        least: Option<f64>,
        most: Option<f64>,
    },
    Toggle,
    Choice(Vec<Value>),
    /// One text in each line.
    Lines,
    Secret,
    /// Settings in a box of their own.
    Group(Vec<Field>),
    Json,
}

/// Something that is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The field, as a JSON Pointer; empty for all settings together.
    pub(super) at: String,
    /// What is wrong.
    pub(super) message: String,
}

/// The fields of a schema.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    fields_below(schema, &[])
}

fn fields_below(schema: &Value, path: &[String]) -> Vec<Field> {
    let required: Vec<&str> = items(schema, "required").filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let path: Vec<String> = path.iter().chain([name]).cloned().collect();
            Field {
                label: text(property, "title").map_or_else(|| label_of(name), str::to_owned),
                hint: text(property, "description").map(str::to_owned),
                required: required.contains(&name.as_str()),
                default: property.get("default").cloned(),
                kind: kind(property, &path),
                path,
            }
        })
        .collect()
}

/// The words of a name: `max-quota_mb` becomes `Max quota mb`.
fn label_of(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn items<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn kind(property: &Value, path: &[String]) -> Kind {
    let number = |key: &str| property.get(key).and_then(Value::as_f64);
    let is_secret = property.get("writeOnly").and_then(Value::as_bool).unwrap_or_default();
    if is_secret && path.len() == 1 {
        return Kind::Secret;
    }
    let choices: Vec<Value> = items(property, "enum").cloned().collect();
    let plain = |value: &Value| !value.is_array() && !value.is_object() && !value.is_null();
    if !choices.is_empty() && choices.len() <= MAX_CHOICES && choices.iter().all(plain) {
        return Kind::Choice(choices);
    }
    match text(property, "type") {
        Some("string") => Kind::Text {
            longest: property.get("maxLength").and_then(Value::as_u64),
            input: match text(property, "format") {
                Some("email") => "email",
                Some("uri") => "url",
                _ => "text",
            },
        },
        Some("integer") => {
            Kind::Number { whole: true, least: number("minimum"), most: number("maximum") }
        }
        Some("number") => {
            Kind::Number { whole: false, least: number("minimum"), most: number("maximum") }
        }
        Some("boolean") => Kind::Toggle,
        Some("array") if is_plain_list(property) => Kind::Lines,
        Some("object") if path.len() == 1 && is_closed(property) => {
            Kind::Group(fields_below(property, path))
        }
        _ => Kind::Json,
    }
}

/// Whether a list holds texts alone, none of which can have more than one line.
fn is_plain_list(property: &Value) -> bool {
    property.get("items").is_some_and(|items| text(items, "type") == Some("string"))
}

/// Whether an object has the members of its schema and no others, so that fields can show all of it.
fn is_closed(property: &Value) -> bool {
    let open = property.get("additionalProperties").is_none_or(|more| *more != json!(false));
    let named = property.get("properties").and_then(Value::as_object);
    !open && named.is_some_and(|named| !named.is_empty())
}

impl Field {
    /// The name that its value is sent by.
    fn name(&self) -> String {
        format!("in.{}", pointer(&self.path))
    }

    fn id(&self) -> String {
        format!("in-{}", self.path.join("-").replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
    }

    /// Its value among settings; the default if it has none.
    fn value<'a>(&'a self, given: &'a Settings) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        let top = given.get(first);
        let found = top.and_then(|top| rest.iter().try_fold(top, |value, name| value.get(name)));
        found.or(self.default.as_ref())
    }
}

/// A path as a JSON Pointer without its first slash.
fn pointer(path: &[String]) -> String {
    let escaped = path.iter().map(|name| name.replace('~', "~0").replace('/', "~1"));
    escaped.collect::<Vec<_>>().join("/")
}

/// What a form shows.
pub(super) struct Shown<'a> {
    /// What was given.
    pub(super) given: &'a Settings,
    /// What was entered and not taken.
    pub(super) entered: Option<&'a Fields>,
    /// What is wrong with it.
    pub(super) wrong: &'a [Wrong],
}

impl Shown<'_> {
    /// What stands in a field, as text.
    fn text(&self, field: &Field) -> String {
        let name = field.name();
        if let Some(entered) = self.entered.and_then(|entered| entered.get(&name)) {
            return entered.to_owned();
        }
        field.value(self.given).map(format::plain).unwrap_or_default()
    }

    fn wrong<'a>(&'a self, field: &'a Field) -> impl Iterator<Item = &'a str> {
        let own = pointer(&field.path);
        let below = format!("{own}/");
        let is_group = matches!(field.kind, Kind::Group(_));
        self.wrong
            .iter()
            .filter(move |wrong| wrong.at == own || (!is_group && wrong.at.starts_with(&below)))
            .map(|wrong| wrong.message.as_str())
    }
}

/// Draws fields.
pub(super) fn draw(fields: &[Field], shown: &Shown<'_>) -> Markup {
    let own: Vec<&Wrong> = shown.wrong.iter().filter(|wrong| wrong.at.is_empty()).collect();
    html! {
        @if !shown.wrong.is_empty() {
            (layout::note(Tone::Danger, Some("Nothing was saved."), &html! {
                @if own.is_empty() { "Look at the fields that are marked." }
                @for wrong in own { (wrong.message) " " }
            }))
        }
        @for field in fields { (draw_field(field, shown)) }
    }
}

fn draw_field(field: &Field, shown: &Shown<'_>) -> Markup {
    if let Kind::Group(fields) = &field.kind {
        return html! {
            fieldset.group {
                legend { (field.label) }
                @if let Some(hint) = &field.hint { p.hint { (format::prose(hint)) } }
                @for wrong in shown.wrong(field) { p.problem { (wrong) } }
                @for field in fields { (draw_field(field, shown)) }
            }
        };
    }
    let wrong: Vec<&str> = shown.wrong(field).collect();
    let id = field.id();
    let (hint_id, wrong_id) = (format!("{id}-hint"), format!("{id}-wrong"));
    let default = field.default.as_ref().filter(|_| field.kind != Kind::Secret);
    let described = match wrong.is_empty() {
        true => hint_id.clone(),
        false => format!("{wrong_id} {hint_id}"),
    };
    html! {
        div.field.wrong[!wrong.is_empty()] {
            @if field.kind == Kind::Toggle {
                label.toggle { (control(field, shown, &id, &described)) span { (field.label) } }
            } @else {
                label for=(id) {
                    (field.label)
                    @if field.required && field.default.is_none() { " " span.faint { "needed" } }
                }
                (control(field, shown, &id, &described))
            }
            @if !wrong.is_empty() { p.problem id=(wrong_id) { (wrong.join("; ")) } }
            p.hint id=(hint_id) {
                @if let Some(hint) = &field.hint { (format::prose(hint)) " " }
                @if let Kind::Lines = field.kind { "One in each line. " }
                @if let Kind::Json = field.kind { "As JSON. " }
                @if let Some(default) = default { span.faint { "Default: " (format::value(default)) } }
            }
        }
    }
}

fn control(field: &Field, shown: &Shown<'_>, id: &str, described: &str) -> Markup {
    let name = field.name();
    let invalid = shown.wrong(field).next().map(|_| "true");
    let text = || shown.text(field);
    match &field.kind {
        Kind::Text { .. } if text().contains('\n') => html! {
            textarea id=(id) name=(name) rows="6" spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { (text()) }
        },
        Kind::Text { longest, input } => html! {
            input type=(input) id=(id) name=(name) value=(text()) maxlength=[longest] aria-describedby=(described) aria-invalid=[invalid] spellcheck="false" autocomplete="off";
        },
        Kind::Number { whole, least, most } => html! {
            input type="number" id=(id) name=(name) value=(text()) step=(if *whole { "1" } else { "any" })
                min=[least] max=[most] aria-describedby=(described) aria-invalid=[invalid];
        },
        Kind::Toggle => html! {
            input type="hidden" name=(name) value="false";
            input type="checkbox" id=(id) name=(name) value="true" checked[text() == "true"] aria-describedby=(described) aria-invalid=[invalid];
        },
        Kind::Choice(choices) => {
            let chosen = text();
            html! {
                select id=(id) name=(name) aria-describedby=(described) aria-invalid=[invalid] {
                    @if !choices.iter().any(|choice| format::plain(choice) == chosen) {
                        option value="" selected { "–" }
                    }
                    @for choice in choices {
                        @let choice = format::plain(choice);
                        option value=(choice) selected[choice == chosen] { (choice) }
                    }
                }
            }
        }
        Kind::Lines => {
            let lines = text();
            html! {
                textarea id=(id) name=(name) rows=(lines.lines().count().clamp(2, 12)) spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { (lines) }
            }
        }
        Kind::Secret => {
            let given = field.path.first().is_some_and(|name| shown.given.contains_key(name));
            html! {
                input type="password" id=(id) name=(name) autocomplete="new-password" aria-describedby=(described) aria-invalid=[invalid]
                    placeholder=(if given { "kept as it is" } else { "not given" });
                @if given {
                    label.toggle { input type="checkbox" name=(forget_name(field)) value="true"; span { "Forget it" } }
                }
            }
        }
        Kind::Json | Kind::Group(_) => {
            let json = match shown.entered.and_then(|entered| entered.get(&name)) {
                Some(entered) => entered.to_owned(),
                None => field
                    .value(shown.given)
                    .map(|value| serde_json::to_string_pretty(value).unwrap_or_default())
                    .unwrap_or_default(),
            };
            html! {
                textarea.code id=(id) name=(name) rows=(json.lines().count().clamp(3, 20)) spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { (json) }
            }
        }
    }
}

fn forget_name(field: &Field) -> String {
    format!("forget.{}", pointer(&field.path))
}

/// The settings that come of what was entered, and what of it is no value. `given` is what was given before: a secret
/// that is not entered anew stays.
pub(super) fn read(fields: &[Field], entered: &Fields, given: &Settings) -> (Settings, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut settings = Settings::new();
    for field in fields {
        let Some(name) = field.path.last() else { continue };
        match value(field, entered, given) {
            Ok(Some(value)) if Some(&value) != field.default.as_ref() => {
                settings.insert(name.clone(), value);
            }
            Ok(_) => {}
            Err(problems) => wrong.extend(problems),
        }
    }
    (settings, wrong)
}

fn value(field: &Field, entered: &Fields, given: &Settings) -> Result<Option<Value>, Vec<Wrong>> {
    let problem = |message: String| Err(vec![Wrong { at: pointer(&field.path), message }]);
    if let Kind::Group(fields) = &field.kind {
        let (members, wrong) = read_group(fields, entered, given);
        return match wrong.is_empty() {
            true => Ok((!members.is_empty()).then_some(Value::Object(members))),
            false => Err(wrong),
        };
    }
    let name = field.name();
    let Some(text) = entered.get(&name) else {
        // A field that the form did not have is left as it was.
        return Ok(field.value(given).cloned());
    };
    let filled = !text.trim().is_empty();
    match &field.kind {
        Kind::Text { .. } if text.is_empty() => Ok(None),
        Kind::Text { .. } => Ok(Some(text.into())),
        Kind::Number { .. } | Kind::Choice(_) | Kind::Json if !filled => Ok(None),
        Kind::Number { whole: true, .. } => match text.trim().parse::<i64>() {
            Ok(number) => Ok(Some(number.into())),
            Err(_) => problem("must be a whole number".into()),
        },
        Kind::Number { whole: false, .. } => {
            match text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
                Some(number) => Ok(Some(Value::Number(number))),
                None => problem("must be a number".into()),
            }
        }
        Kind::Toggle => Ok(Some((text == "true").into())),
        Kind::Choice(choices) => {
            match choices.iter().find(|choice| format::plain(choice) == text) {
                Some(choice) => Ok(Some(choice.clone())),
                None => problem("must be one of the choices".into()),
            }
        }
        Kind::Lines => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(Some(lines.collect::<Vec<_>>().into()))
        }
        Kind::Secret if entered.get(&forget_name(field)) == Some("true") => Ok(None),
        Kind::Secret if !text.is_empty() => Ok(Some(text.into())),
        Kind::Secret => {
            let given = field.path.first().is_some_and(|name| given.contains_key(name));
            Ok(given.then(|| json!({ SECRET_KEY: null })))
        }
        Kind::Json | Kind::Group(_) => match serde_json::from_str(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) => problem(format!("is not JSON: {error}")),
        },
    }
}

/// The members of a group. All of them are kept, also those that are the default: a default within a group is not
/// filled in.
fn read_group(
    fields: &[Field],
    entered: &Fields,
    given: &Settings,
) -> (Map<String, Value>, Vec<Wrong>) {
    let (mut members, mut wrong) = (Map::new(), Vec::new());
    for field in fields {
        let Some(name) = field.path.last() else { continue };
        match value(field, entered, given) {
            Ok(Some(value)) => drop(members.insert(name.clone(), value)),
            Ok(None) => {}
            Err(problems) => wrong.extend(problems),
        }
    }
    (members, wrong)
}

#[cfg(test)]
mod tests;
