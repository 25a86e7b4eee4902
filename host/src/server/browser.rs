//! Pages of extensions in a browser, as HTML that the host draws: in a frame of the panel, or in a tab.
//!
//! Whoever comes with the address of a session gets its cookie, once. Each page, button and lookup then goes the same
//! way as the panel's own requests, with the person of the session; nothing else of the API is served here.

mod answer;
mod posted;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use cookie::{Cookie, SameSite};
use lru::LruCache;
use tower_http::compression::CompressionLayer;

use self::answer::{Shown, failure};
use self::posted::Pressed;
use super::admin::json;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::form::{self, FormLimits};
use super::gui::{
    Asked, LookupQuery, Press, carry_out, look_up, no_session, object_of, opened_form, page_request,
};
use super::{App, AppState, web};
use crate::config::GuiConfig;
use crate::gui::session::Session;
use crate::hook::Params;
use crate::host::now_ms;
use crate::suggest::shown;
use crate::view::{FieldProblem, Form, Node, Reply, View};

/// The cookie of a session.
const COOKIE: &str = "palisade";
/// Pages kept that a button led to, for what may be wrong with what is entered there.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// Pages by session, extension and page.
type Pages = LruCache<(Arc<str>, String, String), View>;

/// What serving browsers needs.
pub(super) struct Browser {
    /// What browsers call this host.
    origin: Option<String>,
    policy: HeaderValue,
    framed: bool,
    /// Held for moments only.
    kept: Mutex<Pages>,
}

impl Browser {
    /// For a host whose browsers are served at an address, if they are.
    pub fn new(config: &GuiConfig, address: Option<SocketAddr>) -> Self {
        let ancestors = match config.frame_ancestors.is_empty() {
            true => "'none'".to_owned(),
            false => config.frame_ancestors.join(" "),
        };
        Self {
            origin: address.map(|address| config.origin(address)),
            policy: web::content_policy(&ancestors),
            framed: !config.frame_ancestors.is_empty(),
            kept: Mutex::new(LruCache::new(KEPT)),
        }
    }

    /// The address by which a browser is let into a session.
    pub fn entrance(&self, session: &str, ticket: &str) -> Option<String> {
        self.origin.as_ref().map(|origin| format!("{origin}/enter/{session}/{ticket}"))
    }

    fn keep(&self, session: &Session, extension: &str, page: &str, view: &View) {
        let key = (session.id.clone(), extension.to_owned(), page.to_owned());
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(key, view.clone());
    }

    /// The page that a button led to, if the form is on it.
    fn kept(&self, session: &Session, extension: &str, page: &str, state: &str) -> Option<View> {
        let key = (session.id.clone(), extension.to_owned(), page.to_owned());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key).filter(|view| has_form(view, state)).cloned()
    }
}

/// The routes for browsers.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/assets/{name}", get(web::asset))
        .route("/enter/{session}/{ticket}", get(enter))
        .route("/s/{session}/theme.css", get(theme))
        .route("/s/{session}/{extension}/{page}", get(show).post(press))
        .route("/s/{session}/{extension}/{page}/lookups/{name}", get(find))
        .route("/s/{session}/{extension}/.assets/{*path}", get(image))
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), with_headers))
        .layer(DefaultBodyLimit::max(usize::try_from(app.config.body_bytes).unwrap_or(usize::MAX)))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Adds what every answer to a browser has.
async fn with_headers(State(app): AppState, request: HttpRequest, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, app.browser.policy.clone());
    if !app.browser.framed {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    web::harden(headers);
    response
}

/// Lets the browser in that comes with the address of a session.
async fn enter(State(app): AppState, Path((id, ticket)): Path<(String, String)>) -> Response {
    let entered = match app.host.sessions.enter(&id, &ticket, now_ms()) {
        Ok(entered) => entered,
        Err(error) => return failure(None, &error.into()),
    };
    let Some((session, secret)) = entered else {
        let message = "this address was used before, or not in time";
        let error = ApiError::new(StatusCode::FORBIDDEN, "session.entered", message)
            .with_hint(Some("open the page once more in the panel"));
        return failure(None, &error);
    };
    let Some(start) = &session.start else { return failure(Some(&session), &no_session()) };
    let links =
        answer::links(&session, &start.extension, &start.page, start.object.clone(), Vec::new());
    let secure = app.browser.origin.as_ref().is_some_and(|origin| origin.starts_with("https:"));
    // In a frame of a panel of another site a browser takes only a cookie that says so, and only over TLS.
    let same_site = if secure { SameSite::None } else { SameSite::Lax };
    let cookie = Cookie::build((COOKIE, secret))
        .path(answer::base(&session))
        .http_only(true)
        .secure(secure)
        .partitioned(secure)
        .same_site(same_site)
        .build();
    let cookie = [(header::SET_COOKIE, cookie.to_string())];
    (cookie, Redirect::to(&links.act())).into_response()
}

/// The session that the cookie of a request is for.
fn of_cookie(app: &App, id: &str, headers: &HeaderMap) -> Result<Arc<Session>, ApiError> {
    let session = web::cookies(headers, COOKIE)
        .find_map(|cookie| app.host.sessions.of_cookie(id, &cookie, now_ms()));
    session.ok_or_else(|| {
        let message = "this session ended, or it is not yours";
        ApiError::new(StatusCode::FORBIDDEN, "session.unknown", message)
            .with_hint(Some("open the page once more in the panel"))
    })
}

/// The panel's CSS variables.
async fn theme(State(app): AppState, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let session = match of_cookie(&app, &id, &headers) {
        Ok(session) => session,
        Err(error) => return error.into_response(),
    };
    let variables = session.variables.iter();
    let variables = variables.map(|(name, value)| format!("--palisade-{name}:{value};"));
    let css = format!(":root{{{}}}", variables.collect::<String>());
    let head =
        [(header::CONTENT_TYPE, "text/css"), (header::CACHE_CONTROL, "private, max-age=3600")];
    (head, css).into_response()
}

/// An image of an extension.
async fn image(
    State(app): AppState,
    Path((id, extension, path)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = of_cookie(&app, &id, &headers) {
        return error.into_response();
    }
    match app.host.asset(&extension, &path).await {
        Some(image) => {
            let cache = (header::CACHE_CONTROL, "private, max-age=3600");
            ([(header::CONTENT_TYPE, image.media_type), cache], image.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Which page of which session.
type Place = (String, String, String);

/// What a query asks for. Names that it does not know are for the drawing.
fn asked(app: &App, extension: &str, page: &str, query: Option<&str>) -> Result<Asked, ApiError> {
    let mut asked = Asked::default();
    let mut object = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "object" => object = Some(value),
            "row" => asked.rows.push(value),
            "after" => asked.window.after = Some(value),
            "sort" => asked.window.sort = Some(value),
            "search" => asked.window.search = Some(value).filter(|search| !search.is_empty()),
            "descending" => asked.window.descending = value == "true",
            "limit" => {
                let limit = value.parse().map_err(|_| {
                    ApiError::invalid(format!("`limit` must be a number: `{}`", shown(&value)))
                })?;
                asked.window.limit = Some(limit);
            }
            _ => {}
        }
    }
    // A page that is about nothing is led to from pages about objects.
    if app.host.page(extension, page)?.object.is_some() {
        asked.object = object_of(object.as_deref())?;
    }
    Ok(asked)
}

/// Shows a page.
async fn show(
    State(app): AppState,
    Path((id, extension, page)): Path<Place>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let session = match of_cookie(&app, &id, &headers) {
        Ok(session) => session,
        Err(error) => return failure(None, &error),
    };
    let shown = async {
        let asked = asked(&app, &extension, &page, query.as_deref())?;
        let view = drawn(&app, &session, (&extension, &page), &asked).await?;
        let message = app.host.sessions.take_message(&session.id);
        let links = answer::links(&session, &extension, &page, asked.object, asked.rows);
        Shown { message: message.as_deref(), ..Shown::new(&session, &view, &links, &asked.window) }
            .respond()
    };
    shown.await.unwrap_or_else(|error: ApiError| failure(Some(&session), &error))
}

/// Has an extension describe a page, and signs it.
async fn drawn(
    app: &App,
    session: &Session,
    (extension, page): (&str, &str),
    asked: &Asked,
) -> Result<View, ApiError> {
    let request = page_request(session, extension, page, asked)?;
    let mut view = app.host.render(extension, request).await?;
    session.signer.seal_view(&mut view, extension, page);
    Ok(view)
}

/// Carries out a button.
async fn press(
    State(app): AppState,
    Path((id, extension, page)): Path<Place>,
    RawQuery(query): RawQuery,
    request: HttpRequest,
) -> Response {
    let session = match of_cookie(&app, &id, request.headers()) {
        Ok(session) => session,
        Err(error) => return failure(None, &error),
    };
    let pressed = async {
        if !web::is_own_origin(request.headers(), app.browser.origin.as_deref()) {
            return Err(forged("the form comes from another site"));
        }
        let limits = FormLimits {
            bytes: app.config.body_bytes,
            file_bytes: None,
            parts: posted::MAX_PARTS,
            time: Duration::from_millis(app.config.body_timeout_ms.into()),
        };
        let pressed = Pressed::of(form::read(request, &limits).await?)?;
        if !session.signer.is_token(&pressed.token) {
            return Err(forged("the form was not given in this session"));
        }
        let asked = asked(&app, &extension, &page, query.as_deref())?;
        carried_out(&app, &session, (&extension, &page), asked, pressed).await
    };
    pressed.await.unwrap_or_else(|error: ApiError| failure(Some(&session), &error))
}

async fn carried_out(
    app: &App,
    session: &Arc<Session>,
    (extension, page): (&str, &str),
    asked: Asked,
    pressed: Pressed,
) -> Result<Response, ApiError> {
    let links = answer::links(session, extension, page, asked.object.clone(), asked.rows.clone());
    let state = pressed.state.as_deref();
    let carried = opened_form(session, extension, page, state)?;
    let (inputs, problems) = match state {
        Some(_) => posted::inputs(&carried, pressed.values),
        None => (Params::new(), Vec::new()),
    };
    let reply = match problems.is_empty() {
        false => Reply::Invalid(problems),
        true => {
            let press = Press {
                button: pressed.button,
                object: asked.object.clone(),
                rows: if pressed.rows.is_empty() { asked.rows.clone() } else { pressed.rows },
                carried,
                inputs: inputs.clone(),
            };
            carry_out(app, session, (extension, page), press).await?
        }
    };
    match reply {
        Reply::Show(mut view) => {
            session.signer.seal_view(&mut view, extension, page);
            app.browser.keep(session, extension, page, &view);
            Shown::new(session, &view, &links, &asked.window).respond()
        }
        Reply::Refresh => Ok(Redirect::to(&links.shown(&asked.window)).into_response()),
        Reply::Done(message) => {
            app.host.sessions.leave_message(&session.id, message);
            Ok(Redirect::to(&links.shown(&asked.window)).into_response())
        }
        Reply::Go(to) => {
            let address = links.to_page(&to, None).unwrap_or_else(|| links.act());
            Ok(Redirect::to(&address).into_response())
        }
        Reply::Download(download) => Ok(answer::download(download)),
        Reply::Invalid(problems) => {
            let kept = state.and_then(|state| app.browser.kept(session, extension, page, state));
            let view = match kept {
                Some(view) => view,
                None => drawn(app, session, (extension, page), &asked).await?,
            };
            let shown = Shown::new(session, &view, &links, &asked.window);
            Shown { entered: Some(&inputs), problems: &problems, ..shown }.respond()
        }
    }
}

/// Finds values to choose from, for the script of the pages.
async fn find(
    State(app): AppState,
    Path((id, extension, page, name)): Path<(String, String, String, String)>,
    Query(query): Query<LookupQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = of_cookie(&app, &id, &headers)?;
    Ok(json(&look_up(&app, &session, (&extension, &page), name, query).await?))
}

fn forged(message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "request.forged", message)
        .with_hint(Some("show the page anew, and try again"))
}

async fn no_such_page(uri: Uri) -> Response {
    let message = format!("there is no `{}`", shown(uri.path()));
    failure(None, &ApiError::new(StatusCode::NOT_FOUND, "route.unknown", message))
}

async fn no_such_method(uri: Uri) -> Response {
    let message = format!("`{}` does not take this method", shown(uri.path()));
    failure(None, &ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "route.method", message))
}

fn has_form(view: &View, state: &str) -> bool {
    fn is_it(form: &Form, state: &str) -> bool {
        form.state.as_deref() == Some(state)
    }
    fn within(node: &Node, state: &str) -> bool {
        match node {
            Node::Form(form) => is_it(form, state),
            Node::Stack { children }
            | Node::Columns { children, .. }
            | Node::Tabs { children, .. }
            | Node::Card { children, .. } => children.iter().any(|child| within(child, state)),
            Node::Listing(_) | Node::Widget(_) | Node::Markdown { .. } | Node::Custom(_) => false,
        }
    }
    match view {
        View::Form(form) => is_it(form, state),
        View::Layout(layout) => within(&layout.root, state),
        View::Listing(_) | View::Dashboard(_) => false,
    }
}
