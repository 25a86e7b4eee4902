//! Makes what a panel said fit what the host takes.
//!
//! Much of a call is chosen by the panel's users. If one odd name among it had the whole call refused, whoever sends
//! it would get around every policy. So what does not fit is left out, and the handlers are asked all the same.

use super::Translated;
use crate::hook::catalogue::catalogue;
use crate::hook::{Actor, MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES, ObjectRef, Params, is_name};

/// The attribute that says how much was left out.
const LEFT_OUT: &str = "left-out";

impl Translated {
    /// Leaves out what the host would refuse: names that cannot be names, and more values than `most`, those first that
    /// the catalogue does not know. The attribute `left-out` says how many values are missing.
    pub fn fit(&mut self, most: usize) {
        let mut left_out = 0;
        for values in [&mut self.params, &mut self.old] {
            let before = values.len();
            fit_values(&self.action, values, most);
            left_out += before - values.len();
        }
        let is_object = |object: &ObjectRef| is_name(&object.kind) && is_name(&object.id);
        let is_actor = |actor: &Actor| {
            let role = actor.role.as_ref().is_none_or(|role| is_name(role.name()));
            let name = actor.name.as_deref().is_none_or(is_name);
            is_name(&actor.id) && is_name(actor.kind.name()) && role && name
        };
        if self.object.take_if(|object| !is_object(object)).is_some() {
            left_out += 1;
        }
        if self.actor.take_if(|actor| !is_actor(actor)).is_some() {
            left_out += 1;
        }
        self.attributes.retain(|name, _| is_name(name));
        self.attributes.truncate(MAX_ATTRIBUTES - 1);
        for value in self.attributes.values_mut() {
            value.truncate(value.floor_char_boundary(MAX_ATTRIBUTE_BYTES));
        }
        if left_out > 0 {
            self.attributes.insert(LEFT_OUT.to_owned(), left_out.to_string());
        }
    }
}

fn fit_values(action: &str, values: &mut Params, most: usize) {
    values.retain(|name, _| is_name(name));
    let mut too_many = values.len().saturating_sub(most);
    if too_many == 0 {
        return;
    }
    let mut kept = Params::with_capacity(most);
    // From the end, so that what comes last goes first.
    for (name, value) in std::mem::take(values).into_iter().rev() {
        match too_many > 0 && catalogue().field(action, &name).is_none() {
            true => too_many -= 1,
            false => drop(kept.insert(name, value)),
        }
    }
    kept.reverse();
    kept.truncate(most);
    *values = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Dialect;
    use crate::bridge::tests::{call, hooks};

    /// The one hook call of a form of COREmanager with these parameters, made to fit.
    fn fitted(env: &[(&str, &str)], most: usize) -> Translated {
        let form = [("PARAM_func", "email.edit"), ("PARAM_sok", "ok")];
        let env: Vec<_> = form.iter().chain(env).copied().collect();
        let mut hook =
            hooks(&call(Dialect::Coremanager, &["before", "cgi"], &env, "")).unwrap().remove(0);
        hook.fit(most);
        hook
    }

    #[test]
    fn a_name_that_cannot_be_one_is_left_out_and_the_rest_is_there() {
        let long = format!("PARAM_{}", "x".repeat(600));
        let env = [(&*long, "1"), ("PARAM_a\u{1}b", "2"), ("PARAM_name", "root"), ("PARAM_", "3")];
        let hook = fitted(&env, 100);
        assert_eq!(serde_json::to_string(&hook.params).unwrap(), r#"{"address":"root"}"#);
        assert_eq!(hook.attributes["left-out"], "3");
    }

    #[test]
    fn of_too_many_values_those_of_the_catalogue_stay() {
        let names: Vec<String> = (0..50).map(|n| format!("PARAM_z{n}")).collect();
        let mut env: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        env.push(("PARAM_name", "root"));
        let hook = fitted(&env, 10);
        assert_eq!(hook.params.len(), 10);
        assert_eq!(hook.params.keys().next().map(String::as_str), Some("z0"));
        assert!(hook.params.contains_key("address"));
        assert_eq!(hook.attributes["left-out"], "41");
    }

    #[test]
    fn an_object_whose_name_cannot_be_one_is_left_out() {
        let id = "u".repeat(600);
        let hook = fitted(&[("PARAM_elid", &id), ("PARAM_name", "root")], 100);
        assert_eq!((hook.object, &*hook.attributes["left-out"]), (None, "1"));
    }

    #[test]
    fn attributes_are_cut() {
        let mut hook = fitted(&[], 100);
        hook.attributes =
            (0..200).map(|n| (format!("a{n}"), "é".repeat(MAX_ATTRIBUTE_BYTES))).collect();
        hook.fit(100);
        assert_eq!(hook.attributes.len(), MAX_ATTRIBUTES - 1);
        assert!(hook.attributes.values().all(|value| value.len() == MAX_ATTRIBUTE_BYTES));
    }
}
