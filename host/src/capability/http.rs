//! `palisade:http/client`: requests to the origins that the operator granted.
//!
//! What is decided here is which origin an extension may reach, how often, and with what headers; which addresses a
//! name may lead to, the client decides. Every redirect is looked at like a request of its own. A secret is filled
//! in when the request may be sent, and taken out of what comes back.

mod draft;
mod redirect;

use std::time::{Duration, Instant};

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use wasmtime::component::Resource;

use self::draft::Draft;
use super::known::Cut;
use super::{About, CallState, SecretHandle};
use crate::bindings::http::{self, Error, HeaderValue as Given, Request, Response};
use crate::grant::{Grant, Origin};
use crate::hook::Rehearsal;
use crate::outbound::{self, Answer, MAX_HEADER_BYTES, OutboundError};

/// The header that says which actions led to a request, as `extension/action_id` separated by commas.
const CAUSATION: HeaderName = HeaderName::from_static("palisade-causation");
/// The name of the capability in the journal.
const CAPABILITY: &str = "http";

impl From<OutboundError> for Error {
    fn from(error: OutboundError) -> Self {
        let text = error.to_string();
        match error {
            OutboundError::Address { .. } => Self::AddressDenied(text),
            OutboundError::Dns { .. } => Self::Dns(text),
            OutboundError::Connection(_) => Self::Connection(text),
            OutboundError::Tls(_) => Self::Tls(text),
            OutboundError::TooLarge(bytes) => Self::TooLarge(bytes),
            OutboundError::Timeout => Self::Timeout,
        }
    }
}

impl http::Host for CallState {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        self.called(size(&request))?;
        let draft = match self.draft(request) {
            Ok(draft) => draft,
            Err(error) => return Ok(Err(error)),
        };
        let headers = match self.fill_in(draft.headers)? {
            Ok(headers) => headers,
            Err(error) => return Ok(Err(error)),
        };
        let request = outbound::Request { headers, ..draft.request };
        let answer = self.follow(request, draft.redirects, self.end(draft.timeout)).await;
        Ok(answer.map(|answer| self.hand_out(answer)))
    }
}

impl CallState {
    /// Checks everything of a request that can be checked before its secrets are touched.
    fn draft(&mut self, request: Request) -> Result<Draft, Error> {
        let draft = draft::check(request, self.services.http.config())?;
        self.may_reach(&draft.origin)?;
        self.may_send(&draft.request.method)?;
        Ok(draft)
    }

    /// Whether the extension may reach the origin.
    fn may_reach(&mut self, origin: &Origin) -> Result<(), Error> {
        let checked = self.extension().check(&Grant::Http(origin.clone()));
        checked.map_err(|why| {
            self.uses.refused(CAPABILITY, origin.as_str());
            Error::Denied(why)
        })
    }

    /// Whether a request of this method changes nothing that must not be changed.
    fn may_send(&self, method: &Method) -> Result<(), Error> {
        let is_safe = *method == Method::GET || *method == Method::HEAD;
        match self.about.rehearsal() {
            Rehearsal::DryRun if !is_safe => Err(Error::DryRun),
            Rehearsal::DryRun | Rehearsal::No => Ok(()),
        }
    }

    /// Counts a request, if there is one left.
    fn spend(&mut self, origin: &Origin) -> Result<(), Error> {
        let http = &self.services.http;
        let (per_call, per_minute) =
            (http.config().requests_per_call, http.config().requests_per_minute);
        let why = if self.requests >= per_call {
            format!("a call may send {per_call} requests")
        } else if !http.admits(&self.extension().id) {
            format!("an extension may send {per_minute} requests in a minute; try again later")
        } else {
            self.requests += 1;
            return Ok(());
        };
        self.uses.refused(CAPABILITY, origin.as_str());
        Err(Error::Limited(why))
    }

    /// When a request must have ended: never after the call.
    fn end(&self, asked: Option<Duration>) -> Instant {
        let limit = Duration::from_millis(self.services.http.config().timeout_ms.into());
        let own = asked.map_or(limit, |asked| asked.min(limit));
        (Instant::now() + own).min(self.deadline)
    }

    /// Makes the headers that are sent: the guest's with its secrets, and the host's.
    fn fill_in(
        &mut self,
        given: Vec<(HeaderName, Given)>,
    ) -> wasmtime::Result<Result<HeaderMap, Error>> {
        let mut headers = HeaderMap::with_capacity(given.len() + 2);
        for (name, value) in given {
            let value = match self.value(value)? {
                Ok(value) => value,
                Err(error) => return Ok(Err(error)),
            };
            headers.append(name, value);
        }
        if draft::size(&headers) > MAX_HEADER_BYTES {
            return Ok(Err(Error::TooLarge(MAX_HEADER_BYTES as u64)));
        }
        let version = concat!("palisade/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(version));
        let causation = causation(&self.about);
        headers.insert(CAUSATION, HeaderValue::try_from(causation)?);
        Ok(Ok(headers))
    }

    /// The value of a header. One with a secret is marked, so that a redirect does not carry it elsewhere.
    fn value(&mut self, given: Given) -> wasmtime::Result<Result<HeaderValue, Error>> {
        let (secret, before) = match given {
            Given::Plain(bytes) => return Ok(draft::check_value(&bytes)),
            Given::Secret(secret) => (secret, Before::Nothing),
            Given::Bearer(secret) => (secret, Before::Bearer),
            Given::Basic((user, secret)) => (secret, Before::User(user)),
        };
        let Some(bytes) = self.secret(&secret)? else {
            return Ok(Err(Error::Unset(self.name_of(&secret)?)));
        };
        let bytes = before.with(bytes);
        if let Before::User(_) = before {
            // The encoding of both together is not among the forms of the secret alone.
            self.remember([bytes.strip_prefix(b"Basic ").unwrap_or_default()])?;
        }
        let Ok(mut value) = draft::check_value(&bytes) else {
            let message =
                format!("the secret `{}` has bytes that no header carries", self.name_of(&secret)?);
            return Ok(Err(Error::InvalidRequest(message)));
        };
        value.set_sensitive(true);
        Ok(Ok(value))
    }

    fn name_of(&self, secret: &Resource<SecretHandle>) -> wasmtime::Result<String> {
        Ok(self.table.get(secret)?.name().to_owned())
    }

    /// Sends a request, and those that its redirects ask for. One that may not be followed any more is the answer.
    async fn follow(
        &mut self,
        mut request: outbound::Request,
        mut redirects: u8,
        end: Instant,
    ) -> Result<Answer, Error> {
        let services = self.services.clone();
        loop {
            let origin = Origin::of(&request.url).map_err(Error::InvalidRequest)?;
            self.may_reach(&origin)?;
            self.spend(&origin)?;
            // Counted first: the call may end while the request is under way.
            self.uses.used(CAPABILITY, origin.as_str());
            let sent = services.http.send(&request, end).await;
            if let Err(OutboundError::Address { .. }) = &sent {
                self.uses.refused_after_all(CAPABILITY, origin.as_str());
            }
            let answer = sent?;
            let next = match redirects {
                0 => None,
                _ => redirect::next(&request, &answer)?,
            };
            let Some(next) = next else { return Ok(answer) };
            request = next;
            redirects -= 1;
        }
    }

    /// The answer as the guest gets it, without the secrets that were sent, and paid for.
    fn hand_out(&mut self, answer: Answer) -> Response {
        let own = |mut bytes: Vec<u8>| {
            self.known.take_out_of_output(&mut bytes, Cut::No);
            bytes
        };
        let own_text = |name: &str| {
            let mut name = name.to_owned();
            self.known.take_out(&mut name);
            name
        };
        let headers = answer.headers.iter();
        let response = Response {
            status: answer.status.as_u16(),
            headers: headers
                .map(|(name, value)| (own_text(name.as_str()), own(value.as_bytes().to_vec())))
                .collect(),
            body: own(answer.body.into()),
        };
        let headers = response.headers.iter().map(|(name, value)| name.len() + value.len() + 8);
        let bytes = headers.sum::<usize>() + response.body.len();
        self.handed_out(bytes);
        response
    }
}

/// What stands before a secret in a header.
enum Before {
    Nothing,
    Bearer,
    User(String),
}

impl Before {
    fn with(&self, secret: Vec<u8>) -> Vec<u8> {
        use base64::Engine as _;
        match self {
            Self::Nothing => secret,
            Self::Bearer => [b"Bearer ".as_slice(), &secret].concat(),
            Self::User(user) => {
                let both = [user.as_bytes(), b":", &secret].concat();
                let encoded = base64::engine::general_purpose::STANDARD.encode(both);
                format!("Basic {encoded}").into_bytes()
            }
        }
    }
}

/// Bytes of what a guest hands over.
fn size(request: &Request) -> usize {
    let headers = request.headers.iter().map(|(name, value)| {
        name.len()
            + 8
            + match value {
                Given::Plain(bytes) => bytes.len(),
                Given::Basic((user, _)) => user.len(),
                Given::Secret(_) | Given::Bearer(_) => 0,
            }
    });
    let headers: usize = headers.sum();
    request.method.len() + request.url.len() + headers + request.body.len()
}

/// What led to a request: the causes of the action, and the action in which it is sent.
fn causation(about: &About) -> String {
    let part =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let causes = about.causes().iter().map(|cause| (&*cause.extension, &*cause.action_id));
    let entries = causes.chain([(&*about.extension().id, about.id())]);
    let entries =
        entries.map(|(extension, action)| format!("{}/{}", part(extension), part(action)));
    entries.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
