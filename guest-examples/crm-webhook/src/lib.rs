//! Tells a CRM of new and changed customers.
//!
//! It observes, and sends what it was granted to read. The token of the CRM it holds as a handle: the
//! host fills it in, and nothing that runs here can read it. A rehearsal sends nothing.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::{secrets, settings, types::Value};
use palisade::http::client::{self, Error, HeaderValue, Request};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct CrmWebhook;

impl Guest for CrmWebhook {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        if event.dry_run() {
            return Ok(Outcome::Proceed);
        }
        let token = secrets::setting("token").map_err(|error| no_token(&error))?;
        let plain = |text: &str| HeaderValue::Plain(text.as_bytes().to_vec());
        let request = Request {
            method: "POST".into(),
            url: url()?,
            headers: vec![
                ("authorization".into(), HeaderValue::Bearer(&token)),
                ("content-type".into(), plain("application/json")),
                ("idempotency-key".into(), plain(&event.id())),
            ],
            body: event.to_json().into_bytes(),
            timeout_ms: None,
            max_redirects: 0,
        };
        let answer = client::send(&request).map_err(failure)?;
        check(answer.status).map(|()| Outcome::Proceed)
    }
}

export!(CrmWebhook);

fn url() -> Result<String, Failure> {
    match settings::get("url") {
        Some(Value::Text(url)) => Ok(url),
        other => Err(Failure::Misconfigured(format!("`url` is not a text but {other:?}"))),
    }
}

/// Whether the CRM took the customer.
fn check(status: u16) -> Result<(), Failure> {
    match status {
        200..=299 => Ok(()),
        status => Err(Failure::Unavailable(format!("the CRM answered {status}"))),
    }
}

/// What it means that there is no token.
fn no_token(error: &secrets::Error) -> Failure {
    match error {
        secrets::Error::Unset => Failure::Misconfigured("the setting `token` has no value".into()),
        other => Failure::Misconfigured(format!("the setting `token` cannot be used: {other:?}")),
    }
}

/// What it means that there is no answer: it may work later, or the extension was set up wrongly.
fn failure(error: Error) -> Failure {
    match error {
        Error::Denied(why) | Error::AddressDenied(why) | Error::InvalidRequest(why) => {
            Failure::Misconfigured(why)
        }
        Error::Timeout => Failure::Unavailable("the CRM did not answer in time".into()),
        Error::Dns(why) | Error::Connection(why) | Error::Tls(why) | Error::Limited(why) => {
            Failure::Unavailable(why)
        }
        other => Failure::Other(format!("the CRM was not told: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
