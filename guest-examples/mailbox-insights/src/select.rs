//! Which mailboxes a list shows: those that match, in order, one part of them.

use std::collections::BTreeMap;

use crate::counts::Mailbox;
use crate::palisade::gui::types::Window;

/// A part of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The mailboxes.
    pub mailboxes: Vec<Mailbox>,
    /// How many there are in all.
    pub total: usize,
    /// Where the next part begins.
    pub next: Option<usize>,
}

/// Asks once for each domain.
pub fn sight(mut ask: impl FnMut(&str) -> bool) -> impl FnMut(&str) -> bool {
    let mut known = BTreeMap::new();
    move |domain| match known.get(domain) {
        Some(seen) => *seen,
        None => {
            let seen = ask(domain);
            known.insert(domain.to_owned(), seen);
            seen
        }
    }
}

/// The part of the mailboxes that was asked for.
pub fn part(mut mailboxes: Vec<Mailbox>, window: &Window) -> Part {
    if let Some(search) = &window.search {
        let search = search.to_lowercase();
        mailboxes.retain(|mailbox| mailbox.address.contains(&search));
    }
    // The sort is stable: equal ones stay in the order of their addresses.
    match window.sort.as_deref() {
        Some("events") => mailboxes.sort_by_key(|mailbox| mailbox.events),
        Some("last") => mailboxes.sort_by_key(|mailbox| mailbox.last_ms),
        _ => mailboxes.sort_by(|one, other| one.address.cmp(&other.address)),
    }
    if window.descending {
        mailboxes.reverse();
    }
    let total = mailboxes.len();
    let begin = window.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0).min(total);
    let end = total.min(begin.saturating_add(window.limit as usize));
    let mailboxes = mailboxes.drain(begin..end).collect();
    let next = (end < total).then_some(end);
    Part { mailboxes, total, next }
}
