//! Plesk's event handlers: `palisade-hook plesk <event>`, run in the background when all is done.
//!
//! The values stand in variables: `OLD_<KEY>` before the action and `NEW_<KEY>` after it. A key that is absent and one
//! that is empty differ. Plesk says neither who did it nor to which object, and it reads no answer. The listener in PHP
//! knows the object and adds it: `plesk <event> <type> <identifier>`.

use super::{BridgeError, Said, Translated, fields};
use crate::hook::catalogue::catalogue;
use crate::hook::{ObjectRef, Phase};

/// Translates one event.
pub(super) fn translate(said: &Said<'_>) -> Result<Translated, BridgeError> {
    let dialect = said.call.dialect;
    let native = said.argument(0).ok_or(BridgeError::MissingArgument("<event>"))?;
    let action = catalogue().by_native(dialect.name(), &native, None);
    let values = |prefix: &str| fields::named(dialect, action, &said.with_prefix(prefix));
    let name = fields::action_name(dialect, action, &native)?;
    let object = match (said.argument(1), said.argument(2)) {
        (Some(kind), Some(id)) => Some(ObjectRef { kind: kind.into_owned(), id: id.into_owned() }),
        _ => None,
    };
    Ok(Translated {
        object,
        params: values("NEW_"),
        old: values("OLD_"),
        ..Translated::new(Phase::After, name, &native)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::call;
    use super::*;
    use crate::bridge::{Answer, Dialect, Printed};
    use crate::hook::{Decision, Value};

    fn translated(arguments: &[&str], env: &[(&str, &str)]) -> Result<Translated, BridgeError> {
        translate(&Said::of(&call(Dialect::Plesk, arguments, env, "")))
    }

    fn plesk(event: &str, env: &[(&str, &str)]) -> Translated {
        translated(&[event], env).unwrap()
    }

    fn json(params: &crate::hook::Params) -> String {
        serde_json::to_string(params).unwrap()
    }

    #[test]
    fn v1_a_created_mailbox_is_observed() {
        let created =
            plesk("mailname_create", &[("PATH", "/bin"), ("NEW_MAILNAME", "info@example.com")]);
        assert_eq!((created.phase, created.action.as_str()), (Phase::After, "mailbox.create"));
        assert_eq!(json(&created.params), r#"{"address":"info@example.com"}"#);
        assert!(created.old.is_empty() && created.actor.is_none());
    }

    #[test]
    fn v1_no_verdict_prints_anything() {
        let call = call(Dialect::Plesk, &["mailname_create"], &[], "");
        let denied = Answer { decision: Decision::Deny, ..Answer::PROCEED };
        assert_eq!(crate::bridge::answer(&call, &[denied]), Printed::nothing());
        assert!(crate::bridge::powers(&call).is_empty());
    }

    #[test]
    fn v2_an_update_has_both_values() {
        let env = [
            ("OLD_LOGIN_NAME", "joe"),
            ("NEW_LOGIN_NAME", "joe"),
            ("OLD_EMAIL", "a@x.tld"),
            ("NEW_EMAIL", "b@x.tld"),
        ];
        let updated = plesk("client_update", &env);
        assert_eq!(updated.action, "customer.update");
        assert_eq!(json(&updated.old), r#"{"login":"joe","email":"a@x.tld"}"#);
        assert_eq!(json(&updated.params), r#"{"login":"joe","email":"b@x.tld"}"#);
    }

    #[test]
    fn v2_an_absent_key_and_an_empty_one_differ() {
        let updated = plesk("client_update", &[("NEW_EMAIL", "")]);
        assert_eq!(updated.params.get("email"), Some(&Value::Text(String::new())));
        assert_eq!(updated.params.get("phone"), None);
    }

    #[test]
    fn the_listener_says_which_object_it_is() {
        let created = translated(&["domain_create", "domain", "7"], &[]).unwrap();
        let object = created.object.unwrap();
        assert_eq!((object.kind.as_str(), object.id.as_str()), ("domain", "7"));
        assert!(plesk("domain_create", &[]).object.is_none());
    }

    #[test]
    fn an_unknown_event_keeps_its_name() {
        let event = plesk("ext_monitoring_host_added", &[("NEW_HOST", "web1")]);
        assert_eq!(event.action, "plesk.ext_monitoring_host_added");
        assert_eq!(json(&event.params), r#"{"host":"web1"}"#);
    }

    #[test]
    fn a_call_without_an_event_is_refused() {
        let error = translated(&[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "the call has no argument `<event>`");
    }

    #[test]
    fn an_event_that_cannot_be_a_name_is_refused() {
        let error = translated(&["a b\0"], &[]).unwrap_err();
        assert!(error.to_string().ends_with("without empty parts: `plesk.a b\\u{0}`"), "{error}");
    }
}
