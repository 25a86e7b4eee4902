//! The storage engine that forgets: for tests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::{Direction, Engine, Pair, StorageError, Write};

/// An ordered map in memory.
#[derive(Default)]
pub(super) struct MemoryEngine {
    // A std lock: nothing waits while it is held.
    pairs: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.pairs.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
        let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let own = |(key, _): &(&Vec<u8>, &Vec<u8>)| key.starts_with(prefix);
        Ok(match direction {
            Direction::Forward => {
                let start = match after.filter(|after| *after >= prefix) {
                    Some(after) => Bound::Excluded(after),
                    None => Bound::Included(prefix),
                };
                pairs
                    .range::<[u8], _>((start, Bound::Unbounded))
                    .take_while(own)
                    .take(limit)
                    .map(owned)
                    .collect()
            }
            Direction::Backward => {
                let end = super::prefix_end(prefix);
                let end = match (after, &end) {
                    (Some(after), _) => Bound::Excluded(after),
                    (None, Some(end)) => Bound::Excluded(end.as_slice()),
                    (None, None) => Bound::Unbounded,
                };
                pairs
                    .range::<[u8], _>((Bound::Unbounded, end))
                    .rev()
                    .skip_while(|pair| !own(pair) && pair.0.as_slice() > prefix)
                    .take_while(own)
                    .take(limit)
                    .map(owned)
                    .collect()
            }
        })
    }

    fn apply(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        let mut pairs = self.pairs.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in writes {
            match value {
                Some(value) => pairs.insert(key, value),
                None => pairs.remove(&key),
            };
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
        pairs.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }
}
