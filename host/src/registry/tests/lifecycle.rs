//! Installing, replacing, setting and removing, and what is left of it after a restart.

use super::*;

#[tokio::test]
async fn a_new_extension_is_enabled_and_has_its_defaults() {
    let (registry, _) = in_memory();
    let guard = install(&registry, "guard", "1.2.3", WITH_SETTINGS).await;
    assert_eq!((&*guard.id, &*guard.version, guard.state), ("guard", "1.2.3", State::Enabled));
    assert_eq!((guard.installation, guard.installed_ms), (1, 1_000));
    assert_eq!(guard.settings, settings(json!({ "names": ["root"] })));
    assert_eq!(ids(&registry.snapshot(), Phase::Before, "mailbox.create"), ["guard"]);
}

#[tokio::test]
async fn a_replacement_keeps_settings_state_and_installation() {
    let (registry, _) = in_memory();
    let old = install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    registry.set_state("guard", State::Disabled).await.unwrap();
    let new = install(&registry, "guard", "1.1.0", WITH_SETTINGS).await;
    assert_eq!((&*new.version, new.digest), ("1.1.0", Digest::of(b"1.1.0")));
    assert_eq!(new.settings, settings(json!({ "names": ["root"], "most": 5 })));
    assert_eq!((new.state, new.installation), (State::Disabled, old.installation));
    assert_eq!(registry.snapshot().extensions.len(), 1);
}

#[tokio::test]
async fn a_replacement_gets_the_defaults_of_its_own_schema() {
    let (registry, _) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    let new = install(&registry, "guard", "1.1.0", &WITH_SETTINGS.replace("root", "admin")).await;
    assert_eq!(new.settings, settings(json!({ "names": ["admin"] })));
}

#[tokio::test]
async fn a_replacement_whose_schema_refuses_the_settings_changes_nothing() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    let stricter = package("guard", "2.0.0", &WITH_SETTINGS.replace("integer", "string"));
    let error =
        registry.install(stricter, Digest::of(b"2.0.0"), 2_000, Granting::All).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the settings do not match the schema: `most`: 5 is not of type \"string\""
    );
    assert_eq!(&*registry.get("guard").unwrap().version, "1.0.0");
    assert_eq!(&*open(&storage).unwrap().get("guard").unwrap().version, "1.0.0");
}

#[tokio::test]
async fn every_extension_has_an_installation_of_its_own() {
    let (registry, _) = in_memory();
    assert_eq!(install(&registry, "a", "1.0.0", ON_CREATE).await.installation, 1);
    assert_eq!(install(&registry, "b", "1.0.0", ON_CREATE).await.installation, 2);
}

#[tokio::test]
async fn what_was_removed_comes_back_as_another_installation() {
    let (registry, _) = in_memory();
    let old = install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    registry.remove("guard").await.unwrap();
    let new = install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    assert_eq!((old.installation, new.installation), (1, 2));
    assert_eq!(new.settings, settings(json!({ "names": ["root"] })));
}

#[tokio::test]
async fn the_numbers_of_installations_go_on_after_a_restart() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", ON_CREATE).await;
    registry.remove("guard").await.unwrap();
    let restarted = open(&storage).unwrap();
    assert_eq!(install(&restarted, "guard", "1.0.0", ON_CREATE).await.installation, 2);
}

#[tokio::test]
async fn settings_take_the_place_of_all_that_were_given_before() {
    let (registry, _) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5, "names": [] }))).await.unwrap();
    let guard = registry.set_settings("guard", settings(json!({ "most": 6 }))).await.unwrap();
    assert_eq!(guard.settings, settings(json!({ "names": ["root"], "most": 6 })));
    assert_eq!(registry.get("guard").unwrap().settings, guard.settings);
}

#[tokio::test]
async fn given_settings_are_without_defaults() {
    let (registry, _) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    assert_eq!(registry.given_settings("guard").unwrap(), Settings::new());
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    assert_eq!(registry.given_settings("guard").unwrap(), settings(json!({ "most": 5 })));
}

#[tokio::test]
async fn settings_that_do_not_match_change_nothing() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    let error = registry.set_settings("guard", settings(json!({ "most": "x" }))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the settings do not match the schema: `most`: \"x\" is not of type \"integer\""
    );
    let unset = settings(json!({ "names": ["root"] }));
    assert_eq!(registry.get("guard").unwrap().settings, unset);
    assert_eq!(open(&storage).unwrap().get("guard").unwrap().settings, unset);
}

#[tokio::test]
async fn settings_that_are_too_large_are_refused() {
    let (registry, _) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    let large = settings(json!({ "names": ["x".repeat(49_152)] }));
    let error = registry.set_settings("guard", large).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the settings do not match the schema: they have 49166 bytes, the limit is 49152"
    );
}

#[tokio::test]
async fn new_settings_are_those_of_the_handlers() {
    let (registry, _) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    let snapshot = registry.snapshot_owned();
    let handler = &snapshot.handlers(Phase::Before, "mailbox.create")[0];
    assert_eq!(handler.extension.settings["most"], 5);
}

#[tokio::test]
async fn the_handlers_of_a_disabled_extension_do_not_run_until_it_is_enabled() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", ON_CREATE).await;
    registry.set_state("guard", State::Disabled).await.unwrap();
    assert!(ids(&registry.snapshot(), Phase::Before, "mailbox.create").is_empty());
    assert_eq!(registry.snapshot().all_handlers().count(), 0);
    assert!(registry.get("guard").is_ok());
    assert_eq!(open(&storage).unwrap().get("guard").unwrap().state, State::Disabled);
    registry.set_state("guard", State::Enabled).await.unwrap();
    assert_eq!(ids(&registry.snapshot(), Phase::Before, "mailbox.create"), ["guard"]);
}

#[tokio::test]
async fn a_snapshot_stays_as_it_was_whatever_is_changed() {
    let (registry, _) = in_memory();
    install(&registry, "a", "1.0.0", ON_CREATE).await;
    install(&registry, "b", "1.0.0", WITH_SETTINGS).await;
    let snapshot = registry.snapshot_owned();
    install(&registry, "a", "2.0.0", "[[on]]\nhook = \"after:*\"\n").await;
    install(&registry, "c", "1.0.0", ON_CREATE).await;
    registry.set_settings("b", settings(json!({ "most": 5 }))).await.unwrap();
    registry.set_state("b", State::Disabled).await.unwrap();
    registry.remove("b").await.unwrap();
    assert_eq!(ids(&snapshot, Phase::Before, "mailbox.create"), ["a", "b"]);
    assert_eq!(&*snapshot.extensions["a"].version, "1.0.0");
    assert_eq!(snapshot.extensions["b"].settings, settings(json!({ "names": ["root"] })));
    assert_eq!(ids(&registry.snapshot(), Phase::Before, "mailbox.create"), ["c"]);
    assert_eq!(ids(&registry.snapshot(), Phase::After, "mailbox.create"), ["a"]);
}

#[tokio::test]
async fn what_is_removed_is_gone_with_all_that_it_kept() {
    let (registry, storage) = in_memory();
    let guard = install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    registry.set_settings("guard", settings(json!({ "most": 5 }))).await.unwrap();
    keep(&storage, guard.installation, "x").await;
    assert_eq!(registry.remove("guard").await.unwrap().installation, guard.installation);
    assert!(ids(&registry.snapshot(), Phase::Before, "mailbox.create").is_empty());
    let left = storage.scan(b"", None, Direction::Forward, 10).unwrap();
    assert_eq!(left, [(key::INSTALLATIONS.to_vec(), 1_u64.to_be_bytes().to_vec())]);
}

#[tokio::test]
async fn a_removal_leaves_what_others_keep() {
    let (registry, storage) = in_memory();
    let a = install(&registry, "a", "1.0.0", ON_CREATE).await.installation;
    let b = install(&registry, "b", "1.0.0", ON_CREATE).await.installation;
    let c = install(&registry, "c", "1.0.0", ON_CREATE).await.installation;
    keep(&storage, a, "x").await;
    keep(&storage, b, "x").await;
    keep(&storage, c, "x").await;
    registry.remove("b").await.unwrap();
    assert_eq!([a, b, c].map(|installation| kept(&storage, installation)), [1, 0, 1]);
}

#[tokio::test]
async fn a_removal_takes_everything_however_much_it_is() {
    let (registry, storage) = in_memory();
    let installation = install(&registry, "guard", "1.0.0", ON_CREATE).await.installation;
    let written: Result<(), StorageError> = storage
        .update(move |transaction| {
            let key = |n: u32| [kv_prefix(installation), n.to_be_bytes().to_vec()].concat();
            (0..1_234).try_for_each(|n| transaction.put(key(n), vec![]))
        })
        .await;
    written.unwrap();
    registry.remove("guard").await.unwrap();
    assert_eq!(kept(&storage, installation), 0);
}

#[tokio::test]
async fn what_a_crash_left_of_removed_installations_is_swept() {
    let (registry, storage) = in_memory();
    for id in ["a", "b", "c", "d"] {
        let installation = install(&registry, id, "1.0.0", ON_CREATE).await.installation;
        registry.remove(id).await.unwrap();
        keep(&storage, installation, "x").await;
        keep(&storage, installation, "y").await;
    }
    let e = install(&registry, "e", "1.0.0", ON_CREATE).await.installation;
    keep(&storage, e, "x").await;
    keep(&storage, 77, "never given").await;
    registry.sweep().await.unwrap();
    assert_eq!([1, 2, 3, 4, 77].map(|installation| kept(&storage, installation)), [0; 5]);
    assert_eq!(kept(&storage, e), 1);
}

#[tokio::test]
async fn a_sweep_leaves_what_installed_extensions_keep() {
    let (registry, storage) = in_memory();
    for id in ["a", "b", "c"] {
        let installation = install(&registry, id, "1.0.0", ON_CREATE).await.installation;
        keep(&storage, installation, "x").await;
    }
    registry.set_state("b", State::Disabled).await.unwrap();
    registry.sweep().await.unwrap();
    assert_eq!([1, 2, 3].map(|installation| kept(&storage, installation)), [1, 1, 1]);
}

#[tokio::test]
async fn a_sweep_touches_nothing_but_kv() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    write(&storage, "journal/x", Some(b"x")).await;
    write(&storage, "kw", Some(b"x")).await;
    let all = || storage.scan(b"", None, Direction::Forward, 100).unwrap();
    let before = all();
    registry.sweep().await.unwrap();
    assert_eq!(all(), before);
}

#[tokio::test]
async fn an_unknown_extension_is_named_with_what_was_perhaps_meant() {
    let (registry, _) = in_memory();
    install(&registry, "reserved-names", "1.0.0", ON_CREATE).await;
    let error = registry.set_state("reserved-name", State::Disabled).await.unwrap_err();
    assert_eq!(error.to_string(), "no extension `reserved-name` is installed");
    let RegistryError::Unknown { near, .. } = error else { panic!("{error}") };
    assert_eq!(near.as_deref(), Some("reserved-names"));
}

#[tokio::test]
async fn an_unknown_extension_unlike_all_has_no_near_miss() {
    let (registry, _) = in_memory();
    install(&registry, "reserved-names", "1.0.0", ON_CREATE).await;
    let error = registry.remove("zzz").await.unwrap_err();
    assert!(matches!(error, RegistryError::Unknown { near: None, .. }), "{error:?}");
}

#[tokio::test]
async fn an_identifier_that_is_none_is_shown_cut_and_without_control_characters() {
    let (registry, _) = in_memory();
    let error = registry.get(&format!("a\n{}", "x".repeat(100))).unwrap_err();
    assert_eq!(error.to_string(), format!("no extension `a\\n{}` is installed", "x".repeat(78)));
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let registry = open(&Storage::open(&path).unwrap()).unwrap();
    install(&registry, "a", "1.0.0", ON_CREATE).await;
    install(&registry, "b", "1.2.3", WITH_SETTINGS).await;
    install(&registry, "c", "1.0.0", ON_CREATE).await;
    let b = registry.set_settings("b", settings(json!({ "most": 5 }))).await.unwrap();
    registry.set_state("c", State::Disabled).await.unwrap();
    registry.remove("a").await.unwrap();
    drop(registry);
    let restarted = open(&reopened(&path)).unwrap();
    let (found, b) = (restarted.get("b").unwrap(), Extension::clone(&b));
    assert_eq!(format!("{found:?}"), format!("{b:?}"));
    assert_eq!(restarted.get("c").unwrap().state, State::Disabled);
    assert_eq!(restarted.snapshot().extensions.len(), 2);
    assert_eq!(ids(&restarted.snapshot(), Phase::Before, "mailbox.create"), ["b"]);
}

/// Opens the database when the committer thread has seen that the last handle is gone.
fn reopened(path: &std::path::Path) -> Storage {
    loop {
        match Storage::open(path) {
            Err(StorageError::InUse { .. }) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}
