//! What scripts can rely on: exit statuses, JSON, pipes that close, completions.

use std::process::{Output, Stdio};

use palisade_tests::{Running, TestHost, cli_command};
use serde_json::Value;

use super::shown;
use crate::guests;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The verbs that `--help` lists, with those below them.
fn verbs() -> Vec<Vec<String>> {
    let below = |verb: &[String]| {
        let arguments: Vec<&str> = verb.iter().map(String::as_str).chain(["--help"]).collect();
        let help = cli_command(&arguments).output().unwrap();
        assert!(help.status.success() && help.stderr.is_empty(), "{verb:?}: {}", shown(&help));
        let help = text(&help.stdout);
        assert!(help.contains("Usage: palisade"), "{help}");
        let commands = help
            .split_once("Commands:\n")
            .map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
        // The descriptions are wrapped and stand further in.
        let names = commands
            .lines()
            .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
        let names = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help");
        names.map(|name| [verb, &[name.to_owned()]].concat()).collect::<Vec<_>>()
    };
    let mut all = below(&[]);
    let mut next = 0;
    while next < all.len() {
        let more = below(&all[next]);
        all.extend(more);
        next += 1;
    }
    all
}

#[test]
fn every_verb_explains_itself() {
    let verbs: Vec<String> = verbs().iter().map(|verb| verb.join(" ")).collect();
    insta::assert_snapshot!(verbs.join(", "), @"serve, install, list, show, enable, disable, remove, grants, settings, fire, journal, orders, pack, events, config, console, doctor, store, bridge, completions, grants show, grants add, grants revoke, grants export, grants import, config check, store export, store import, store forget-secrets, store verify, bridge register, bridge unregister, bridge check, bridge simulate, bridge record, bridge replay");
}

#[test]
fn the_exit_statuses_are_in_the_help() {
    let help = text(&cli_command(&["--help"]).output().unwrap().stdout);
    let (_, statuses) = help.split_once("Exit status:").unwrap();
    insta::assert_snapshot!(statuses, @r#"
     0 done, 1 refused or failed, 2 wrong usage, 3 the host cannot be reached,
    4 `fire` was denied, 5 `fire` was skipped, 78 the store or the configuration cannot be used.
    "#);
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[] as &[_],
        &["lsit"],
        &["install"],
        &["fire", "a.b", "--status", "failed"],
        &["journal", "--limit", "many"],
    ] {
        let output = cli_command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", shown(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_host_that_cannot_be_reached_ends_with_3_and_a_hint() {
    let call = |arguments: &[&str]| {
        shown(&cli_command(arguments).env("PALISADE_SOCKET", "/nowhere/p.sock").output().unwrap())
    };
    insta::assert_snapshot!(call(&["list"]), @r#"
    error: no host can be reached at `/nowhere/p.sock`: No such file or directory (os error 2)
    hint: start one with `palisade serve`, or name its socket by --socket or PALISADE_SOCKET
    exit 3
    "#);
    for arguments in [
        &["show", "x"] as &[_],
        &["fire", "a.b"],
        &["journal"],
        &["settings", "x"],
        &["store", "export", "/tmp/never"],
    ] {
        assert!(call(arguments).ends_with("exit 3"), "{arguments:?}");
    }
    assert!(!std::path::Path::new("/tmp/never").exists());
}

#[tokio::test]
async fn a_host_is_found_by_flag_by_environment_and_by_configuration() {
    let host = TestHost::new().start().await;
    let socket = host.socket();
    let socket = socket.to_str().unwrap();
    let config = host.data().join("client.toml");
    std::fs::write(&config, format!("data = \"{}\"", host.data().display())).unwrap();
    let config = config.to_str().unwrap();
    assert!(cli_command(&["list", "--socket", socket]).output().unwrap().status.success());
    assert!(
        cli_command(&["list"]).env("PALISADE_SOCKET", socket).output().unwrap().status.success()
    );
    assert!(cli_command(&["list", "--config", config]).output().unwrap().status.success());
    let flag_wins = cli_command(&["list", "--socket", socket])
        .env("PALISADE_SOCKET", "/nowhere")
        .output()
        .unwrap();
    assert!(flag_wins.status.success());
}

#[tokio::test]
async fn a_connection_that_breaks_ends_with_3() {
    let host = TestHost::new().config("[server]\nheader-timeout-ms = 100").start().await;
    // A socket on which somebody else listens, who says nothing that makes sense.
    let path = host.data().join("other.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let nonsense = tokio::spawn(async move { drop(listener.accept().await) });
    let output = tokio::task::spawn_blocking(move || {
        cli_command(&["list"]).env("PALISADE_SOCKET", path).output().unwrap()
    })
    .await
    .unwrap();
    nonsense.await.unwrap();
    let shown = shown(&output);
    assert!(
        shown.starts_with("error: the connection to the host at ") && shown.ends_with("exit 3"),
        "{shown}"
    );
}

fn json(host: &Running, arguments: &[&str]) -> Value {
    let output = host.cli(&[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", shown(&output)))
}

#[tokio::test]
async fn everything_that_is_printed_can_be_json() {
    let host = guests::host("").await;
    let packed = palisade_tests::guest("misbehaving");
    let packed = packed.to_str().unwrap();
    assert_eq!(json(&host, &["list"]).as_array().unwrap().len(), 2);
    assert_eq!(json(&host, &["show", "misbehaving"])["id"], "misbehaving");
    assert_eq!(json(&host, &["install", packed])["change"], "unchanged");
    assert_eq!(json(&host, &["settings", "misbehaving", "limit=8"])["limit"], 8);
    assert_eq!(json(&host, &["disable", "misbehaving"])["state"], "disabled");
    assert_eq!(json(&host, &["enable", "misbehaving"])["state"], "enabled");
    assert_eq!(json(&host, &["fire", "a.b", "--id", "one"])["verdict"], "proceed");
    assert_eq!(json(&host, &["journal"])["entries"][0]["action_id"], "one");
    assert_eq!(json(&host, &["journal", "one"])["entries"].as_array().unwrap().len(), 1);
    assert_eq!(json(&host, &["events", "mailbox.create"])["name"], "mailbox.create");
    assert!(json(&host, &["events"]).is_array());
    assert_eq!(json(&host, &["config"])["log"], "info");
    assert_eq!(
        json(&host, &["config", "check", host.data().join("palisade.toml").to_str().unwrap()])["valid"],
        true
    );
    let export = host.data().join("export");
    assert!(
        json(&host, &["store", "export", export.to_str().unwrap()])["bytes"].as_u64().unwrap() > 0
    );
    assert_eq!(json(&host, &["remove", "misbehaving"])["id"], "misbehaving");
}

#[tokio::test]
async fn an_error_can_be_json_too() {
    let host = guests::host("").await;
    let output = host.cli(&["show", "misbehavin", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    insta::assert_json_snapshot!(error, @r#"
    {
      "error": {
        "code": "extension.unknown",
        "message": "no extension `misbehavin` is installed",
        "hint": "did you mean `misbehaving`?"
      }
    }
    "#);
}

/// Runs this with a standard output that nobody reads.
fn unread(host: &Running, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = cli_command(arguments);
    command
        .env("PALISADE_SOCKET", host.socket())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let host = guests::host("").await;
    for arguments in [
        &["list"] as &[_],
        &["list", "--json"],
        &["show", "misbehaving"],
        &["events"],
        &["journal"],
        &["config"],
        &["completions", "bash"],
        &["fire", "custom.test"],
        &["--help"],
    ] {
        let output = unread(&host, arguments);
        assert_eq!(
            (output.status.code(), text(&output.stderr).as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn there_are_completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = cli_command(&["completions", shell]).output().unwrap();
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("journal"), "{shell}");
    }
    let unknown = cli_command(&["completions", "csh"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_completions_for_bash_are_a_script_that_bash_takes() {
    let script = cli_command(&["completions", "bash"]).output().unwrap().stdout;
    let checked =
        std::process::Command::new("bash").args(["-n", "-c", &text(&script)]).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn the_version_is_printed() {
    let output = cli_command(&["--version"]).output().unwrap();
    assert_eq!(text(&output.stdout), format!("palisade {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_configuration_that_is_wrong_ends_with_78() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("palisade.toml");
    std::fs::write(&path, "[limits.before]\nfuel = 0\ndeadline-ms = 1\nchain-deadline-ms = 1")
        .unwrap();
    for verb in ["serve", "list", "config"] {
        let output = cli_command(&[verb]).env("PALISADE_CONFIG", &path).output().unwrap();
        let expected = "is wrong: `limits.before.fuel` must be more than 0\nexit 78";
        assert!(shown(&output).ends_with(expected), "{verb}: {}", shown(&output));
    }
    let output =
        cli_command(&["serve", "--log", "a=b=c", "--data"]).arg(directory.path()).output().unwrap();
    assert!(shown(&output).ends_with("exit 78"), "{}", shown(&output));
}
