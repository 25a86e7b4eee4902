//! What can be known of a condition before there is an event: its variables, its functions, and what it costs at most.
//!
//! What is not known to be cheap is refused, so a new function of the language is not part of a condition until it
//! stands here.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::parser::Expression;

use super::{MAX_DEPTH, MAX_STEPS, MAX_VALUES, Mentioned, Needs, Root};
use crate::hook::Phase;
use crate::suggest::{self, shown};

/// The functions of a condition.
const FUNCTIONS: [&str; 7] =
    ["contains", "startsWith", "endsWith", "size", "int", "double", "string"];
/// The operators of a condition.
const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];
/// What macros become calls of, and nobody can write.
const HIDDEN_CALL: &str = operators::NOT_STRICTLY_FALSE;
/// What macros collect their answer in, and nobody can write.
const HIDDEN_VARIABLE: &str = "@result";
/// What there is to know of an actor.
const ACTOR: [&str; 4] = ["kind", "role", "id", "name"];
/// What there is to know of an object.
const OBJECT: [&str; 2] = ["kind", "id"];

/// Checks a condition and says what it is about.
pub(super) fn check(expression: &Expression, phase: Phase) -> Result<Needs, String> {
    let mut walk = Walk { needs: Needs::none(), element: None, depth: 0 };
    let steps = walk.steps(expression)?;
    if steps > MAX_STEPS {
        return Err(format!("it can take more than {MAX_STEPS} steps: {steps}"));
    }
    if phase == Phase::Before && walk.needs.roots.contains(&Root::Status) {
        return Err("`status` is known only after an action".into());
    }
    match is_no_boolean(expression) {
        true => Err("it yields something else than true or false".into()),
        false => Ok(walk.needs),
    }
}

/// Whether an expression can yield no boolean, whatever the event.
fn is_no_boolean(expression: &Expression) -> bool {
    match &expression.expr {
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) => true,
        Expr::Ident(name) => name != Root::DryRun.name(),
        Expr::Call(call) => matches!(
            call.func_name.as_str(),
            "size"
                | "int"
                | "double"
                | "string"
                | operators::SUBSTRACT
                | operators::ADD
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE
        ),
        _ => false,
    }
}

impl Needs {
    fn none() -> Self {
        let none = || Mentioned::Named(BTreeSet::new());
        Self { roots: BTreeSet::new(), params: none(), old: none(), attributes: none() }
    }

    /// Notes a root as a whole.
    fn whole(&mut self, root: Root) {
        self.roots.insert(root);
        if let Some(mentioned) = self.members(root) {
            *mentioned = Mentioned::All;
        }
    }

    /// Notes one member of a root.
    fn member(&mut self, root: Root, name: &str) {
        self.roots.insert(root);
        if let Some(Mentioned::Named(names)) = self.members(root) {
            names.insert(name.to_owned());
        }
    }

    fn members(&mut self, root: Root) -> Option<&mut Mentioned> {
        match root {
            Root::Params => Some(&mut self.params),
            Root::Old => Some(&mut self.old),
            Root::Attributes => Some(&mut self.attributes),
            _ => None,
        }
    }
}

/// A walk over the parts of a condition.
struct Walk {
    needs: Needs,
    /// What the macro around calls an element of its list.
    element: Option<String>,
    /// In how many parts the one that is looked at lies.
    depth: u16,
}

impl Walk {
    /// How many steps an expression takes at most.
    fn steps(&mut self, expression: &Expression) -> Result<usize, String> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("its parts lie more than {MAX_DEPTH} deep in one another"));
        }
        self.depth += 1;
        let steps = self.steps_within(expression);
        self.depth -= 1;
        steps
    }

    fn steps_within(&mut self, expression: &Expression) -> Result<usize, String> {
        match &expression.expr {
            Expr::Literal(_) => Ok(1),
            Expr::Ident(name) => {
                if !self.is_bound(name) {
                    self.needs.whole(root(name)?);
                }
                Ok(1)
            }
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => self.all(&list.elements),
            Expr::Map(_) | Expr::Struct(_) => Err("an object cannot be written in it".into()),
            Expr::Unspecified => Err("it is empty".into()),
        }
    }

    fn all<'a>(
        &mut self,
        parts: impl IntoIterator<Item = &'a Expression>,
    ) -> Result<usize, String> {
        parts.into_iter().try_fold(1, |steps, part| Ok(steps + self.steps(part)?))
    }

    /// Whether a name is not the event's but a macro's.
    fn is_bound(&self, name: &str) -> bool {
        self.element.as_deref() == Some(name) || (self.element.is_some() && name == HIDDEN_VARIABLE)
    }

    /// The root that an expression is, if it is one.
    fn root_of(&self, expression: &Expression) -> Result<Option<Root>, String> {
        match &expression.expr {
            Expr::Ident(name) if !self.is_bound(name) => root(name).map(Some),
            _ => Ok(None),
        }
    }

    fn select(&mut self, select: &SelectExpr) -> Result<usize, String> {
        let field = &select.field;
        let Some(root) = self.root_of(&select.operand)? else {
            return Ok(1 + self.steps(&select.operand)?);
        };
        match root {
            Root::Params | Root::Old | Root::Attributes => self.needs.member(root, field),
            Root::Actor => self.fixed(root, field, &ACTOR)?,
            Root::Object => self.fixed(root, field, &OBJECT)?,
            _ => return Err(format!("`{}` has nothing in it, so no `{field}`", root.name())),
        }
        Ok(2)
    }

    fn fixed(&mut self, root: Root, field: &str, known: &[&str]) -> Result<(), String> {
        if known.contains(&field) {
            self.needs.whole(root);
            return Ok(());
        }
        Err(format!(
            "`{}` has {}{}, and no `{}`",
            root.name(),
            known.join(", "),
            suggested(field, known),
            shown(field)
        ))
    }

    fn call(&mut self, call: &CallExpr) -> Result<usize, String> {
        let name = call.func_name.as_str();
        let adds_up = matches!(call.args.first(), Some(first) if is_hidden(first));
        if name == operators::ADD && self.element.is_some() && !adds_up {
            return Err("`+` cannot be used inside a macro".into());
        }
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) && name != HIDDEN_CALL {
            return Err(format!(
                "its functions are {}{}; there is no `{}`",
                FUNCTIONS.join(", "),
                suggested(name, &FUNCTIONS),
                shown(name)
            ));
        }
        // A member that is named is all that has to be looked at.
        let named = match (name, call.args.as_slice()) {
            (operators::INDEX, [whole, key]) | (operators::IN, [key, whole]) => {
                self.root_of(whole)?.zip(text_of(key))
            }
            _ => None,
        };
        if let Some((root @ (Root::Params | Root::Old | Root::Attributes), field)) = named {
            self.needs.member(root, field);
            return Ok(3);
        }
        self.all(call.target.as_deref().into_iter().chain(&call.args))
    }

    fn comprehension(&mut self, part: &ComprehensionExpr) -> Result<usize, String> {
        if self.element.is_some() {
            return Err("a macro cannot be used inside another".into());
        }
        if !matches!(part.accu_init.expr, Expr::Literal(_)) {
            return Err(
                "its macros are has, all, exists and exists_one; `map` and `filter` are not".into(),
            );
        }
        if !is_path(&part.iter_range) {
            return Err(
                "a macro can be used only on a list of the event, such as `params.x`".into()
            );
        }
        if Root::of(&part.iter_var).is_some() {
            return Err(format!("a macro cannot call its element `{}`", part.iter_var));
        }
        let range = self.steps(&part.iter_range)?;
        self.element = Some(part.iter_var.clone());
        let each = self.all([&part.loop_cond, &part.loop_step]);
        let last = self.steps(&part.result);
        self.element = None;
        Ok(range + MAX_VALUES * each? + last?)
    }
}

fn root(name: &str) -> Result<Root, String> {
    Root::of(name).ok_or_else(|| {
        let names = Root::ALL.map(Root::name);
        format!(
            "its variables are {}{}; there is no `{}`",
            names.join(", "),
            suggested(name, &names),
            shown(name)
        )
    })
}

/// Whether an expression is one of the event's own values: a root, and members of it by name.
fn is_path(expression: &Expression) -> bool {
    match &expression.expr {
        Expr::Ident(_) => true,
        Expr::Select(select) => !select.test && is_path(&select.operand),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::INDEX, [whole, key]) => {
                is_path(whole) && matches!(key.expr, Expr::Literal(_))
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_hidden(expression: &Expression) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == HIDDEN_VARIABLE)
}

fn text_of(expression: &Expression) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn suggested(name: &str, known: &[&str]) -> String {
    suggest::nearest(name, known.iter().copied())
        .map_or(String::new(), |near| format!(" (did you mean `{near}`?)"))
}
