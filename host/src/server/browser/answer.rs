//! What a browser is answered: documents, files to download, and pages that say what went wrong.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::gui::draw::{self, Drawing, Failure, Frame, Links};
use crate::gui::session::{Mode, Session};
use crate::gui::words::Words;
use crate::hook::{ObjectRef, Params};
use crate::host::new_id;
use crate::locale::Locale;
use crate::server::error::ApiError;
use crate::view::{Download, FieldProblem, Tone, View, Window};

/// What a page to show consists of.
pub(super) struct Shown<'a> {
    pub session: &'a Session,
    pub view: &'a View,
    pub links: &'a Links,
    pub window: &'a Window,
    pub entered: Option<&'a Params>,
    pub problems: &'a [FieldProblem],
    pub message: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// A page with nothing entered and nothing to say.
    pub fn new(session: &'a Session, view: &'a View, links: &'a Links, window: &'a Window) -> Self {
        Self { session, view, links, window, entered: None, problems: &[], message: None }
    }

    /// The whole document.
    pub fn respond(&self) -> Result<Response, ApiError> {
        let words = Words::of(&self.session.locale);
        let token = self.session.signer.token();
        let token = token.map_err(|error| ApiError::internal("no token could be made", &error))?;
        let drawing = Drawing {
            view: self.view,
            words: &words,
            links: self.links,
            window: self.window,
            token: &token,
            entered: self.entered,
            problems: self.problems,
            message: self.message.map(|message| (Tone::Success, message)),
        };
        let styles = styles(Some(self.session));
        let frame = Frame {
            title: self.view.title(),
            words: &words,
            mode: self.session.mode,
            styles: &styles,
        };
        let status = match self.problems.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let document = draw::document(&frame, &draw::view(&drawing));
        Ok((status, Html(document.into_string())).into_response())
    }
}

/// What the addresses of a session begin with.
pub(super) fn base(session: &Session) -> String {
    format!("/s/{}", session.id)
}

/// Where a page leads to.
pub(super) fn links(
    session: &Session,
    extension: &str,
    page: &str,
    object: Option<ObjectRef>,
    rows: Vec<String>,
) -> Links {
    Links {
        base: base(session),
        extension: extension.to_owned(),
        page: page.to_owned(),
        object,
        rows,
        panel_pages: session.panel_pages.clone(),
    }
}

fn styles(session: Option<&Session>) -> Vec<String> {
    let themed = session.filter(|session| !session.variables.is_empty());
    themed.map(|session| format!("{}/theme.css", base(session))).into_iter().collect()
}

/// A page that says what went wrong, with the identifier under which the log has it.
pub(super) fn failure(session: Option<&Session>, error: &ApiError) -> Response {
    let id = new_id();
    let detail = error.detail();
    tracing::info!(request.id = %id, code = %detail.code, "no page is shown: {}", detail.message);
    let locale = session.map(|session| session.locale.clone());
    let words = Words::of(&locale.unwrap_or_else(Locale::fallback));
    let styles = styles(session);
    let title = words.get(title(error.status()));
    let frame = Frame {
        title: &title,
        words: &words,
        mode: session.map_or(Mode::Auto, |session| session.mode),
        styles: &styles,
    };
    let failure = Failure {
        status: error.status().as_u16(),
        title: &title,
        message: &detail.message,
        hint: detail.hint.as_deref(),
        request: Some(&id),
    };
    (error.status(), Html(draw::failure(&frame, &failure).into_string())).into_response()
}

/// The message of the host's words that stands above a failure.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "failure-unknown",
        StatusCode::FORBIDDEN | StatusCode::CONFLICT => "failure-refused",
        StatusCode::FAILED_DEPENDENCY => "failure-extension",
        status if status.is_client_error() => "failure-wrong",
        _ => "failure-host",
    }
}

/// A file to keep, never to show.
pub(super) fn download(download: Download) -> Response {
    let name = utf8_percent_encode(&download.name, NON_ALPHANUMERIC);
    let plain: String = download
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
        .collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{name}");
    let media_type = HeaderValue::try_from(download.media_type);
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut response = download.content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}
