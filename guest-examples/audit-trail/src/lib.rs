//! Counts and logs who did what.
//!
//! It observes: it holds no power, and asks for `kv` to keep its counts. A rehearsal is not an action
//! and leaves no trace.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::log::{self, Level};
use palisade::events::types::{Actor, ActorKind, Status};
use palisade::kv::store::{self, Bucket};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct AuditTrail;

impl Guest for AuditTrail {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        if event.dry_run() {
            return Ok(Outcome::Proceed);
        }
        let (action, actor) = (event.action(), label(event.actor().as_ref()));
        let counts = Bucket::open("counts").map_err(failure)?;
        let count = counts.increment(&key(&actor, &action), 1).map_err(failure)?;
        let fields = [
            ("actor".into(), actor),
            ("status".into(), event.status().map_or("unknown", status).into()),
            ("count".into(), count.to_string()),
        ];
        log::write(Level::Info, &action, &fields);
        Ok(Outcome::Proceed)
    }
}

export!(AuditTrail);

/// The actor in one word, such as `person:42`.
fn label(actor: Option<&Actor>) -> String {
    let Some(actor) = actor else {
        return "unknown".into();
    };
    let kind = match &actor.kind {
        ActorKind::Person => "person",
        ActorKind::Token => "token",
        ActorKind::System => "system",
        ActorKind::Extension => "extension",
        ActorKind::Other(kind) => kind,
    };
    format!("{kind}:{}", actor.id)
}

/// The key of a count: the actor first, so that a list of keys can be one actor's. Without control
/// characters and cut to what a key may be.
fn key(actor: &str, action: &str) -> String {
    let mut key = format!("{actor}/{action}").replace(char::is_control, "?");
    key.truncate(key.floor_char_boundary(512));
    key
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "succeeded",
        Status::Skipped => "skipped",
        Status::Denied => "denied",
        Status::Failed => "failed",
    }
}

/// What a failing store means: it may work later, or the extension was set up wrongly.
fn failure(error: store::Error) -> Failure {
    match error {
        store::Error::Unavailable => Failure::Unavailable("the store is not available".into()),
        store::Error::Denied(why) => Failure::Misconfigured(why),
        other => Failure::Other(format!("the count was not kept: {other:?}")),
    }
}

#[cfg(test)]
mod tests;
