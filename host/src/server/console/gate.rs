//! What every request to the console passes: the name that it was sent to, who sent it, what may come back.
//!
//! The console is for browsers on this machine. A page of another site must not be able to reach it, whatever name it
//! gives this machine and whatever forms it sends.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use cookie::{Cookie, SameSite};
use maud::{Markup, html};

use super::format;
use super::layout::{self, Frame};
use super::sessions::Session;
use crate::host::{new_id, now_ms};
use crate::server::error::ApiError;
use crate::server::{App, web};

/// The cookie by which a session is somebody's.
const COOKIE: &str = "palisade-console";
/// What every answer carries beside what all answers to browsers do.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// No page of the console can be framed.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| web::content_policy("'none'"));

/// Why a page is not shown.
#[derive(Debug)]
pub(super) struct Failure(ApiError);

/// The error of an answer, until it is drawn.
#[derive(Clone)]
struct Undrawn(Arc<ApiError>);

/// The operator who sends a request.
#[derive(Debug, Clone)]
pub(super) struct Signed(pub(super) Session);

impl Failure {
    /// There is nothing of this name.
    pub(super) fn unknown(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::NOT_FOUND, "page.unknown", message).into()
    }
}

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.status().into_response();
        response.extensions_mut().insert(Undrawn(Arc::new(self.0)));
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| signed_out().into())
    }
}

fn signed_out() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "console.session",
        "you are not signed in, or no longer",
    )
    .with_hint(Some("sign in, and send it again"))
}

/// Lets a request in or refuses it, and gives every answer its headers.
pub(super) async fn gate(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = new_id();
    let cookie = web::cookies(request.headers(), COOKIE).next();
    let session = cookie.and_then(|cookie| app.console.of_cookie(&cookie, now_ms()));
    if let Some(session) = &session {
        request.extensions_mut().insert(Signed(session.clone()));
    }
    let mut response = match admit(&request, session.as_ref()) {
        Ok(()) => next.run(request).await,
        Err(refused) => *refused,
    };
    if let Some(Undrawn(error)) = response.extensions_mut().remove::<Undrawn>() {
        response = draw_failure(&error, session.as_ref(), &id);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    web::harden(headers);
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// Whether a request may reach its page.
fn admit(request: &Request, session: Option<&Session>) -> Result<(), Box<Response>> {
    let refuse = |code: &str, message: &str, hint: &str| {
        let error = ApiError::new(StatusCode::FORBIDDEN, code, message).with_hint(Some(hint));
        Err(Box::new(Failure::from(error).into_response()))
    };
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        return refuse(
            "console.host",
            "the console is reached by a name of this machine itself, and by no other",
            "use `localhost` or `127.0.0.1` in its address",
        );
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes && !web::is_own_origin(headers, Some(&format!("http://{host}"))) {
        return refuse(
            "console.origin",
            "this was sent by a page of another site",
            "send it from the console itself",
        );
    }
    let path = request.uri().path();
    let open = path == "/sign-in" || path.starts_with("/enter/") || path.starts_with("/assets/");
    match session {
        None if !open && !changes => Err(Box::new(to_sign_in(request.uri()))),
        None if !open => Err(Box::new(Failure::from(signed_out()).into_response())),
        _ => Ok(()),
    }
}

fn to_sign_in(uri: &Uri) -> Response {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let next = if wanted == "/" { "" } else { wanted };
    Redirect::to(&layout::address("/sign-in", &[("next", next)])).into_response()
}

/// Whether this is a name of the machine itself, with or without a port: another one may be a name that somebody
/// else made lead here.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A header that gives a browser its cookie.
pub(super) fn cookie(value: String) -> (HeaderName, String) {
    let cookie = Cookie::build((COOKIE, value)).path("/").http_only(true);
    (header::SET_COOKIE, cookie.same_site(SameSite::Strict).build().to_string())
}

/// A header that takes the cookie back.
pub(super) fn no_cookie() -> (HeaderName, String) {
    let (name, cookie) = cookie(String::new());
    (name, format!("{cookie}; Max-Age=0"))
}

fn draw_failure(error: &ApiError, session: Option<&Session>, id: &str) -> Response {
    let status = error.status();
    let title = match status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::FORBIDDEN => "This is not allowed",
        StatusCode::UNAUTHORIZED => "Not signed in",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        status if status.is_server_error() => "The host failed",
        _ => "This did not work",
    };
    if status.is_server_error() {
        tracing::error!(request.id = %id, "a page of the console failed: {}", error.detail().message);
    }
    let body = failure(error, id);
    let mut response = match session {
        Some(session) => {
            layout::page(&Frame { area: None, title, above: None, session, message: None }, &body)
        }
        None => layout::bare(status, title, &html! { h1 { (title) } (body) }),
    };
    *response.status_mut() = status;
    response
}

fn failure(error: &ApiError, id: &str) -> Markup {
    html! {
        div.failure {
            p.lead { (format::prose(&error.detail().message)) }
            @if let Some(hint) = &error.detail().hint { p { (format::prose(hint)) } }
            dl.facts {
                dt { "Code" } dd { code { (error.detail().code) } }
                dt { "Request" } dd { code { (id) } }
            }
            p { a.button href="/" { "Go to the overview" } }
        }
    }
}

/// Answers a request for a page that there is not.
pub(super) async fn no_such_page(uri: Uri) -> Failure {
    let path: String = uri.path().chars().take(200).collect();
    Failure::unknown(format!("the console has no page `{path}`"))
}

/// Answers a request by a method that the page does not have.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Failure {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("`{path}` does not take the method {method}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "route.method", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_itself_are_taken() {
        for host in
            ["localhost", "LOCALHOST:80", "127.0.0.1:8471", "127.9.9.9", "[::1]:8471", "[::1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com:80",
            "192.0.2.1:80",
            "0.0.0.0",
            "127.0.0.1.example.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
