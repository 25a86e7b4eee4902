//! A panel's call as text, and what of it was none.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use indexmap::IndexMap;

use super::{PRIVATE_KEY, PanelCall, Translated, fields};
use crate::hook::catalogue::catalogue;
use crate::hook::is_secret;

/// What the attribute begins with that holds the bytes of a variable which is no UTF-8.
const BYTES: &str = "bytes.";
/// Variables whose bytes are kept, and bytes of one.
pub(super) const MAX_KEPT: usize = 20;
pub(super) const MAX_KEPT_BYTES: usize = 1 << 10;

/// The attribute that has these bytes, of a value with this name.
pub(super) fn bytes_attribute(name: &str, bytes: &[u8]) -> (String, String) {
    (format!("{BYTES}{name}"), BASE64.encode(bytes))
}

/// What a call says, as text: what is no UTF-8 has U+FFFD where it is not.
pub(super) struct Said<'a> {
    /// The call as it came.
    pub call: &'a PanelCall,
    /// The variables, in the panel's order.
    pub env: IndexMap<&'a str, Cow<'a, str>>,
    /// Standard input.
    pub stdin: Cow<'a, str>,
}

impl<'a> Said<'a> {
    pub fn of(call: &'a PanelCall) -> Self {
        let env = call.env.iter().map(|(name, value)| (name.as_str(), value.text()));
        Self { call, env: env.collect(), stdin: call.stdin.text() }
    }

    /// The argument at this place; nothing if it is empty or not there.
    pub fn argument(&self, place: usize) -> Option<Cow<'a, str>> {
        self.call.argument(place)
    }

    /// The variable of this name; nothing if it is empty or not there.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(Cow::as_ref).filter(|text| !text.is_empty())
    }

    /// The variables whose name begins so, by the rest of their names.
    pub fn with_prefix(&self, prefix: &str) -> Vec<(&str, &str)> {
        let named = self.env.iter();
        named.filter_map(|(name, text)| Some((name.strip_prefix(prefix)?, text.as_ref()))).collect()
    }

    /// Keeps the bytes of what is no text as attributes, unless it is secret.
    pub fn keep_bytes(&self, hook_call: &mut Translated) {
        let broken = self.call.env.iter().filter(|(_, value)| !value.is_text());
        for (name, value) in broken.take(MAX_KEPT) {
            let panel = fields::panel(self.call.dialect);
            // What a variable's name begins with is not a part of the field's.
            let names = name.match_indices('_').filter_map(|(at, _)| name.get(at + 1..));
            let secret = std::iter::once(name.as_str()).chain(names).any(|name| {
                is_secret(&hook_call.action, &name.to_lowercase())
                    || catalogue().is_secret_key(panel, name)
            });
            let secret = secret || value.text().contains(PRIVATE_KEY);
            if !secret && value.0.len() <= MAX_KEPT_BYTES {
                hook_call.attributes.extend([bytes_attribute(name, &value.0)]);
            }
        }
    }
}
