//! A record that cannot be read is an error that names it: better no start than a missing policy.

use super::*;

/// What opening says when one of the records of `guard` is this; `None` takes it out.
async fn error(key: &str, value: Option<&[u8]>) -> String {
    let (registry, storage) = in_memory();
    install(&registry, "a", "1.0.0", ON_CREATE).await;
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    write(&storage, key, value).await;
    match open(&storage) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_record_that_is_not_json_is_an_error() {
    assert_eq!(
        error("extension/guard", Some(b"{")).await,
        "the record `extension/guard` cannot be read: EOF while parsing an object at line 1 column 1"
    );
}

#[tokio::test]
async fn a_record_without_what_it_needs_is_an_error() {
    let error = error("extension/guard", Some(b"{}")).await;
    assert!(
        error.starts_with("the record `extension/guard` cannot be read: missing field"),
        "{error}"
    );
}

#[tokio::test]
async fn a_record_whose_key_is_no_text_is_named() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", ON_CREATE).await;
    let record = storage.get(b"extension/guard").unwrap().unwrap();
    write(&storage, b"extension/\xff".to_vec(), Some(&record)).await;
    let Err(error) = open(&storage) else { panic!("it opened") };
    assert_eq!(
        error.to_string(),
        "the record `extension/\u{fffd}` cannot be read: its key is no identifier"
    );
}

#[tokio::test]
async fn a_missing_manifest_is_an_error() {
    assert_eq!(
        error("manifest/guard", None).await,
        "the record `extension/guard` cannot be read: its manifest is missing"
    );
}

#[tokio::test]
async fn a_manifest_that_is_no_text_is_an_error() {
    let error = error("manifest/guard", Some(b"\xff")).await;
    assert!(
        error.starts_with("the record `extension/guard` cannot be read: invalid utf-8"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_that_is_wrong_is_an_error() {
    let error = error("manifest/guard", Some(b"manifest = 2")).await;
    assert!(
        error.starts_with("the record `extension/guard` cannot be read: the manifest is wrong"),
        "{error}"
    );
}

#[tokio::test]
async fn a_manifest_of_another_extension_is_an_error() {
    let other = package("other", "1.0.0", ON_CREATE).manifest_text;
    assert_eq!(
        error("manifest/guard", Some(other.as_bytes())).await,
        "the record `extension/guard` cannot be read: its manifest is of `other`"
    );
}

#[tokio::test]
async fn settings_that_are_not_json_are_an_error() {
    let error = error("settings/guard", Some(b"[]")).await;
    assert!(error.contains("/guard` cannot be read: invalid type: sequence"), "{error}");
}

#[tokio::test]
async fn settings_that_no_longer_match_are_an_error() {
    assert_eq!(
        error("settings/guard", Some(b"{\"most\":\"x\"}")).await,
        "the record `extension/guard` cannot be read: the settings do not match the schema: \
         `most`: \"x\" is not of type \"integer\""
    );
}

#[tokio::test]
async fn given_settings_that_are_damaged_are_an_error() {
    let (registry, storage) = in_memory();
    install(&registry, "guard", "1.0.0", WITH_SETTINGS).await;
    write(&storage, "settings/guard", Some(b"{")).await;
    let error = registry.given_settings("guard").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record `settings/guard` cannot be read: EOF while parsing an object at line 1 column 1"
    );
}

#[tokio::test]
async fn a_damaged_count_of_installations_gives_no_number_twice() {
    let (registry, storage) = in_memory();
    let first = install(&registry, "a", "1.0.0", ON_CREATE).await;
    write(&storage, key::INSTALLATIONS, Some(b"damaged")).await;
    let package = package("b", "1.0.0", ON_CREATE);
    let second = registry.install(package, Digest::of(b""), 0, Granting::All).await;
    let number = second.ok().map(|second| second.installation);
    assert_ne!(number, Some(first.installation));
}

#[tokio::test]
async fn a_sweep_without_the_count_of_installations_leaves_what_installed_extensions_keep() {
    let (registry, storage) = in_memory();
    let guard = install(&registry, "guard", "1.0.0", ON_CREATE).await;
    keep(&storage, guard.installation, "x").await;
    write(&storage, key::INSTALLATIONS, None).await;
    // Whether it is an error is not the point.
    drop(registry.sweep().await);
    assert_eq!(kept(&storage, guard.installation), 1);
}

#[tokio::test]
async fn more_extensions_than_one_scan_reads_are_all_found() {
    let (registry, storage) = in_memory();
    install(&registry, "e0", "1.0.0", ON_CREATE).await;
    let record = storage.get(b"extension/e0").unwrap().unwrap();
    let written: Result<(), StorageError> = storage
        .update(move |transaction| {
            (1..501).try_for_each(|n| {
                let manifest = package(&format!("e{n}"), "1.0.0", ON_CREATE).manifest_text;
                transaction.put(format!("manifest/e{n}").into_bytes(), manifest.into_bytes())?;
                transaction.put(format!("extension/e{n}").into_bytes(), record.clone())
            })
        })
        .await;
    written.unwrap();
    assert_eq!(open(&storage).unwrap().snapshot().extensions.len(), 501);
}
