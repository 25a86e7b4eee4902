//! One secret is pushed through every way there is, and then everything that the host keeps or says is searched for
//! it, in every usual encoding. The answer to the panel's own call is the one place where it may be.

pub mod search;

use hyper::Method;
use palisade_tests::{Running, TestHost, cli_command, guest, wait_until};
use serde_json::{Value, json};

use self::search::{CANARY, SETTING, found_in};
use crate::guests::{UNWATCHED, trace};

/// Ways in which the guest `revealing` puts a secret where somebody may see it, and what becomes of the call.
const WAYS: [(&str, &str); 18] = [
    ("keep", "proceed"),
    ("log", "proceed"),
    ("log-field", "proceed"),
    ("stdout", "proceed"),
    ("stderr", "proceed"),
    ("ask", "proceed"),
    ("panic", "trap"),
    ("fail", "failure"),
    ("deny", "deny"),
    ("deny-code", "deny"),
    ("deny-field", "deny"),
    ("skip-reason", "skip"),
    ("skip-result", "skip"),
    ("skip-member", "skip"),
    ("alter-note", "bad-answer"),
    ("alter-json", "bad-answer"),
    ("alter-name", "bad-answer"),
    // It may alter every field that is not secret, and so not this one.
    ("alter-pin", "bad-answer"),
];
/// What it makes of the secret first.
const FORMS: [&str; 9] =
    ["raw", "quoted", "base64", "base64url", "basic", "hex", "hex-upper", "form", "percent"];
/// Which secret it is: by name, marked by the panel, within a list, and a setting.
const SECRETS: [&str; 4] = ["password", "pin", "keys", "setting"];

/// A host with `revealing`, which is granted all that it asks for and has a secret setting.
async fn host() -> Running {
    let host = TestHost::new().config(UNWATCHED).start().await;
    let guest = std::fs::read(guest("revealing")).unwrap();
    let answer = host.request(Method::POST, "/v1/extensions?grants=all", guest).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let settings = json!({ "api-key": SETTING });
    let path = "/v1/extensions/revealing/settings";
    let answer = host.request(Method::PUT, path, settings.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    assert_eq!(found_in("the answer to new settings", &answer.text), None);
    host
}

/// What a panel sends: the canary in every place where a secret can be.
fn params(command: &str) -> Value {
    json!({
        "do": command,
        "note": "nothing",
        "password": CANARY,
        "pin": { "$secret": CANARY },
        "keys": { "$secret": [CANARY, "another"] },
        "api_token": [CANARY],
        "account": { "name": "u1", "password": CANARY },
    })
}

fn request(command: &str) -> Value {
    json!({ "params": params(command), "old": params(""), "actor": { "id": "u1" } })
}

/// An answer to the panel without the places where its own secrets go back to it.
fn for_others(mut verdict: Value, phase: &str) -> Value {
    let members = verdict.as_object_mut().unwrap();
    members.remove("params");
    if phase == "after" {
        members.remove("result");
    }
    verdict
}

/// How the call of `revealing` ended: its outcome or the code of its fault.
fn end(verdict: &Value) -> &str {
    let trace = trace(verdict, "revealing");
    trace["outcome"].as_str().or(trace["fault"]["code"].as_str()).unwrap_or("nothing")
}

/// Everything that the host says of the past to anybody who asks, as what it is and its text.
async fn everything_said(host: &Running) -> Vec<(String, String)> {
    let mut said = vec![("the log".to_owned(), host.log())];
    for path in [
        "/v1/journal?limit=1000",
        "/metrics",
        "/v1/status",
        "/v1/config",
        "/v1/extensions",
        "/v1/extensions/revealing",
        "/v1/extensions/revealing/settings",
        "/v1/extensions/revealing/grants",
    ] {
        let answer = host.request(Method::GET, path, "").await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        said.push((path.to_owned(), answer.text));
    }
    for arguments in [
        &["journal"] as &[_],
        &["journal", "--json"],
        &["list"],
        &["show", "revealing"],
        &["show", "revealing", "--json"],
        &["settings", "revealing"],
    ] {
        let output = host.cli(arguments);
        assert!(output.status.success(), "{arguments:?}");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        said.push((arguments.join(" "), text));
    }
    said
}

/// Waits until the journal has the call of this verdict.
async fn journaled(host: &Running, verdict: &Value) {
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    wait_until("the journal", async || {
        host.request(Method::GET, &path, "").await.status.is_success()
    })
    .await;
}

/// What of everything that is said has the canary in it.
fn leaks(said: &[(String, String)]) -> Vec<String> {
    said.iter().filter_map(|(what, text)| found_in(what, text)).collect()
}

#[tokio::test]
async fn a_secret_that_a_handler_read_is_seen_nowhere_in_any_form() {
    let host = host().await;
    let mut leaked = Vec::new();
    let mut last = Value::Null;
    for (way, wanted) in WAYS {
        for form in FORMS {
            for secret in SECRETS {
                let command = format!("{way}:{form}:{secret}");
                let verdict = host.before("custom.test", request(&command)).await;
                assert_eq!(end(&verdict), wanted, "{command}: {verdict}");
                let shown = for_others(verdict.clone(), "before").to_string();
                leaked.extend(found_in(&command, &shown));
                last = verdict;
            }
        }
    }
    journaled(&host, &last).await;
    leaked.extend(leaks(&everything_said(&host).await));
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn a_secret_that_a_handler_read_is_seen_nowhere_after_an_action() {
    let host = host().await;
    let mut leaked = Vec::new();
    let mut last = Value::Null;
    let result = json!({ "id": 5, "password": CANARY, "account": { "token": CANARY } });
    for way in ["keep", "log", "panic", "fail", "alter-note", "alter-json", "alter-name"] {
        let mut request = request(&format!("{way}:raw:password"));
        request["result"] = result.clone();
        let verdict = host.after("custom.test", request).await;
        leaked.extend(found_in(way, &for_others(verdict.clone(), "after").to_string()));
        assert_eq!(verdict["result"], result, "{way}");
        last = verdict;
    }
    journaled(&host, &last).await;
    leaked.extend(leaks(&everything_said(&host).await));
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn a_text_that_is_cut_within_a_secret_does_not_show_its_beginning() {
    let host = host().await;
    let mut leaked = Vec::new();
    let mut last = Value::Null;
    let commands = (4_050..4_100)
        .step_by(4)
        .map(|at| format!("log@{at}"))
        .chain((900..1_004).step_by(4).map(|at| format!("panic@{at}")))
        .chain((960..1_004).step_by(4).map(|at| format!("fail@{at}")));
    for command in commands {
        last = host.before("custom.test", request(&command)).await;
        leaked.extend(found_in(&command, &for_others(last.clone(), "before").to_string()));
    }
    journaled(&host, &last).await;
    leaked.extend(leaks(&everything_said(&host).await));
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn a_secret_may_move_into_a_secret_field_and_is_seen_by_the_panel_alone() {
    let host = host().await;
    let verdict = host.before("customer.update", request("alter-pin:raw:password")).await;
    assert!(verdict["params"]["pin"].to_string().contains(&CANARY[..8]), "{verdict}");
    let alteration = json!({ "field": "pin", "from": { "$secret": null }, "to": { "$secret": null }, "extension": "revealing" });
    assert_eq!(verdict["alterations"], json!([alteration]));
    journaled(&host, &verdict).await;
    assert_eq!(leaks(&everything_said(&host).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_in_a_batch_goes_back_to_the_panel_alone() {
    let host = host().await;
    let item = |way| json!({ "params": params(way), "old": params("") });
    let items: Vec<Value> = ["keep", "log", "panic"].map(item).into();
    let path = "/v1/actions/custom.test/before/batch";
    let mut answer = host.post(path, json!({ "items": items })).await;
    let verdicts = answer["verdicts"].as_array_mut().unwrap();
    assert_eq!(verdicts.len(), items.len());
    let mut leaked = Vec::new();
    for verdict in verdicts.iter().cloned() {
        leaked.extend(found_in("batch", &for_others(verdict, "before").to_string()));
    }
    let last = verdicts.last().unwrap();
    journaled(&host, last).await;
    leaked.extend(leaks(&everything_said(&host).await));
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn a_refused_request_does_not_repeat_a_secret() {
    let host = host().await;
    let mut leaked = Vec::new();
    let bodies = [
        json!({ "params": { "password": { "$secret": CANARY, "x": 1 } } }).to_string(),
        json!({ "params": { "password": { "$bytes": CANARY } } }).to_string(),
        json!({ "params": { "password": CANARY }, "depth": 99 }).to_string(),
        json!({ "params": { "password": CANARY }, "actor": { "id": "\n" } }).to_string(),
        json!({ "params": { "password": CANARY }, "atributes": {} }).to_string(),
        json!({ "params": CANARY }).to_string(),
        json!({ "params": [CANARY] }).to_string(),
        json!(CANARY).to_string(),
        format!("{{\"params\":{{\"password\":{}", json!(CANARY)),
        format!("{{\"params\":{{\"password\":{}}}}} and more", json!(CANARY)),
        format!("{{\"params\":{{\"password\":\"\\ud800{CANARY}\"}}}}"),
    ];
    for body in bodies {
        for path in ["/v1/actions/custom.test/before", "/v1/actions/custom.test/after"] {
            let answer = host.request(Method::POST, path, body.clone()).await;
            assert!(answer.status.is_client_error(), "{body}: {}", answer.text);
            leaked.extend(found_in(&body, &answer.text));
        }
    }
    let settings = json!({ "api-key": [SETTING], "other": SETTING }).to_string();
    let answer = host.request(Method::PUT, "/v1/extensions/revealing/settings", settings).await;
    assert!(answer.status.is_client_error(), "{}", answer.text);
    leaked.extend(found_in("settings", &answer.text));
    leaked.extend(leaks(&everything_said(&host).await));
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn asking_again_shows_a_secret_to_nobody_else() {
    let host = host().await;
    let mut first = request("keep");
    first["id"] = "order-1".into();
    let verdict = host.before("custom.test", first.clone()).await;
    assert_eq!(host.before("custom.test", first.clone()).await, verdict);
    let mut other = request("keep");
    other["id"] = "order-1".into();
    other["params"]["password"] = "different".into();
    let path = "/v1/actions/custom.test/before";
    let answer = host.request(Method::POST, path, other.to_string()).await;
    assert!(answer.status.is_client_error(), "{}", answer.text);
    assert_eq!(found_in("the answer to another request of the same name", &answer.text), None);
    journaled(&host, &verdict).await;
    assert_eq!(leaks(&everything_said(&host).await), Vec::<String>::new());
}

#[tokio::test]
async fn the_command_line_prints_no_secret() {
    let host = host().await;
    let given = [
        format!("password={CANARY}"),
        format!("pin:={}", json!({ "$secret": CANARY })),
        format!("account:={}", json!({ "password": CANARY })),
    ];
    let mut leaked = Vec::new();
    for way in ["keep", "log", "panic", "fail", "deny", "skip-result", "alter-pin"] {
        for more in [&[] as &[_], &["--json"], &["--after"], &["--after", "--json"]] {
            let told = format!("do={way}");
            let mut arguments = vec!["fire", "custom.test", "--param", &told];
            arguments.extend(given.iter().flat_map(|given| ["--param", given]));
            let output = host.cli(&[&arguments, more].concat());
            let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            leaked.extend(found_in(&format!("fire {way} {more:?}"), &printed));
        }
    }
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

#[tokio::test]
async fn no_file_of_the_host_has_a_secret_in_it() {
    let mut host = host().await;
    let mut last = Value::Null;
    for (way, _) in WAYS {
        last = host.before("custom.test", request(way)).await;
    }
    journaled(&host, &last).await;
    let export = tempfile::tempdir().unwrap();
    let file = export.path().join("export");
    let output = host.cli(&["store", "export", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(host.stop().await.success());

    let leaked = search::found_in_files(host.data());
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));

    // What an export has in it is read as a host that it was imported into says it.
    let data = export.path().join("data");
    let import = ["store", "import", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let output = cli_command(&import).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The secret settings are sealed in it; the key is not.
    std::fs::copy(host.data().join("seal.key"), data.join("seal.key")).unwrap();
    let copy = TestHost::new().data(&data).start().await;
    journaled(&copy, &last).await;
    assert_eq!(leaks(&everything_said(&copy).await), Vec::<String>::new());
}
