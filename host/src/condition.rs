//! Conditions: what a subscription asks of an event before its handler is called, `when = "params.quota > 0"`.
//!
//! A condition is an expression of the Common Expression Language, of which this host takes a part whose cost is
//! bounded. It is read and checked with the manifest, and evaluated by the host outside any sandbox, so it must never
//! take long, must see no more than the handler may, and never a secret. Pure: no I/O.

mod check;
mod given;

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::parser::{Expression, PrattParser};
use cel::{Context, Env, ExecutionError, Value};

pub use self::given::Given;
use crate::hook::Phase;

/// Bytes of a condition.
pub const MAX_BYTES: usize = 1_024;
/// How deep the parts of a condition lie in one another.
const MAX_DEPTH: u16 = 32;
/// Steps that a condition takes at most, each macro counted with as many elements as there can be.
const MAX_STEPS: usize = 10_000;
/// Values that a condition is given at most, those inside lists and objects included.
const MAX_VALUES: usize = 256;
/// Bytes of text that a condition is given at most.
const MAX_TEXT: usize = 16 << 10;

/// The functions and operators that conditions are evaluated with.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A condition, read and checked.
pub struct Condition {
    text: String,
    expression: Expression,
    needs: Needs,
}

/// What a condition is about: only this is converted for it.
#[derive(Debug, Default)]
struct Needs {
    roots: BTreeSet<Root>,
    params: Mentioned,
    old: Mentioned,
    attributes: Mentioned,
}

/// The members of a root that a condition mentions.
#[derive(Debug, Default)]
enum Mentioned {
    /// Each by its name.
    Named(BTreeSet<String>),
    /// The root as a whole, so all of them.
    #[default]
    All,
}

/// A variable that a condition begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    Action,
    Phase,
    Params,
    Old,
    Actor,
    Object,
    Attributes,
    DryRun,
    Depth,
    Status,
}

impl Root {
    const ALL: [Self; 10] = [
        Self::Action,
        Self::Phase,
        Self::Params,
        Self::Old,
        Self::Actor,
        Self::Object,
        Self::Attributes,
        Self::DryRun,
        Self::Depth,
        Self::Status,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Phase => "phase",
            Self::Params => "params",
            Self::Old => "old",
            Self::Actor => "actor",
            Self::Object => "object",
            Self::Attributes => "attributes",
            Self::DryRun => "dry_run",
            Self::Depth => "depth",
            Self::Status => "status",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }
}

impl Condition {
    /// Reads a condition for handlers of this phase, and checks everything that can be known before an event.
    pub fn parse(text: &str, phase: Phase) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it has {} bytes, the limit is {MAX_BYTES}", text.len()));
        }
        let expression = read(text)?;
        let needs = check::check(&expression, phase)?;
        Ok(Self { text: text.to_owned(), expression, needs })
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for an event, or why that cannot be said. The reason shows no value of the event.
    pub fn holds(&self, given: &Given<'_>) -> Result<bool, String> {
        let evaluate = || {
            let mut context = Context::with_env(LANGUAGE.clone());
            given.put(&self.needs, &mut context)?;
            Value::resolve(&self.expression, &context).map_err(|error| in_words(&error))
        };
        // What is evaluated is a library's, and it runs outside any sandbox: its panic ends no more than this.
        let value = catch_unwind(AssertUnwindSafe(evaluate))
            .map_err(|_| "it could not be evaluated".to_owned())??;
        match value {
            Value::Bool(holds) => Ok(holds),
            other => Err(format!("it yields a {}, not true or false", other.type_of())),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn read(text: &str) -> Result<Expression, String> {
    let parse = || PrattParser::new().max_recursion_depth(MAX_DEPTH).parse(text);
    let parsed =
        catch_unwind(AssertUnwindSafe(parse)).map_err(|_| "it is not an expression".to_owned())?;
    parsed.map_err(|errors| match errors.errors.first() {
        Some(error) => {
            let message = error.msg.trim_start_matches("Syntax error: ");
            format!("it is not an expression: {message}, at character {}", error.pos.1.max(1))
        }
        None => "it is not an expression".to_owned(),
    })
}

/// Why an evaluation failed, in words that show no value: a fault is written down where values do not belong.
fn in_words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no `{key}`; `has(..)` asks whether there is")
        }
        ExecutionError::NoSuchOverload(overload) => format!(
            "`{}` does not go with {}",
            overload.function().trim_matches('_'),
            overload.argument_types().join(" and ")
        ),
        ExecutionError::UnexpectedType { got, want } => {
            format!("a value is a {got} where a {want} is wanted")
        }
        ExecutionError::ValuesNotComparable(..) => "two values cannot be compared".into(),
        ExecutionError::Overflow(..) => "a number is too large".into(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "a number is divided by zero".into()
        }
        ExecutionError::IndexOutOfBounds(_) => "a list has no such element".into(),
        _ => "the types of its values do not fit".into(),
    }
}

#[cfg(test)]
mod tests;
