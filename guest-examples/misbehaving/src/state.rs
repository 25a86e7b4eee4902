//! Uses the key-value store, and logs what came of it. The bucket is `test`.

use crate::exports::palisade::events::handler::Failure;
use crate::palisade::kv::store::{Bucket, Condition, Entry, Error, WriteResult};
use crate::write::info;
use crate::{number, pair};

/// The largest value that the contract allows.
const LARGEST: usize = 60 * 1024;

/// Does what a command asks for, if it is about the store. An error of the store is logged, not
/// answered.
pub fn run(verb: &str, argument: &str) -> Result<(), Failure> {
    let done = match verb {
        "kv-set" => {
            let (key, value) = pair(argument)?;
            set(key, value.as_bytes(), Condition::Always)
        }
        "kv-set-absent" => {
            let (key, value) = pair(argument)?;
            set(key, value.as_bytes(), Condition::Absent)
        }
        "kv-replace" => {
            let (key, value) = pair(argument)?;
            replace(key, value.as_bytes())
        }
        "kv-set-bytes" => {
            let (key, bytes) = pair(argument)?;
            set(key, &vec![b'x'; number(bytes)?], Condition::Always)
        }
        "kv-get" => get(argument),
        "kv-delete" => delete(argument),
        "kv-incr" => increment(argument),
        "kv-list" => list(),
        "kv-flood" => flood(),
        "kv-peek" => peek(argument),
        _ => return Ok(()),
    };
    match done {
        Ok(result) => info(verb, &[("result", result)]),
        Err(error) => info(verb, &[("error", name(&error))]),
    }
    Ok(())
}

fn open() -> Result<Bucket, Error> {
    Bucket::open("test")
}

fn set(key: &str, value: &[u8], condition: Condition) -> Result<String, Error> {
    open()?.set(key, value, None, condition).map(written)
}

/// Writes over an entry on the condition that it is unchanged since it was read.
fn replace(key: &str, value: &[u8]) -> Result<String, Error> {
    let bucket = open()?;
    let condition = match bucket.get(key)? {
        Some(entry) => Condition::Unchanged(entry.revision),
        None => Condition::Absent,
    };
    bucket.set(key, value, None, condition).map(written)
}

fn get(key: &str) -> Result<String, Error> {
    Ok(open()?.get(key)?.map_or("none".into(), text))
}

fn delete(key: &str) -> Result<String, Error> {
    open()?.delete(key, Condition::Always).map(written)
}

fn increment(key: &str) -> Result<String, Error> {
    open()?.increment(key, 1).map(|sum| sum.to_string())
}

/// All keys, joined by commas. Reads in small pages, to use the cursor.
fn list() -> Result<String, Error> {
    let bucket = open()?;
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = bucket.list_keys("", after.as_deref(), 2)?;
        keys.extend(page.keys);
        after = page.next;
        if after.is_none() {
            return Ok(keys.join(","));
        }
    }
}

/// What a bucket of this name holds, whatever the name is: its keys, and one that a text names.
fn peek(argument: &str) -> Result<String, Error> {
    let (bucket, key) = argument.split_once('|').unwrap_or((argument, "key"));
    let bucket = Bucket::open(bucket)?;
    let page = bucket.list_keys("", None, 1_000)?;
    let value = bucket.get(key)?.map_or("none".into(), text);
    Ok(format!("{value}, {} keys", page.keys.len()))
}

/// Writes without end: only an error ends it.
fn flood() -> Result<String, Error> {
    let bucket = open()?;
    let value = vec![b'x'; LARGEST];
    for n in 0_u64.. {
        bucket.set(&format!("flood-{n}"), &value, None, Condition::Always)?;
    }
    Ok("the numbers ran out".into())
}

fn written(result: WriteResult) -> String {
    match result {
        WriteResult::Written(_) => "written".into(),
        WriteResult::Conflict(None) => "conflict with nothing".into(),
        WriteResult::Conflict(Some(entry)) => format!("conflict with {}", text(entry)),
    }
}

fn text(entry: Entry) -> String {
    String::from_utf8_lossy(&entry.value).into_owned()
}

/// The name that the contract gives to an error.
fn name(error: &Error) -> String {
    match error {
        Error::Denied(why) => format!("denied({why})"),
        Error::InvalidKey => "invalid-key".into(),
        Error::TooLarge(limit) => format!("too-large({limit})"),
        Error::QuotaExceeded => "quota-exceeded".into(),
        Error::NotANumber => "not-a-number".into(),
        Error::DryRun => "dry-run".into(),
        Error::Unavailable => "unavailable".into(),
        Error::Other(cause) => format!("other({cause})"),
    }
}
