//! Which handlers a hook has, and what the operator's policy makes of them.

use super::*;
use crate::hook::Power;
use crate::limits::Limits;

/// The manifest text of subscriptions to these hooks, each with a priority that tells it apart.
fn hooks(hooks: &[&str]) -> String {
    let numbered = hooks.iter().enumerate();
    numbered.map(|(n, hook)| format!("[[on]]\nhook = \"{hook}\"\npriority = {n}\n")).collect()
}

fn extension(id: &str, rest: &str) -> Arc<Extension> {
    let manifest = package(id, "1.0.0", rest).manifest;
    Arc::new(Extension {
        id: manifest.id.clone(),
        version: "1.0.0".into(),
        digest: Digest::of(b""),
        granted: manifest.asks.iter().map(|ask| ask.grant.clone()).collect(),
        manifest: manifest.into(),
        settings: Settings::new(),
        waiting: None,
        state: State::Enabled,
        installation: 1,
        installed_ms: 0,
    })
}

fn snapshot(extensions: impl IntoIterator<Item = (&'static str, String)>) -> Snapshot {
    let extensions = extensions.into_iter().map(|(id, rest)| extension(id, &rest));
    Snapshot::new(extensions, &Policy::default())
}

#[test]
fn an_exact_pattern_matches_its_action_alone() {
    let snapshot = snapshot([("a", hooks(&["before:site.create"]))]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.create"), ["a"]);
    assert!(ids(&snapshot, Phase::Before, "site.delete").is_empty());
    assert!(ids(&snapshot, Phase::Before, "site").is_empty());
    assert!(ids(&snapshot, Phase::Before, "site.create.now").is_empty());
    assert!(ids(&snapshot, Phase::After, "site.create").is_empty());
}

#[test]
fn a_pattern_with_a_star_matches_everything_under_it() {
    let snapshot = snapshot([("a", hooks(&["before:site.*"]))]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.create"), ["a"]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.alias.add"), ["a"]);
    assert!(ids(&snapshot, Phase::Before, "site").is_empty());
    assert!(ids(&snapshot, Phase::Before, "sites.create").is_empty());
    assert!(ids(&snapshot, Phase::After, "site.create").is_empty());
}

#[test]
fn a_star_matches_every_action() {
    let snapshot = snapshot([("a", hooks(&["after:*"]))]);
    assert_eq!(ids(&snapshot, Phase::After, "site.create"), ["a"]);
    assert_eq!(ids(&snapshot, Phase::After, "acme"), ["a"]);
    assert!(ids(&snapshot, Phase::Before, "site.create").is_empty());
}

#[test]
fn the_handlers_of_all_patterns_that_match_come_together() {
    let snapshot = snapshot([
        ("a", hooks(&["before:site.alias.add"])),
        ("b", hooks(&["before:site.alias.*"])),
        ("c", hooks(&["before:site.*"])),
        ("d", hooks(&["before:*"])),
        ("e", hooks(&["before:mailbox.*"])),
    ]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.alias.add"), ["a", "b", "c", "d"]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.alias.remove"), ["b", "c", "d"]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.create"), ["c", "d"]);
    assert_eq!(ids(&snapshot, Phase::Before, "session.login"), ["d"]);
    assert_eq!(ids(&snapshot, Phase::Before, "mailbox.create"), ["d", "e"]);
}

#[test]
fn of_several_patterns_of_one_extension_the_narrowest_counts() {
    let on = hooks(&["before:*", "before:site.*", "before:site.alias.*", "before:site.alias.add"]);
    let snapshot = snapshot([("a", on)]);
    let chosen = |action: &str| -> Vec<u8> {
        let handlers = snapshot.handlers(Phase::Before, action).iter();
        handlers.map(|handler| handler.subscription.priority).collect()
    };
    assert_eq!(chosen("site.alias.add"), [3]);
    assert_eq!(chosen("site.alias.remove"), [2]);
    assert_eq!(chosen("site.create"), [1]);
    assert_eq!(chosen("mailbox.create"), [0]);
}

#[test]
fn the_narrowest_pattern_of_an_extension_does_not_depend_on_others() {
    let snapshot = snapshot([
        ("a", hooks(&["before:*", "before:site.create"])),
        ("b", hooks(&["before:site.*"])),
    ]);
    let chosen: Vec<_> = snapshot
        .handlers(Phase::Before, "site.delete")
        .iter()
        .map(|handler| handler.subscription.hook.pattern.to_string())
        .collect();
    assert_eq!(chosen, ["*", "site.*"]);
}

#[test]
fn the_narrowest_pattern_is_of_the_same_phase() {
    let snapshot = snapshot([("a", hooks(&["before:*", "after:site.create"]))]);
    let handler = &snapshot.handlers(Phase::Before, "site.create")[0];
    assert_eq!(handler.subscription.hook.pattern.to_string(), "*");
}

#[test]
fn handlers_of_wider_patterns_are_put_in_order_too() {
    let on = |hook: &str, rest: &str| format!("[[on]]\nhook = \"{hook}\"\n{rest}\n");
    let snapshot = snapshot([
        ("a", on("before:site.create", "reason = \"a test\"\npowers = [\"deny\"]\npriority = 100")),
        (
            "b",
            on(
                "before:*",
                "reason = \"a test\"\npowers = [\"alter\"]\nalter = [\"*\"]\npriority = 1",
            ),
        ),
        ("c", on("before:site.*", "reason = \"a test\"\npowers = [\"skip\"]\npriority = 2")),
        ("d", on("before:site.*", "priority = 100")),
    ]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.create"), ["c", "b", "a", "d"]);
    assert_eq!(ids(&snapshot, Phase::Before, "site.delete"), ["c", "b", "d"]);
}

#[test]
fn nothing_installed_has_no_handlers() {
    let snapshot = Snapshot::default();
    assert!(snapshot.handlers(Phase::Before, "site.create").is_empty());
    assert_eq!(snapshot.all_handlers().count(), 0);
}

#[test]
fn every_subscription_is_a_handler() {
    let snapshot = snapshot([("a", hooks(&["before:*", "before:site.*", "after:site.create"]))]);
    assert_eq!(snapshot.all_handlers().count(), 3);
}

/// The handler of an extension `a` with one subscription, under what an operator sets for it.
fn handler(on: &str, set: &str) -> Arc<Handler> {
    let overrides = BTreeMap::from([
        ("a".to_owned(), toml::from_str(set).unwrap()),
        ("b".to_owned(), Overrides { priority: Some(99), ..Overrides::default() }),
    ]);
    let policy = Policy { overrides, ..Policy::default() };
    let snapshot = Snapshot::new([extension("a", on)], &policy);
    snapshot.all_handlers().next().unwrap().clone()
}

#[test]
fn without_a_word_of_the_operator_the_manifest_counts() {
    let on = "[[on]]\nhook = \"before:*\"\npriority = 7\non-failure = \"deny\"\nfuel = 5\n";
    let handler = handler(on, "");
    assert_eq!(handler.subscription.priority, 7);
    assert_eq!(handler.on_failure, OnFailure::Deny);
    assert_eq!(handler.limits.fuel, 5);
}

#[test]
fn the_operators_priority_counts() {
    let on = "[[on]]\nhook = \"before:*\"\npriority = 7\n";
    assert_eq!(handler(on, "priority = 90").subscription.priority, 90);
}

#[test]
fn the_operators_priority_puts_handlers_in_order() {
    let overrides = Overrides { priority: Some(90), ..Overrides::default() };
    let policy =
        Policy { overrides: BTreeMap::from([("b".to_owned(), overrides)]), ..Policy::default() };
    let snapshot = Snapshot::new([extension("a", ON_CREATE), extension("b", ON_CREATE)], &policy);
    assert_eq!(ids(&snapshot, Phase::Before, "mailbox.create"), ["b", "a"]);
}

#[test]
fn the_operators_on_failure_counts_both_ways() {
    let on = "[[on]]\nhook = \"before:*\"\non-failure = \"deny\"\n";
    assert_eq!(handler(on, "on-failure = \"proceed\"").on_failure, OnFailure::Proceed);
    let on = "[[on]]\nhook = \"before:*\"\n";
    assert_eq!(handler(on, "on-failure = \"deny\"").on_failure, OnFailure::Deny);
}

#[test]
fn a_fault_after_the_action_never_denies() {
    let on = "[[on]]\nhook = \"after:*\"\n";
    assert_eq!(handler(on, "on-failure = \"deny\"").on_failure, OnFailure::Proceed);
}

#[test]
fn the_operators_limits_count() {
    let on = "[[on]]\nhook = \"before:*\"\nfuel = 5\ndeadline-ms = 6\n[limits]\nmemory-bytes = 7\n";
    let set = "[limits]\nfuel = 50\nmemory-bytes = 70\nhost-calls = 80\nkv-bytes = 90";
    let Limits { fuel, deadline, memory_bytes, host_calls, kv_bytes, .. } = handler(on, set).limits;
    assert_eq!((fuel, deadline.as_millis(), memory_bytes), (50, 6, 70));
    assert_eq!((host_calls, kv_bytes), (80, 90));
}

#[test]
fn the_limits_are_those_of_the_phase() {
    let policy = Policy::default();
    let limits = |on: &str| handler(&format!("[[on]]\nhook = \"{on}\"\n"), "").limits.clone();
    assert_eq!(limits("before:*").fuel, policy.limits.before.fuel);
    assert_eq!(limits("after:*").fuel, policy.limits.after.fuel);
}

#[test]
fn the_operator_does_not_change_what_a_handler_may_do() {
    let on = "[[on]]\nhook = \"before:*\"\nreason = \"a test\"\npowers = [\"deny\"]\n";
    let set = "priority = 1\non-failure = \"deny\"";
    assert_eq!(handler(on, set).subscription.powers, [Power::Deny]);
}

#[tokio::test]
async fn the_policy_counts_for_what_is_installed_later_and_found_at_a_start() {
    let storage = Storage::in_memory().unwrap();
    let overrides = Overrides { priority: Some(90), ..Overrides::default() };
    let policy = Policy {
        overrides: BTreeMap::from([("guard".to_owned(), overrides)]),
        ..Policy::default()
    };
    let priority = |registry: &Registry| {
        registry.snapshot().all_handlers().map(|h| h.subscription.priority).collect::<Vec<_>>()
    };
    let registry = Registry::open(storage.clone(), policy.clone(), sealer("0")).unwrap();
    install(&registry, "guard", "1.0.0", ON_CREATE).await;
    assert_eq!(priority(&registry), [90]);
    assert_eq!(priority(&Registry::open(storage, policy, sealer("0")).unwrap()), [90]);
}
