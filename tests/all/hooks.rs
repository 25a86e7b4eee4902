//! What handlers decide becomes one verdict; what is installed can change meanwhile.

use std::fs;

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost, guest, redacted, wait_until};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::guests::{self, all, logged, tell, trace};

/// The code of `misbehaving` under this identifier and version, with these subscriptions.
fn package(id: &str, version: &str, on: &str) -> Vec<u8> {
    let manifest = format!(
        "manifest = 1\n[extension]\nid = \"{id}\"\nname = \"Test\"\nversion = \"{version}\"\ncontract = \"1.0\"\n\
         {on}\n[needs.kv]\nreason = \"Tests.\"\n"
    );
    guests::packed(&fs::read(guest("misbehaving")).unwrap(), &manifest)
}

/// The subscription to every action before it, with this priority and these powers.
fn before(priority: u8, powers: &str) -> String {
    let alter = if powers.contains("alter") { "alter = [\"*\"]" } else { "" };
    format!(
        "[[on]]\nhook = \"before:*\"\nreason = \"Tests.\"\npriority = {priority}\npowers = [{powers}]\n{alter}"
    )
}

/// A host with this configuration and these extensions.
async fn host_with(config: &str, extensions: &[(&str, String)]) -> Running {
    let host = TestHost::new().config(config).start().await;
    for (id, on) in extensions {
        let answer = host.install_bytes(package(id, "1.0.0", on)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    host
}

/// Who ran, in this order.
fn order(verdict: &Value) -> Vec<&str> {
    let trace = verdict["trace"].as_array().unwrap().iter();
    trace.map(|trace| trace["extension"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn those_that_alter_run_first_by_priority_and_a_policy_sees_what_they_made() {
    let extensions = [
        ("policy", before(100, "\"deny\"")),
        ("low", before(40, "\"alter\"")),
        ("high", before(60, "\"alter\"")),
    ];
    let host = host_with("", &extensions).await;
    let verdict = tell(&host, "alter:do=alter:do=deny-field:do=seen").await;
    assert_eq!(order(&verdict), ["high", "low", "policy"]);
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "deny",
      "params": {
        "do": "deny-field:do=seen"
      },
      "alterations": [
        {
          "field": "do",
          "from": "alter:do=alter:do=deny-field:do=seen",
          "to": "alter:do=deny-field:do=seen",
          "extension": "high"
        },
        {
          "field": "do",
          "from": "alter:do=deny-field:do=seen",
          "to": "deny-field:do=seen",
          "extension": "low"
        }
      ],
      "result": null,
      "problems": [
        {
          "code": "test.denied",
          "field": "do",
          "message": "seen",
          "extension": "policy"
        }
      ],
      "trace": [
        {
          "extension": "high",
          "version": "1.0.0",
          "outcome": "alter",
          "fault": null,
          "fuel": "[fuel]",
          "memory_bytes": "[memory_bytes]",
          "duration_us": "[duration_us]",
          "uses": []
        },
        {
          "extension": "low",
          "version": "1.0.0",
          "outcome": "alter",
          "fault": null,
          "fuel": "[fuel]",
          "memory_bytes": "[memory_bytes]",
          "duration_us": "[duration_us]",
          "uses": []
        },
        {
          "extension": "policy",
          "version": "1.0.0",
          "outcome": "deny",
          "fault": null,
          "fuel": "[fuel]",
          "memory_bytes": "[memory_bytes]",
          "duration_us": "[duration_us]",
          "uses": []
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn the_operator_has_the_last_word_on_priority() {
    let extensions = [("alpha", before(90, "\"alter\"")), ("beta", before(10, "\"alter\""))];
    let config = "[extension.alpha]\npriority = 20\n[extension.beta]\npriority = 30";
    let host = host_with(config, &extensions).await;
    assert_eq!(order(&tell(&host, "nothing").await), ["beta", "alpha"]);
}

#[tokio::test]
async fn equal_priorities_run_by_identifier() {
    let extensions = [("beta", before(50, "\"alter\"")), ("alpha", before(50, "\"alter\""))];
    let host = host_with("", &extensions).await;
    assert_eq!(order(&tell(&host, "nothing").await), ["alpha", "beta"]);
}

#[tokio::test]
async fn a_skip_ends_the_first_round_and_a_policy_still_has_its_say() {
    let host = guests::host("").await;
    host.install_bytes(package("later", "1.0.0", &before(10, "\"alter\""))).await;
    let skip = async |address: &str| {
        let params = json!({ "do": "skip:{\"shown\":1}", "address": address });
        host.before("mailbox.create", json!({ "params": params, "actor": { "id": "u1" } })).await
    };

    let verdict = skip("info@customer.example").await;
    assert_eq!(order(&verdict), ["misbehaving", "reserved-names"]);
    assert_eq!((&verdict["verdict"], &verdict["result"]), (&json!("skip"), &json!({ "shown": 1 })));

    let verdict = skip("root@customer.example").await;
    assert_eq!(order(&verdict), ["misbehaving", "reserved-names"]);
    assert_eq!((&verdict["verdict"], &verdict["result"]), (&json!("deny"), &Value::Null));
}

#[tokio::test]
async fn a_deny_ends_the_call() {
    let host = guests::host("").await;
    let request = json!({ "params": { "do": "deny:no", "address": "root@customer.example" } });
    let verdict = host.before("mailbox.create", request).await;
    assert_eq!(order(&verdict), ["misbehaving"]);
    assert_eq!(verdict["problems"][0]["message"], "no");
}

#[tokio::test]
async fn all_changes_of_an_answer_are_made_or_none() {
    let on =
        "[[on]]\nhook = \"before:*\"\nreason = \"Tests.\"\npowers = [\"alter\"]\nalter = [\"0\"]";
    let host = host_with("", &[("one-field", on.to_owned())]).await;
    let params = json!({ "do": "changes:2", "0": "a", "1": "b" });
    let verdict = host.before("custom.test", json!({ "params": params })).await;
    assert_eq!((&verdict["params"], &verdict["alterations"]), (&params, &json!([])));
    let fault = &verdict["trace"][0]["fault"];
    assert_eq!(fault["code"], "bad-answer");
    assert_eq!(
        fault["message"],
        "bad answer: it altered `1`, which is not among the fields that it may alter"
    );
}

#[tokio::test]
async fn a_handler_without_powers_only_observes() {
    let host = host_with("", &[("observer", before(50, ""))]).await;
    for (command, power) in [("alter:name=x", "alter"), ("skip", "skip"), ("deny", "deny")] {
        let verdict = tell(&host, command).await;
        assert_eq!(verdict["verdict"], "proceed", "{command}");
        assert_eq!(verdict["params"], json!({ "do": command }));
        let message = format!(
            "bad answer: it answered `{power}`, a power that it does not have for this hook"
        );
        assert_eq!(verdict["trace"][0]["fault"]["message"], message.as_str());
    }
}

#[tokio::test]
async fn a_fault_proceeds_unless_the_operator_says_that_it_denies() {
    let host = guests::host("").await;
    assert_eq!(tell(&host, "fail-unavailable").await["verdict"], "proceed");

    let host = guests::host("[extension.misbehaving]\non-failure = \"deny\"").await;
    let verdict = tell(&host, "fail-unavailable").await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "deny",
      "params": {
        "do": "fail-unavailable"
      },
      "alterations": [],
      "result": null,
      "problems": [
        {
          "code": "extension.failed",
          "field": null,
          "message": "the extension `misbehaving` failed, and this action needs its consent",
          "extension": "misbehaving"
        }
      ],
      "trace": [
        {
          "extension": "misbehaving",
          "version": "1.0.0",
          "outcome": null,
          "fault": {
            "code": "failure",
            "message": "unavailable: told to be unavailable"
          },
          "fuel": "[fuel]",
          "memory_bytes": "[memory_bytes]",
          "duration_us": "[duration_us]",
          "uses": []
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn after_an_action_a_handler_runs_on_the_endings_that_it_subscribes_to() {
    let on = |action: &str, status: &str| format!("[[on]]\nhook = \"after:{action}\"\n{status}\n");
    let subscriptions = [
        on("test.default", ""),
        on("test.skipped", "status = [\"skipped\"]"),
        on("test.bad", "status = [\"denied\", \"failed\"]"),
    ];
    let host = host_with("", &[("endings", subscriptions.concat())]).await;
    let mut ran = Vec::new();
    for action in ["default", "skipped", "bad"] {
        for status in ["succeeded", "skipped", "denied", "failed"] {
            let verdict = host.after(&format!("test.{action}"), json!({ "status": status })).await;
            if !order(&verdict).is_empty() {
                ran.push(format!("{action} {status}"));
            }
        }
    }
    assert_eq!(ran, ["default succeeded", "skipped skipped", "bad denied", "bad failed"]);
}

#[tokio::test]
async fn after_an_action_an_alteration_changes_the_result_and_nothing_else() {
    let host = guests::host("").await;
    let params = json!({ "do": "alter:shown=yes" });
    let result = json!({ "shown": "no", "id": 7 });
    let verdict = host.after("custom.test", json!({ "params": params, "result": result })).await;
    assert_eq!(verdict["verdict"], "proceed");
    assert_eq!(verdict["params"], params);
    assert_eq!(verdict["result"], json!({ "shown": "yes", "id": 7 }));
    let alteration =
        json!({ "field": "shown", "from": "no", "to": "yes", "extension": "misbehaving" });
    assert_eq!(verdict["alterations"], json!([alteration]));

    let verdict = host.after("custom.test", json!({ "params": params, "result": ["no"] })).await;
    assert_eq!(verdict["result"], json!(["no"]));
    let message = "bad answer: it altered a result that is not a JSON object";
    assert_eq!(verdict["trace"][0]["fault"]["message"], message);
}

#[tokio::test]
async fn a_batch_gets_one_verdict_for_each_object_in_the_same_order() {
    let host = guests::host("").await;
    let commands =
        ["sleep:100", "deny:no", "alter:name=x", "skip", "panic", "", "", "", "", "deny:last"];
    let item = |(number, command): (usize, &&str)| json!({ "object": { "kind": "customer", "id": format!("u{number}") }, "params": { "do": command } });
    let items: Vec<Value> = commands.iter().enumerate().map(item).collect();
    let request = json!({ "id": "batch-1", "actor": { "id": "admin" }, "items": items });

    let answer = host.post("/v1/actions/customer.delete/before/batch", request).await;

    let verdicts = answer["verdicts"].as_array().unwrap();
    let words: Vec<&str> =
        verdicts.iter().map(|verdict| verdict["verdict"].as_str().unwrap()).collect();
    let p = "proceed";
    assert_eq!(words, [p, "deny", p, "skip", p, p, p, p, p, "deny"]);
    assert_eq!(verdicts[9]["problems"][0]["message"], "last");
    assert_eq!(verdicts[2]["alterations"][0]["to"], "x");
    assert_eq!(verdicts[3]["action_id"], "batch-1.3");
    let entry = &host.get("/v1/journal/batch-1.3").await["entries"][0];
    assert_eq!(entry["object"], json!({ "kind": "customer", "id": "u3" }));
    assert_eq!(entry["actor"]["id"], "admin");
}

#[tokio::test]
async fn a_batch_after_an_action_takes_up_the_identifiers_from_before_it() {
    let host = guests::host("").await;
    let items = json!([
        { "action_id": "one", "status": "succeeded", "params": { "do": "alter:note=x" }, "result": {} },
        { "action_id": "two", "status": "failed", "params": { "do": "alter:note=x" }, "result": {} },
    ]);
    let answer =
        host.post("/v1/actions/customer.delete/after/batch", json!({ "items": items })).await;
    let verdicts = &answer["verdicts"];
    assert_eq!(
        (&verdicts[0]["action_id"], &verdicts[1]["action_id"]),
        (&json!("one"), &json!("two"))
    );
    assert_eq!(verdicts[0]["result"], json!({ "note": "x" }));
    assert_eq!(verdicts[1]["trace"], json!([]), "a failed action has no handler here");
}

#[tokio::test]
async fn a_request_that_comes_again_gets_the_same_answer_and_its_handlers_run_once() {
    let host = guests::host("").await;
    for phase in ["before", "after"] {
        let path = format!("/v1/actions/custom.test/{phase}");
        let body = json!({ "id": phase, "params": { "do": "kv-incr:calls" } }).to_string();
        let answers: Vec<Answer> =
            all((0..5).map(|_| host.request(Method::POST, &path, body.clone()))).await;
        assert!(
            answers.iter().all(|answer| answer.text == answers[0].text && answer.status == 200)
        );
        let entries = host.get(&format!("/v1/journal/{phase}")).await;
        assert_eq!(entries["entries"].as_array().unwrap().len(), 1);
    }
    let verdict = tell(&host, "kv-incr:calls").await;
    assert_eq!(logged(&host, &verdict).await, ["info kv-incr result=\"3\""]);
}

#[tokio::test]
async fn an_identifier_is_not_taken_for_another_request() {
    let host = TestHost::new().start().await;
    host.before("custom.test", json!({ "id": "1", "params": { "a": 1 } })).await;
    let body = json!({ "id": "1", "params": { "a": 2 } }).to_string();
    let refused = host.request(Method::POST, "/v1/actions/custom.test/before", body).await;
    insta::assert_snapshot!(refused.refusal(), @"409 id.reused: the id `1` was used for another request (hint: give every action an id of its own)");
    let answer = host.after("custom.test", json!({ "id": "1" })).await;
    assert_eq!(answer["action_id"], "1", "the phase after the action is another request");
}

#[tokio::test]
async fn a_disabled_extension_is_not_called_until_it_is_enabled() {
    let host = guests::host("").await;
    let switched = host.post("/v1/extensions/misbehaving/disable", Value::Null).await;
    assert_eq!(switched["state"], "disabled");
    assert_eq!(order(&tell(&host, "deny").await), Vec::<&str>::new());
    let switched = host.post("/v1/extensions/misbehaving/enable", Value::Null).await;
    assert_eq!(switched["state"], "enabled");
    assert_eq!(tell(&host, "deny").await["verdict"], "deny");
}

#[tokio::test]
async fn what_is_removed_is_gone_with_all_that_it_kept() {
    let host = guests::host("").await;
    tell(&host, "kv-set:key=value").await;
    let removed = host.request(Method::DELETE, "/v1/extensions/misbehaving", "").await;
    assert_eq!(removed.json()["id"], "misbehaving");
    assert_eq!(order(&tell(&host, "deny").await), Vec::<&str>::new());
    let unknown = host.request(Method::DELETE, "/v1/extensions/misbehaving", "").await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "extension.unknown".into()));

    host.install("misbehaving").await;
    let verdict = tell(&host, "kv-get:key").await;
    assert_eq!(logged(&host, &verdict).await, ["info kv-get result=\"none\""]);
}

#[tokio::test]
async fn an_upgrade_keeps_the_state_the_settings_and_the_data() {
    let host = guests::host("").await;
    tell(&host, "kv-set:key=value").await;
    host.request(Method::PUT, "/v1/extensions/misbehaving/settings", "{\"limit\":8}").await;
    host.post("/v1/extensions/misbehaving/disable", Value::Null).await;

    let answer = host.install_bytes(guests::misbehaving_as("misbehaving", "1.1.0")).await.json();

    assert_eq!((&answer["change"], &answer["replaced"]), (&json!("replaced"), &json!("1.0.0")));
    let extension = &answer["extension"];
    assert_eq!((&extension["version"], &extension["state"]), (&json!("1.1.0"), &json!("disabled")));
    assert_eq!(extension["settings"]["limit"], 8);
    host.post("/v1/extensions/misbehaving/enable", Value::Null).await;
    let verdict = tell(&host, "kv-get:key").await;
    assert_eq!(trace(&verdict, "misbehaving")["version"], "1.1.0");
    assert_eq!(logged(&host, &verdict).await, ["info kv-get result=\"value\""]);
}

#[tokio::test]
async fn only_a_higher_version_replaces_unless_the_operator_insists() {
    let host = guests::host("").await;
    let same = host.install("misbehaving").await;
    assert_eq!((&same["change"], &same["replaced"]), (&json!("unchanged"), &Value::Null));

    let older = guests::misbehaving_as("misbehaving", "1.0.0-rc.1");
    let refused = host.install_bytes(older.clone()).await;
    insta::assert_snapshot!(refused.refusal(), @"409 extension.not-newer: `misbehaving` 1.0.0 is installed; 1.0.0-rc.1 does not replace it (hint: raise the version, or install with --replace)");
    assert_eq!(host.get("/v1/extensions/misbehaving").await["version"], "1.0.0");

    let replaced =
        host.request(Method::POST, "/v1/extensions?replace=true&grants=all", older).await;
    assert_eq!(replaced.json()["change"], "replaced");
    assert_eq!(host.get("/v1/extensions/misbehaving").await["version"], "1.0.0-rc.1");
}

/// Begins a hook call on a connection of its own, and returns it when the handler runs.
async fn begin(host: &Running, path: &str, body: &Value) -> tokio::net::UnixStream {
    let mut stream = host.connect().await;
    let body = body.to_string();
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    in_flight(host, 1.0).await;
    stream
}

async fn in_flight(host: &Running, calls: f64) {
    wait_until("the hook call", async || {
        host.metric("palisade_hook_calls_in_flight").await == calls
    })
    .await;
}

#[tokio::test]
async fn a_call_before_an_action_ends_when_its_panel_leaves_and_the_journal_says_so() {
    let host = guests::host("[sandbox]\nslots = 1").await;
    let body = json!({ "id": "left", "params": { "do": "sleep:1500" } });
    drop(begin(&host, "/v1/actions/custom.test/before", &body).await);
    in_flight(&host, 0.0).await;
    let entries = host.get("/v1/journal/left").await;
    assert_eq!(entries["entries"][0]["trace"][0]["fault"]["code"], "abandoned");
    // The only slot is free again.
    assert_eq!(tell(&host, "deny").await["verdict"], "deny");
}

#[tokio::test]
async fn a_call_after_an_action_goes_on_when_its_panel_leaves() {
    let host = guests::host("").await;
    for (path, body, id) in [
        (
            "/v1/actions/custom.test/after",
            json!({ "action_id": "one", "params": { "do": "sleep:1000" } }),
            "one",
        ),
        (
            "/v1/actions/custom.test/after/batch",
            json!({ "items": [{ "action_id": "many", "params": { "do": "sleep:1000" } }] }),
            "many",
        ),
    ] {
        drop(begin(&host, path, &body).await);
        in_flight(&host, 0.0).await;
        let entries = host.get(&format!("/v1/journal/{id}")).await;
        assert_eq!(entries["entries"][0]["trace"][0]["outcome"], "proceed");
    }
}

#[tokio::test]
async fn a_panel_that_asks_again_gets_its_answer_although_the_first_connection_broke() {
    let host = guests::host("").await;
    let body = json!({ "id": "again", "params": { "do": "sleep:300" } });
    let first = begin(&host, "/v1/actions/custom.test/before", &body).await;
    let second = async { host.before("custom.test", body.clone()).await };
    let leave = async { drop(first) };
    let (verdict, ()) = tokio::join!(second, leave);
    assert_eq!(verdict["trace"][0]["outcome"], "proceed");
}

#[tokio::test]
async fn a_call_ends_with_the_version_that_it_began_with() {
    let host = guests::host("").await;
    let call = async { tell(&host, "sleep:1500").await };
    let upgrade = async {
        in_flight(&host, 1.0).await;
        host.install_bytes(guests::misbehaving_as("misbehaving", "2.0.0")).await
    };
    let (verdict, upgraded) = tokio::join!(call, upgrade);
    assert!(upgraded.status.is_success(), "{}", upgraded.text);
    assert_eq!(trace(&verdict, "misbehaving")["version"], "1.0.0");
    assert_eq!(trace(&tell(&host, "").await, "misbehaving")["version"], "2.0.0");
}
