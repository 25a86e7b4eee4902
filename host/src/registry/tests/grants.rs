//! What is granted, what waits, and what an upgrade keeps of it.

use super::*;
use crate::grant::Grants;
use crate::hook::Power;

const ON: &str =
    "[[on]]\nhook = \"before:site.create\"\nreason = \"Tests.\"\npowers = [\"deny\"]\n";
const KV: &str = "[needs.kv]\nreason = \"Tests.\"\n";
const DENY: &str = "deny before:site.create";
const READ: &str = "read before:site.create *";

fn grant(text: &str) -> Grant {
    Grant::parse(text).unwrap()
}

fn these(texts: &[&str]) -> Grants {
    texts.iter().map(|text| grant(text)).collect()
}

fn granted(extension: &Extension) -> Vec<String> {
    extension.granted.iter().map(ToString::to_string).collect()
}

/// Installs version `version` of `a` with this manifest.
async fn put(
    registry: &Registry,
    version: &str,
    rest: &str,
    granting: Granting,
) -> Result<Arc<Extension>, RegistryError> {
    let digest = Digest::of(version.as_bytes());
    registry.install(package("a", version, rest), digest, 1_000, granting).await
}

async fn change(
    registry: &Registry,
    add: &[&str],
    revoke: &[&str],
) -> Result<Arc<Extension>, RegistryError> {
    let change = GrantChange::Change { add: these(add), revoke: these(revoke) };
    registry.change_grants("a", change).await
}

fn powers(registry: &Registry) -> Vec<Power> {
    let snapshot = registry.snapshot_owned();
    snapshot.handlers(Phase::Before, "site.create")[0].access.powers.clone()
}

#[tokio::test]
async fn a_new_extension_that_asks_is_refused_until_it_is_decided() {
    let (registry, _) = in_memory();
    let error = put(&registry, "1.0.0", ON, Granting::Undecided).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a` asks for `deny before:site.create`; nothing is installed until it is decided what is granted"
    );
    assert!(registry.snapshot().extensions.is_empty());
}

#[tokio::test]
async fn one_that_only_reads_is_installed_without_a_decision() {
    let (registry, _) = in_memory();
    let plain = "[[on]]\nhook = \"before:site.create\"\n";
    let extension = put(&registry, "1.0.0", plain, Granting::Undecided).await.unwrap();
    assert_eq!(granted(&extension), [READ]);
}

#[tokio::test]
async fn only_what_is_granted_is_in_force() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", ON, Granting::These(Grants::new())).await.unwrap();
    assert!(powers(&registry).is_empty());
    change(&registry, &[DENY], &[]).await.unwrap();
    assert_eq!(powers(&registry), [Power::Deny]);
    change(&registry, &[], &[DENY]).await.unwrap();
    assert!(powers(&registry).is_empty());
}

#[tokio::test]
async fn grants_are_there_after_a_restart() {
    let (registry, storage) = in_memory();
    put(&registry, "1.0.0", &format!("{ON}{KV}"), Granting::These(these(&["kv"]))).await.unwrap();
    let extension = open(&storage).unwrap().get("a").unwrap();
    assert_eq!(granted(&extension), [READ, "kv"]);
}

#[tokio::test]
async fn what_is_not_asked_for_cannot_be_granted() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    let error = change(&registry, &["deny before:site.crate"], &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "`a` does not ask for `deny before:site.crate`");
    assert_eq!(error.hint().as_deref(), Some("did you mean `deny before:site.create`?"));
}

#[tokio::test]
async fn what_was_not_granted_cannot_be_revoked_and_nothing_of_the_change_is_made() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", &format!("{ON}{KV}"), Granting::These(these(&[DENY]))).await.unwrap();
    let error = change(&registry, &["kv"], &["kv"]).await.unwrap_err();
    assert_eq!(error.code(), Some("grants.not-granted"));
    assert_eq!(granted(&registry.get("a").unwrap()), [DENY, READ]);
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_and_the_old_version_goes_on() {
    let (registry, storage) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    let more = format!("{ON}{KV}");
    let extension = put(&registry, "2.0.0", &more, Granting::Undecided).await.unwrap();
    assert_eq!(&*extension.version, "1.0.0");
    for registry in [registry, open(&storage).unwrap()] {
        let extension = registry.get("a").unwrap();
        assert_eq!(&*extension.version, "1.0.0");
        assert_eq!(extension.waiting.as_ref().map(|waiting| &*waiting.version), Some("2.0.0"));
    }
}

#[tokio::test]
async fn a_waiting_version_runs_when_it_is_granted_what_it_asks_for() {
    let (registry, storage) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    put(&registry, "2.0.0", &format!("{ON}{KV}"), Granting::Undecided).await.unwrap();
    change(&registry, &["kv"], &[]).await.unwrap();
    for registry in [registry, open(&storage).unwrap()] {
        let extension = registry.get("a").unwrap();
        assert_eq!((&*extension.version, extension.waiting.is_none()), ("2.0.0", true));
        assert_eq!(granted(&extension), [DENY, READ, "kv"]);
    }
}

#[tokio::test]
async fn all_that_a_waiting_version_asks_for_can_be_granted_at_once() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    put(&registry, "2.0.0", &format!("{ON}{KV}"), Granting::Undecided).await.unwrap();
    let extension = registry.change_grants("a", GrantChange::All).await.unwrap();
    assert_eq!(&*extension.version, "2.0.0");
}

#[tokio::test]
async fn an_upgrade_that_asks_for_nothing_new_keeps_what_was_decided() {
    let (registry, _) = in_memory();
    let more = format!("{ON}{KV}");
    put(&registry, "1.0.0", &more, Granting::These(these(&["kv"]))).await.unwrap();
    let extension = put(&registry, "2.0.0", &more, Granting::Undecided).await.unwrap();
    assert_eq!(&*extension.version, "2.0.0");
    assert_eq!(granted(&extension), [READ, "kv"]);
}

#[tokio::test]
async fn an_upgrade_that_is_decided_runs_at_once_with_what_is_granted() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    let nothing_new = Granting::These(Grants::new());
    let extension = put(&registry, "2.0.0", &format!("{ON}{KV}"), nothing_new).await.unwrap();
    assert_eq!(&*extension.version, "2.0.0");
    assert_eq!(granted(&extension), [DENY, READ]);
}

#[tokio::test]
async fn a_grant_that_a_version_does_not_ask_for_is_gone_when_the_next_one_does() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", &format!("{ON}{KV}"), Granting::All).await.unwrap();
    put(&registry, "2.0.0", ON, Granting::Undecided).await.unwrap();
    let extension =
        put(&registry, "3.0.0", &format!("{ON}{KV}"), Granting::Undecided).await.unwrap();
    assert_eq!(&*extension.version, "2.0.0");
    assert!(extension.waiting.is_some());
}

#[tokio::test]
async fn a_revoked_reading_stays_revoked_in_the_next_version() {
    let (registry, _) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    change(&registry, &[], &[READ]).await.unwrap();
    let extension = put(&registry, "2.0.0", ON, Granting::Undecided).await.unwrap();
    assert_eq!(granted(&extension), [DENY]);
}

#[tokio::test]
async fn a_removed_extension_leaves_no_grants_behind() {
    let (registry, storage) = in_memory();
    put(&registry, "1.0.0", ON, Granting::All).await.unwrap();
    put(&registry, "2.0.0", &format!("{ON}{KV}"), Granting::Undecided).await.unwrap();
    registry.remove("a").await.unwrap();
    for prefix in ["grants/", "waiting/", "waiting-manifest/"] {
        let left = storage.scan(prefix.as_bytes(), None, Direction::Forward, 10).unwrap();
        assert!(left.is_empty(), "{prefix}");
    }
}
