//! `palisade-hook --check`: whether the program could do its work, as it would find out for itself.

use std::time::Instant;

use palisade_hook::Printed;

use crate::config::{self, Config};
use crate::{ask, privileges};

/// What is found, as one line of JSON, and failure if something is wrong.
pub fn check(end: Instant) -> Printed {
    let file = config::path();
    let mut wrong = Vec::new();
    let config = Config::load().unwrap_or_else(|(config, error)| {
        wrong.push(format!("the configuration {error}"));
        config
    });
    if let Some(Err(error)) = file.as_deref().map(config::check_owner) {
        wrong.push(format!("the configuration {error}"));
    }
    let mut notes = Vec::new();
    if let Some(Err(error)) = std::env::current_exe().ok().as_deref().map(config::check_owner) {
        notes.push(format!("the program {error}; panels start it as root"));
    }
    match privileges::account(&config.user) {
        Err(error) => wrong.push(error),
        // From here on it is who it is when it asks.
        Ok(_) => wrong.extend(privileges::drop(&config.user).err()),
    }
    wrong.extend(ask::reach(&config.socket, end).err());
    let Config { socket, user, .. } = config;
    let found = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": file,
        "socket": socket,
        "user": user,
        "wrong": wrong,
        "notes": notes,
    });
    let printed = format!("{found}\n");
    match wrong.is_empty() {
        true => Printed::text(printed),
        false => Printed::failure(printed),
    }
}
