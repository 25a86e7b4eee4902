//! Keeps a reseller from creating more mailboxes than agreed.
//!
//! The condition in the manifest lets only resellers through, and no rehearsals. The count is one number in `kv`,
//! raised and read in one step: two calls at one time cannot both take the last place.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::{settings, types::Problem, types::Value};
use palisade::events::types::{Denial, Phase};
use palisade::kv::store::{self, Bucket};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct QuotaGuard;

impl Guest for QuotaGuard {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        let Some(actor) = event.actor() else { return Ok(Outcome::Proceed) };
        let counts = Bucket::open("mailboxes").map_err(failure)?;
        let reseller = key(&actor.id);
        if event.phase() == Phase::After {
            // What was created before the guard came was never counted, so the count can fall below nothing.
            if counts.increment(&reseller, -1).map_err(failure)? < 0 {
                counts.increment(&reseller, 1).map_err(failure)?;
            }
            return Ok(Outcome::Proceed);
        }
        let allowed = allowed(settings::get("mailboxes"))?;
        let count = counts.increment(&reseller, 1).map_err(failure)?;
        let Some(message) = objection(count, allowed) else { return Ok(Outcome::Proceed) };
        counts.increment(&reseller, -1).map_err(failure)?;
        let problem = Problem { code: Some("quota.mailboxes".into()), field: None, message };
        Ok(Outcome::Deny(Denial { problems: vec![problem] }))
    }
}

export!(QuotaGuard);

/// The key of a reseller's count: without control characters, and cut to what a key may be.
fn key(reseller: &str) -> String {
    let mut key = reseller.replace(char::is_control, "?");
    key.truncate(key.floor_char_boundary(512));
    key
}

/// How many mailboxes a reseller may have.
fn allowed(setting: Option<Value>) -> Result<i64, Failure> {
    match setting {
        Some(Value::Integer(allowed)) => Ok(allowed),
        other => Err(Failure::Misconfigured(format!("`mailboxes` is not a number but {other:?}"))),
    }
}

/// What there is against one more mailbox, when it would be this one.
fn objection(count: i64, allowed: i64) -> Option<String> {
    (count > allowed).then(|| format!("all {allowed} mailboxes of this reseller are in use"))
}

/// What a failing store means: it may work later, or the extension was set up wrongly.
fn failure(error: store::Error) -> Failure {
    match error {
        store::Error::Unavailable => Failure::Unavailable("the store is not available".into()),
        store::Error::Denied(reason) => Failure::Misconfigured(reason),
        other => Failure::Other(format!("the count was not kept: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
