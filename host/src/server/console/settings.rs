//! The settings of an extension, as a form made of their schema.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::extension::{Tab, page};
use super::form::{Fields, Form};
use super::gate::{Failure, Signed};
use super::layout::{self, segment};
use super::schema::{self, Shown, Wrong};
use super::sessions::Session;
use crate::extension::Extension;
use crate::registry::{RegistryError, SettingsError};
use crate::server::extract::Path;
use crate::server::{App, AppState};
use crate::view::Tone;

/// Shows the settings of an extension.
pub(super) async fn show(
    State(app): AppState,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let extension = app.host.registry.get(&id)?;
    drawn(&app, &session, &extension, None, &[])
}

/// Gives an extension settings, or says at each field what is wrong with it.
pub(super) async fn change(
    State(app): AppState,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let extension = app.host.registry.get(&id)?;
    let fields = schema::fields(&extension.manifest.settings_schema);
    let given = app.host.registry.given_settings(&id)?;
    let (settings, wrong) = schema::read(&fields, &form.fields, &given);
    let wrong = match wrong.is_empty() {
        false => wrong,
        true => match app.host.set_settings(&id, settings).await {
            Ok(_) => Vec::new(),
            Err(RegistryError::Settings(error)) => problems(error),
            Err(error) => return Err(error.into()),
        },
    };
    if !wrong.is_empty() {
        let mut response = drawn(&app, &form.session, &extension, Some(&form.fields), &wrong)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    tracing::info!(extension.id = %extension.id, "the settings of `{}` changed", extension.id);
    app.console.say(&form.session, Tone::Success, "Saved. The next call goes by it.");
    Ok(Redirect::to(&format!("/extensions/{}/settings", segment(&id))).into_response())
}

/// What is wrong with settings, by their fields.
fn problems(error: SettingsError) -> Vec<Wrong> {
    match error.problems.is_empty() {
        true => vec![Wrong { at: String::new(), message: error.message }],
        false => error
            .problems
            .into_iter()
            .map(|problem| Wrong { at: problem.at, message: problem.message })
            .collect(),
    }
}

fn drawn(
    app: &App,
    session: &Session,
    extension: &Extension,
    entered: Option<&Fields>,
    wrong: &[Wrong],
) -> Result<Response, Failure> {
    let fields = schema::fields(&extension.manifest.settings_schema);
    let given = app.host.registry.given_settings(&extension.id)?;
    let body = match fields.is_empty() {
        true => nothing_to_set(),
        false => html! {
            (layout::form(session, &format!("/extensions/{}/settings", segment(&extension.id)), Some("settings"), &html! {
                (schema::draw(&fields, &Shown { given: &given, entered, wrong }))
                div.actions.sticky { button.primary type="submit" { "Save" } }
            }))
        },
    };
    Ok(page(app, session, extension, Tab::Settings, &body))
}

fn nothing_to_set() -> Markup {
    layout::empty("There is nothing to set", &html! { p { "Its manifest has no settings." } })
}
