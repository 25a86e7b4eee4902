//! Provides servers of a cloud that has an HTTP API.
//!
//! It orders with the operation's identifier as the idempotency key, so that a server that is ordered twice
//! is one server. What it needs to go on is the cloud's name of the server, and that is its token. The first
//! password of a server it hands to the host as a secret, and to nobody else.

use exports::palisade::provider::catalogue::{Guest as Catalogue, Offer};
use exports::palisade::provider::provider::{Failure, Guest as Provider, Operation, Step};
use palisade::core::{secrets, settings, types::Value};
use palisade::http::client::{self, Error, HeaderValue, Request};
use palisade::provider::types::{Completed, Field, Pending};
use serde::Deserialize;

wit_bindgen::generate!({ path: "../../wit", world: "provider", generate_all });

struct MockCloud;

impl Catalogue for MockCloud {
    fn offers() -> Result<Vec<Offer>, Failure> {
        let answer = ask("GET", "/offers", None, Vec::new())?;
        match answer.status {
            200 => offers(&answer.body),
            status => Err(unexpected(status, &answer.body)),
        }
    }
}

impl Provider for MockCloud {
    fn start(operation: &Operation) -> Result<Step, Failure> {
        let Some(Value::Text(offer)) = operation.get("offer") else {
            return Ok(Step::Refused("the order does not say what is ordered".into()));
        };
        let body = serde_json::json!({ "offer": offer }).to_string().into_bytes();
        let answer = ask("POST", "/servers", Some(&operation.id()), body)?;
        step(answer.status, &answer.body)
    }

    fn advance(_: &Operation, token: String) -> Result<Step, Failure> {
        let answer = ask("GET", &format!("/servers/{token}"), None, Vec::new())?;
        step(answer.status, &answer.body)
    }
}

export!(MockCloud);

/// What the cloud says of a server.
#[derive(Deserialize)]
struct Server {
    server: String,
    state: String,
    percent: Option<u8>,
    retry_after_ms: Option<u32>,
    address: Option<String>,
    password: Option<String>,
    reason: Option<String>,
}

/// Asks the cloud, with the token that the host fills in.
fn ask(
    method: &str,
    path: &str,
    idempotency_key: Option<&str>,
    body: Vec<u8>,
) -> Result<client::Response, Failure> {
    let token = secrets::setting("token").map_err(|error| {
        Failure::Misconfigured(format!("the setting `token` cannot be used: {error:?}"))
    })?;
    let plain = |text: &str| HeaderValue::Plain(text.as_bytes().to_vec());
    let mut headers = vec![("authorization".into(), HeaderValue::Bearer(&token))];
    if let Some(key) = idempotency_key {
        headers.push(("idempotency-key".into(), plain(key)));
        headers.push(("content-type".into(), plain("application/json")));
    }
    let request = Request {
        method: method.into(),
        url: format!("{}{path}", url()?),
        headers,
        body,
        timeout_ms: None,
        max_redirects: 0,
    };
    client::send(&request).map_err(failure)
}

fn url() -> Result<String, Failure> {
    match settings::get("url") {
        Some(Value::Text(url)) => Ok(url.trim_end_matches('/').to_owned()),
        other => Err(Failure::Misconfigured(format!("`url` is not a text but {other:?}"))),
    }
}

fn offers(body: &[u8]) -> Result<Vec<Offer>, Failure> {
    #[derive(Deserialize)]
    struct Offers {
        offers: Vec<OneOffer>,
    }
    #[derive(Deserialize)]
    struct OneOffer {
        id: String,
        title: String,
        available: bool,
    }
    let offers: Offers = parse(body)?;
    let offer = |OneOffer { id, title, available }| Offer { id, title, available };
    Ok(offers.offers.into_iter().map(offer).collect())
}

/// How far a server is. What the cloud refuses is refused for good; anything else may work later.
fn step(status: u16, body: &[u8]) -> Result<Step, Failure> {
    match status {
        200 | 201 => {}
        404 | 409 => return Ok(Step::Refused(said(body))),
        status => return Err(unexpected(status, body)),
    }
    let server: Server = parse(body)?;
    match server.state.as_str() {
        "ready" => ready(server),
        "broken" => {
            Ok(Step::Refused(server.reason.unwrap_or_else(|| "the server broke".to_owned())))
        }
        state => Ok(Step::Pending(Pending {
            token: server.server,
            retry_after_ms: server.retry_after_ms.unwrap_or(5_000),
            percent: server.percent,
            status: Some(state.to_owned()),
        })),
    }
}

fn ready(server: Server) -> Result<Step, Failure> {
    let (Some(address), Some(password)) = (server.address, server.password) else {
        return Err(Failure::Other("the cloud's server is ready and has no address".into()));
    };
    let text = |name: &str, text: String| Field { name: name.into(), value: Value::Text(text) };
    Ok(Step::Done(Completed {
        shown: vec![text("server", address), text("name", server.server)],
        secrets: vec![("password".into(), password.into_bytes())],
    }))
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    // What stood there is not repeated: a password could be in it.
    serde_json::from_slice(body)
        .map_err(|_| Failure::Other("the cloud's answer is not what it must be".into()))
}

/// What an answer that is an error says.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let said: Result<Said, _> = serde_json::from_slice(body);
    said.map_or_else(|_| "the cloud does not say why".to_owned(), |said| said.error)
}

fn unexpected(status: u16, body: &[u8]) -> Failure {
    match status {
        401 | 403 => Failure::Misconfigured(format!("the cloud answered {status}: {}", said(body))),
        status => Failure::Unavailable(format!("the cloud answered {status}: {}", said(body))),
    }
}

/// What it means that there is no answer.
fn failure(error: Error) -> Failure {
    match error {
        Error::Denied(why) | Error::AddressDenied(why) | Error::InvalidRequest(why) => {
            Failure::Misconfigured(why)
        }
        Error::Timeout => Failure::Unavailable("the cloud did not answer in time".into()),
        Error::Dns(why) | Error::Connection(why) | Error::Tls(why) | Error::Limited(why) => {
            Failure::Unavailable(why)
        }
        other => Failure::Other(format!("the cloud was not asked: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
