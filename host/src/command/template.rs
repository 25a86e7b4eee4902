//! Templates of a command: fixed text with `{name}` where a value goes.
//!
//! A template is filled in as it is: what a value holds is never read as a template, nor as anything else.

use std::collections::BTreeMap;

/// The chain of extensions and actions that led to the command; no parameter can have this name.
pub(super) const CAUSATION: &str = "causation";
/// Whom the launcher is to run the command as; no parameter can have this name.
pub(super) const RUN_AS: &str = "run-as";

/// A checked template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(String),
}

impl Template {
    /// Parses a template. `{{` and `}}` stand for braces.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '{' | '}' if rest.peek() == Some(&letter) => fixed.extend(rest.next()),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(letter) => name.push(letter),
                            None => return Err(format!("a `{{` is not closed: `{text}`")),
                        }
                    }
                    check_name(&name)?;
                    if !fixed.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut fixed)));
                    }
                    parts.push(Part::Value(name));
                }
                '}' => return Err(format!("a `}}` closes nothing: `{text}`")),
                '\0' => return Err("a template has a NUL byte".into()),
                letter => fixed.push(letter),
            }
        }
        if !fixed.is_empty() {
            parts.push(Part::Text(fixed));
        }
        Ok(Self(parts))
    }

    /// The names of the values that it takes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills in the values. All of them are there: a command is checked to declare what its templates name.
    pub(super) fn fill(&self, values: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
        let mut filled = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.extend_from_slice(text.as_bytes()),
                Part::Value(name) => {
                    filled.extend_from_slice(values.get(name.as_str()).map_or(&[], Vec::as_slice));
                }
            }
        }
        filled
    }

    /// Whether what it is filled with would be taken for an option, by the will of whoever gave the first value.
    pub(super) fn becomes_option(&self, filled: &[u8]) -> bool {
        matches!(self.0.first(), Some(Part::Value(_))) && filled.starts_with(b"-")
    }
}

/// Checks the name of a parameter: words of `a-z` and `0-9` joined by `-`.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    match name.len() <= 64 && name.split('-').all(word) {
        true => Ok(()),
        false => Err(format!(
            "the name of a parameter is words of a-z and 0-9 joined by `-`, at most 64 characters; a brace is written twice: `{}`",
            name.escape_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, value: &str) -> String {
        let values = BTreeMap::from([("a", value.as_bytes().to_vec())]);
        String::from_utf8(Template::parse(template).unwrap().fill(&values)).unwrap()
    }

    #[test]
    fn a_value_goes_where_its_name_stands() {
        assert_eq!(filled("--user={a},{a}", "x"), "--user=x,x");
    }

    #[test]
    fn a_value_is_not_read_as_a_template() {
        assert_eq!(filled("{a}", "{a} {{"), "{a} {{");
    }

    #[test]
    fn a_brace_that_is_written_twice_is_a_brace() {
        assert_eq!(filled("{{\"name\":\"{a}\"}}", "x"), "{\"name\":\"x\"}");
    }

    #[test]
    fn a_template_that_is_wrong_is_refused() {
        for text in ["{a", "a}", "{}", "{A}", "{a b}", "{{a}", "\0"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_value_at_the_beginning_can_make_an_option() {
        let becomes = |template: &str, filled: &str| {
            Template::parse(template).unwrap().becomes_option(filled.as_bytes())
        };
        assert!(becomes("{a}", "-x"));
        assert!(becomes("{a}{b}", "-x"), "the first value is empty, and the second begins");
        assert!(!becomes("--user={a}", "--user=-x"));
        assert!(!becomes("{a}", "x-"));
    }
}
