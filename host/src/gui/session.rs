//! Sessions: who looks, as the panel said when it opened one. The panel opens a session and gets an address that can
//! be used once; whoever comes with it gets a cookie, and only with that cookie the session is theirs.
//!
//! Sessions are kept in memory alone: after a restart the panel opens new ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::seal::Signer;
use crate::hook::ObjectRef;
use crate::locale::Locale;
use crate::person::Person;
use crate::token::{self, digest};

/// Sessions at one time.
const MAX_SESSIONS: usize = 10_000;
/// How long the address that opens a session can be used.
const TICKET_MS: u64 = 60_000;

/// The sessions of a host.
#[derive(Default)]
pub struct Sessions {
    /// Held for moments only, never while anything is waited for.
    open: Mutex<HashMap<Arc<str>, Entry>>,
}

struct Entry {
    session: Arc<Session>,
    ticket: Option<(token::Digest, u64)>,
    cookie: Option<token::Digest>,
    /// What to say on the next page.
    message: Option<String>,
}

/// How pages look.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As the person's system says.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Where a session begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The extension.
    pub extension: String,
    /// The page.
    pub page: String,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
}

/// What a panel opens a session with.
#[derive(Debug)]
pub struct NewSession {
    /// Who looks.
    pub person: Person,
    /// The reader's language.
    pub locale: Locale,
    /// Whether pages are light or dark.
    pub mode: Mode,
    /// The panel's CSS variables.
    pub variables: BTreeMap<String, String>,
    /// Where the panel's own pages are, by name.
    pub panel_pages: BTreeMap<String, String>,
    /// Where it begins, if it is for a browser.
    pub start: Option<Start>,
    /// Milliseconds until it ends.
    pub lifetime_ms: u64,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    /// Its identifier, which is no secret.
    pub id: Arc<str>,
    /// Who looks.
    pub person: Arc<Person>,
    /// The reader's language.
    pub locale: Locale,
    /// Whether pages are light or dark.
    pub mode: Mode,
    /// The panel's CSS variables.
    pub variables: BTreeMap<String, String>,
    /// Where the panel's own pages are, by name.
    pub panel_pages: BTreeMap<String, String>,
    /// Where it begins.
    pub start: Option<Start>,
    /// When it ends, in milliseconds since the epoch.
    pub expires_ms: u64,
    /// Signs what goes into its pages.
    pub signer: Signer,
}

/// Why no session was opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There are too many.
    #[error("there are {MAX_SESSIONS} sessions, which is the limit")]
    TooMany,
    /// The system has no random bytes.
    #[error("{0}")]
    Random(String),
}

impl Sessions {
    /// Opens a session, and returns it with what its address ends with.
    pub fn open(&self, new: NewSession, now: u64) -> Result<(Arc<Session>, String), SessionError> {
        let ticket = token::random().map_err(SessionError::Random)?;
        let session = Arc::new(Session {
            id: token::random()
                .map_err(SessionError::Random)?
                .chars()
                .take(16)
                .collect::<String>()
                .into(),
            person: Arc::new(new.person),
            locale: new.locale,
            mode: new.mode,
            variables: new.variables,
            panel_pages: new.panel_pages,
            start: new.start,
            expires_ms: now.saturating_add(new.lifetime_ms),
            signer: Signer::new().map_err(SessionError::Random)?,
        });
        let mut open = self.lock();
        if open.len() >= MAX_SESSIONS {
            open.retain(|_, entry| entry.session.expires_ms > now);
        }
        if open.len() >= MAX_SESSIONS {
            return Err(SessionError::TooMany);
        }
        let ticket_end = now.saturating_add(TICKET_MS).min(session.expires_ms);
        let entry = Entry {
            session: session.clone(),
            ticket: Some((digest(&ticket), ticket_end)),
            cookie: None,
            message: None,
        };
        open.insert(session.id.clone(), entry);
        Ok((session, ticket))
    }

    /// Lets whoever comes first with a session's address in, and returns the cookie that the session is theirs by.
    pub fn enter(
        &self,
        id: &str,
        ticket: &str,
        now: u64,
    ) -> Result<Option<(Arc<Session>, String)>, SessionError> {
        let cookie = token::random().map_err(SessionError::Random)?;
        let mut open = self.lock();
        let Some(entry) = open.get_mut(id) else { return Ok(None) };
        let fits = entry.ticket.is_some_and(|(its, end)| its == digest(ticket) && now < end);
        if !fits {
            return Ok(None);
        }
        entry.ticket = None;
        entry.cookie = Some(digest(&cookie));
        Ok(Some((entry.session.clone(), cookie)))
    }

    /// The session of a person who shows its cookie.
    pub fn of_cookie(&self, id: &str, cookie: &str, now: u64) -> Option<Arc<Session>> {
        let open = self.lock();
        let entry = open.get(id)?;
        let fits = entry.cookie == Some(digest(cookie)) && now < entry.session.expires_ms;
        fits.then(|| entry.session.clone())
    }

    /// A session by its identifier: for the panel, which opened it.
    pub fn get(&self, id: &str, now: u64) -> Option<Arc<Session>> {
        let open = self.lock();
        let session = &open.get(id)?.session;
        (now < session.expires_ms).then(|| session.clone())
    }

    /// Leaves what to say on the next page that the session shows.
    pub fn leave_message(&self, id: &str, message: String) {
        if let Some(entry) = self.lock().get_mut(id) {
            entry.message = Some(message);
        }
    }

    /// Takes what was left to say.
    pub fn take_message(&self, id: &str) -> Option<String> {
        self.lock().get_mut(id)?.message.take()
    }

    /// Ends a session. Returns whether there was one.
    pub fn close(&self, id: &str) -> bool {
        self.lock().remove(id).is_some()
    }

    /// Ends every session of a person, and returns how many there were.
    pub fn close_all_of(&self, person: &str) -> usize {
        let mut open = self.lock();
        let before = open.len();
        open.retain(|_, entry| entry.session.person.id != person);
        before - open.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::person::Objects;

    fn new(person: &str) -> NewSession {
        NewSession {
            person: Person {
                id: person.into(),
                name: person.into(),
                role: "customer".into(),
                customer: None,
                permissions: BTreeSet::new(),
                objects: Objects::All,
                attributes: BTreeMap::new(),
            },
            locale: Locale::parse("en").unwrap(),
            mode: Mode::Auto,
            variables: BTreeMap::new(),
            panel_pages: BTreeMap::new(),
            start: None,
            lifetime_ms: 1_000_000,
        }
    }

    #[test]
    fn an_address_can_be_used_once() {
        let sessions = Sessions::default();
        let (session, ticket) = sessions.open(new("1"), 0).unwrap();
        let (_, cookie) = sessions.enter(&session.id, &ticket, 1).unwrap().unwrap();
        assert!(sessions.enter(&session.id, &ticket, 1).unwrap().is_none());
        assert!(sessions.of_cookie(&session.id, &cookie, 1).is_some());
        assert!(sessions.of_cookie(&session.id, &ticket, 1).is_none());
    }

    #[test]
    fn an_address_that_nobody_used_ends_soon_and_a_session_when_it_is_said() {
        let sessions = Sessions::default();
        let (session, ticket) = sessions.open(new("1"), 0).unwrap();
        assert!(sessions.enter(&session.id, &ticket, TICKET_MS).unwrap().is_none());
        assert!(sessions.get(&session.id, 999_999).is_some());
        assert!(sessions.get(&session.id, 1_000_000).is_none());
    }

    #[test]
    fn the_cookie_of_one_session_opens_no_other() {
        let sessions = Sessions::default();
        let (mine, ticket) = sessions.open(new("1"), 0).unwrap();
        let (other, _) = sessions.open(new("2"), 0).unwrap();
        let (_, cookie) = sessions.enter(&mine.id, &ticket, 1).unwrap().unwrap();
        assert!(sessions.of_cookie(&other.id, &cookie, 1).is_none());
    }

    #[test]
    fn a_message_is_said_once_and_in_its_session() {
        let sessions = Sessions::default();
        let (mine, _) = sessions.open(new("1"), 0).unwrap();
        let (other, _) = sessions.open(new("2"), 0).unwrap();
        sessions.leave_message(&mine.id, "saved".into());
        assert_eq!(sessions.take_message(&other.id), None);
        assert_eq!(sessions.take_message(&mine.id).as_deref(), Some("saved"));
        assert_eq!(sessions.take_message(&mine.id), None);
    }

    #[test]
    fn sessions_end_one_by_one_or_all_of_a_person() {
        let sessions = Sessions::default();
        let (one, _) = sessions.open(new("1"), 0).unwrap();
        sessions.open(new("1"), 0).unwrap();
        sessions.open(new("2"), 0).unwrap();
        assert!(sessions.close(&one.id));
        assert!(!sessions.close(&one.id));
        assert_eq!(sessions.close_all_of("1"), 1);
    }
}
