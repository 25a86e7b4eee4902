//! Which hooks a subscription or a grant is about: a phase and the actions in it.

use std::fmt;

use super::{Phase, check_action};

/// The hooks of one phase that a subscription matches, written `before:mailbox.create`, `after:site.*` or `after:*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HookPattern {
    /// The phase.
    pub phase: Phase,
    /// The actions.
    pub pattern: Pattern,
}

/// The actions that a subscription matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// One action, such as `mailbox.create`.
    Exact(String),
    /// All actions whose name begins with this and a dot; empty for all actions.
    Under(String),
}

/// Why a text is not a hook pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookPatternError {
    /// It does not have the form of one.
    #[error("it is not `before:` or `after:` and an action")]
    Malformed,
    /// The name of its action is none.
    #[error("{0}")]
    Action(String),
}

impl HookPattern {
    /// Parses a hook pattern.
    pub fn parse(text: &str) -> Result<Self, HookPatternError> {
        let (phase, action) = text.split_once(':').ok_or(HookPatternError::Malformed)?;
        let phase = Phase::from_name(phase).ok_or(HookPatternError::Malformed)?;
        let pattern = match action.strip_suffix('*') {
            Some("") => return Ok(Self { phase, pattern: Pattern::Under(String::new()) }),
            Some(prefix) => {
                let prefix = prefix.strip_suffix('.').ok_or(HookPatternError::Malformed)?;
                Pattern::Under(prefix.to_owned())
            }
            None => Pattern::Exact(action.to_owned()),
        };
        let (Pattern::Exact(name) | Pattern::Under(name)) = &pattern;
        check_action(name).map_err(HookPatternError::Action)?;
        Ok(Self { phase, pattern })
    }
}

impl fmt::Display for HookPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.phase, self.pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(action) => f.write_str(action),
            Pattern::Under(prefix) if prefix.is_empty() => f.write_str("*"),
            Pattern::Under(prefix) => write!(f, "{prefix}.*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in ["before:mailbox.create", "after:site.*", "after:*"] {
            assert_eq!(HookPattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["mailbox.create", "during:mailbox.create", "before:mailbox*", ""] {
            assert_eq!(HookPattern::parse(text), Err(HookPatternError::Malformed), "{text}");
        }
        for text in ["before:", "before:a..b", "before:.*", "before:a*b"] {
            assert!(matches!(HookPattern::parse(text), Err(HookPatternError::Action(_))), "{text}");
        }
    }
}
