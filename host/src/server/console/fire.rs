//! Simulating a hook call: an action is picked, its fields are filled in, and the verdict is shown with who decided
//! what. It is a rehearsal unless it is meant.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call;
use super::form::{Fields, Form};
use super::format;
use super::gate::{Failure, Signed};
use super::layout::{self, Area};
use super::sessions::Session;
use crate::hook::catalogue::{Field, FieldKind, catalogue};
use crate::hook::check_action;
use crate::host::Decided;
use crate::journal::{Entry, Journal};
use crate::server::error::ApiError;
use crate::server::extract::Query;
use crate::server::wire::{AfterRequest, BeforeRequest};
use crate::server::{App, AppState, actions, body};
use crate::view::Tone;

/// What to fire.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FireQuery {
    action: String,
    phase: String,
}

/// What was entered and what came of it.
#[derive(Default)]
struct Shown<'a> {
    entered: Option<&'a Fields>,
    problem: Option<&'a ApiError>,
    entry: Option<&'a Entry>,
}

/// Shows what can be fired, or the form of one action.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Query(query): Query<FireQuery>,
) -> Result<Response, Failure> {
    let action = query.action.trim();
    if action.is_empty() {
        return Ok(Area::Fire.page(&app, &session, &pick()));
    }
    check_action(action)
        .map_err(|message| ApiError::new(StatusCode::BAD_REQUEST, "action.invalid", message))?;
    Ok(drawn(&app, &session, action, &query.phase, &Shown::default()))
}

/// All actions, by what they are about.
fn pick() -> Markup {
    let mut groups: Vec<(&str, Vec<&crate::hook::catalogue::Action>)> = Vec::new();
    for action in catalogue().actions() {
        let about = action.name.split('.').next().unwrap_or_default();
        match groups.iter_mut().find(|(name, _)| *name == about) {
            Some((_, actions)) => actions.push(action),
            None => groups.push((about, vec![action])),
        }
    }
    html! {
        p.lead { "Simulate a call of a panel and see what extensions make of it. Unless you say otherwise it is a rehearsal: handlers answer, and nothing is changed." }
        div.toolbar {
            form method="get" action="/fire" {
                label.field.search {
                    span { "Action" }
                    input name="action" list="actions" required placeholder="mailbox.create" autocomplete="off" data-search data-filter="#groups a";
                }
                datalist #actions {
                    @for action in catalogue().actions() { option value=(action.name) { (action.description) } }
                }
                button.primary type="submit" { "Fill it in" }
            }
        }
        div.groups #groups {
            @for (about, actions) in &groups {
                section {
                    h2 { (about) }
                    ul {
                        @for action in actions {
                            li { a href=(layout::address("/fire", &[("action", &action.name)])) title=(action.description) { (action.name) } }
                        }
                    }
                }
            }
        }
    }
}

fn drawn(app: &App, session: &Session, action: &str, phase: &str, shown: &Shown<'_>) -> Response {
    let after = phase == "after";
    let known = catalogue().action(action);
    let body = html! {
        @if let Some(entry) = shown.entry { (call::draw(entry)) }
        @if let Some(problem) = shown.problem {
            (layout::refusal("It was not fired.", problem))
        }
        @if let Some(known) = known { p.lead { (known.description) } }
        @else { (unknown(action)) }
        nav.segments aria-label="Phase" {
            @for (name, words) in [("before", "Before the action"), ("after", "After the action")] {
                @let current = (after == (name == "after")).then_some("true");
                a href=(layout::address("/fire", &[("action", action), ("phase", name)])) aria-current=[current] { (words) }
            }
        }
        (layout::form(session, "/fire", Some("fire"), &html! {
            input type="hidden" name="action" value=(action);
            input type="hidden" name="phase" value=(if after { "after" } else { "before" });
            (parameters(action, shown))
            (around(after, shown))
            (buttons())
        }))
    };
    let mut response = Area::Fire.below(app, session, action, &body);
    if let Some(problem) = shown.problem {
        *response.status_mut() = problem.status();
    }
    response
}

fn unknown(action: &str) -> Markup {
    let near = catalogue().near(action);
    html! {
        (layout::note(Tone::Info, None, &html! {
            "The catalogue has no action " code { (action) } "; a panel may have it all the same."
            @if let Some(near) = near.first() {
                " Did you mean " a href=(layout::address("/fire", &[("action", near)])) { (near) } "?"
            }
        }))
    }
}

impl Shown<'_> {
    fn text(&self, name: &str) -> &str {
        self.entered.and_then(|entered| entered.get(name)).unwrap_or_default()
    }
}

/// The fields of the action, and everything else as JSON.
fn parameters(action: &str, shown: &Shown<'_>) -> Markup {
    let fields = catalogue().action(action).map(|action| action.fields.as_slice());
    html! {
        fieldset.group {
            legend { "Parameters" }
            @if let Some(fields) = fields {
                p.hint { "What stays empty is not sent." }
                div.grid { @for field in fields { (parameter(field, shown)) } }
            }
            div.field {
                label for="json" { @if fields.is_some() { "More, as JSON" } @else { "Parameters, as JSON" } }
                textarea.code #json name="json" rows="3" spellcheck="false" placeholder="{ \"name\": \"value\" }" { (shown.text("json")) }
            }
        }
    }
}

fn parameter(field: &Field, shown: &Shown<'_>) -> Markup {
    let short = field.short();
    let (name, id) = (format!("in.{short}"), format!("in-{short}"));
    let text = shown.text(&name);
    html! {
        div.field {
            label for=(id) { (short) @if field.secret { " " (layout::badge(Tone::Neutral, "secret")) } }
            @match field.kind {
                _ if field.secret => { input type="password" id=(id) name=(name) autocomplete="new-password"; }
                FieldKind::Boolean => {
                    select id=(id) name=(name) {
                        @for (value, words) in [("", "–"), ("true", "yes"), ("false", "no")] {
                            option value=(value) selected[value == text] { (words) }
                        }
                    }
                }
                FieldKind::Integer => { input type="number" step="1" id=(id) name=(name) value=(text); }
                FieldKind::Number => { input type="number" step="any" id=(id) name=(name) value=(text); }
                FieldKind::List => { textarea id=(id) name=(name) rows="2" spellcheck="false" placeholder="one in each line" { (text) } }
                FieldKind::Json => { textarea.code id=(id) name=(name) rows="2" spellcheck="false" placeholder="JSON" { (text) } }
                FieldKind::Text => { input type="text" id=(id) name=(name) value=(text) spellcheck="false" autocomplete="off"; }
            }
            p.hint { (format::prose(&field.description)) }
        }
    }
}

/// Who does it, about what, and how it ended.
fn around(after: bool, shown: &Shown<'_>) -> Markup {
    let input = |name: &str, label: &str, example: &str| {
        html! {
            label.field { span { (label) } input name=(name) value=(shown.text(name)) placeholder=(example) spellcheck="false" autocomplete="off"; }
        }
    };
    let roles = [
        ("", "none"),
        ("superuser", "superuser"),
        ("administrator", "administrator"),
        ("reseller", "reseller"),
        ("customer", "customer"),
        ("mailbox-user", "mailbox-user"),
    ];
    let statuses = [
        ("succeeded", "succeeded"),
        ("skipped", "skipped"),
        ("denied", "denied"),
        ("failed", "failed"),
    ];
    html! {
        fieldset.group {
            legend { "Around it" }
            div.grid {
                (input("object", "About, as kind:id", "domain:example.com"))
                (input("actor", "By, as kind:id", "person:admin"))
                (layout::select("role", "Role", &roles, shown.text("role")))
                @if after { (layout::select("status", "The action", &statuses, shown.text("status"))) }
            }
        }
    }
}

fn buttons() -> Markup {
    html! {
        div.actions.sticky {
            button.primary type="submit" name="mode" value="rehearsal" { "Rehearse" }
            button type="button" popovertarget="meant" { "Fire for real…" }
        }
        div.dialog #meant popover role="dialog" aria-label="Fire for real" {
            p { strong { "Handlers will act on it." } " They may send mail, call other systems and keep data, as if the panel had called." }
            div.actions {
                button.danger type="submit" name="mode" value="real" { "Fire it" }
                button type="button" popovertarget="meant" popovertargetaction="hide" { "Do not" }
            }
        }
    }
}

/// Fires what was entered.
pub(super) async fn fire(State(app): AppState, form: Form) -> Result<Response, Failure> {
    let fields = &form.fields;
    let action = fields.filled("action").unwrap_or_default();
    let phase = fields.filled("phase").unwrap_or_default();
    let (entry, problem) = match decided(&app, action, phase, fields).await {
        Ok(decided) => (Journal::entry(&decided.call, &decided.verdict, decided.duration), None),
        Err(error) => (None, Some(error)),
    };
    let shown = Shown { entered: Some(fields), problem: problem.as_ref(), entry: entry.as_ref() };
    Ok(drawn(&app, &form.session, action, phase, &shown))
}

/// Makes the call that a panel would make, and has it decided.
async fn decided(
    app: &Arc<App>,
    action: &str,
    phase: &str,
    fields: &Fields,
) -> Result<Decided, ApiError> {
    let request = serde_json::to_vec(&request(action, phase, fields)?)
        .map_err(|error| ApiError::internal("the call could not be written", &error))?;
    let call = match phase {
        "after" => body::parse::<AfterRequest>(&request)?.into_call(action, &app.config)?,
        _ => body::parse::<BeforeRequest>(&request)?.into_call(action, &app.config)?,
    };
    let its = app.clone();
    // Handlers that have begun are not cut off when the browser goes away.
    let deciding = app.detached.spawn(async move { actions::decide(&its, call, None).await });
    deciding.await.map_err(|error| ApiError::internal("the call could not be decided", &error))
}

/// The request of a panel, as JSON.
fn request(action: &str, phase: &str, fields: &Fields) -> Result<Value, ApiError> {
    let mut request = Map::new();
    request.insert("params".into(), Value::Object(params(action, fields)?));
    request.insert("dry_run".into(), (fields.get("mode") != Some("real")).into());
    if let Some(object) = fields.filled("object") {
        let Some((kind, id)) = object.split_once(':') else {
            return Err(ApiError::invalid("`object` must be a kind and an identifier")
                .with_hint(Some("such as `domain:example.com`")));
        };
        request.insert("object".into(), json!({ "kind": kind, "id": id }));
    }
    if let Some(actor) = fields.filled("actor") {
        let (kind, id) = actor.split_once(':').unwrap_or(("person", actor));
        let mut actor = json!({ "kind": kind, "id": id });
        if let (Some(role), Value::Object(members)) = (fields.filled("role"), &mut actor) {
            members.insert("role".into(), role.into());
        }
        request.insert("actor".into(), actor);
    }
    if phase == "after" {
        request.insert("status".into(), fields.filled("status").unwrap_or("succeeded").into());
    }
    Ok(Value::Object(request))
}

/// The parameters: those of fields that were filled in, and those that were given as JSON.
fn params(action: &str, fields: &Fields) -> Result<Map<String, Value>, ApiError> {
    let mut params = Map::new();
    let known = catalogue().action(action).into_iter().flat_map(|action| &action.fields);
    for field in known {
        let short = field.short();
        let entered = fields.get(&format!("in.{short}")).unwrap_or_default();
        if !entered.trim().is_empty() {
            params.insert(short.to_owned(), typed(field, entered)?);
        }
    }
    if let Some(text) = fields.filled("json") {
        let more: Value = serde_json::from_str(text)
            .map_err(|error| ApiError::invalid(format!("the parameters are not JSON: {error}")))?;
        let Value::Object(more) = more else {
            return Err(ApiError::invalid("the parameters must be a JSON object"));
        };
        params.extend(more);
    }
    Ok(params)
}

/// What was entered, by the type that the catalogue gives the field.
fn typed(field: &Field, entered: &str) -> Result<Value, ApiError> {
    let wrong = || ApiError::invalid(format!("`{}` is of type {}", field.short(), field.kind));
    let trimmed = entered.trim();
    match field.kind {
        FieldKind::Integer => trimmed.parse::<i64>().map(Value::from).map_err(|_| wrong()),
        FieldKind::Number => {
            let number = trimmed.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Value::Number).ok_or_else(wrong)
        }
        FieldKind::Boolean => trimmed.parse::<bool>().map(Value::from).map_err(|_| wrong()),
        FieldKind::List => {
            let lines = entered.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(lines.collect::<Vec<_>>().into())
        }
        FieldKind::Json => serde_json::from_str(trimmed).map_err(|_| wrong()),
        FieldKind::Text => Ok(entered.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        Fields::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_is_filled_in_is_a_call_and_a_rehearsal_unless_it_is_meant() {
        let fields = sent(&[
            ("in.address", "info@example.com"),
            ("in.quota", ""),
            ("json", "{\"extra\": [1]}"),
            ("object", "domain:example.com"),
            ("actor", "admin"),
            ("role", "administrator"),
        ]);
        let call = request("mailbox.create", "before", &fields).unwrap();
        assert_eq!(
            call,
            json!({
                "params": { "address": "info@example.com", "extra": [1] },
                "dry_run": true,
                "object": { "kind": "domain", "id": "example.com" },
                "actor": { "kind": "person", "id": "admin", "role": "administrator" },
            })
        );
        let meant = request("mailbox.create", "after", &sent(&[("mode", "real")])).unwrap();
        assert_eq!(meant, json!({ "params": {}, "dry_run": false, "status": "succeeded" }));
    }

    #[test]
    fn what_is_no_value_of_its_type_is_named() {
        let wrong = |pairs| request("mailbox.create", "before", &sent(pairs)).unwrap_err();
        assert_eq!(wrong(&[("json", "{")]).status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong(&[("json", "[1]")]).detail().message.contains("JSON object"));
        assert!(wrong(&[("object", "example.com")]).detail().message.contains("`object`"));
    }
}
