//! The part of the panel API that is about pages: sessions, what extensions show at a place, pages and their buttons,
//! and changes to pages of the panel. All of it on behalf of the person of a session, which the header
//! `palisade-session` names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::admin::json;
use super::error::{ApiError, ErrorBody};
use super::extract::{Path, Query};
use super::{App, AppState, body};
use crate::grant::check_panel_name;
use crate::gui::session::{Mode, NewSession, Session, SessionError, Start};
use crate::hook::{ObjectRef, Params};
use crate::host::{PageError, new_id, now_ms};
use crate::locale::Locale;
use crate::overlay::Edit;
use crate::person::{Objects, PanelPage, Person, Request};
use crate::place::Place;
use crate::view::{Choice, FieldProblem, Reply, View, Window};

/// The header that names the session.
const SESSION: &str = "palisade-session";
/// Bytes of a text of a session, and entries of one of its lists.
const MAX_TEXT: usize = 256;
const MAX_LIST: usize = 10_000;
/// Minutes that a session lasts if nothing else is said, and at most.
const DEFAULT_LIFETIME_S: u32 = 60 * 60;
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;
/// Rows, columns and fields of a page of the panel.
const MAX_ROWS: usize = 1_000;
const MAX_FIELDS: usize = 1_000;

/// What a panel opens a session with.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// Who looks.
    pub person: PersonRequest,
    /// The reader's language, as a BCP 47 tag; the host's if there is none.
    pub locale: Option<String>,
    /// How pages look.
    #[serde(default)]
    pub theme: ThemeRequest,
    /// Where the panel's own pages are, by name, for buttons that lead to them: `https`, `http` or a path.
    #[serde(default)]
    pub panel_pages: BTreeMap<String, String>,
    /// Seconds until the session ends, 3,600 if not given and never more than 86,400.
    pub lifetime_s: Option<u32>,
    /// The page that its address opens. Without it the session is for the JSON API alone.
    pub page: Option<StartRequest>,
}

/// Who looks.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    /// The identifier, unique within the panel.
    pub id: String,
    /// The name to show.
    #[serde(default)]
    pub name: String,
    /// `superuser`, `administrator`, `reseller`, `customer`, `mailbox-user`, or the panel's own word.
    pub role: String,
    /// The customer to whom what is looked at belongs.
    pub customer: Option<String>,
    /// The panel's permissions that the person has.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
    /// What of the panel the person may see; every object if it is not given and the role is `superuser` or
    /// `administrator`, none for others.
    pub objects: Option<Vec<ObjectRef>>,
    /// What else extensions may know, such as `remote.address`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// How pages look.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThemeRequest {
    /// `auto`, `light` or `dark`.
    #[serde(default)]
    pub mode: Mode,
    /// The panel's CSS variables, `--palisade-...` by their names without that beginning.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// Where a session begins.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// The extension.
    pub extension: String,
    /// The page.
    pub page: String,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
}

/// A session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionDetail {
    /// Its identifier: the value of the header `palisade-session`.
    pub id: String,
    /// The path that lets one browser in, once and within a minute, under the address of the host's pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When it ends, in milliseconds since the epoch.
    pub expires_ms: u64,
}

/// Whose sessions to end.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CloseQuery {
    /// The person's identifier.
    person: String,
}

/// How many sessions ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Closed {
    /// The number.
    pub closed: usize,
}

/// Which object a place is of.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PlaceQuery {
    /// The kind and the identifier of the object, joined by a colon.
    object: Option<String>,
}

/// What extensions show at a place, highest priority first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Contributions {
    /// The pages.
    pub pages: Vec<ContributionDetail>,
}

/// A page at a place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContributionDetail {
    /// The extension.
    pub extension: String,
    /// The page.
    pub page: String,
    /// What leads to it.
    pub title: String,
    /// The section of the place, by the panel's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The icon, by the panel's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// 0 to 100.
    pub priority: u8,
}

/// Which part of a page is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The kind and the identifier of the object that the page is about, joined by a colon.
    pub object: Option<String>,
    /// The row that was chosen, as it was given.
    pub row: Option<String>,
    /// Where the list begins: what the part before gave as `next`.
    pub after: Option<String>,
    /// How many rows at most.
    pub limit: Option<u32>,
    /// The column to sort by.
    pub sort: Option<String>,
    /// Whether downwards.
    #[serde(default)]
    pub descending: bool,
    /// What to search for.
    pub search: Option<String>,
}

/// A page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PageResponse {
    /// The identifier of the call, as in the journal.
    pub id: String,
    /// What to show.
    pub view: View,
}

/// A button that was pressed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// The button.
    pub button: String,
    /// The object that the page is about.
    pub object: Option<ObjectRef>,
    /// The chosen rows, as they were given.
    #[serde(default)]
    pub rows: Vec<String>,
    /// The `state` of the form, as it was given; needed for `inputs`.
    pub state: Option<String>,
    /// What was entered, by field.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub inputs: Params,
}

/// What happens after a button.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ActResponse {
    /// Show this page.
    Show {
        /// The page.
        view: Box<View>,
    },
    /// Show the same page anew.
    Refresh,
    /// Go to a page of the extension.
    Go {
        /// The page.
        page: String,
    },
    /// Say that it is done, and show the same page anew.
    Done {
        /// What to say.
        message: String,
    },
    /// Show these problems, with what was entered.
    Invalid {
        /// The problems.
        problems: Vec<FieldProblem>,
    },
    /// Send a file.
    Download {
        /// Its name.
        name: String,
        /// Its media type.
        media_type: String,
        /// What is in it, in base64.
        content: String,
    },
}

/// What was typed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LookupQuery {
    /// What was typed.
    #[serde(default)]
    typed: String,
    /// The kind and the identifier of the object that the page is about, joined by a colon.
    object: Option<String>,
}

/// A page of the panel.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayRequest {
    /// The panel's name for it.
    pub page: String,
    /// Only changes of this place; of all if it is not given.
    pub place: Option<Place>,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// The fields of its form, by name.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub fields: Params,
    /// The rows of its list.
    #[serde(default)]
    pub rows: Vec<OverlayRow>,
}

/// A row of a page of the panel.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlayRow {
    /// Its identifier.
    pub id: String,
    /// Its cells, by column.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub cells: Params,
}

/// What extensions change of a page of the panel, in the order in which to make the changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OverlayResponse {
    /// The changes of each.
    pub overlays: Vec<OverlayDetail>,
}

/// What one extension changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OverlayDetail {
    /// The extension.
    pub extension: String,
    /// The overlay: its buttons act under this identifier.
    pub overlay: String,
    /// The place.
    pub place: Place,
    /// The changes.
    pub edits: Vec<Edit>,
    /// Changes that do not fit the page, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Why the extension changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The session that a request names.
pub(super) struct InSession(Arc<Session>);

impl FromRequestParts<Arc<App>> for InSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let id = parts.headers.get(SESSION).and_then(|value| value.to_str().ok());
        let missing = || {
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "session.missing",
                "the header `palisade-session` is missing",
            )
            .with_hint(Some("open a session: POST /v1/gui/sessions"))
        };
        let session = app.host.sessions.get(id.ok_or_else(missing)?, now_ms());
        session.map(Self).ok_or_else(|| no_session().with_hint(Some("open a new one")))
    }
}

fn no_session() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "session.unknown", "there is no such session, or it ended")
}

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
            _ => None,
        };
        Self::new(status, error.code(), error.to_string()).with_hint(hint)
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "session.limit", error.to_string())
            .with_hint(Some("end sessions that nobody needs: DELETE /v1/gui/sessions/{id}"))
    }
}

/// Checks a text of a session.
fn text(what: &str, text: &str) -> Result<(), ApiError> {
    match text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        true => Err(ApiError::invalid(format!(
            "`{what}` must be at most {MAX_TEXT} bytes without control characters: `{}`",
            shown(text)
        ))),
        false => Ok(()),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

fn at_most(what: &str, number: usize, limit: usize) -> Result<(), ApiError> {
    match number > limit {
        true => {
            Err(ApiError::invalid(format!("`{what}` has {number} entries, the limit is {limit}")))
        }
        false => Ok(()),
    }
}

fn some_object(object: &ObjectRef) -> Result<(), ApiError> {
    text("object.kind", &object.kind)?;
    text("object.id", &object.id)
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

impl PersonRequest {
    fn check(self) -> Result<Person, ApiError> {
        if self.id.is_empty() {
            return Err(ApiError::invalid("`person.id` is empty"));
        }
        for (what, its) in [
            ("person.id", self.id.as_str()),
            ("person.name", &self.name),
            ("person.role", &self.role),
            ("person.customer", self.customer.as_deref().unwrap_or_default()),
        ] {
            text(what, its)?;
        }
        at_most("person.permissions", self.permissions.len(), MAX_LIST)?;
        self.permissions.iter().try_for_each(|its| text("person.permissions", its))?;
        at_most("person.attributes", self.attributes.len(), 100)?;
        self.attributes.iter().try_for_each(|(name, value)| {
            text("person.attributes", name)?;
            text("person.attributes", value)
        })?;
        let runs_the_panel = matches!(self.role.as_str(), "superuser" | "administrator");
        let objects = match self.objects {
            None if runs_the_panel => Objects::All,
            objects => {
                let objects = objects.unwrap_or_default();
                at_most("person.objects", objects.len(), MAX_LIST)?;
                objects.iter().try_for_each(some_object)?;
                Objects::These(objects.into_iter().map(|its| (its.kind, its.id)).collect())
            }
        };
        Ok(Person {
            id: self.id,
            name: self.name,
            role: self.role,
            customer: self.customer,
            permissions: self.permissions,
            objects,
            attributes: self.attributes,
        })
    }
}

impl SessionRequest {
    fn check(self, default_locale: &str) -> Result<NewSession, ApiError> {
        let locale = self.locale.as_deref().unwrap_or(default_locale);
        let locale = Locale::parse(locale)
            .map_err(|error| ApiError::invalid(format!("`locale` is {error}")))?;
        let person = self.person.check()?;
        at_most("theme.variables", self.theme.variables.len(), 100)?;
        for (name, value) in &self.theme.variables {
            check_variable(name, value)?;
        }
        at_most("panel_pages", self.panel_pages.len(), 1_000)?;
        for (name, url) in &self.panel_pages {
            check_panel_name(name).map_err(|reason| {
                ApiError::invalid(format!("`panel_pages`: {reason}: `{}`", shown(name)))
            })?;
            check_link(url)?;
        }
        if let Some(start) = &self.page {
            text("page.extension", &start.extension)?;
            text("page.page", &start.page)?;
            start.object.as_ref().map_or(Ok(()), some_object)?;
            if let Some(object) = start.object.as_ref().filter(|object| !person.sees(object)) {
                return Err(ApiError::invalid(format!(
                    "`page.object` is the {} `{}`, which is not among `person.objects`",
                    shown(&object.kind),
                    shown(&object.id)
                )));
            }
        }
        let lifetime_s = self.lifetime_s.unwrap_or(DEFAULT_LIFETIME_S);
        if !(1..=MAX_LIFETIME_S).contains(&lifetime_s) {
            return Err(ApiError::invalid(format!(
                "`lifetime_s` must be 1 to {MAX_LIFETIME_S}: {lifetime_s}"
            )));
        }
        Ok(NewSession {
            person,
            locale,
            mode: self.theme.mode,
            variables: self.theme.variables,
            panel_pages: self.panel_pages,
            start: self.page.map(|start| Start {
                extension: start.extension,
                page: start.page,
                object: start.object,
            }),
            lifetime_ms: u64::from(lifetime_s) * 1_000,
        })
    }
}

/// Checks a CSS variable. A value can be a colour, a length or a font, and nothing that reaches beyond it.
fn check_variable(name: &str, value: &str) -> Result<(), ApiError> {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let plain = |c: char| c.is_ascii_alphanumeric() || " #%.,-()/'\"_".contains(c);
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(word)
        && (1..=200).contains(&value.len())
        && value.chars().all(plain)
        && !value.to_ascii_lowercase().contains("url");
    match fits {
        true => Ok(()),
        false => Err(ApiError::invalid(format!(
            "`theme.variables` has `{}: {}`, which is no colour, length or font",
            shown(name),
            shown(value)
        ))),
    }
}

fn check_link(url: &str) -> Result<(), ApiError> {
    let path = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
    let whole = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    match url.len() <= 2_000 && (path || whole) {
        true => text("panel_pages", url.get(..MAX_TEXT.min(url.len())).unwrap_or_default()),
        false => Err(ApiError::invalid(format!(
            "`panel_pages` has an address that is neither https, http nor a path: `{}`",
            shown(url)
        ))),
    }
}

async fn read(app: &App, headers: &HeaderMap, request: Body) -> Result<bytes::Bytes, ApiError> {
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
    let path = session.start.is_some().then(|| format!("/s/{}/enter/{ticket}", session.id));
    let detail = SessionDetail { id: session.id.to_string(), path, expires_ms: session.expires_ms };
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
        let near = crate::suggest::nearest(&name, Place::ALL.map(Place::name));
        ApiError::new(
            StatusCode::NOT_FOUND,
            "place.unknown",
            format!("there is no place `{}`", shown(&name)),
        )
        .with_hint(near.map(|near| format!("did you mean `{near}`?")))
    })?;
    let object = object_of(query.object.as_deref())?;
    if let Some(object) = object.as_ref().filter(|object| !session.person.sees(object)) {
        let message = format!(
            "this session does not show the {} `{}`",
            shown(&object.kind),
            shown(&object.id)
        );
        return Err(PageError::Object(message).into());
    }
    let kind = object.as_ref().map(|object| object.kind.as_str());
    let found = app.host.contributions(&session.person, place, kind);
    let pages = found
        .into_iter()
        .map(|found| ContributionDetail {
            extension: found.extension.id.to_string(),
            page: found.page.id,
            title: found.page.title,
            section: found.page.section,
            icon: found.page.icon,
            priority: found.page.priority,
        })
        .collect();
    Ok(json(&Contributions { pages }))
}

/// Makes a request for a page.
pub(super) fn page_request(
    session: &Session,
    extension: &str,
    page: String,
    query: PageQuery,
) -> Result<Request, ApiError> {
    for (what, its) in [("after", &query.after), ("sort", &query.sort), ("search", &query.search)] {
        its.as_ref().map_or(Ok(()), |its| text(what, its))?;
    }
    let rows = match &query.row {
        None => Vec::new(),
        Some(row) => vec![opened_row(session, extension, row)?],
    };
    Ok(Request {
        id: new_id().into(),
        page,
        person: session.person.clone(),
        locale: session.locale.clone(),
        object: object_of(query.object.as_deref())?,
        rows,
        inputs: Params::new(),
        state: None,
        window: Window {
            after: query.after,
            limit: query.limit,
            sort: query.sort,
            descending: query.descending,
            search: query.search.filter(|search| !search.is_empty()),
        },
    })
}

pub(super) fn opened_row(
    session: &Session,
    extension: &str,
    row: &str,
) -> Result<String, ApiError> {
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
    let request = page_request(&session, &extension, page.clone(), query)?;
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
    let reply = carry_out(&app, &session, &extension, &page, act).await?;
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

/// Checks what came with a button, and has it carried out.
pub(super) async fn carry_out(
    app: &App,
    session: &Session,
    extension: &str,
    page: &str,
    act: ActRequest,
) -> Result<Reply, ApiError> {
    text("button", &act.button)?;
    at_most("rows", act.rows.len(), MAX_ROWS)?;
    act.object.as_ref().map_or(Ok(()), some_object)?;
    // A row of a list of the panel is an object of the panel, and is checked as one.
    let is_overlay = app.host.is_overlay(extension, page);
    let rows = act.rows.iter().map(|row| match is_overlay {
        false => opened_row(session, extension, row),
        true if session.person.sees_some(row) => Ok(row.clone()),
        true => {
            let message = format!("this session shows no object `{}`", shown(row));
            Err(PageError::Object(message).into())
        }
    });
    let rows: Vec<String> = rows.collect::<Result<_, _>>()?;
    let carried = match &act.state {
        None => Default::default(),
        Some(sealed) => session.signer.open_form(sealed, extension, page).ok_or_else(|| {
            ApiError::new(
                StatusCode::FORBIDDEN,
                "page.state",
                "the state of the form was not given in this session, or was changed",
            )
            .with_hint(Some("show the page anew, and send its `state` as it is"))
        })?,
    };
    if let Err(problems) = carried.check(&act.inputs) {
        return Ok(Reply::Invalid(problems));
    }
    let request = Request {
        id: new_id().into(),
        page: page.to_owned(),
        person: session.person.clone(),
        locale: session.locale.clone(),
        object: act.object,
        rows,
        inputs: act.inputs,
        state: carried.state,
        window: Window::default(),
    };
    Ok(app.host.act(extension, request, act.button).await?)
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
    Ok(json(&look_up(&app, &session, &extension, page, name, query).await?))
}

pub(super) async fn look_up(
    app: &App,
    session: &Session,
    extension: &str,
    page: String,
    name: String,
    query: LookupQuery,
) -> Result<Vec<Choice>, ApiError> {
    text("typed", &query.typed)?;
    let its = PageQuery { object: query.object, ..PageQuery::default() };
    let request = page_request(session, extension, page, its)?;
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
    request.object.as_ref().map_or(Ok(()), some_object)?;
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
    let applied = app.host.overlays(request.place, page).await;
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
