//! Looking entries up: which, from where, and how far.

use super::entry::Entry;
use super::{MAX_LIMIT, PREFIX, block, block_key, block_name, block_number};
use crate::hook::{Decision, Phase};
use crate::storage::{Direction, Storage, StorageError};

/// Blocks are in the order in which calls ended, their times are when calls began: a look for newer entries goes on
/// for this long into the past. It is more than any call takes.
const OUT_OF_ORDER_MS: u64 = 3_600_000;

/// Which entries to look for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this action.
    pub action: Option<String>,
    /// Of this phase.
    pub phase: Option<Phase>,
    /// With this verdict.
    pub verdict: Option<Decision>,
    /// In which this extension took part.
    pub extension: Option<String>,
    /// In which some handler failed.
    pub faults: Option<Faults>,
    /// Not older than this, in milliseconds since the epoch.
    pub since_ms: Option<u64>,
    /// Older than this, in milliseconds since the epoch.
    pub until_ms: Option<u64>,
    /// About the object of this identifier.
    pub object_id: Option<String>,
    /// Of the action with this identifier.
    pub action_id: Option<String>,
}

/// Whether an entry must tell of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// Only entries in which some handler failed.
    Only,
}

/// Where an entry stands: newer ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    block: u64,
    /// The place in its block, oldest first.
    index: u32,
}

/// Which entries to look for, and where.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Which entries.
    pub filter: Filter,
    /// Only those that are older than this.
    pub before: Option<Position>,
    /// Only those that are newer than this.
    pub after: Option<Position>,
    /// At most so many, and never more than [`MAX_LIMIT`].
    pub limit: usize,
    /// Looks at about so many entries and no more; at all if there is no number here.
    pub look: Option<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The entries, newest first.
    pub entries: Vec<(Position, Entry)>,
    /// Where to go on, as `before`; nothing if there is nothing more to look at.
    pub next: Option<Position>,
}

/// Looks through the blocks, newest first.
pub(super) fn find(storage: &Storage, search: &Search) -> Result<Found, StorageError> {
    let (filter, limit) = (&search.filter, search.limit.min(MAX_LIMIT));
    let mut found = Found::default();
    if limit == 0 {
        return Ok(found);
    }
    let mut looked = 0;
    // The block of the position itself still has entries that are older.
    let mut below = search.before.map(|before| block_key(before.block.saturating_add(1)));
    loop {
        let blocks = storage.scan(PREFIX, below.as_deref(), Direction::Backward, 16)?;
        let Some((oldest, _)) = blocks.last() else { return Ok(found) };
        below = Some(oldest.clone());
        for (key, bytes) in &blocks {
            let Some(number) = block_number(key) else { continue };
            if search.after.is_some_and(|after| number < after.block) {
                return Ok(found);
            }
            let (head, entries) = block::unpack(bytes)
                .map_err(|reason| StorageError::Corrupt { key: block_name(key), reason })?;
            if filter
                .since_ms
                .is_some_and(|since| head.last_ms.saturating_add(OUT_OF_ORDER_MS) < since)
            {
                return Ok(found);
            }
            looked += entries.len();
            for (index, entry) in (0..).zip(entries).collect::<Vec<_>>().into_iter().rev() {
                let position = Position { block: number, index };
                if search.before.is_some_and(|before| position >= before)
                    || search.after.is_some_and(|after| position <= after)
                    || !filter.matches(&entry)
                {
                    continue;
                }
                found.entries.push((position, entry));
                if found.entries.len() >= limit {
                    found.next = Some(position);
                    return Ok(found);
                }
            }
            if search.look.is_some_and(|most| looked >= most) {
                found.next = Some(Position { block: number, index: 0 });
                return Ok(found);
            }
        }
    }
}

impl Position {
    /// The position that a text stands for.
    pub fn parse(text: &str) -> Option<Self> {
        let (block, index) = text.split_once('.')?;
        Some(Self { block: block.parse().ok()?, index: index.parse().ok()? })
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.block, self.index)
    }
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        is(&self.action, &entry.action)
            && is(&self.action_id, &entry.action_id)
            && self.phase.is_none_or(|phase| phase == entry.phase)
            && self.verdict.is_none_or(|verdict| verdict == entry.verdict)
            && self
                .extension
                .as_ref()
                .is_none_or(|wanted| entry.trace.iter().any(|trace| trace.extension == *wanted))
            && self.faults.is_none_or(|_| entry.trace.iter().any(|trace| trace.fault.is_some()))
            && self.since_ms.is_none_or(|since| entry.time_ms >= since)
            && self.until_ms.is_none_or(|until| entry.time_ms < until)
            && self.object_id.as_ref().is_none_or(|wanted| {
                entry.object.as_ref().is_some_and(|object| object.id == *wanted)
            })
    }
}
