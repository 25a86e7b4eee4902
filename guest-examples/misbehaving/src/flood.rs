//! Does the same small thing without end: only the host can stop it.

use std::hint::black_box;
use std::time::Instant;

use crate::exports::palisade::events::handler::Event;
use crate::palisade::core::{context, reveal, secrets, settings};
use crate::palisade::kv::store::{Bucket, Condition};
use crate::write::info;

/// Does what a command asks for, if it is about that. Comes back only from what the host does not stop.
pub fn run(verb: &str, argument: &str, event: &Event) {
    match verb {
        "log-flood" => forever(|| info("again", &[])),
        "stdout-flood" => forever(|| println!("again")),
        "kv-read-flood" => with_bucket(|bucket| drop(black_box(bucket.get("again")))),
        "kv-write-flood" => with_bucket(|bucket| {
            drop(black_box(bucket.set("again", b"x", None, Condition::Always)));
        }),
        "kv-list-flood" => with_bucket(|bucket| drop(black_box(bucket.list_keys("", None, 1_000)))),
        "bucket-flood" => hoard(|| Bucket::open("test")),
        "secret-flood" => hoard(|| secrets::parameter(argument)),
        "reveal-flood" => forever(|| {
            if let Ok(secret) = secrets::parameter(argument) {
                drop(black_box(reveal::reveal(&secret)));
            }
        }),
        "json-flood" => forever(|| drop(black_box(event.to_json()))),
        "names-flood" => forever(|| drop(black_box(event.names()))),
        "settings-flood" => forever(|| drop(black_box(settings::to_json()))),
        "context-flood" => forever(|| drop(black_box(context::extension_id()))),
        "clock-flood" => forever(|| {
            black_box(Instant::now());
        }),
        _ => {}
    }
}

fn forever(mut again: impl FnMut()) {
    loop {
        again();
    }
}

fn with_bucket(mut again: impl FnMut(&Bucket)) {
    match Bucket::open("test") {
        Ok(bucket) => forever(|| again(&bucket)),
        Err(error) => info("no bucket", &[("error", format!("{error:?}"))]),
    }
}

/// Makes handles and keeps every one.
fn hoard<T, E>(make: impl Fn() -> Result<T, E>) {
    let mut kept = Vec::new();
    forever(|| kept.extend(make().ok()));
}
