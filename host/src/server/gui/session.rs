//! Sessions on the wire: what a panel opens one with, checked, and the header that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::grant::check_panel_name;
use crate::gui::session::{Mode, NewSession, Session, SessionError, Start};
use crate::hook::{ObjectRef, Role};
use crate::host::now_ms;
use crate::locale::Locale;
use crate::person::{Objects, Person};
use crate::server::App;
use crate::server::error::ApiError;
use crate::suggest::shown;

/// The header that names the session.
const SESSION: &str = "palisade-session";
/// Bytes of a text, bytes of an address, and entries of a list.
const MAX_TEXT: usize = 256;
const MAX_ADDRESS: usize = 2_000;
const MAX_LIST: usize = 10_000;
/// Seconds that a session lasts if nothing else is said, and at most.
const DEFAULT_LIFETIME_S: u32 = 60 * 60;
const MAX_LIFETIME_S: u32 = 24 * 60 * 60;

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
    /// The address by which one browser is let in, once and within a minute. Only if it begins at a page, and the host
    /// shows pages in browsers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it ends, in milliseconds since the epoch.
    pub expires_ms: u64,
}

/// The session that a request names.
pub(in crate::server) struct InSession(pub Arc<Session>);

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

pub(in crate::server) fn no_session() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "session.unknown", "there is no such session, or it ended")
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooMany => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "session.limit", error.to_string())
                    .with_hint(Some("end sessions that nobody needs: DELETE /v1/gui/sessions/{id}"))
            }
            SessionError::Random(_) => Self::internal("no session could be opened", &error),
        }
    }
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
        let objects = match self.objects {
            None if Role::from_name(&self.role).runs_the_panel() => Objects::All,
            objects => {
                let objects = objects.unwrap_or_default();
                at_most("person.objects", objects.len(), MAX_LIST)?;
                objects.iter().try_for_each(check_object)?;
                let mut these = BTreeMap::<_, BTreeSet<_>>::new();
                for object in objects {
                    these.entry(object.kind).or_default().insert(object.id);
                }
                Objects::These(these)
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
    /// Checks it; `default_locale` is the host's language.
    pub(super) fn check(self, default_locale: &str) -> Result<NewSession, ApiError> {
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
            start.object.as_ref().map_or(Ok(()), check_object)?;
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
    let plain = url.len() <= MAX_ADDRESS && !url.chars().any(char::is_control);
    match plain && (path || whole) {
        true => Ok(()),
        false => Err(ApiError::invalid(format!(
            "`panel_pages` has an address that is neither https, http nor a path: `{}`",
            shown(url)
        ))),
    }
}

/// Checks a text of a request.
pub(super) fn text(what: &str, text: &str) -> Result<(), ApiError> {
    match text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        true => Err(ApiError::invalid(format!(
            "`{what}` must be at most {MAX_TEXT} bytes without control characters: `{}`",
            shown(text)
        ))),
        false => Ok(()),
    }
}

pub(super) fn at_most(what: &str, number: usize, limit: usize) -> Result<(), ApiError> {
    match number > limit {
        true => {
            Err(ApiError::invalid(format!("`{what}` has {number} entries, the limit is {limit}")))
        }
        false => Ok(()),
    }
}

pub(super) fn check_object(object: &ObjectRef) -> Result<(), ApiError> {
    text("object.kind", &object.kind)?;
    text("object.id", &object.id)
}
