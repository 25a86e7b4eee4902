//! What is counted, in two buckets of `kv`: `mailboxes` has an entry for each address, `days` a count for each day,
//! domain and kind.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::palisade::core::types::Failure;
use crate::palisade::kv::store::{self, Bucket, Condition, WriteResult};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Days that the pages look back.
pub const DAYS: u64 = 14;
/// How long the count of a day is kept: twice as long as anybody looks back.
const DAY_TTL_SECONDS: u32 = 4 * DAYS as u32 * 24 * 60 * 60;
/// Keys that are asked for at a time.
const PART: u32 = 1_000;
/// Mailboxes that are shown at most.
const MAX_MAILBOXES: usize = 5_000;
/// How often an entry that others write too is tried.
const TRIES: usize = 10;

/// What happened to a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was deleted.
    Deleted,
}

/// A mailbox to which something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub address: String,
    /// How often something happened.
    pub events: u64,
    /// When something happened last.
    pub last_ms: u64,
    /// What happened last.
    pub last: Kind,
}

/// The count of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The day, counted from 1970-01-01.
    pub day: u64,
    /// What is counted.
    pub kind: Kind,
    /// How often.
    pub number: u64,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Created, Self::Changed, Self::Deleted];

    /// What an action does to a mailbox.
    pub fn of(action: &str) -> Self {
        match action.rsplit('.').next() {
            Some("create") => Self::Created,
            Some("delete") => Self::Deleted,
            _ => Self::Changed,
        }
    }

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Mailbox {
    /// The domain that it belongs to.
    pub fn domain(&self) -> &str {
        domain(&self.address)
    }

    fn written(&self) -> String {
        format!("{} {} {}", self.events, self.last_ms, self.last.name())
    }

    /// Reads an entry; `None` if it is none of this extension's.
    pub fn read(address: &str, entry: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(entry).ok()?.split(' ');
        let events = words.next()?.parse().ok()?;
        let last_ms = words.next()?.parse().ok()?;
        let last = Kind::from_name(words.next()?)?;
        Some(Self { address: address.into(), events, last_ms, last })
    }
}

/// The domain of an address.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// An address as the key of an entry: in small letters, without control characters, cut to what a key may be.
pub fn key(address: &str) -> String {
    let mut key = address.trim().to_lowercase().replace(char::is_control, "?");
    key.truncate(key.floor_char_boundary(256));
    key
}

/// The present day, counted from 1970-01-01.
pub fn today() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    passed.as_secs() * 1_000 / DAY_MS
}

/// Counts what happened to a mailbox.
pub fn add(address: &str, kind: Kind, time_ms: u64) -> Result<(), Failure> {
    let day = day_key(time_ms / DAY_MS, domain(address), kind);
    let days = open("days")?;
    // Only who writes first says how long the count is kept.
    days.set(&day, b"0", Some(DAY_TTL_SECONDS), Condition::Absent).map_err(failure)?;
    days.increment(&day, 1).map_err(failure)?;

    let mailboxes = open("mailboxes")?;
    let mut entry = mailboxes.get(address).map_err(failure)?;
    for _ in 0..TRIES {
        let before = entry.as_ref().and_then(|entry| Mailbox::read(address, &entry.value));
        let events = before.map_or(0, |before| before.events) + 1;
        let after = Mailbox { address: address.into(), events, last_ms: time_ms, last: kind };
        let condition = match &entry {
            Some(entry) => Condition::Unchanged(entry.revision),
            None => Condition::Absent,
        };
        let written = after.written();
        match mailboxes.set(address, written.as_bytes(), None, condition).map_err(failure)? {
            WriteResult::Written(_) => return Ok(()),
            WriteResult::Conflict(newer) => entry = newer,
        }
    }
    Err(Failure::Unavailable("others write the same count all the time".into()))
}

/// Forgets a mailbox.
pub fn forget(address: &str) -> Result<(), Failure> {
    open("mailboxes")?.delete(address, Condition::Always).map_err(failure)?;
    Ok(())
}

/// A mailbox, if something happened to it.
pub fn mailbox(address: &str) -> Result<Option<Mailbox>, Failure> {
    let entry = open("mailboxes")?.get(address).map_err(failure)?;
    Ok(entry.and_then(|entry| Mailbox::read(address, &entry.value)))
}

/// The mailboxes of the domains that are shown.
pub fn mailboxes(mut shown: impl FnMut(&str) -> bool) -> Result<Vec<Mailbox>, Failure> {
    let bucket = open("mailboxes")?;
    let mut found = Vec::new();
    for address in keys(&bucket, None)? {
        if found.len() == MAX_MAILBOXES {
            break;
        }
        if !shown(domain(&address)) {
            continue;
        }
        let entry = bucket.get(&address).map_err(failure)?;
        found.extend(entry.and_then(|entry| Mailbox::read(&address, &entry.value)));
    }
    Ok(found)
}

/// The counts of the domains that are shown, of as many days as the pages look back, and of as many before those.
pub fn days(today: u64, mut shown: impl FnMut(&str) -> bool) -> Result<Vec<Count>, Failure> {
    let bucket = open("days")?;
    let first = (today + 1).saturating_sub(2 * DAYS);
    let mut counts = Vec::new();
    for key in keys(&bucket, Some(format!("{first:06}")))? {
        let Some((day, domain, kind)) = read_day_key(&key) else { continue };
        if !shown(domain) {
            continue;
        }
        let entry = bucket.get(&key).map_err(failure)?;
        let number = entry.and_then(|entry| std::str::from_utf8(&entry.value).ok()?.parse().ok());
        counts.push(Count { day, kind, number: number.unwrap_or(0) });
    }
    Ok(counts)
}

/// The key of a count: days come first and in order, so that the last ones can be listed.
pub fn day_key(day: u64, domain: &str, kind: Kind) -> String {
    format!("{day:06}/{}/{domain}", kind.name())
}

/// The parts of a key.
pub fn read_day_key(key: &str) -> Option<(u64, &str, Kind)> {
    let (day, rest) = key.split_once('/')?;
    let (kind, domain) = rest.split_once('/')?;
    Some((day.parse().ok()?, domain, Kind::from_name(kind)?))
}

fn keys(bucket: &Bucket, mut after: Option<String>) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    loop {
        let part = bucket.list_keys("", after.as_deref(), PART).map_err(failure)?;
        keys.extend(part.keys);
        after = part.next;
        if after.is_none() {
            return Ok(keys);
        }
    }
}

fn open(name: &str) -> Result<Bucket, Failure> {
    Bucket::open(name).map_err(failure)
}

/// What a failing store means: it may work later, or the extension was set up wrongly.
fn failure(error: store::Error) -> Failure {
    match error {
        store::Error::Unavailable => Failure::Unavailable("the store is not available".into()),
        store::Error::Denied(why) => Failure::Misconfigured(why),
        other => Failure::Other(format!("the counts cannot be read or kept: {other:?}")),
    }
}
