//! What of Fluent a message can have: what the library resolves in few steps and without a panic.
//!
//! The library's parser and resolver call themselves for what nests, so what nests is refused: before it is parsed by
//! counting what opens, and afterwards by looking at each expression.

use std::collections::HashSet;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{
    Attribute, CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement,
    VariantKey,
};

use crate::suggest::shown;

/// Brackets that one message opens.
const MAX_OPENED: usize = 250;
/// Characters of a number.
const MAX_NUMBER: usize = 16;
/// The functions that there are.
const FUNCTIONS: [&str; 2] = ["NUMBER", "DATETIME"];

/// What is wrong with the messages of a language.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct MessagesError {
    /// The line, from 1; nothing if it is the text as a whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for MessagesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl MessagesError {
    fn at(text: &str, byte: usize, reason: String) -> Self {
        let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Self { line: Some(line), reason }
    }

    /// At a part of the text, wherever it is.
    fn at_part(text: &str, part: &str, reason: String) -> Self {
        let byte = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Self::at(text, byte, reason)
    }

    /// Without a line.
    pub(super) fn whole(reason: String) -> Self {
        Self { line: None, reason }
    }

    /// Of a message that is there twice.
    pub(super) fn twice(text: &str, id: &str) -> Self {
        let reason = format!("`{}` is there twice", shown(id));
        let begins = |line: &&str| {
            let rest = line.trim_start_matches('-').strip_prefix(id);
            rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        let last = text.lines().enumerate().filter(|(_, line)| begins(line)).last();
        Self { line: last.map(|(index, _)| index + 1), reason }
    }
}

/// Parses the messages of a language and checks them.
pub(super) fn parse(text: &str) -> Result<FluentResource, MessagesError> {
    check_opened(text)?;
    let resource =
        FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| match errors.first() {
            Some(error) => {
                let reason = restyled(&error.kind.to_string());
                MessagesError::at(text, error.pos.start, reason)
            }
            None => MessagesError::whole("it cannot be read".into()),
        })?;
    Checker::of(&resource).check(&resource)?;
    Ok(resource)
}

/// A sentence of the library, written as this host writes its own.
fn restyled(sentence: &str) -> String {
    let sentence = sentence.replace('"', "`");
    let mut chars = sentence.chars();
    let first = chars.next().map(char::to_lowercase).into_iter().flatten();
    first.chain(chars).collect()
}

/// Checks how many brackets a message opens, since the parser calls itself for each.
///
/// They are counted anew where a line begins a message or a comment: no bracket can be open there, or the parser gives
/// up at that line.
fn check_opened(text: &str) -> Result<(), MessagesError> {
    let mut opened = 0;
    for (index, line) in text.split('\n').enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if begins_message(line) {
            opened = 0;
        }
        opened += line.bytes().filter(|byte| matches!(byte, b'{' | b'(')).count();
        if opened > MAX_OPENED {
            let reason = format!("a message opens more than {MAX_OPENED} brackets");
            return Err(MessagesError { line: Some(index + 1), reason });
        }
    }
    Ok(())
}

/// Whether a line begins a message or a term: `name =` or `-name =`.
fn begins_message(line: &str) -> bool {
    let name = line.strip_prefix('-').unwrap_or(line);
    let Some((name, _)) = name.split_once('=') else { return false };
    let name = name.trim_end_matches(' ');
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Looks at each expression of a text.
struct Checker<'a> {
    text: &'a str,
    messages: HashSet<&'a str>,
    terms: HashSet<&'a str>,
}

impl<'a> Checker<'a> {
    fn of(resource: &'a FluentResource) -> Self {
        let (mut messages, mut terms) = (HashSet::new(), HashSet::new());
        for entry in resource.entries() {
            match entry {
                Entry::Message(message) => messages.insert(message.id.name),
                Entry::Term(term) => terms.insert(term.id.name),
                _ => continue,
            };
        }
        Self { text: resource.source(), messages, terms }
    }

    fn wrong<T>(&self, part: &str, reason: String) -> Result<T, MessagesError> {
        Err(MessagesError::at_part(self.text, part, reason))
    }

    fn check(&self, resource: &FluentResource) -> Result<(), MessagesError> {
        for entry in resource.entries() {
            match entry {
                Entry::Message(message) => {
                    if let Some(value) = &message.value {
                        self.pattern(message.id.name, value)?;
                    }
                    self.attributes(message.id.name, &message.attributes)?;
                }
                Entry::Term(term) => {
                    self.pattern(term.id.name, &term.value)?;
                    self.attributes(term.id.name, &term.attributes)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn attributes(&self, id: &str, attributes: &[Attribute<&str>]) -> Result<(), MessagesError> {
        attributes.iter().try_for_each(|attribute| self.pattern(id, &attribute.value))
    }

    fn pattern(&self, id: &str, pattern: &Pattern<&str>) -> Result<(), MessagesError> {
        for element in &pattern.elements {
            let PatternElement::Placeable { expression } = element else { continue };
            match expression {
                Expression::Inline(inline) => self.inline(id, inline)?,
                Expression::Select { selector, variants } => {
                    self.selector(id, selector)?;
                    for variant in variants {
                        if let VariantKey::NumberLiteral { value } = &variant.key {
                            self.number(value)?;
                        }
                        self.pattern(id, &variant.value)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn selector(&self, id: &str, selector: &InlineExpression<&str>) -> Result<(), MessagesError> {
        match selector {
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {
                self.wrong(id, format!("`{id}` chooses by what is always the same"))
            }
            selector => self.inline(id, selector),
        }
    }

    fn inline(&self, id: &str, inline: &InlineExpression<&str>) -> Result<(), MessagesError> {
        match inline {
            InlineExpression::StringLiteral { .. } | InlineExpression::VariableReference { .. } => {
                Ok(())
            }
            InlineExpression::NumberLiteral { value } => self.number(value),
            InlineExpression::FunctionReference { id: function, arguments } => {
                if !FUNCTIONS.contains(&function.name) {
                    let name = shown(function.name);
                    let there = FUNCTIONS.join("` and `");
                    let reason = format!("there is no function `{name}`, only `{there}`");
                    return self.wrong(function.name, reason);
                }
                self.arguments(id, arguments)
            }
            InlineExpression::MessageReference { id: its, .. } => {
                match self.messages.contains(its.name) {
                    true => Ok(()),
                    false => {
                        self.wrong(its.name, format!("there is no message `{}`", shown(its.name)))
                    }
                }
            }
            InlineExpression::TermReference { id: its, arguments, .. } => {
                if !self.terms.contains(its.name) {
                    return self
                        .wrong(its.name, format!("there is no term `-{}`", shown(its.name)));
                }
                arguments.as_ref().map_or(Ok(()), |arguments| self.arguments(id, arguments))
            }
            InlineExpression::Placeable { .. } => {
                self.wrong(id, format!("`{id}` has a placeable in a placeable"))
            }
        }
    }

    /// What a function or a term is given: values, and nothing that is resolved first.
    fn arguments(&self, id: &str, arguments: &CallArguments<&str>) -> Result<(), MessagesError> {
        let named = arguments.named.iter().map(|argument| &argument.value);
        arguments.positional.iter().chain(named).try_for_each(|argument| match argument {
            InlineExpression::StringLiteral { .. } | InlineExpression::VariableReference { .. } => {
                Ok(())
            }
            InlineExpression::NumberLiteral { value } => self.number(value),
            _ => {
                let reason = format!("`{id}` has arguments that are neither values nor variables");
                self.wrong(id, reason)
            }
        })
    }

    fn number(&self, number: &str) -> Result<(), MessagesError> {
        match number.len() <= MAX_NUMBER {
            true => Ok(()),
            false => self.wrong(
                number,
                format!("a number has more than {MAX_NUMBER} characters: `{}`", shown(number)),
            ),
        }
    }
}
