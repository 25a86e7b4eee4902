//! Keeps customers from taking names that the provider needs.
//!
//! A policy: it holds the power `deny` alone, so it runs after every handler that alters, and sees
//! the parameters as the panel would use them. Whoever runs the panel may take any name.

use exports::palisade::events::handler::{Event, Failure, Guest, Outcome};
use palisade::core::{settings, types::Problem, types::Value};
use palisade::events::types::{Denial, Role};

wit_bindgen::generate!({ path: "../../wit", world: "event-handler", generate_all });

struct ReservedNames;

impl Guest for ReservedNames {
    fn handle(event: &Event) -> Result<Outcome, Failure> {
        if is_exempt(event.actor().and_then(|actor| actor.role)) {
            return Ok(Outcome::Proceed);
        }
        let action = event.action();
        let field = field_of(&action);
        let Some(Value::Text(value)) = event.get(field) else {
            return Ok(Outcome::Proceed);
        };
        let Some(message) = check(&action, &value, &texts("names")?, &texts("domains")?) else {
            return Ok(Outcome::Proceed);
        };
        let (code, field) = (Some("name.reserved".into()), Some(field.into()));
        Ok(Outcome::Deny(Denial { problems: vec![Problem { code, field, message }] }))
    }
}

export!(ReservedNames);

/// Reads a setting that is a list of texts.
fn texts(name: &str) -> Result<Vec<String>, Failure> {
    match settings::get(name) {
        Some(Value::Texts(texts)) => Ok(texts),
        other => {
            Err(Failure::Misconfigured(format!("`{name}` is not a list of texts but {other:?}")))
        }
    }
}

/// Whether an actor of this role may take reserved names. An actor without a role may not.
fn is_exempt(role: Option<Role>) -> bool {
    matches!(role, Some(Role::Superuser | Role::Administrator))
}

/// The parameter that holds the name which the action takes.
fn field_of(action: &str) -> &'static str {
    match action {
        "mailbox.create" => "address",
        "customer.create" => "login",
        _ => "name",
    }
}

/// What is wrong with taking the name or domain `value`, if it is a reserved one.
fn check(action: &str, value: &str, names: &[String], domains: &[String]) -> Option<String> {
    let value = value.trim().trim_end_matches('.').to_lowercase();
    let name = value.split(['@', '.']).next().unwrap_or_default();
    // A site has a domain of its own: `root.example` is as good a name as any other.
    let is_reserved_name =
        action != "site.create" && names.iter().any(|n| n.to_lowercase() == name);
    let takes_domain = matches!(action, "site.create" | "subdomain.create");
    let is_reserved_domain = takes_domain && domains.iter().any(|domain| is_in(&value, domain));
    if is_reserved_name {
        Some(format!("the name `{name}` is reserved by the provider"))
    } else if is_reserved_domain {
        Some(format!("the domain `{value}` is reserved by the provider"))
    } else {
        None
    }
}

/// Whether `name` is `domain` or below it.
fn is_in(name: &str, domain: &str) -> bool {
    let rest = name.strip_suffix(domain.trim_matches('.').to_lowercase().as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
