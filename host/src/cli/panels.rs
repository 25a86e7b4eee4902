//! What of an extension works on a panel, in words.

use serde_json::Value;

use super::output::{items, text};
use crate::bridge::{Dialect, Shortfall, Unmet, check_required, shortfalls};
use crate::hook::{HookPattern, Power};

/// One handler of an extension, as the host tells it.
pub struct Told {
    /// What it subscribes to.
    pub hook: HookPattern,
    /// What it may do to actions.
    pub powers: Vec<Power>,
    /// What it cannot do without.
    pub requires: Vec<Power>,
}

/// The handlers of an extension. What this program does not understand of a newer host is left out.
pub fn handlers(extension: &Value) -> Vec<Told> {
    let powers = |handler: &Value, key: &str| {
        items(handler, key).filter_map(|power| serde_json::from_value(power.clone()).ok()).collect()
    };
    items(extension, "handlers")
        .filter_map(|handler| {
            Some(Told {
                hook: HookPattern::parse(text(handler, "hook")).ok()?,
                powers: powers(handler, "powers"),
                requires: powers(handler, "requires"),
            })
        })
        .collect()
}

impl Told {
    /// What of it does not work on the panel.
    pub fn shortfalls(&self, panel: Dialect) -> Vec<Shortfall> {
        shortfalls(panel, &self.hook, &self.powers)
    }

    /// What it cannot do without and the panel does not heed.
    pub fn unmet(&self, panel: Dialect) -> Option<Unmet> {
        check_required(panel, &self.hook, &self.requires).err()
    }
}

/// Reads a dialect from the command line.
pub fn parse_panel(name: &str) -> Result<Dialect, String> {
    Dialect::from_name(name).map_err(|error| error.to_string())
}
