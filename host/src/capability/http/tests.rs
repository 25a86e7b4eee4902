//! What an extension may send, and what it gets back, as a host function sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::http::Host as _;
use super::*;
use crate::bindings::secrets;
use crate::config::Config;
use crate::extension::{Access, Extension, Handler, Settings, State};
use crate::hook::{Cause, Event, HookCall, Params};
use crate::limits::{Asked, LimitOverrides};
use crate::outbound::tests::Server;
use crate::package::{Manifest, OnFailure};
use crate::storage::{Digest, Storage};

/// What the operator decided about the origin.
#[derive(Clone, Copy, PartialEq)]
enum Granted {
    Yes,
    No,
}

/// A call of an extension that asks for this origin.
fn call(origin: &str, granted: Granted, config: &str) -> CallState {
    let text = format!(
        "manifest = 1\n[extension]\nid = 'test'\nname = 'Test'\nversion = '1.0.0'\ncontract = '1.0'\n\
         [[on]]\nhook = 'before:*'\n\
         [needs.http]\nreason = 'Tests.'\norigins = ['{origin}']\n\
         [settings]\ntype = 'object'\nproperties.token = {{ type = 'string', writeOnly = true }}\n"
    );
    let manifest = Arc::new(Manifest::parse(&text).unwrap());
    let asks = manifest.asks.iter().map(|ask| ask.grant.clone());
    let is_granted = |grant: &Grant| granted == Granted::Yes || !matches!(grant, Grant::Http(_));
    let extension = Extension {
        id: "test".into(),
        version: "1.0.0".into(),
        digest: Digest::of(b""),
        granted: asks.filter(is_granted).collect::<BTreeSet<_>>(),
        settings: Settings::from_iter([("token".to_owned(), "canary-1".into())]),
        manifest: manifest.clone(),
        waiting: None,
        state: State::Enabled,
        installation: 1,
        installed_ms: 0,
    };
    let subscription = manifest.subscriptions[0].clone();
    let config = Config::parse(config, "palisade.toml").unwrap();
    let phase = subscription.hook.phase;
    let handler = Handler {
        access: Access::new(&subscription, &extension.granted),
        limits: config.limits.resolve(phase, &Asked::default(), &LimitOverrides::default()),
        extension: Arc::new(extension),
        subscription,
        on_failure: OnFailure::Proceed,
    };
    let hook_call = HookCall {
        id: "2".into(),
        action: "mailbox.create".into(),
        actor: None,
        object: None,
        params: Arc::new(Params::new()),
        old: Params::new(),
        attributes: indexmap::IndexMap::new(),
        rehearsal: Rehearsal::No,
        depth: 1,
        caused_by: vec![Cause { extension: "first".into(), action_id: "1, 1".into() }],
        time_ms: 0,
        ended: None,
    };
    let params = hook_call.params.clone();
    let event = Event { call: Arc::new(hook_call), params, result: None };
    let services =
        crate::capability::Services::open(&config, Storage::in_memory().unwrap()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    CallState::new(About::Event { handler: Arc::new(handler), event }, deadline, Arc::new(services))
}

/// The same call as a rehearsal.
fn rehearsed(mut call: CallState) -> CallState {
    if let About::Event { event, .. } = &mut call.about {
        let hook_call = HookCall { rehearsal: Rehearsal::DryRun, ..(*event.call).clone() };
        event.call = Arc::new(hook_call);
    }
    call
}

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_ms: None,
        max_redirects: 3,
    }
}

async fn send(call: &mut CallState, request: Request) -> Result<Response, Error> {
    call.send(request).await.unwrap()
}

/// What the call used, as `capability what times refused`.
fn uses(call: &mut CallState) -> Vec<String> {
    let uses = call.uses.take().into_iter();
    uses.map(|used| format!("{} {} {} {}", used.capability, used.what, used.times, used.refused))
        .collect()
}

/// A handle to the secret setting, as a guest has it.
fn token(call: &mut CallState) -> Resource<SecretHandle> {
    secrets::Host::setting(call, "token".into()).unwrap().unwrap()
}

#[tokio::test]
async fn an_origin_that_is_granted_answers() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let answer = send(&mut call, request("GET", &server.origin())).await.unwrap();
    assert_eq!((answer.status, answer.body), (200, b"hello".to_vec()));
    assert_eq!(uses(&mut call), [format!("http {} 1 0", server.origin())]);
}

#[tokio::test]
async fn an_origin_that_is_not_asked_for_is_denied() {
    let server = Server::saying("hello").await;
    let mut call = call("https://other.example.com", Granted::Yes, "");
    let answer = send(&mut call, request("GET", &server.origin())).await;
    let why = format!("the manifest does not ask for `http {}`", server.origin());
    assert!(matches!(answer, Err(Error::Denied(said)) if said == why));
    assert_eq!(uses(&mut call), [format!("http {} 0 1", server.origin())]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_origin_that_is_not_granted_is_denied_with_what_to_do() {
    let server = Server::saying("hello").await;
    let origin = server.origin();
    let mut call = call(&origin, Granted::No, "");
    let answer = send(&mut call, request("GET", &origin)).await;
    let why = format!(
        "`http {origin}` is not granted; the operator can: palisade grants add test \"http {origin}\""
    );
    assert!(matches!(answer, Err(Error::Denied(said)) if said == why));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_call_sends_no_more_than_its_requests() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "[http]\nrequests-per-call = 2");
    assert!(send(&mut call, request("GET", &server.origin())).await.is_ok());
    assert!(send(&mut call, request("GET", &server.origin())).await.is_ok());
    let answer = send(&mut call, request("GET", &server.origin())).await;
    assert!(matches!(answer, Err(Error::Limited(why)) if why == "a call may send 2 requests"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_extension_sends_no_more_than_its_minute_holds() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "[http]\nrequests-per-minute = 1");
    assert!(send(&mut call, request("GET", &server.origin())).await.is_ok());
    let answer = send(&mut call, request("GET", &server.origin())).await;
    assert!(matches!(answer, Err(Error::Limited(why)) if why.contains("in a minute")));
}

#[tokio::test]
async fn a_rehearsal_reads_and_does_not_write() {
    let server = Server::saying("hello").await;
    let mut call = rehearsed(call(&server.origin(), Granted::Yes, ""));
    assert!(send(&mut call, request("GET", &server.origin())).await.is_ok());
    let answer = send(&mut call, request("POST", &server.origin())).await;
    assert!(matches!(answer, Err(Error::DryRun)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_request_says_who_sends_it_and_what_led_to_it() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    send(&mut call, request("GET", &server.origin())).await.unwrap();
    let sent = server.requests().remove(0);
    assert!(sent.contains("\r\npalisade-causation: first/1%2C+1, test/2\r\n"), "{sent}");
    let agent = format!("\r\nuser-agent: palisade/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(sent.contains(&agent), "{sent}");
}

#[tokio::test]
async fn a_secret_is_filled_in_as_each_kind_of_header_says() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let mut request = request("GET", &server.origin());
    request.headers = vec![
        ("x-token".into(), Given::Secret(token(&mut call))),
        ("authorization".into(), Given::Bearer(token(&mut call))),
        ("x-basic".into(), Given::Basic(("user".into(), token(&mut call)))),
    ];
    send(&mut call, request).await.unwrap();
    let sent = server.requests().remove(0);
    for header in [
        "x-token: canary-1",
        "authorization: Bearer canary-1",
        "x-basic: Basic dXNlcjpjYW5hcnktMQ==",
    ] {
        assert!(sent.contains(&format!("\r\n{header}\r\n")), "{sent}");
    }
}

#[tokio::test]
async fn a_secret_that_is_sent_back_does_not_come_back() {
    let body = "you sent canary-1 and dXNlcjpjYW5hcnktMQ==";
    let server = Server::start(format!(
        "HTTP/1.1 200 OK\r\nx-echo: canary-1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let mut request = request("GET", &server.origin());
    let basic = Given::Basic(("user".into(), token(&mut call)));
    request.headers = vec![("authorization".into(), basic)];
    let answer = send(&mut call, request).await.unwrap();
    assert_eq!(answer.headers[0], ("x-echo".into(), b"[secret]".to_vec()));
    assert_eq!(String::from_utf8(answer.body).unwrap(), "you sent [secret] and [secret]");
}

#[tokio::test]
async fn headers_over_the_limit_are_not_sent() {
    let server = Server::saying("hello").await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let mut request = request("GET", &server.origin());
    request.headers = vec![("x-long".into(), Given::Plain(vec![b'x'; 16 << 10]))];
    assert!(matches!(send(&mut call, request).await, Err(Error::TooLarge(16_384))));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_to_what_is_not_granted_is_denied() {
    let internal = Server::saying("internal").await;
    let location = format!("HTTP/1.1 302 Found\r\nlocation: {}/\r\n\r\n", internal.origin());
    let server = Server::start(location).await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let answer = send(&mut call, request("GET", &server.origin())).await;
    assert!(matches!(answer, Err(Error::Denied(_))));
    assert!(internal.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_past_the_limit_is_the_answer() {
    let server =
        Server::start("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
    let mut call = call(&server.origin(), Granted::Yes, "");
    let answer = send(&mut call, request("GET", &server.origin())).await.unwrap();
    assert_eq!((answer.status, server.requests().len()), (302, 4));
}

#[tokio::test]
async fn a_request_ends_before_its_call_does() {
    let call = call("https://a.example.com", Granted::Yes, "[http]\ntimeout-ms = 600000");
    assert_eq!(call.end(None), call.deadline);
    assert_eq!(call.end(Some(Duration::from_secs(3_600))), call.deadline);
    assert!(call.end(Some(Duration::from_millis(1))) < call.deadline);
}
