//! Commands of the operator, run by guests: who may run one, what it gets, and what is left of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use palisade_tests::{Running, TestHost, wait_until};
use serde_json::{Value, json};

use crate::guests::{self, logged, trace};

const CANARY: &str = "canary-71c4";

/// The table of a command `tool` that is a fixed script of the shell; the rest of the table follows.
fn script(script: &str, rest: &str) -> String {
    format!("[command.tool]\nprogram = '/bin/sh'\narguments = ['-c', '{script}']\n{rest}\n")
}

/// The table of a command `tool` that prints the value of its parameter.
fn echo(pattern: &str) -> String {
    format!(
        "[command.tool]\nprogram = '/usr/bin/printf'\narguments = ['%s', '{{text}}']\n\
         [command.tool.parameters]\ntext = '{pattern}'\n"
    )
}

/// Tells `misbehaving` to run a command, with these parameters beside.
async fn tell(host: &Running, command: &str, more: Value) -> Value {
    let mut params = json!({ "do": command });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.after("custom.test", json!({ "status": "succeeded", "params": params })).await
}

/// What the commands came to that a guest ran.
async fn results(host: &Running, verdict: &Value) -> Vec<Value> {
    let log = logged(host, verdict).await;
    let results =
        log.iter().filter_map(|line| serde_json::from_str(line.strip_prefix("info ")?).ok());
    results.map(|result: Value| result["command"].clone()).collect()
}

/// Tells `misbehaving` to run `tool`, and returns what it came to.
async fn tool(host: &Running, more: Value) -> Value {
    let verdict = tell(host, "command:tool", more).await;
    let results = results(host, &verdict).await;
    results.into_iter().next().unwrap_or_else(|| panic!("nothing was run: {verdict}"))
}

/// What the journal says that a call used.
async fn uses(host: &Running, verdict: &Value) -> Value {
    logged(host, verdict).await;
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    trace(&host.get(&path).await["entries"][0], "misbehaving")["uses"].clone()
}

/// Waits until there is no such process, or nothing of it but its number.
async fn gone(pid: &str) {
    let stat = Path::new("/proc").join(pid).join("stat");
    wait_until("a process to end", async || {
        fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}

#[tokio::test]
async fn a_command_that_is_granted_runs_and_its_output_comes_back() {
    let host = guests::host(&echo(".*")).await;
    assert_eq!(
        tool(&host, json!({ "arg-text": "$(id); `id` > x" })).await,
        json!({ "exited": 0, "stdout": "$(id); `id` > x", "stdout_bytes": 15, "stderr": "", "cut": false })
    );
}

#[tokio::test]
async fn the_journal_says_what_was_run() {
    let host = guests::host(&echo(".*")).await;
    let verdict = tell(&host, "command-twice:tool", json!({ "arg-text": "x" })).await;
    let used = json!([{ "capability": "command", "what": "tool", "times": 2 }]);
    let uses = uses(&host, &verdict).await;
    assert_eq!((&uses[0]["what"], &uses[0]["times"]), (&used[0]["what"], &used[0]["times"]));
}

#[tokio::test]
async fn a_command_that_is_not_asked_for_is_denied() {
    let host = guests::host("[command.other]\nprogram = '/bin/true'").await;
    let verdict = tell(&host, "command:other", json!({})).await;
    assert_eq!(
        results(&host, &verdict).await,
        [json!({ "error": { "denied": "the manifest does not ask for `command other`" } })]
    );
}

#[tokio::test]
async fn a_command_that_is_not_granted_is_denied_and_the_journal_says_so() {
    let host = guests::host(&echo(".*")).await;
    let path = "/v1/extensions/misbehaving/grants";
    host.post(path, json!({ "revoke": ["command tool"] })).await;
    let verdict = tell(&host, "command:tool", json!({ "arg-text": "x" })).await;
    let why = "`command tool` is not granted; the operator can: palisade grants add misbehaving \"command tool\"";
    assert_eq!(results(&host, &verdict).await, [json!({ "error": { "denied": why } })]);
    assert_eq!(uses(&host, &verdict).await[0]["refused"], 1);
}

#[tokio::test]
async fn a_command_that_is_not_defined_is_unknown() {
    let host = guests::host("").await;
    assert_eq!(tool(&host, json!({})).await, json!({ "error": "unknown" }));
}

#[tokio::test]
async fn a_value_that_is_not_allowed_runs_nothing() {
    let host = guests::host(&echo("[a-z]+")).await;
    let why = "the value of `text` does not match `[a-z]+`: `a\\nb`";
    assert_eq!(
        tool(&host, json!({ "arg-text": "a\nb" })).await,
        json!({ "error": { "invalid-argument": why } })
    );
}

#[tokio::test]
async fn a_rehearsal_runs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ran");
    let host = guests::host(&script(&format!("echo > {}", file.display()), "")).await;
    let request = json!({ "params": { "do": "command:tool" }, "dry_run": true });
    let verdict = host.before("custom.test", request).await;
    assert_eq!(verdict["verdict"], "proceed");
    assert!(!file.exists());
    assert_eq!(tool(&host, json!({})).await["exited"], 0);
    assert!(file.exists(), "it runs when it is meant");
}

#[tokio::test]
async fn more_than_a_call_may_run_is_refused() {
    let host = guests::host(&script("true", "[commands]\nper-call = 2")).await;
    let verdict = tell(&host, "command-flood:tool", json!({})).await;
    let results = results(&host, &verdict).await;
    let refused = json!({ "error": { "limited": "`commands.per-call` is 2" } });
    assert_eq!(results.iter().filter(|result| **result == refused).count(), 18);
    assert_eq!(results.iter().filter(|result| result["exited"] == 0).count(), 2);
}

#[tokio::test]
async fn more_than_an_extension_may_run_in_a_minute_is_refused() {
    let host = guests::host(&script("true", "[commands]\nper-minute = 1")).await;
    assert_eq!(tool(&host, json!({})).await["exited"], 0);
    assert_eq!(
        tool(&host, json!({})).await,
        json!({ "error": { "limited": "`commands.per-minute` is 1" } })
    );
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_and_the_guest_goes_on() {
    let host = guests::host(&script("sleep 1000", "timeout-ms = 300")).await;
    assert_eq!(tool(&host, json!({})).await, json!({ "error": { "timeout": 300 } }));
}

#[tokio::test]
async fn a_command_is_killed_at_the_deadline_of_the_call() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pids");
    let text = format!("sleep 1000 & echo $$ $! > {}; wait", file.display());
    let limits = "[extension.misbehaving.limits]\ndeadline-ms = 3000";
    let host = guests::host(&format!("{}{limits}", script(&text, "timeout-ms = 600000"))).await;
    let verdict = tell(&host, "command:tool", json!({})).await;
    assert_eq!(trace(&verdict, "misbehaving")["fault"]["code"], "deadline");
    let pids = fs::read_to_string(&file).unwrap();
    for pid in pids.split_whitespace() {
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_flood_is_cut_and_the_guest_is_told() {
    let host = guests::host(&script(
        "head -c 100000000 /dev/zero",
        "output-bytes = 500\ntimeout-ms = 25000",
    ))
    .await;
    let result = tool(&host, json!({})).await;
    assert_eq!(
        (&result["exited"], &result["stdout_bytes"], &result["cut"]),
        (&json!(0), &json!(500), &json!(true))
    );
}

#[tokio::test]
async fn a_command_is_told_the_chain_of_causes() {
    let command =
        "[command.tool]\nprogram = '/usr/bin/printf'\narguments = ['%s', '{causation}']\n";
    let host = guests::host(command).await;
    let request = json!({
        "status": "succeeded",
        "params": { "do": "command:tool" },
        "id": "a2",
        "caused_by": [{ "extension": "other", "action_id": "a1" }],
    });
    let verdict = host.after("custom.test", request).await;
    let id = verdict["action_id"].as_str().unwrap();
    let result = results(&host, &verdict).await;
    assert_eq!(result[0]["stdout"], format!("other/a1,misbehaving/{id}"));
}

#[tokio::test]
async fn a_command_has_no_descriptors_but_the_three() {
    let text =
        "n=3; while [ $n -lt 300 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done; true";
    let host = guests::host(&script(text, "")).await;
    assert_eq!(tool(&host, json!({})).await["stdout"], "");
}

#[tokio::test]
async fn what_a_command_says_of_a_secret_does_not_reach_the_guest() {
    let command = "[command.tool]\nprogram = '/bin/cat'\nstdin = 'it is {text}'\n\
                   [command.tool.parameters]\ntext = '.*'\n";
    let host = guests::host(command).await;
    let params = json!({ "password": CANARY, "hand-text": "password" });
    let result = tool(&host, params).await;
    assert_eq!(result["stdout"], "it is [secret]");
}

/// A program in the place of `smbpasswd`, which writes its arguments and its standard input to files. While it runs,
/// it looks whether a command line of the machine has the canary.
fn fake_smbpasswd(directory: &Path) -> String {
    let path = directory.join("smbpasswd");
    let here = directory.display();
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {here}/arguments\n\
         cat >> {here}/stdin\n\
         cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\\0' ' ' > {here}/lines\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let command = |name: &str, arguments: &str, rest: &str| {
        format!(
            "[command.{name}]\nprogram = '{}'\narguments = {arguments}\n{rest}\n[command.{name}.parameters]\n\
             user = '[a-z][a-z0-9_-]{{0,31}}'\n",
            path.display()
        )
    };
    let password = "stdin = \"{password}\\n{password}\\n\"";
    let set = command("smbpasswd", "['-s', '-a', '{user}']", password);
    let remove = command("smbpasswd-remove", "['-x', '{user}']", "");
    format!("{set}password = '.{{1,128}}'\n{remove}")
}

/// A host with `samba-sync` and a fake `smbpasswd` in this directory.
async fn with_samba(directory: &Path) -> Running {
    let host = TestHost::new().config(&fake_smbpasswd(directory)).start().await;
    host.install("samba-sync").await;
    host
}

async fn customer(host: &Running, action: &str, params: Value) -> Value {
    let action = format!("customer.{action}");
    host.after(&action, json!({ "status": "succeeded", "params": params })).await
}

#[tokio::test]
async fn a_customer_gets_a_samba_account_and_loses_it() {
    let directory = tempfile::tempdir().unwrap();
    let host = with_samba(directory.path()).await;
    customer(&host, "create", json!({ "login": "ada", "password": "one" })).await;
    customer(&host, "update", json!({ "login": "ada", "password": "two" })).await;
    customer(&host, "update", json!({ "login": "ada", "email": "ada@example.com" })).await;
    customer(&host, "delete", json!({ "login": "ada" })).await;
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("arguments"), "-s -a ada\n-s -a ada\n-x ada\n");
    assert_eq!(read("stdin"), "one\none\ntwo\ntwo\n");
}

#[tokio::test]
async fn a_batch_of_customers_gets_an_account_each() {
    let directory = tempfile::tempdir().unwrap();
    let host = with_samba(directory.path()).await;
    let item = |login: &str| json!({ "params": { "login": login }, "status": "succeeded" });
    let batch = json!({ "items": [item("ada"), item("bob")] });
    host.post("/v1/actions/customer.delete/after/batch", batch).await;
    let arguments = fs::read_to_string(directory.path().join("arguments")).unwrap();
    let mut lines: Vec<&str> = arguments.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["-x ada", "-x bob"]);
}

#[tokio::test]
async fn a_password_is_in_no_command_line_and_not_in_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let host = with_samba(directory.path()).await;
    let params = json!({ "login": "ada", "password": CANARY });
    let verdict = customer(&host, "create", params).await;
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(read("stdin"), format!("{CANARY}\n{CANARY}\n"));
    assert!(read("lines").contains("smbpasswd") && !read("lines").contains(CANARY));
    logged(&host, &verdict).await;
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    let journal = host.get(&path).await.to_string();
    assert!(journal.contains("smbpasswd") && !journal.contains(CANARY), "{journal}");
    assert!(!host.log().contains(CANARY));
}

#[tokio::test]
async fn a_login_that_could_be_an_option_is_told_to_the_operator() {
    let directory = tempfile::tempdir().unwrap();
    let host = with_samba(directory.path()).await;
    let verdict = customer(&host, "delete", json!({ "login": "-x" })).await;
    let fault = &trace(&verdict, "samba-sync")["fault"];
    assert_eq!(fault["code"], "failure");
    assert!(!directory.path().join("arguments").exists());
}
