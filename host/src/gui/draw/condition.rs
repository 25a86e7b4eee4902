//! When parts of a form are shown. The host decides it for the values that a page begins with, the script for what is
//! entered; both by the same rule. Without a script everything is shown.

use super::text_of;
use crate::hook::Value;
use crate::view::{Condition, Form};

/// Whether a value is one of those of a condition: of several chosen ones, any.
fn is_among(value: &Value, values: &[Value]) -> bool {
    let same = |text: &str| values.iter().any(|wanted| text_of(wanted) == text);
    match value {
        Value::Texts(chosen) => chosen.iter().any(|text| same(text)) || values.contains(value),
        value => same(&text_of(value)),
    }
}

/// Whether all conditions hold, by the values of a form's fields. One about a field that is not there does not.
pub(super) fn hold<'f>(
    conditions: &[Condition],
    value: impl Fn(&str) -> Option<&'f Value>,
) -> bool {
    conditions.iter().all(|its| value(&its.field).is_some_and(|value| is_among(value, &its.values)))
}

/// The value that a field of a form begins with.
pub(super) fn value_in<'f>(
    form: &'f Form,
    entered: Option<&'f crate::hook::Params>,
    name: &str,
) -> Option<&'f Value> {
    let mut fields = form.sections.iter().flat_map(|section| &section.fields);
    let field = fields.find(|field| field.name == name)?;
    Some(entered.and_then(|entered| entered.get(name)).unwrap_or(&field.value))
}

/// Conditions as the script reads them.
pub(super) fn written(conditions: &[Condition]) -> Option<String> {
    (!conditions.is_empty()).then(|| serde_json::to_string(conditions).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(value: Value, values: &[Value]) -> bool {
        let condition = Condition { field: "a".into(), values: values.to_vec() };
        hold(&[condition], |name| (name == "a").then_some(&value))
    }

    #[test]
    fn a_condition_holds_when_the_value_is_among_its_values() {
        assert!(held(Value::Boolean(true), &[Value::Boolean(true)]));
        assert!(!held(Value::Boolean(false), &[Value::Boolean(true)]));
        assert!(held(Value::Text("b".into()), &[Value::Text("a".into()), Value::Text("b".into())]));
        assert!(!held(Value::Null, &[Value::Text("a".into())]));
    }

    #[test]
    fn of_several_chosen_values_one_is_enough() {
        let chosen = Value::Texts(vec!["a".into(), "b".into()]);
        assert!(held(chosen.clone(), &[Value::Text("b".into())]));
        assert!(!held(chosen, &[Value::Text("c".into())]));
    }

    #[test]
    fn a_condition_about_a_field_that_is_not_there_does_not_hold() {
        let condition = Condition { field: "a".into(), values: vec![Value::Null] };
        assert!(!hold(&[condition], |_| None));
        assert!(hold(&[], |_| None));
    }
}
