//! A test guest, not an example: it sends the requests that an event describes, and logs the answers.
//!
//! What it can be told is in `README.md`.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::log::{self, Level};
use palisade::core::secrets::{self, Secret};
use palisade::core::types::Value;
use palisade::http::client::{self, Error, HeaderValue, Request, Response};
use serde_json::{Value as Json, json};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

/// How much of a body is logged.
const SHOWN: usize = 500;

struct Requesting;

impl Guest for Requesting {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let Some(Value::Json(told)) = event.get("request") else {
            return Ok(Outcome::Proceed);
        };
        let told: Json =
            serde_json::from_str(&told).map_err(|error| Failure::Other(error.to_string()))?;
        let token = secrets::setting("token").ok();
        let request = request(&told, token.as_ref())?;
        for _ in 0..told.get("times").and_then(Json::as_u64).unwrap_or(1) {
            let answer = match client::send(&request) {
                Ok(response) => shown(&response),
                Err(error) => json!({ "error": name(&error) }),
            };
            log::write(Level::Info, &answer.to_string(), &[]);
        }
        Ok(Outcome::Proceed)
    }
}

export!(Requesting);

fn request<'a>(told: &Json, token: Option<&'a Secret>) -> Result<Request<'a>, Failure> {
    let text = |name: &str| told.get(name).and_then(Json::as_str).map(str::to_owned);
    let number = |name: &str| told.get(name).and_then(Json::as_u64);
    let headers = told.get("headers").and_then(Json::as_array).into_iter().flatten();
    Ok(Request {
        method: text("method").unwrap_or("GET".into()),
        url: text("url").unwrap_or_default(),
        headers: headers.map(|pair| header(pair, token)).collect::<Result<_, _>>()?,
        body: text("body").unwrap_or_default().into_bytes(),
        timeout_ms: number("timeout_ms").and_then(|ms| u32::try_from(ms).ok()),
        max_redirects: number("redirects").and_then(|count| count.try_into().ok()).unwrap_or(0),
    })
}

/// A header, given as `[name, value]`.
fn header<'a>(
    pair: &Json,
    token: Option<&'a Secret>,
) -> Result<(String, HeaderValue<'a>), Failure> {
    let part = |index: usize| pair.get(index).and_then(Json::as_str).unwrap_or_default().to_owned();
    let token = || token.ok_or(Failure::Misconfigured("there is no token".into()));
    let value = match part(1).as_str() {
        "$secret" => HeaderValue::Secret(token()?),
        "$bearer" => HeaderValue::Bearer(token()?),
        "$basic" => HeaderValue::Basic(("user".into(), token()?)),
        plain => HeaderValue::Plain(plain.as_bytes().to_vec()),
    };
    Ok((part(0), value))
}

fn shown(response: &Response) -> Json {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = response.headers.iter().map(|(name, value)| (name.clone(), text(value).into()));
    json!({
        "status": response.status,
        "headers": headers.collect::<serde_json::Map<_, _>>(),
        "bytes": response.body.len(),
        "body": text(&response.body).chars().take(SHOWN).collect::<String>(),
    })
}

/// The name that the contract gives to an error, with what it carries.
fn name(error: &Error) -> String {
    match error {
        Error::Denied(why) => format!("denied: {why}"),
        Error::AddressDenied(why) => format!("address-denied: {why}"),
        Error::InvalidRequest(why) => format!("invalid-request: {why}"),
        Error::Unset(name) => format!("unset: {name}"),
        Error::Dns(why) => format!("dns: {why}"),
        Error::Connection(why) => format!("connection: {why}"),
        Error::Tls(why) => format!("tls: {why}"),
        Error::Timeout => "timeout".into(),
        Error::TooLarge(bytes) => format!("too-large: {bytes}"),
        Error::Limited(why) => format!("limited: {why}"),
        Error::DryRun => "dry-run".into(),
        Error::Other(why) => format!("other: {why}"),
    }
}
