//! Secret settings: given without being shown, sealed on disk, and not opened by another key.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use hyper::Method;
use palisade_tests::{Running, TestHost, cli_command};
use serde_json::json;

use crate::guests::{ByHand, PROCEED, packed};

const CANARY: &str = "canary-3f0a";
const SETTINGS: &str = "/v1/extensions/crm/settings";

/// An extension with a secret setting `token` beside one that is none.
fn crm() -> Vec<u8> {
    let manifest = "manifest = 1\n[extension]\nid = \"crm\"\nname = \"CRM\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
        [[on]]\nhook = \"before:*\"\n\
        [settings]\ntype = \"object\"\nadditionalProperties = false\n\
        [settings.properties.token]\ntype = \"string\"\nwriteOnly = true\n\
        [settings.properties.most]\ntype = \"integer\"\n";
    packed(&ByHand { core: PROCEED, ..ByHand::default() }.component(), manifest)
}

async fn with_token() -> Running {
    let host = TestHost::new().start().await;
    assert!(host.install_bytes(crm()).await.status.is_success());
    let given = json!({ "token": CANARY, "most": 5 }).to_string();
    let answer = host.request(Method::PUT, SETTINGS, given).await;
    assert!(answer.status.is_success() && !answer.text.contains(CANARY), "{}", answer.text);
    host
}

/// Runs the command line with this standard input.
fn with_input(host: &Running, arguments: &[&str], input: &str) -> Output {
    let mut child = cli_command(arguments)
        .env("PALISADE_SOCKET", host.socket())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => vec![entry.path()],
        })
        .collect()
}

fn has_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_api_does_not_show_a_secret_setting() {
    let host = with_token().await;
    assert_eq!(host.get(SETTINGS).await, json!({ "token": { "$secret": null }, "most": 5 }));
    let shown = host.get("/v1/extensions/crm").await;
    assert_eq!(shown["settings"], json!({ "token": { "$secret": null }, "most": 5 }));
}

#[tokio::test]
async fn the_command_line_does_not_show_a_secret_setting() {
    let host = with_token().await;
    for arguments in [
        &["settings", "crm"][..],
        &["settings", "crm", "--json"],
        &["show", "crm"],
        &["show", "crm", "--json"],
    ] {
        let output = host.cli(arguments);
        assert!(output.status.success() && !has_canary(&output.stdout), "{}", text(&output.stdout));
    }
}

#[tokio::test]
async fn another_setting_can_be_changed_and_the_secret_stays() {
    let host = with_token().await;
    assert!(host.cli(&["settings", "crm", "most=6"]).status.success());
    assert_eq!(host.get(SETTINGS).await, json!({ "token": { "$secret": null }, "most": 6 }));
}

#[tokio::test]
async fn a_secret_setting_is_read_from_standard_input() {
    let host = TestHost::new().start().await;
    assert!(host.install_bytes(crm()).await.status.is_success());
    for setting in ["token=-", "token"] {
        let output = with_input(&host, &["settings", "crm", setting], &format!("{CANARY}\n"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(!has_canary(&output.stdout) && !has_canary(&output.stderr));
        assert_eq!(host.get(SETTINGS).await, json!({ "token": { "$secret": null } }));
    }
}

#[tokio::test]
async fn nothing_on_disk_and_nothing_in_the_log_has_a_secret_setting() {
    let mut host = with_token().await;
    assert!(host.stop().await.success());
    let files = files(host.data());
    assert!(files.iter().any(|file| file.ends_with("seal.key")));
    for file in files {
        assert!(!has_canary(&fs::read(&file).unwrap()), "{}", file.display());
    }
}

#[tokio::test]
async fn with_another_key_the_host_does_not_start_and_says_what_to_do() {
    let mut host = with_token().await;
    assert!(host.stop().await.success());
    let mut other = TestHost::new().data(host.data()).env("PALISADE_KEY", &"0".repeat(64)).spawn();
    assert_eq!(other.ended().await.code(), Some(78));
    let log = other.log();
    let error = "the secret settings `token` of `crm` cannot be opened: the key in the environment's `PALISADE_KEY` does not open it";
    assert!(log.contains(error) && log.contains("hint: give the host the key"), "{log}");
}

#[tokio::test]
async fn without_its_key_the_host_starts_when_the_secrets_are_forgotten() {
    let mut host = with_token().await;
    assert!(host.stop().await.success());
    fs::remove_file(host.data().join("seal.key")).unwrap();
    let data = host.data().to_str().unwrap();
    let verify = cli_command(&["store", "verify", "--data", data]).output().unwrap();
    assert!(text(&verify.stderr).contains("there is no key"), "{}", text(&verify.stderr));
    assert!(!host.data().join("seal.key").exists(), "looking makes no key");

    let forget = cli_command(&["store", "forget-secrets", "crm", "--data", data]).output().unwrap();
    assert_eq!(text(&forget.stdout), "forgot token of `crm`\n");
    let again = TestHost::new().data(host.data()).start().await;
    assert_eq!(again.get(SETTINGS).await, json!({ "most": 5 }));
}
