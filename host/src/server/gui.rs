//! The part of the panel API that is about pages: sessions, what extensions show at a place, pages and their buttons,
//! and changes to pages of the panel. All of it on behalf of the person of a session, which the header
//! `palisade-session` names.

mod session;
mod wire;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(super) use self::session::no_session;
use self::session::{InSession, SessionDetail, SessionRequest, at_most, check_object, text};
pub(super) use self::wire::LookupQuery;
use self::wire::{
    ActRequest, ActResponse, CloseQuery, Closed, ContributionDetail, Contributions, OverlayDetail,
    OverlayRequest, OverlayResponse, PageQuery, PageResponse, PlaceQuery,
};
use super::admin::json;
use super::error::{ApiError, ErrorBody};
use super::extract::{Path, Query};
use super::{App, AppState, body};
use crate::grant::check_panel_name;
use crate::gui::seal::Carried;
use crate::gui::session::Session;
use crate::hook::{ObjectRef, Params};
use crate::host::{PageError, new_id, now_ms};
use crate::person::{PanelPage, Request};
use crate::place::Place;
use crate::suggest::{nearest, shown};
use crate::view::{Choice, Reply, Window};

/// Rows, columns and fields of a page of the panel.
const MAX_ROWS: usize = 1_000;
const MAX_FIELDS: usize = 1_000;

impl From<PageError> for ApiError {
    fn from(error: PageError) -> Self {
        let status = match &error {
            PageError::Registry(_) | PageError::NoPage { .. } => StatusCode::NOT_FOUND,
            PageError::Disabled(_) => StatusCode::CONFLICT,
            PageError::NotGranted(_) | PageError::NotVisible { .. } | PageError::Object(_) => {
                StatusCode::FORBIDDEN
            }
            PageError::Fault { .. } => StatusCode::FAILED_DEPENDENCY,
        };
        let hint = match &error {
            PageError::Fault { id, .. } => Some(format!("the journal has it as `{id}`")),
            PageError::Registry(error) => error.hint(),
            _ => None,
        };
        Self::new(status, error.code(), error.to_string()).with_hint(hint)
    }
}

/// An object that is written as `kind:id`.
pub(super) fn object_of(written: Option<&str>) -> Result<Option<ObjectRef>, ApiError> {
    let Some(written) = written else { return Ok(None) };
    text("object", written)?;
    let parts = written.split_once(':').filter(|(kind, id)| !kind.is_empty() && !id.is_empty());
    let (kind, id) = parts.ok_or_else(|| {
        ApiError::invalid(format!(
            "`object` must be a kind and an identifier: `{}`",
            shown(written)
        ))
        .with_hint(Some("such as `domain:example.com`"))
    })?;
    Ok(Some(ObjectRef { kind: kind.to_owned(), id: id.to_owned() }))
}

pub(super) async fn read(
    app: &App,
    headers: &HeaderMap,
    request: Body,
) -> Result<bytes::Bytes, ApiError> {
    let time = std::time::Duration::from_millis(app.config.body_timeout_ms.into());
    body::read(headers, request, app.config.body_bytes, time).await
}

/// Opens a session for a person. Only the panel does, which knows who looks and what they may see.
#[utoipa::path(post, path = "/v1/gui/sessions", tag = "gui", request_body = SessionRequest,
    responses((status = 200, body = SessionDetail), (status = "4XX", body = ErrorBody)))]
pub(super) async fn open_session(
    State(app): AppState,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let request: SessionRequest = body::parse(&read(&app, &headers, request).await?)?;
    let new = request.check(&app.shown_config.locale)?;
    let (session, ticket) = app.host.sessions.open(new, now_ms())?;
    let url = session.start.is_some().then(|| app.browser.entrance(&session.id, &ticket)).flatten();
    let detail = SessionDetail { id: session.id.to_string(), url, expires_ms: session.expires_ms };
    Ok(json(&detail))
}

/// Ends a session.
#[utoipa::path(delete, path = "/v1/gui/sessions/{id}", tag = "gui",
    params(("id" = String, Path, description = "The session")),
    responses((status = 200, body = Closed), (status = "4XX", body = ErrorBody)))]
pub(super) async fn close_session(
    State(app): AppState,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match app.host.sessions.close(&id) {
        true => Ok(json(&Closed { closed: 1 })),
        false => Err(no_session()),
    }
}

/// Ends every session of a person.
#[utoipa::path(delete, path = "/v1/gui/sessions", tag = "gui", params(CloseQuery),
    responses((status = 200, body = Closed), (status = "4XX", body = ErrorBody)))]
pub(super) async fn close_sessions(
    State(app): AppState,
    Query(query): Query<CloseQuery>,
) -> Result<Response, ApiError> {
    Ok(json(&Closed { closed: app.host.sessions.close_all_of(&query.person) }))
}

/// Lists what extensions show at a place to the person of the session.
#[utoipa::path(get, path = "/v1/gui/places/{place}", tag = "gui",
    params(("place" = String, Path, description = "The place, such as `menu.main`"), PlaceQuery),
    responses((status = 200, body = Contributions), (status = "4XX", body = ErrorBody)))]
pub(super) async fn place(
    State(app): AppState,
    InSession(session): InSession,
    Path(name): Path<String>,
    Query(query): Query<PlaceQuery>,
) -> Result<Response, ApiError> {
    let place = Place::from_name(&name).ok_or_else(|| {
        let near = nearest(&name, Place::ALL.map(Place::name));
        ApiError::new(
            StatusCode::NOT_FOUND,
            "place.unknown",
            format!("there is no place `{}`", shown(&name)),
        )
        .with_hint(near.map(|near| format!("did you mean `{near}`?")))
    })?;
    let object = object_of(query.object.as_deref())?;
    let found =
        app.host.contributions(&session.person, &session.locale, place, object.as_ref()).await?;
    let pages = found
        .into_iter()
        .map(|found| ContributionDetail {
            extension: found.extension.id.to_string(),
            page: found.page.id,
            title: found.title,
            section: found.page.section,
            icon: found.page.icon,
            priority: found.page.priority,
        })
        .collect();
    Ok(json(&Contributions { pages }))
}

/// Which page of an extension is asked for, and which part of it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// The rows that were chosen, as they were given.
    pub rows: Vec<String>,
    /// The part of a list.
    pub window: Window,
}

/// Makes a request for a page.
pub(super) fn page_request(
    session: &Session,
    extension: &str,
    page: &str,
    asked: &Asked,
) -> Result<Request, ApiError> {
    let window = &asked.window;
    for (what, its) in
        [("after", &window.after), ("sort", &window.sort), ("search", &window.search)]
    {
        its.as_ref().map_or(Ok(()), |its| text(what, its))?;
    }
    at_most("rows", asked.rows.len(), MAX_ROWS)?;
    let rows = asked.rows.iter().map(|row| opened_row(session, extension, row));
    Ok(Request {
        id: new_id().into(),
        page: page.to_owned(),
        person: session.person.clone(),
        locale: session.locale.clone(),
        object: asked.object.clone(),
        rows: rows.collect::<Result<_, _>>()?,
        inputs: Params::new(),
        state: None,
        window: asked.window.clone(),
    })
}

fn opened_row(session: &Session, extension: &str, row: &str) -> Result<String, ApiError> {
    let opened = session.signer.open_row(row, extension).map(str::to_owned);
    opened.ok_or_else(|| {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "page.row",
            format!("this row was not shown in this session: `{}`", shown(row)),
        )
    })
}

/// Has an extension describe a page.
#[utoipa::path(get, path = "/v1/gui/pages/{extension}/{page}", tag = "gui",
    params(("extension" = String, Path, description = "The extension"), ("page" = String, Path, description = "The page"), PageQuery),
    responses((status = 200, body = PageResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn page(
    State(app): AppState,
    InSession(session): InSession,
    Path((extension, page)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let asked = Asked {
        object: object_of(query.object.as_deref())?,
        rows: query.row.into_iter().collect(),
        window: Window {
            after: query.after,
            limit: query.limit,
            sort: query.sort,
            descending: query.descending,
            search: query.search.filter(|search| !search.is_empty()),
        },
    };
    let request = page_request(&session, &extension, &page, &asked)?;
    let id = request.id.to_string();
    let mut view = app.host.render(&extension, request).await?;
    session.signer.seal_view(&mut view, &extension, &page);
    Ok(json(&PageResponse { id, view }))
}

/// Has an extension carry out a button.
#[utoipa::path(post, path = "/v1/gui/pages/{extension}/{page}/actions", tag = "gui",
    params(("extension" = String, Path, description = "The extension"), ("page" = String, Path, description = "The page, or the overlay whose button it is")),
    request_body = ActRequest,
    responses((status = 200, body = ActResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn act(
    State(app): AppState,
    InSession(session): InSession,
    Path((extension, page)): Path<(String, String)>,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let act: ActRequest = body::parse(&read(&app, &headers, request).await?)?;
    let carried = opened_form(&session, &extension, &page, act.state.as_deref())?;
    let press = Press {
        button: act.button,
        object: act.object,
        rows: act.rows,
        carried,
        inputs: act.inputs,
    };
    let reply = carry_out(&app, &session, (&extension, &page), press).await?;
    Ok(json(&match reply {
        Reply::Show(mut view) => {
            session.signer.seal_view(&mut view, &extension, &page);
            ActResponse::Show { view }
        }
        Reply::Refresh => ActResponse::Refresh,
        Reply::Go(page) => ActResponse::Go { page },
        Reply::Done(message) => ActResponse::Done { message },
        Reply::Invalid(problems) => ActResponse::Invalid { problems },
        Reply::Download(download) => ActResponse::Download {
            name: download.name,
            media_type: download.media_type,
            content: BASE64.encode(download.content),
        },
    }))
}

/// A button that was pressed, with what came with it.
pub(super) struct Press {
    /// The button.
    pub button: String,
    /// The object that the page is about.
    pub object: Option<ObjectRef>,
    /// The chosen rows, as they were given.
    pub rows: Vec<String>,
    /// What the form carried.
    pub carried: Carried,
    /// What was entered.
    pub inputs: Params,
}

/// What the form of a page carried when it was drawn; nothing if there is no form.
pub(super) fn opened_form(
    session: &Session,
    extension: &str,
    page: &str,
    state: Option<&str>,
) -> Result<Carried, ApiError> {
    let Some(sealed) = state else { return Ok(Carried::default()) };
    session.signer.open_form(sealed, extension, page).ok_or_else(|| {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "page.state",
            "the state of the form was not given in this session, or was changed",
        )
        .with_hint(Some("show the page anew, and send its `state` as it is"))
    })
}

/// Checks what came with a button, and has it carried out.
pub(super) async fn carry_out(
    app: &App,
    session: &Session,
    (extension, page): (&str, &str),
    press: Press,
) -> Result<Reply, ApiError> {
    text("button", &press.button)?;
    at_most("rows", press.rows.len(), MAX_ROWS)?;
    press.object.as_ref().map_or(Ok(()), check_object)?;
    // A row of a list of the panel is an object of the panel, and is checked as one.
    let is_overlay = app.host.is_overlay(extension, page);
    let rows = press.rows.iter().map(|row| match is_overlay {
        false => opened_row(session, extension, row),
        true if session.person.sees_some(row) => Ok(row.clone()),
        true => {
            let message = format!("this session shows no object `{}`", shown(row));
            Err(PageError::Object(message).into())
        }
    });
    let rows: Vec<String> = rows.collect::<Result<_, _>>()?;
    if let Err(problems) = press.carried.check(&press.inputs) {
        return Ok(Reply::Invalid(problems));
    }
    let request = Request {
        id: new_id().into(),
        page: page.to_owned(),
        person: session.person.clone(),
        locale: session.locale.clone(),
        object: press.object,
        rows,
        inputs: press.inputs,
        state: press.carried.state,
        window: Window::default(),
    };
    Ok(app.host.act(extension, request, press.button).await?)
}

/// Finds values to choose from.
#[utoipa::path(get, path = "/v1/gui/pages/{extension}/{page}/lookups/{name}", tag = "gui",
    params(("extension" = String, Path, description = "The extension"), ("page" = String, Path, description = "The page"),
        ("name" = String, Path, description = "The lookup"), LookupQuery),
    responses((status = 200, body = Vec<Choice>), (status = "4XX", body = ErrorBody)))]
pub(super) async fn lookup(
    State(app): AppState,
    InSession(session): InSession,
    Path((extension, page, name)): Path<(String, String, String)>,
    Query(query): Query<LookupQuery>,
) -> Result<Response, ApiError> {
    Ok(json(&look_up(&app, &session, (&extension, &page), name, query).await?))
}

/// Has an extension find values to choose from on a page.
pub(super) async fn look_up(
    app: &App,
    session: &Session,
    (extension, page): (&str, &str),
    name: String,
    query: LookupQuery,
) -> Result<Vec<Choice>, ApiError> {
    text("typed", &query.typed)?;
    let asked = Asked { object: object_of(query.object.as_deref())?, ..Asked::default() };
    let request = page_request(session, extension, page, &asked)?;
    Ok(app.host.lookup(extension, request, name, query.typed).await?)
}

/// Has extensions change a page of the panel that is about to be shown, or say what is wrong with what was entered.
#[utoipa::path(post, path = "/v1/gui/overlays", tag = "gui", request_body = OverlayRequest,
    responses((status = 200, body = OverlayResponse), (status = "4XX", body = ErrorBody)))]
pub(super) async fn overlays(
    State(app): AppState,
    InSession(session): InSession,
    headers: HeaderMap,
    request: Body,
) -> Result<Response, ApiError> {
    let request: OverlayRequest = body::parse(&read(&app, &headers, request).await?)?;
    check_panel_name(&request.page).map_err(|reason| {
        ApiError::invalid(format!("`page`: {reason}: `{}`", shown(&request.page)))
    })?;
    at_most("fields", request.fields.len(), MAX_FIELDS)?;
    at_most("rows", request.rows.len(), MAX_ROWS)?;
    request.object.as_ref().map_or(Ok(()), check_object)?;
    let mut page = PanelPage {
        id: new_id().into(),
        overlay: String::new(),
        name: request.page,
        person: session.person.clone(),
        locale: session.locale.clone(),
        object: request.object,
        fields: request.fields,
        rows: indexmap::IndexMap::with_capacity(request.rows.len()),
    };
    for row in request.rows {
        text("rows", &row.id)?;
        if let Some(twice) = page.rows.insert(row.id.clone(), row.cells) {
            drop(twice);
            return Err(ApiError::invalid(format!("`rows` has `{}` twice", shown(&row.id))));
        }
    }
    page.seal_secrets();
    let applied = app.host.overlays(request.place, page).await?;
    let overlays = applied
        .into_iter()
        .map(|applied| {
            let (edits, fault) = match applied.edits {
                Ok(edits) => (edits, None),
                Err(fault) => (Vec::new(), Some(fault.to_string())),
            };
            OverlayDetail {
                extension: applied.extension.id.to_string(),
                overlay: applied.overlay.id,
                place: applied.overlay.place,
                edits,
                left_out: applied.left_out,
                fault,
            }
        })
        .collect();
    Ok(json(&OverlayResponse { overlays }))
}
