//! Installing and upgrading: a file is uploaded and read, its operator decides what it may do, then it is installed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use maud::{Markup, html};

use super::form::Form;
use super::gate::{Failure, Signed};
use super::layout::{self, Area, segment};
use super::sessions::Session;
use super::{format, grants};
use crate::extension::Extension;
use crate::grant::Grant;
use crate::host::{InstallChange, InstallError, Replace, now_ms};
use crate::package::{Manifest, Package};
use crate::registry::Granting;
use crate::server::error::ApiError;
use crate::server::extract::Path;
use crate::server::{App, AppState, changes};
use crate::view::Tone;

/// Asks for a file.
pub(super) async fn show(State(app): AppState, Signed(session): Signed) -> Response {
    ask(&app, &session, None)
}

fn ask(app: &App, session: &Session, problem: Option<&ApiError>) -> Response {
    let most = format::bytes(app.config.component_bytes);
    let body = html! {
        @if let Some(problem) = problem { (layout::refusal("It was not installed.", problem)) }
        p.lead { "An extension is one file: a component with its manifest, as " code { "palisade pack" } " makes it. Nothing runs before you have seen what it asks for." }
        form method="post" action="/install" enctype="multipart/form-data" {
            (layout::token(session))
            div.field {
                label for="file" { "The file" }
                input type="file" id="file" name="file" accept=".wasm,application/wasm" required aria-describedby="file-hint";
                p.hint id="file-hint" { "At most " (most) "." }
            }
            div.actions { button.primary type="submit" { "Look at it" } }
        }
    };
    let mut response = Area::Extensions.below(app, session, "Install", &body);
    if let Some(problem) = problem {
        *response.status_mut() = problem.status();
    }
    response
}

/// Reads a file, without running anything of it, and keeps it until its operator has decided.
pub(super) async fn upload(State(app): AppState, form: Form) -> Result<Response, Failure> {
    let file = form.file.filter(|file| !file.is_empty());
    let Some(bytes) = file else {
        return Ok(ask(&app, &form.session, Some(&ApiError::invalid("there is no file"))));
    };
    if let Err(error) = read(bytes.clone()).await {
        return Ok(ask(&app, &form.session, Some(&error)));
    }
    let id = app
        .console
        .keep_upload(&form.session, bytes, now_ms())
        .map_err(|error| ApiError::internal("the file could not be kept", &error))?;
    Ok(Redirect::to(&format!("/install/{id}")).into_response())
}

/// Reads a package off the threads that serve requests.
async fn read(bytes: Bytes) -> Result<Package, ApiError> {
    match tokio::task::spawn_blocking(move || Package::read(&bytes)).await {
        Ok(package) => Ok(package.map_err(InstallError::from)?),
        Err(error) => Err(ApiError::internal("the file could not be read", &error)),
    }
}

/// An upload of this operator.
async fn uploaded(app: &App, session: &Session, id: &str) -> Result<(Bytes, Package), Failure> {
    let bytes = app.console.upload(session, id, now_ms()).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "console.upload",
            "this file is not here, or no longer",
        )
        .with_hint(Some("upload it once more"))
    })?;
    let package = read(bytes.clone()).await?;
    Ok((bytes, package))
}

/// Shows what an uploaded extension is and asks for.
pub(super) async fn review(
    State(app): AppState,
    Signed(session): Signed,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (_, package) = uploaded(&app, &session, &id).await?;
    Ok(drawn(&app, &session, &id, &package.manifest, None))
}

fn drawn(
    app: &App,
    session: &Session,
    upload: &str,
    manifest: &Manifest,
    problem: Option<&ApiError>,
) -> Response {
    let old = app.host.registry.snapshot().extensions.get(&manifest.id).cloned();
    let body = html! {
        @if let Some(problem) = problem { (layout::refusal("It was not installed.", problem)) }
        @if !manifest.description.is_empty() { p.lead { (manifest.description) } }
        (place(manifest, old.as_deref()))
        (facts(manifest))
        (layout::form(session, &format!("/install/{upload}"), Some("grants"), &decisions(manifest, old.as_ref())))
    };
    let title = match &old {
        None => format!("Install {}", manifest.name),
        Some(_) => format!("Upgrade {}", manifest.name),
    };
    let mut response = Area::Extensions.below(app, session, &title, &body);
    if let Some(problem) = problem {
        *response.status_mut() = problem.status();
    }
    response
}

/// What it takes the place of.
fn place(manifest: &Manifest, old: Option<&Extension>) -> Markup {
    let Some(old) = old else { return html! {} };
    match manifest.version > old.manifest.version {
        true => layout::note(
            Tone::Info,
            None,
            &html! { "It takes the place of version " (old.version) ", with its settings and what it keeps." },
        ),
        false => layout::note(
            Tone::Warning,
            None,
            &html! { "Version " (old.version) " is installed, and this one is not higher." },
        ),
    }
}

fn facts(manifest: &Manifest) -> Markup {
    let hooks: Vec<String> =
        manifest.subscriptions.iter().map(|subscription| subscription.hook.to_string()).collect();
    let pages = manifest.pages.len() + manifest.overlays.len();
    html! {
        dl.facts {
            dt { "Identifier" } dd { code { (manifest.id) } }
            dt { "Version" } dd { (manifest.version) }
            @if let Some(license) = &manifest.license { dt { "Licence" } dd { (license) } }
            @if !hooks.is_empty() { dt { "Hooks" } dd { @for hook in &hooks { code { (hook) } " " } } }
            @if let Some(provider) = &manifest.provider { dt { "Provides" } dd { (provider.provides) } }
            @if pages > 0 { dt { "Pages" } dd { (pages) } }
        }
    }
}

fn decisions(manifest: &Manifest, old: Option<&Arc<Extension>>) -> Markup {
    let granted = |grant: &Grant| old.is_some_and(|old| old.granted.contains(grant));
    let known = |grant: &Grant| {
        old.is_some_and(|old| old.manifest.asks.iter().any(|ask| ask.grant == *grant))
    };
    let not_newer = old.is_some_and(|old| manifest.version <= old.manifest.version);
    html! {
        h2 { "What it asks for" }
        @if manifest.asks.is_empty() {
            p { "Nothing." }
        } @else {
            (grants::boxes(
                manifest.asks.iter(),
                |grant| granted(grant) || (grant.is_ordinary() && !known(grant)),
                |grant| old.is_some() && !known(grant),
            ))
        }
        @if not_newer {
            label.toggle { input type="checkbox" name="replace" value="true" required; span { "Put it in the place of the version that is installed" } }
        }
        div.actions.sticky {
            @if manifest.asks.is_empty() {
                button.primary type="submit" name="all" value="true" { "Install" }
            } @else {
                button.primary type="submit" name="all" value="true" { "Grant everything and install" }
                button type="submit" { "Install with what is ticked" }
            }
            a.button href="/extensions" { "Do not install it" }
        }
    }
}

/// Installs an uploaded extension.
pub(super) async fn install(
    State(app): AppState,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let (bytes, package) = uploaded(&app, &form.session, &id).await?;
    let granting = match form.fields.get("all") {
        Some(_) => Granting::All,
        None => Granting::These(grants::ticked(&form.fields)?),
    };
    let replace = match form.fields.get("replace") {
        Some("true") => Replace::Any,
        _ => Replace::Older,
    };
    let panel = app.shown_config.panel;
    let installed = match changes::install(&app, bytes, replace, granting, panel).await {
        Ok(installed) => installed,
        Err(error) => {
            return Ok(drawn(&app, &form.session, &id, &package.manifest, Some(&error)));
        }
    };
    app.console.drop_upload(&form.session);
    let extension = &installed.extension;
    let message = match &installed.change {
        InstallChange::New => format!("{} {} is installed.", extension.id, extension.version),
        InstallChange::Unchanged => "The same component was installed already.".to_owned(),
        InstallChange::Replaced(old) => {
            format!("{} takes the place of version {old}.", extension.version)
        }
        InstallChange::Waiting(old) => {
            format!("It waits for what it asks for; version {old} goes on.")
        }
    };
    app.console.say(&form.session, Tone::Success, &message);
    Ok(Redirect::to(&format!("/extensions/{}", segment(&extension.id))).into_response())
}
