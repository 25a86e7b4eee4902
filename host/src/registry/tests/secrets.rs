//! Secret settings: sealed on disk, kept by whoever cannot see them, and never shown.

use super::*;

const CANARY: &str = "canary-5b1d";
/// A subscription, and a secret setting beside one that is not.
const WITH_SECRET: &str = "[[on]]\nhook = \"before:mailbox.create\"\nreason = \"Tests.\"\n\
    [settings]\ntype = \"object\"\n\
    [settings.properties.token]\ntype = \"string\"\nmaxLength = 20\nwriteOnly = true\n\
    [settings.properties.most]\ntype = \"integer\"\n";

/// A registry with `crm`, whose token is the canary, and its storage.
async fn with_token() -> (Registry, Storage) {
    let (registry, storage) = in_memory();
    install(&registry, "crm", "1.0.0", WITH_SECRET).await;
    let given = settings(json!({ "token": CANARY, "most": 5 }));
    registry.set_settings("crm", given).await.unwrap();
    (registry, storage)
}

fn token(registry: &Registry) -> Option<serde_json::Value> {
    registry.get("crm").unwrap().settings.get("token").cloned()
}

/// Everything that the storage holds, as text.
fn everything(storage: &Storage) -> String {
    let pairs = storage.scan(b"", None, Direction::Forward, 10_000).unwrap();
    pairs.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

#[tokio::test]
async fn a_secret_setting_is_on_disk_only_sealed() {
    let (_, storage) = with_token().await;
    assert!(!everything(&storage).contains(CANARY));
    assert_eq!(storage.get(b"settings/crm").unwrap().unwrap(), b"{\"most\":5}");
}

#[tokio::test]
async fn a_secret_setting_is_there_after_a_restart() {
    let (_, storage) = with_token().await;
    assert_eq!(token(&open(&storage).unwrap()), Some(CANARY.into()));
}

#[tokio::test]
async fn given_settings_do_not_show_a_secret() {
    let (registry, _) = with_token().await;
    let shown = settings(json!({ "token": { "$secret": null }, "most": 5 }));
    assert_eq!(registry.given_settings("crm").unwrap(), shown);
}

#[tokio::test]
async fn what_was_shown_can_be_given_back_and_keeps_the_secret() {
    let (registry, storage) = with_token().await;
    let mut given = registry.given_settings("crm").unwrap();
    given.insert("most".into(), 6.into());
    registry.set_settings("crm", given).await.unwrap();
    let registry = open(&storage).unwrap();
    assert_eq!(token(&registry), Some(CANARY.into()));
    assert_eq!(registry.get("crm").unwrap().settings["most"], 6);
}

#[tokio::test]
async fn there_must_be_a_secret_to_keep() {
    let (registry, _) = in_memory();
    install(&registry, "crm", "1.0.0", WITH_SECRET).await;
    let given = settings(json!({ "token": { "$secret": null } }));
    assert_eq!(
        registry.set_settings("crm", given).await.unwrap_err().to_string(),
        "the settings do not match the schema: `token` has no value that could be kept"
    );
}

#[tokio::test]
async fn a_secret_that_is_left_out_is_gone_from_the_disk() {
    let (registry, storage) = with_token().await;
    registry.set_settings("crm", Settings::new()).await.unwrap();
    assert_eq!(storage.get(b"sealed/crm").unwrap(), None);
    assert_eq!(token(&open(&storage).unwrap()), None);
}

#[tokio::test]
async fn a_secret_goes_with_its_extension() {
    let (registry, storage) = with_token().await;
    registry.remove("crm").await.unwrap();
    assert_eq!(storage.get(b"sealed/crm").unwrap(), None);
}

#[tokio::test]
async fn with_another_key_nothing_opens_and_the_error_says_what() {
    let (_, storage) = with_token().await;
    let opened = Registry::open(storage.clone(), Policy::default(), sealer("1"));
    let Err(error) = opened else { panic!("it opened") };
    assert!(matches!(&error, StorageError::Sealed { .. }));
    assert!(
        error.to_string().starts_with(
            "the secret settings `token` of `crm` cannot be opened: the key in the environment's `PALISADE_KEY` does not open it"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn secrets_whose_key_is_lost_can_be_forgotten() {
    let (_, storage) = with_token().await;
    assert_eq!(forget_secrets(&storage, "crm").await.unwrap(), ["token"]);
    let registry = Registry::open(storage.clone(), Policy::default(), sealer("1")).unwrap();
    assert_eq!(token(&registry), None);
    assert_eq!(registry.get("crm").unwrap().settings["most"], 5);
}

#[tokio::test]
async fn a_version_for_which_it_is_no_secret_does_not_get_it() {
    let (registry, _) = with_token().await;
    let open = WITH_SECRET.replace("writeOnly = true\n", "");
    let package = package("crm", "2.0.0", &open);
    let upgraded = registry.install(package, Digest::of(b""), 0, Granting::All).await;
    assert_eq!(
        upgraded.unwrap_err().to_string(),
        "the settings do not match the schema: `token` was given as a secret and would be none; \
         take it back first, with `--unset token`"
    );
    assert_eq!(registry.get("crm").unwrap().version, "1.0.0".into());
}

#[tokio::test]
async fn a_version_for_which_it_is_a_secret_seals_it() {
    let (registry, storage) = in_memory();
    let open = WITH_SECRET.replace("writeOnly = true\n", "");
    install(&registry, "crm", "1.0.0", &open).await;
    registry.set_settings("crm", settings(json!({ "token": CANARY }))).await.unwrap();
    install(&registry, "crm", "2.0.0", WITH_SECRET).await;
    assert!(!everything(&storage).contains(CANARY));
    assert_eq!(token(&registry), Some(CANARY.into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_does_not_show_it() {
    let (registry, _) = with_token().await;
    let long = format!("{CANARY}{CANARY}");
    let error = registry.set_settings("crm", settings(json!({ "token": long }))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the settings do not match the schema: `token`: the secret is longer than 20 characters"
    );
}

#[tokio::test]
async fn what_is_wrong_with_all_settings_does_not_show_a_secret() {
    let (registry, _) = in_memory();
    let never = "type = \"object\"\nnot = { required = [\"token\"] }\n";
    install(&registry, "crm", "1.0.0", &WITH_SECRET.replace("type = \"object\"\n", never)).await;
    let given = settings(json!({ "token": CANARY }));
    let error = registry.set_settings("crm", given).await.unwrap_err().to_string();
    assert!(!error.contains(CANARY) && error.contains("they"), "{error}");
}

#[tokio::test]
async fn secrets_that_are_too_long_when_they_are_sealed_are_refused() {
    let (registry, _) = in_memory();
    let long = WITH_SECRET.replace("maxLength = 20\n", "");
    install(&registry, "crm", "1.0.0", &long).await;
    let given = settings(json!({ "token": "x".repeat(47 << 10) }));
    let error = registry.set_settings("crm", given).await.unwrap_err();
    assert!(error.to_string().contains("the secret ones have 6"), "{error}");
}

#[tokio::test]
async fn an_extension_in_a_log_does_not_show_a_secret() {
    let (registry, _) = with_token().await;
    let extension = registry.get("crm").unwrap();
    let debug = format!("{extension:?} {:?}", registry.snapshot());
    assert!(debug.contains("$secret") && !debug.contains(CANARY), "{debug}");
}
