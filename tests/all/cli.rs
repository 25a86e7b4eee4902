//! The command line: what it prints, where, and with which exit status.

mod alone;
mod calls;
mod panels;
mod programs;

use std::fs;
use std::process::Output;

use insta::assert_snapshot;
use palisade_tests::{Running, TestHost};

use crate::guests::{self, misbehaving_as};

/// What a command printed, with its exit status: standard error first, since it comes first on a terminal.
fn shown(output: &Output) -> String {
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{error}{out}exit {}", output.status.code().unwrap_or(-1))
}

/// Takes out of snapshots what differs from run to run.
fn varying() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[id]"),
        (r"[0-9a-f]{64}", "[digest]"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]"),
        (r"\b\d+(\.\d)? (µs|ms|s)\b", "[took]"),
        (r"\b\d+\.\d [kMG]\b", "[n]"),
        (r"\(\d+ bytes\)", "([n] bytes)"),
        (r"/\S*/\.tmp\w+", "[dir]"),
        // The width of a column goes by its widest value.
        (r" {3,}", "  "),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind_to_scope()
}

fn run(host: &Running, arguments: &[&str]) -> String {
    shown(&host.cli(arguments))
}

#[tokio::test]
async fn list_shows_what_is_installed() {
    let _varying = varying();
    let host = TestHost::new().start().await;
    assert_snapshot!(run(&host, &["list"]), @r#"
    nothing is installed; `palisade install FILE` installs an extension
    exit 0
    "#);
    let host = guests::host("").await;
    host.cli(&["disable", "misbehaving"]);
    assert_snapshot!(run(&host, &["list"]), @r#"
    ID  VERSION  STATE  POWERS  HOOKS
    misbehaving  1.0.0  disabled  alter, skip, deny  before:*, after:*
    reserved-names  1.0.0  enabled  deny  before:mailbox.create, before:customer.create, before:site.create, before:subdomain.create
    exit 0
    "#);
}

#[tokio::test]
async fn show_tells_everything_about_an_extension() {
    let _varying = varying();
    let host = guests::host("[extension.misbehaving]\npriority = 7\non-failure = \"deny\"").await;
    assert_snapshot!(run(&host, &["show", "misbehaving"]), @r#"
    misbehaving 1.0.0 (enabled)
    Misbehaving: Test guest: does what the parameter `do` of an event says, mostly wrong.
    licence: Apache-2.0
    component: [digest]
    installed: [time]

    HOOK  PRIORITY  POWERS  MAY ALTER  ON  WHEN  ON FAILURE  FUEL  DEADLINE  MEMORY
    before:*  7  alter, skip, deny  *  deny  [n]  [took]  [n]
    after:*  7  alter  *  succeeded  proceed  [n]  [took]  [n]

      GRANT  WANTS TO  BECAUSE
    granted  deny before:*  deny every action  Tests every power.
    granted  skip before:*  take every action over from the panel  Tests every power.
    granted  alter before:* *  alter every field that is not secret of every action  Tests every power.
    granted  read before:* *  read every field that is not secret of every action, before it is done  Tests every power.
    granted  alter after:* *  alter everything that is not secret in the result of every action  Tests every power.
    granted  use after:* password  hand on, unread, the secret `password` of every action, after it  Tests every power.
    granted  read after:* *  read every field that is not secret of every action, after it  Tests every power.
    granted  kv  keep data on this host  Tests the store.
    granted  command tool  run the command `tool`  Tests running commands.

    settings
      entries = ["one","two"]
      limit = 7
      note = a note
    exit 0
    "#);
    assert_snapshot!(run(&host, &["show", "misbehavin"]), @r#"
    error: no extension `misbehavin` is installed
    hint: did you mean `misbehaving`?
    exit 1
    "#);
}

#[tokio::test]
async fn install_says_what_it_did_and_what_the_extension_may_do() {
    let _varying = varying();
    let host = TestHost::new().start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = file("first.wasm", misbehaving_as("misbehaving", "1.0.0"));
    assert_snapshot!(run(&host, &["install", "--grant-all", &first]), @r#"
    installed `misbehaving` 1.0.0: Misbehaving
      may deny every action
      may take every action over from the panel
      may alter every field that is not secret of every action
      may read every field that is not secret of every action, before it is done
      may alter everything that is not secret in the result of every action
      may hand on, unread, the secret `password` of every action, after it
      may read every field that is not secret of every action, after it
      may keep data on this host
      may run the command `tool`
    exit 0
    "#);
    assert_snapshot!(run(&host, &["install", &first]), @r#"
    `misbehaving` 1.0.0 was installed already
      may deny every action
      may take every action over from the panel
      may alter every field that is not secret of every action
      may read every field that is not secret of every action, before it is done
      may alter everything that is not secret in the result of every action
      may hand on, unread, the secret `password` of every action, after it
      may read every field that is not secret of every action, after it
      may keep data on this host
      may run the command `tool`
    exit 0
    "#);
    let older = file("older.wasm", misbehaving_as("misbehaving", "0.9.0"));
    assert_snapshot!(run(&host, &["install", &older]), @r#"
    error: `misbehaving` 1.0.0 is installed; 0.9.0 does not replace it
    hint: raise the version, or install with --replace
    exit 1
    "#);
    assert_snapshot!(run(&host, &["install", "--replace", &older]), @r#"
    `misbehaving` 0.9.0 takes the place of 1.0.0
      may deny every action
      may take every action over from the panel
      may alter every field that is not secret of every action
      may read every field that is not secret of every action, before it is done
      may alter everything that is not secret in the result of every action
      may hand on, unread, the secret `password` of every action, after it
      may read every field that is not secret of every action, after it
      may keep data on this host
      may run the command `tool`
    exit 0
    "#);
    let text = file("text.wasm", b"hello world".to_vec());
    assert_snapshot!(run(&host, &["install", &text]), @r#"
    error: not WebAssembly: the file begins with `hello wo`, not with `\0asm`
    hint: give the file that cargo writes to target/wasm32-wasip2/release
    exit 1
    "#);
    assert_snapshot!(run(&host, &["install", "/nowhere/x.wasm"]), @r#"
    error: `/nowhere/x.wasm` cannot be read: No such file or directory (os error 2)
    exit 1
    "#);
}

#[tokio::test]
async fn enable_disable_and_remove_say_what_they_did() {
    let _varying = varying();
    let host = guests::host("").await;
    assert_snapshot!(run(&host, &["disable", "misbehaving"]), @r#"
    `misbehaving` is disabled
    exit 0
    "#);
    assert_snapshot!(run(&host, &["enable", "misbehaving"]), @r#"
    `misbehaving` is enabled
    exit 0
    "#);
    assert_snapshot!(run(&host, &["remove", "misbehaving"]), @r#"
    `misbehaving` 1.0.0 is removed, with everything that it kept
    exit 0
    "#);
    assert_snapshot!(run(&host, &["remove", "misbehaving"]), @r#"
    error: no extension `misbehaving` is installed
    exit 1
    "#);
}

#[tokio::test]
async fn settings_are_shown_set_and_taken_back() {
    let _varying = varying();
    let host = guests::host("").await;
    assert_snapshot!(run(&host, &["settings", "misbehaving"]), @r#"
    SETTING  VALUE  DESCRIPTION
    entries  ["one","two"]  default  A list to read back.
    limit  7  default  A whole number to read back.
    note  a note  default  A text to read back.
    exit 0
    "#);
    let set = ["settings", "misbehaving", "limit=9", "entries=a, b", "note=x = y"];
    assert_snapshot!(run(&host, &set), @r#"
    SETTING  VALUE  DESCRIPTION
    entries  ["a","b"]  set  A list to read back.
    limit  9  set  A whole number to read back.
    note  x = y  set  A text to read back.
    exit 0
    "#);
    assert_snapshot!(run(&host, &["settings", "misbehaving", "--unset", "limit"]), @r#"
    SETTING  VALUE  DESCRIPTION
    entries  ["a","b"]  set  A list to read back.
    limit  7  default  A whole number to read back.
    note  x = y  set  A text to read back.
    exit 0
    "#);
    assert_snapshot!(run(&host, &["settings", "misbehaving", "--unset", "limit"]), @r#"
    error: the setting `limit` is not set; it has its default already
    exit 1
    "#);
    assert_snapshot!(run(&host, &["settings", "misbehaving", "limt=9"]), @r#"
    error: the extension has no setting `limt`
    hint: did you mean `limit`?
    exit 1
    "#);
    assert_snapshot!(run(&host, &["settings", "misbehaving", "limit=many"]), @r#"
    error: the setting `limit` is of type integer: `many`
    exit 1
    "#);
    assert_snapshot!(run(&host, &["settings", "misbehaving", "limit"]), @r#"
    error: a setting is NAME=VALUE: `limit`
    exit 1
    "#);
    let given = host.get("/v1/extensions/misbehaving/settings").await;
    assert_eq!(given, serde_json::json!({ "entries": ["a", "b"], "note": "x = y" }));
}

#[tokio::test]
async fn settings_can_come_from_a_file() {
    let _varying = varying();
    let host = guests::host("").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, "{\"limit\": 1}").unwrap();
    let path = file.path().to_str().unwrap();
    assert!(host.cli(&["settings", "misbehaving", "--file", path]).status.success());
    let given = host.get("/v1/extensions/misbehaving/settings").await;
    assert_eq!(given, serde_json::json!({ "limit": 1 }));
    fs::write(&file, "[1]").unwrap();
    assert_snapshot!(run(&host, &["settings", "misbehaving", "--file", path]), @r#"
    error: `[dir]` is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
    exit 1
    "#);
    fs::write(&file, "{\"limit\": \"x\"}").unwrap();
    assert_snapshot!(run(&host, &["settings", "misbehaving", "--file", path]), @r#"
    error: the settings do not match the schema: `limit`: "x" is not of type "integer"
    exit 1
    "#);
}
