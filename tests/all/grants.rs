//! Asking and granting: what an extension may see and do is what its manifest asks for and the operator granted.

use hyper::Method;
use palisade_tests::{Answer, cli_command, guest};
use serde_json::{Value, json};

use crate::guests::{self, Host, misbehaving_manifest, packed};

const DENY: &str = "deny before:*";
const READ: &str = "read before:* *";

/// `misbehaving` as version `version` with the manifest changed by `change`.
fn changed(version: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let manifest = change(misbehaving_manifest())
        .replace("\"misbehaving\"", "\"guest\"")
        .replace("version = \"1.0.0\"", &format!("version = \"{version}\""));
    packed(&std::fs::read(guest("misbehaving")).unwrap(), &manifest)
}

fn plain(version: &str) -> Vec<u8> {
    changed(version, |manifest| manifest)
}

fn with_reading(version: &str, fields: &str) -> Vec<u8> {
    changed(version, |manifest| {
        manifest.replace("priority = 50\n", &format!("priority = 50\nread = {fields}\n"))
    })
}

/// A host with `guest`, granted these.
async fn host(bytes: Vec<u8>, grants: &str) -> Host {
    let host = guests::host("").await;
    // The other one would answer too.
    host.post("/v1/extensions/misbehaving/disable", json!({})).await;
    let answer = host.install_granted(bytes, grants).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    host
}

async fn change(host: &Host, change: Value) -> Answer {
    host.request(Method::POST, "/v1/extensions/guest/grants", change.to_string()).await
}

/// The fault of `guest` when it does this.
async fn fault(host: &Host, what: &str) -> String {
    let verdict = host.before("custom.test", json!({ "params": { "do": what } })).await;
    let trace = verdict["trace"].as_array().unwrap().iter();
    let mine = trace.filter(|trace| trace["extension"] == "guest").collect::<Vec<_>>();
    mine[0]["fault"]["message"].as_str().unwrap_or_default().to_owned()
}

/// What `guest` reads of a call with these parameters, as it sees it.
async fn read(host: &Host, params: Value) -> Value {
    let mut params = params;
    params["do"] = "read-all".into();
    host.before("custom.test", json!({ "params": params, "id": "read-all" })).await;
    let entry = host.get("/v1/journal/read-all").await;
    let trace = entry["entries"][0]["trace"].as_array().unwrap().iter();
    let mine = trace.filter(|trace| trace["extension"] == "guest").collect::<Vec<_>>();
    let messages = mine[0]["log"].as_array().unwrap().iter();
    let records = messages.map(|record| record["message"].as_str().unwrap());
    let merged = records.filter_map(|record| serde_json::from_str::<Value>(record).ok());
    let mut all = serde_json::Map::new();
    merged.for_each(|record| all.extend(record.as_object().unwrap().clone()));
    all.into()
}

#[tokio::test]
async fn a_power_that_is_granted_is_in_force() {
    let host = host(plain("1.0.0"), "all").await;
    let verdict = host.before("custom.test", json!({ "params": { "do": "deny:no" } })).await;
    assert_eq!(verdict["verdict"], "deny");
}

#[tokio::test]
async fn a_power_that_is_not_granted_is_a_bad_answer() {
    let host = host(plain("1.0.0"), &format!("[\"{READ}\"]")).await;
    assert_eq!(
        fault(&host, "deny:no").await,
        "bad answer: it answered `deny`, a power that it was not granted for this hook"
    );
    assert_eq!(
        fault(&host, "skip").await,
        "bad answer: it answered `skip`, a power that it was not granted for this hook"
    );
    assert_eq!(
        fault(&host, "alter:name=x").await,
        "bad answer: it answered `alter`, a power that it was not granted for this hook"
    );
}

#[tokio::test]
async fn a_grant_and_a_revocation_take_effect_with_the_next_call() {
    let host = host(plain("1.0.0"), "none").await;
    let decide = async || {
        let verdict = host.before("custom.test", json!({ "params": { "do": "deny:no" } })).await;
        verdict["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(decide().await, "proceed");
    assert!(change(&host, json!({ "add": [DENY] })).await.status.is_success());
    assert_eq!(decide().await, "deny");
    assert!(change(&host, json!({ "revoke": [DENY] })).await.status.is_success());
    assert_eq!(decide().await, "proceed");
}

#[tokio::test]
async fn a_field_that_is_not_asked_for_is_not_there() {
    let host = host(with_reading("1.0.0", "[\"do\", \"name\"]"), "all").await;
    let seen = read(&host, json!({ "name": "ada", "quota": 5, "password": "canary" })).await;
    let names: Vec<_> = seen["json"]["params"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["name", "do"]);
    assert!(seen["params"].get("quota").is_none(), "{seen}");
}

#[tokio::test]
async fn a_field_that_is_not_granted_is_not_there() {
    let grants = "[\"read before:* do\"]";
    let host = host(with_reading("1.0.0", "[\"do\", \"name\"]"), grants).await;
    change(&host, json!({ "revoke": ["read before:* name"] })).await;
    let seen = read(&host, json!({ "name": "ada" })).await;
    assert_eq!(seen["json"]["params"], json!({ "do": "read-all" }));
}

#[tokio::test]
async fn kv_that_is_not_granted_says_what_to_do() {
    let host = host(plain("1.0.0"), "none").await;
    host.before("custom.test", json!({ "params": { "do": "kv-get:x" }, "id": "kv" })).await;
    let entries = host.get("/v1/journal/kv").await.to_string();
    assert!(
        entries.contains("is not granted; the operator can: palisade grants add guest"),
        "{entries}"
    );
}

#[tokio::test]
async fn an_extension_that_asks_is_refused_when_nobody_decides() {
    let host = guests::host("").await;
    let answer = host.request(Method::POST, "/v1/extensions", plain("1.0.0")).await;
    insta::assert_snapshot!(answer.refusal(), @"409 grants.undecided: `guest` asks for `deny before:*`, `skip before:*`, `alter before:* *`, `alter after:* *`, `use after:* password` and 2 more; nothing is installed until it is decided what is granted (hint: install with --grant-all, with --grant for each, with --grants FILE, or with --grant-none)");
    assert_eq!(
        host.request(Method::GET, "/v1/extensions/guest", "").await.code(),
        "extension.unknown"
    );
}

#[tokio::test]
async fn an_upgrade_that_asks_for_more_waits_while_the_old_version_runs() {
    let without_kv = |version: &str| {
        changed(version, |manifest| {
            manifest.replace("[needs.kv]\nreason = \"Tests the store.\"\n", "")
        })
    };
    let host = host(without_kv("1.0.0"), "all").await;
    let answer = host.request(Method::POST, "/v1/extensions", plain("2.0.0")).await.json();
    assert_eq!((&answer["change"], &answer["replaced"]), (&json!("waiting"), &json!("1.0.0")));
    let version = async || {
        let verdict = host.before("custom.test", json!({})).await;
        let trace = verdict["trace"].as_array().unwrap().iter();
        trace.filter(|trace| trace["extension"] == "guest").collect::<Vec<_>>()[0]["version"]
            .clone()
    };
    assert_eq!(version().await, "1.0.0");
    assert!(change(&host, json!({ "add": ["kv"] })).await.status.is_success());
    assert_eq!(version().await, "2.0.0");
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_with_the_reason() {
    let host = host(plain("1.0.0"), "none").await;
    let refusal = async |request: Value| change(&host, request).await.refusal();
    insta::assert_snapshot!(refusal(json!({ "add": ["deny before:mailbox.create"] })).await, @"422 grants.not-asked: `guest` does not ask for `deny before:mailbox.create` (hint: did you mean `deny before:*`?)");
    insta::assert_snapshot!(refusal(json!({ "revoke": ["kv"] })).await, @"422 grants.not-granted: `guest` was not granted `kv` (hint: palisade grants show guest)");
    insta::assert_snapshot!(refusal(json!({ "add": ["destroy everything"] })).await, @"422 request.invalid: `add[0]`: not a grant: it begins with none of deny, skip, alter, read, use, reveal, kv, http, command, provide, show, change, see: `destroy everything` at line 1 column 29");
    insta::assert_snapshot!(refusal(json!({ "all": true, "add": ["kv"] })).await, @"422 request.invalid: `all` and a list of grants exclude each other");
}

#[tokio::test]
async fn the_command_line_grants_shows_and_revokes() {
    let host = host(plain("1.0.0"), "none").await;
    let run = |arguments: &[&str]| {
        let output = host.cli(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["grants", "add", "guest", "kv", DENY]);
    let shown = run(&["grants", "show", "guest"]);
    assert!(shown.contains("granted      deny before:*"), "{shown}");
    assert!(shown.contains("not granted  skip before:*"), "{shown}");
    assert!(shown.contains("keep data on this host"), "{shown}");
    let exported = run(&["grants", "export", "guest"]);
    run(&["grants", "revoke", "guest", "kv"]);
    assert!(!run(&["grants", "export", "guest"]).contains("\"kv\""));
    let file = host.data().join("guest.grants.toml");
    std::fs::write(&file, &exported).unwrap();
    run(&["grants", "import", file.to_str().unwrap()]);
    assert_eq!(run(&["grants", "export", "guest"]), exported);
}

#[tokio::test]
async fn the_command_line_installs_with_what_it_is_told() {
    let host = guests::host("").await;
    let file = host.data().join("guest.wasm");
    std::fs::write(&file, plain("1.0.0")).unwrap();
    let install = |arguments: &[&str]| {
        let mut all = vec!["install", file.to_str().unwrap()];
        all.extend(arguments);
        let output = host.cli(&all);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (status, _, error) = install(&[]);
    assert_eq!(status, Some(1));
    assert!(error.contains("nothing is installed until it is decided"), "{error}");
    let (status, told, _) = install(&["--grant", "kv"]);
    assert_eq!(status, Some(0));
    assert!(told.contains("may keep data on this host"), "{told}");
    assert!(told.contains("may not deny every action"), "{told}");
    let output =
        cli_command(&["install", "x.wasm", "--grant", "comand smbpasswd"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `command`?"));
}
