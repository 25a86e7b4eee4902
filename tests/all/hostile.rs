//! Hostile guests: every way to misbehave ends as it must, and nobody else notices.
//!
//! The ways are tables: what the guest `misbehaving` can be told is in `ways`, components by hand are in `by_hand`.
//! Each way is tried on an extension whose faults let the action proceed and on one whose faults deny it, and after
//! each the host has to answer for two other extensions as if nothing had happened.

mod by_hand;
mod endurance;
mod powers;
mod ways;

use std::time::{Duration, Instant};

use hyper::Method;
use palisade_tests::{Running, TestHost, guest};
use serde_json::{Value, json};

use crate::guests::{UNWATCHED, packed, trace};

/// How long a call of somebody else may take on a machine that does nothing else: the deadline of a handler.
const IN_TIME: Duration = Duration::from_secs(2);

/// How a call of a hostile handler ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// In a fault of this code.
    Fault(&'static str),
    /// In a fault of this code, whose message has this in it.
    Says(&'static str, &'static str),
    /// In this outcome, as if all were well: the guest did no harm.
    Answer(&'static str),
}

/// The manifest of a hostile extension: it is called before actions that begin with its own name.
fn manifest(id: &str, on_failure: &str) -> String {
    format!(
        r#"manifest = 1
[extension]
id = "{id}"
name = "Hostile"
version = "1.0.0"
contract = "1.0"
[[on]]
hook = "before:{id}.*"
reason = "Tests every power."
powers = ["alter", "skip", "deny"]
alter = ["*"]
on-failure = "{on_failure}"
[[on]]
hook = "after:{id}.*"
reason = "Tests every power."
powers = ["alter"]
alter = ["*"]
[needs.kv]
reason = "Tests the store."
"#
    )
}

/// Installs a packed extension with everything that it asks for.
async fn install(host: &Running, packed: Vec<u8>) {
    let answer = host.request(Method::POST, "/v1/extensions?grants=all", packed).await;
    assert!(answer.status.is_success(), "{}", answer.text);
}

/// A host with the two extensions that a hostile one must not disturb. It bypasses nothing: most tests are about what
/// happens when a hostile extension is called.
async fn host(config: &str) -> Running {
    let host = TestHost::new().config(config).config(UNWATCHED).start().await;
    for bystander in ["observer", "reserved-names"] {
        install(&host, std::fs::read(guest(bystander)).unwrap()).await;
    }
    host
}

/// A host with the guest `misbehaving` too, as `lenient` and as `strict`: faults of the one proceed, of the other
/// deny.
async fn host_with_misbehaving(config: &str) -> Running {
    let host = host(config).await;
    let component = std::fs::read(guest("misbehaving")).unwrap();
    for (id, on_failure) in [("lenient", "proceed"), ("strict", "deny")] {
        install(&host, packed(&component, &manifest(id, on_failure))).await;
    }
    host
}

/// Calls a hostile extension, telling it this.
async fn tell(host: &Running, id: &str, command: &str) -> Value {
    host.before(&format!("{id}.test"), json!({ "params": params(command) })).await
}

/// What a hostile extension is called with: a command, and values that it must not change by misbehaving.
fn params(command: &str) -> Value {
    json!({ "do": command, "name": "kept", "count": 7, "password": { "$secret": "kept" } })
}

/// What is wrong with the end of a call; `None` if it is as it must be.
fn wrong_end(verdict: &Value, id: &str, end: End) -> Option<String> {
    let trace = trace(verdict, id);
    let (code, message) = (&trace["fault"]["code"], trace["fault"]["message"].as_str());
    let right = match end {
        End::Fault(wanted) => code == wanted,
        End::Says(wanted, words) => {
            code == wanted && message.is_some_and(|message| message.contains(words))
        }
        End::Answer(outcome) => trace["outcome"] == outcome,
    };
    (!right).then(|| format!("`{id}` ended in {trace}, and not in {end:?}"))
}

/// What is wrong with the verdict on a call whose handler failed.
fn wrong_verdict(verdict: &Value, on_failure: &str, command: &str) -> Option<String> {
    let changed = verdict["alterations"] != json!([]) || verdict["params"] != params(command);
    let denies = verdict["verdict"] == "deny"
        && verdict["problems"][0]["code"] == "extension.failed"
        && verdict["problems"].as_array().is_some_and(|problems| problems.len() == 1);
    let right = match on_failure {
        "deny" => denies,
        _ => verdict["verdict"] == "proceed" && verdict["problems"] == json!([]),
    };
    (changed || !right).then(|| format!("with on-failure `{on_failure}`: {verdict}"))
}

/// What is wrong with the host after a misbehaviour: two other extensions answer, in time and right.
async fn harm_to_others(host: &Running) -> Option<String> {
    let begun = Instant::now();
    let request = json!({ "params": { "address": "root@customer.example" }, "actor": { "id": "u1", "role": "customer" } });
    let verdict = host.before("mailbox.create", request).await;
    let took = begun.elapsed();
    let right = verdict["problems"][0]["code"] == "name.reserved"
        && trace(&verdict, "reserved-names")["outcome"] == "deny"
        && trace(&verdict, "observer")["outcome"] == "proceed";
    (!right || took >= IN_TIME).then(|| format!("others were harmed, after {took:?}: {verdict}"))
}
