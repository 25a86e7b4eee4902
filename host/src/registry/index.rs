//! Which handlers a hook has: answered by a few look-ups, however many are installed.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::extension::Handler;
use crate::hook::{Pattern, Phase, Power};

/// The handlers of every hook, in the order in which they run.
#[derive(Debug, Default)]
pub struct Index {
    before: ByAction,
    after: ByAction,
    all: Vec<Arc<Handler>>,
}

/// The handlers of one phase. Every list is complete: what a list of a wider pattern holds is in the narrower one
/// too, so that one list answers.
#[derive(Debug, Default)]
struct ByAction {
    /// By the name of an action.
    exact: Lists,
    /// By what the name begins with; empty for every name.
    under: Lists,
}

/// Handlers by a name.
type Lists = HashMap<String, Vec<Arc<Handler>>>;

impl Index {
    /// Makes the index of these handlers.
    pub fn new(handlers: Vec<Arc<Handler>>) -> Self {
        Self {
            before: ByAction::new(
                handlers.iter().filter(|handler| handler.subscription.hook.phase == Phase::Before),
            ),
            after: ByAction::new(
                handlers.iter().filter(|handler| handler.subscription.hook.phase == Phase::After),
            ),
            all: handlers,
        }
    }

    /// The handlers of a hook.
    pub fn handlers(&self, phase: Phase, action: &str) -> &[Arc<Handler>] {
        match phase {
            Phase::Before => self.before.handlers(action),
            Phase::After => self.after.handlers(action),
        }
    }

    /// All handlers.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Handler>> {
        self.all.iter()
    }
}

impl ByAction {
    fn new<'a>(handlers: impl Iterator<Item = &'a Arc<Handler>>) -> Self {
        let (mut exact, mut under) = (Lists::new(), Lists::new());
        for handler in handlers {
            let list = match &handler.subscription.hook.pattern {
                Pattern::Exact(action) => exact.entry(action.clone()),
                Pattern::Under(prefix) => under.entry(prefix.clone()),
            };
            list.or_default().push(handler.clone());
        }
        let complete = |own: &[Arc<Handler>], name: &str| {
            in_order(own.iter().chain(wider(name).filter_map(|prefix| under.get(prefix)).flatten()))
        };
        Self {
            exact: exact
                .iter()
                .map(|(action, own)| (action.clone(), complete(own, action)))
                .collect(),
            under: under
                .iter()
                .map(|(prefix, own)| (prefix.clone(), complete(own, prefix)))
                .collect(),
        }
    }

    fn handlers(&self, action: &str) -> &[Arc<Handler>] {
        if let Some(handlers) = self.exact.get(action) {
            return handlers;
        }
        if self.under.is_empty() {
            return &[];
        }
        wider(action).find_map(|prefix| self.under.get(prefix)).map_or(&[], Vec::as_slice)
    }
}

/// What the patterns that match a name begin with, narrowest first: for `a.b.c` it is `a.b`, `a` and the empty text.
fn wider(name: &str) -> impl Iterator<Item = &str> {
    let mut next = if name.is_empty() { None } else { Some(name) };
    std::iter::from_fn(move || {
        let prefix = next?.rsplit_once('.').map_or("", |(prefix, _)| prefix);
        next = if prefix.is_empty() { None } else { Some(prefix) };
        Some(prefix)
    })
}

/// Sorts handlers into the order in which they run, and keeps of each extension the narrowest, which comes first.
fn in_order<'a>(handlers: impl Iterator<Item = &'a Arc<Handler>>) -> Vec<Arc<Handler>> {
    let mut seen = HashSet::new();
    let mut handlers: Vec<Arc<Handler>> =
        handlers.filter(|handler| seen.insert(handler.extension.id.clone())).cloned().collect();
    handlers.sort_by(|a, b| {
        let key = |handler: &Handler| (round(handler), Reverse(handler.subscription.priority));
        key(a).cmp(&key(b)).then_with(|| a.extension.id.cmp(&b.extension.id))
    });
    handlers
}

/// The round in which a handler runs: those that can alter or skip run before those that see the final parameters.
pub(crate) fn round(handler: &Handler) -> u8 {
    let powers = &handler.access.powers;
    let first = powers.iter().any(|power| matches!(power, Power::Alter | Power::Skip));
    match (handler.subscription.hook.phase, first) {
        (Phase::Before, true) | (Phase::After, _) => 1,
        (Phase::Before, false) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_patterns_come_narrowest_first() {
        assert_eq!(wider("a.b.c").collect::<Vec<_>>(), ["a.b", "a", ""]);
        assert_eq!(wider("a").collect::<Vec<_>>(), [""]);
        assert_eq!(wider("").count(), 0);
    }
}
