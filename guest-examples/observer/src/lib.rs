//! Observes every action and does nothing: what a call costs at least.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct Observer;

impl Guest for Observer {
    fn handle(_: &Event) -> Result<Outcome, Failure> {
        Ok(Outcome::Proceed)
    }
}

export!(Observer);
