//! Tests of what is counted under which key, without a host.

use super::*;

fn actor(kind: ActorKind, id: &str) -> Actor {
    Actor { kind, role: None, id: id.into(), name: None }
}

#[test]
fn actor_is_named_by_kind_and_id() {
    assert_eq!(label(Some(&actor(ActorKind::Person, "42"))), "person:42");
}

#[test]
fn kind_of_the_panel_keeps_its_name() {
    assert_eq!(label(Some(&actor(ActorKind::Other("robot".into()), "7"))), "robot:7");
}

#[test]
fn action_without_an_actor_is_counted_as_unknown() {
    assert_eq!(label(None), "unknown");
}

#[test]
fn key_is_actor_and_action() {
    assert_eq!(key("person:42", "mailbox.create"), "person:42/mailbox.create");
}

#[test]
fn key_has_no_control_characters() {
    assert_eq!(key("person:4\n2", "site.create"), "person:4?2/site.create");
}

#[test]
fn long_key_is_cut_between_characters() {
    let key = key(&"ü".repeat(300), "site.create");

    assert_eq!(key, "ü".repeat(256));
}

#[test]
fn missing_grant_is_a_misconfiguration() {
    assert!(matches!(failure(store::Error::Denied("no".into())), Failure::Misconfigured(_)));
}
