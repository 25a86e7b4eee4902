//! Who is signed in to the console, who may come in by an address that opens it once, and what was uploaded to be
//! installed. All of it is bounded and kept in memory alone. No HTTP here.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::token::{self, digest};
use crate::view::Tone;

/// How long somebody stays signed in.
const LIFETIME_MS: u64 = 12 * 3_600_000;
/// How long somebody stays signed in who does nothing.
const IDLE_MS: u64 = 3_600_000;
/// How long the address that opens the console can be used.
pub(super) const TICKET_MS: u64 = 60_000;
/// How long an uploaded package waits for its operator to decide.
const UPLOAD_MS: u64 = 900_000;
/// Operators that are signed in, addresses that wait to be used, and packages that wait to be decided on, at one time.
const MAX_SESSIONS: usize = 100;
const MAX_TICKETS: usize = 100;
const MAX_UPLOADS: usize = 4;
/// Tries to sign in by the token, in a minute.
const TRIES: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Who is signed in.
pub(in crate::server) struct Sessions {
    /// Held for moments only.
    kept: Mutex<Kept>,
    tries: DefaultDirectRateLimiter,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<token::Digest, Entry>,
    tickets: HashMap<token::Digest, u64>,
    uploads: Vec<Upload>,
}

struct Entry {
    session: Session,
    /// What its next page says.
    message: Option<(Tone, String)>,
    end_ms: u64,
    seen_ms: u64,
}

/// An operator who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Which it is.
    key: token::Digest,
    /// What stands in each form, so that no other site can send one.
    pub(super) token: String,
}

/// A package that was uploaded and waits for its operator to decide what it may do.
struct Upload {
    id: String,
    session: token::Digest,
    bytes: Bytes,
    end_ms: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { kept: Mutex::default(), tries: RateLimiter::direct(Quota::per_minute(TRIES)) }
    }
}

impl Sessions {
    /// Whether one more try to sign in by the token is allowed now.
    pub(super) fn may_try(&self) -> bool {
        self.tries.check().is_ok()
    }

    /// Signs an operator in, and returns the cookie by which the session is theirs. When there are too many, whoever
    /// did nothing for longest is signed out.
    pub(super) fn open(&self, now: u64) -> Result<String, String> {
        let (cookie, token) = (token::random()?, token::random()?);
        let key = digest(&cookie);
        let mut kept = self.lock();
        kept.sessions.retain(|_, entry| entry.is_open(now));
        if kept.sessions.len() >= MAX_SESSIONS {
            let longest = kept.sessions.iter().min_by_key(|(_, entry)| entry.seen_ms);
            if let Some(key) = longest.map(|(key, _)| *key) {
                kept.sessions.remove(&key);
            }
        }
        let session = Session { key, token };
        let entry =
            Entry { session, message: None, end_ms: now.saturating_add(LIFETIME_MS), seen_ms: now };
        kept.sessions.insert(key, entry);
        Ok(cookie)
    }

    /// The session of whoever shows its cookie.
    pub(super) fn of_cookie(&self, cookie: &str, now: u64) -> Option<Session> {
        let mut kept = self.lock();
        let entry = kept.sessions.get_mut(&digest(cookie)).filter(|entry| entry.is_open(now))?;
        entry.seen_ms = now;
        Some(entry.session.clone())
    }

    /// Leaves a message for the next page of a session.
    pub(super) fn say(&self, session: &Session, tone: Tone, message: &str) {
        if let Some(entry) = self.lock().sessions.get_mut(&session.key) {
            entry.message = Some((tone, message.to_owned()));
        }
    }

    /// Takes the message that was left for the next page of a session.
    pub(super) fn said(&self, session: &Session) -> Option<(Tone, String)> {
        self.lock().sessions.get_mut(&session.key)?.message.take()
    }

    /// Signs an operator out.
    pub(super) fn close(&self, session: &Session) {
        let mut kept = self.lock();
        kept.sessions.remove(&session.key);
        kept.uploads.retain(|upload| upload.session != session.key);
    }

    /// Makes what an address ends with that opens the console once. When there are too many, the oldest goes.
    pub(super) fn ticket(&self, now: u64) -> Result<String, String> {
        let ticket = token::random()?;
        let mut kept = self.lock();
        kept.tickets.retain(|_, end| now < *end);
        if kept.tickets.len() >= MAX_TICKETS {
            let oldest = kept.tickets.iter().min_by_key(|(_, end)| **end).map(|(key, _)| *key);
            if let Some(key) = oldest {
                kept.tickets.remove(&key);
            }
        }
        kept.tickets.insert(digest(&ticket), now.saturating_add(TICKET_MS));
        Ok(ticket)
    }

    /// Whether a ticket lets somebody in. It does once.
    pub(super) fn redeem(&self, ticket: &str, now: u64) -> bool {
        self.lock().tickets.remove(&digest(ticket)).is_some_and(|end| now < end)
    }

    /// Keeps an uploaded package, and returns what it is asked for by. One operator has one at a time.
    pub(super) fn keep_upload(
        &self,
        session: &Session,
        bytes: Bytes,
        now: u64,
    ) -> Result<String, String> {
        let id: String = token::random()?.chars().take(16).collect();
        let mut kept = self.lock();
        kept.uploads.retain(|upload| upload.session != session.key && now < upload.end_ms);
        if kept.uploads.len() >= MAX_UPLOADS {
            kept.uploads.remove(0);
        }
        let end_ms = now.saturating_add(UPLOAD_MS);
        kept.uploads.push(Upload { id: id.clone(), session: session.key, bytes, end_ms });
        Ok(id)
    }

    /// A package that this operator uploaded.
    pub(super) fn upload(&self, session: &Session, id: &str, now: u64) -> Option<Bytes> {
        let mut kept = self.lock();
        kept.uploads.retain(|upload| now < upload.end_ms);
        let its = kept.uploads.iter().find(|upload| upload.id == id)?;
        (its.session == session.key).then(|| its.bytes.clone())
    }

    /// Forgets a package, when it is installed or nobody wants it.
    pub(super) fn drop_upload(&self, session: &Session) {
        self.lock().uploads.retain(|upload| upload.session != session.key);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_open(&self, now: u64) -> bool {
        now < self.end_ms && now < self.seen_ms.saturating_add(IDLE_MS)
    }
}

impl Session {
    /// Whether a form was given to this session.
    pub(super) fn gave(&self, token: &str) -> bool {
        digest(&self.token) == digest(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn signed_in(sessions: &Sessions, now: u64) -> Session {
        let cookie = sessions.open(now).unwrap();
        sessions.of_cookie(&cookie, now).unwrap()
    }

    #[test]
    fn a_cookie_is_that_of_one_session() {
        let sessions = Sessions::default();
        let cookie = sessions.open(NOW).unwrap();
        let other = sessions.open(NOW).unwrap();
        let session = sessions.of_cookie(&cookie, NOW).unwrap();
        assert_ne!(Some(session), sessions.of_cookie(&other, NOW));
        assert_eq!(sessions.of_cookie("x", NOW), None);
    }

    #[test]
    fn a_session_ends_by_its_age_and_by_idling() {
        let sessions = Sessions::default();
        let cookie = sessions.open(NOW).unwrap();
        let mut now = NOW;
        while now < NOW + LIFETIME_MS {
            assert!(sessions.of_cookie(&cookie, now).is_some());
            now += IDLE_MS - 1;
        }
        assert!(sessions.of_cookie(&cookie, NOW + LIFETIME_MS).is_none());
        let idle = sessions.open(NOW).unwrap();
        assert!(sessions.of_cookie(&idle, NOW + IDLE_MS).is_none());
    }

    #[test]
    fn a_message_is_said_once() {
        let sessions = Sessions::default();
        let session = signed_in(&sessions, NOW);
        sessions.say(&session, Tone::Success, "saved");
        assert_eq!(sessions.said(&session), Some((Tone::Success, "saved".into())));
        assert_eq!(sessions.said(&session), None);
    }

    #[test]
    fn whoever_signs_out_is_out() {
        let sessions = Sessions::default();
        let cookie = sessions.open(NOW).unwrap();
        let session = sessions.of_cookie(&cookie, NOW).unwrap();
        sessions.close(&session);
        assert_eq!(sessions.of_cookie(&cookie, NOW), None);
    }

    #[test]
    fn with_too_many_sessions_the_one_that_idles_longest_ends() {
        let sessions = Sessions::default();
        let first = sessions.open(NOW).unwrap();
        let second = sessions.open(NOW).unwrap();
        for _ in 2..MAX_SESSIONS {
            sessions.open(NOW + 2).unwrap();
        }
        sessions.of_cookie(&first, NOW + 1).unwrap();
        sessions.open(NOW + 3).unwrap();
        assert!(sessions.of_cookie(&first, NOW + 3).is_some());
        assert!(sessions.of_cookie(&second, NOW + 3).is_none());
    }

    #[test]
    fn a_ticket_lets_one_in_once_and_for_a_minute() {
        let sessions = Sessions::default();
        let ticket = sessions.ticket(NOW).unwrap();
        assert!(!sessions.redeem("x", NOW));
        assert!(sessions.redeem(&ticket, NOW + TICKET_MS - 1));
        assert!(!sessions.redeem(&ticket, NOW));
        let late = sessions.ticket(NOW).unwrap();
        assert!(!sessions.redeem(&late, NOW + TICKET_MS));
    }

    #[test]
    fn tickets_are_bounded() {
        let sessions = Sessions::default();
        for now in NOW..NOW + 2 * MAX_TICKETS as u64 {
            sessions.ticket(now).unwrap();
        }
        assert_eq!(sessions.lock().tickets.len(), MAX_TICKETS);
    }

    #[test]
    fn an_upload_is_its_operators_alone_until_its_time_is_over() {
        let sessions = Sessions::default();
        let (mine, other) = (signed_in(&sessions, NOW), signed_in(&sessions, NOW));
        let id = sessions.keep_upload(&mine, Bytes::from_static(b"wasm"), NOW).unwrap();
        assert!(sessions.upload(&mine, &id, NOW).is_some());
        assert!(sessions.upload(&other, &id, NOW).is_none());
        assert!(sessions.upload(&mine, &id, NOW + UPLOAD_MS).is_none());
    }

    #[test]
    fn uploads_are_bounded() {
        let sessions = Sessions::default();
        for _ in 0..MAX_UPLOADS + 2 {
            let session = signed_in(&sessions, NOW);
            sessions.keep_upload(&session, Bytes::new(), NOW).unwrap();
            sessions.keep_upload(&session, Bytes::new(), NOW).unwrap();
        }
        assert_eq!(sessions.lock().uploads.len(), MAX_UPLOADS);
    }

    #[test]
    fn a_form_of_another_session_is_not_taken() {
        let sessions = Sessions::default();
        let (mine, other) = (signed_in(&sessions, NOW), signed_in(&sessions, NOW));
        assert!(mine.gave(&mine.token));
        assert!(!mine.gave(&other.token));
        assert!(!mine.gave(""));
    }

    #[test]
    fn tries_to_sign_in_are_limited() {
        let sessions = Sessions::default();
        let tries = (0..100).filter(|_| sessions.may_try()).count();
        assert_eq!(tries, TRIES.get() as usize);
    }
}
