//! What a journal says about a day, in one line.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

/// How many hook calls ended how.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    calls: usize,
    proceeded: usize,
    skipped: usize,
    denied: usize,
    altered: usize,
}

/// Counts the entries that `palisade journal --json` prints.
pub fn count(journal: &Value) -> Result<Summary> {
    let entries =
        journal.as_array().or_else(|| journal.as_object()?.values().find_map(Value::as_array));
    let entries = entries.context("`palisade journal --json` printed no list")?;
    let mut summary = Summary { calls: entries.len(), ..Summary::default() };
    for entry in entries {
        match entry.get("verdict").and_then(Value::as_str) {
            Some("proceed") => summary.proceeded += 1,
            Some("skip") => summary.skipped += 1,
            Some("deny") => summary.denied += 1,
            other => anyhow::bail!("the journal has a call with the verdict {other:?}"),
        }
        let alterations = entry.get("alterations").and_then(Value::as_array);
        if alterations.is_some_and(|alterations| !alterations.is_empty()) {
            summary.altered += 1;
        }
    }
    Ok(summary)
}

impl Summary {
    /// What an extension can do to an action and none did.
    pub fn missing(&self) -> Vec<&'static str> {
        let counts = [(self.denied, "deny"), (self.altered, "alter"), (self.skipped, "skip")];
        counts.into_iter().filter(|(count, _)| *count == 0).map(|(_, name)| name).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, proceeded, skipped, denied, altered } = self;
        write!(
            formatter,
            "{calls} hook calls: {proceeded} proceeded, {skipped} skipped, {denied} denied; \
             {altered} were altered"
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verdicts_and_alterations_are_counted() {
        let journal = json!([
            { "verdict": "proceed", "alterations": [{ "field": "name" }] },
            { "verdict": "proceed", "alterations": [] },
            { "verdict": "deny" },
        ]);
        let summary = count(&journal).unwrap();
        let text = "3 hook calls: 2 proceeded, 0 skipped, 1 denied; 1 were altered";
        assert_eq!(summary.to_string(), text);
        assert_eq!(summary.missing(), ["skip"]);
    }

    #[test]
    fn an_unknown_verdict_is_an_error() {
        let error = count(&json!([{ "verdict": "maybe" }])).unwrap_err();
        assert_eq!(error.to_string(), "the journal has a call with the verdict Some(\"maybe\")");
    }
}
