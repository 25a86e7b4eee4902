//! What a call used outside its sandbox, for the journal: counted by what it was, and bounded.

use crate::hook::Use;

/// Different things that are kept of one call. What comes after them is only counted.
const MAX_USES: usize = 100;
/// Bytes of the name of a thing that are kept.
const MAX_NAME_BYTES: usize = 256;

/// What a call used.
#[derive(Default)]
pub(crate) struct Uses(Vec<Use>);

impl Uses {
    /// Counts a use of something.
    pub(crate) fn used(&mut self, capability: &str, what: &str) {
        self.count(capability, what, |entry| entry.times = entry.times.saturating_add(1));
    }

    /// Counts a use that was refused.
    pub(crate) fn refused(&mut self, capability: &str, what: &str) {
        self.count(capability, what, |entry| entry.refused = entry.refused.saturating_add(1));
    }

    /// Counts a use that was counted already as one that was refused.
    pub(crate) fn refused_after_all(&mut self, capability: &str, what: &str) {
        self.count(capability, what, |entry| {
            entry.times = entry.times.saturating_sub(1);
            entry.refused = entry.refused.saturating_add(1);
        });
    }

    /// Everything that was used.
    pub(crate) fn take(&mut self) -> Vec<Use> {
        std::mem::take(&mut self.0)
    }

    fn count(&mut self, capability: &str, what: &str, count: impl FnOnce(&mut Use)) {
        let what: String = what
            .get(..what.floor_char_boundary(MAX_NAME_BYTES))
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let same = |entry: &&mut Use| entry.capability == capability && entry.what == what;
        if let Some(entry) = self.0.iter_mut().find(same) {
            return count(entry);
        }
        // What comes after the last place is counted in it, under a name of its own.
        let is_last = self.0.len() >= MAX_USES;
        let what = if is_last { "others".to_owned() } else { what };
        if is_last && self.0.len() > MAX_USES {
            return self.0.last_mut().map_or((), count);
        }
        let mut entry = Use { capability: capability.to_owned(), what, times: 0, refused: 0 };
        count(&mut entry);
        self.0.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_counted_and_not_listed_again() {
        let mut uses = Uses::default();
        uses.used("reveal", "password");
        uses.used("reveal", "password");
        uses.refused("reveal", "token");
        let uses = uses.take();
        assert_eq!(uses.iter().map(|entry| entry.times).collect::<Vec<_>>(), [2, 0]);
        assert_eq!(uses.iter().map(|entry| entry.refused).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn what_was_counted_can_be_refused_after_all() {
        let mut uses = Uses::default();
        uses.used("http", "https://a.example");
        uses.refused_after_all("http", "https://a.example");
        let uses = uses.take();
        assert_eq!((uses[0].times, uses[0].refused), (0, 1));
    }

    #[test]
    fn a_flood_is_counted_and_kept_small() {
        let mut uses = Uses::default();
        (0..10_000).for_each(|n| uses.used("http", &format!("https://{n}.example")));
        let uses = uses.take();
        assert_eq!(uses.len(), MAX_USES + 1);
        assert_eq!(uses.iter().map(|entry| entry.times).sum::<u32>(), 10_000);
        assert_eq!(uses.last().unwrap().what, "others");
    }
}
