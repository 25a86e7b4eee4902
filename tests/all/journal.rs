//! The journal tells what happened, and goes on telling it.

use hyper::Method;
use palisade_tests::{Running, TestHost, redacted};
use serde_json::{Value, json};

use crate::guests::{self, Host};

/// A host with six hook calls in its journal: of two actions, in both phases, with every verdict and a fault.
async fn eventful() -> Host {
    let host = guests::host("").await;
    for (id, command) in
        [("denied", "deny:no"), ("skipped", "skip"), ("faulty", "panic"), ("plain", "")]
    {
        let request = json!({ "id": id, "params": { "do": command } });
        host.before("dns.change", request).await;
    }
    host.after("dns.change", json!({ "action_id": "plain", "status": "succeeded" })).await;
    let request = json!({ "id": "mailbox", "params": { "address": "root@a.example" }, "actor": { "id": "u1" } });
    host.before("mailbox.create", request).await;
    host
}

/// The identifiers of what this query finds, in its order.
async fn found(host: &Running, query: &str) -> Vec<String> {
    let found = host.get(&format!("/v1/journal{query}")).await;
    let entries = found["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["action_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn it_lists_the_newest_first_and_filters() {
    let host = eventful().await;
    for (query, expected) in [
        ("", &["mailbox", "plain", "plain", "faulty", "skipped", "denied"] as &[&str]),
        ("?limit=2", &["mailbox", "plain"]),
        ("?limit=0", &[]),
        ("?action=mailbox.create", &["mailbox"]),
        ("?action=mailbox.delete", &[]),
        ("?phase=after", &["plain"]),
        ("?verdict=deny", &["mailbox", "denied"]),
        ("?verdict=skip", &["skipped"]),
        ("?faults=true", &["faulty"]),
        ("?extension=reserved-names", &["mailbox"]),
        ("?extension=nothing", &[]),
        ("?phase=before&verdict=proceed&action=dns.change", &["plain", "faulty"]),
        ("?since_ms=99999999999999", &[]),
        ("?since_ms=0&limit=1", &["mailbox"]),
    ] {
        assert_eq!(found(&host, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn since_leaves_out_what_is_older() {
    let host = eventful().await;
    let entries = host.get("/v1/journal").await["entries"].clone();
    let time = |number: usize| entries[number]["time_ms"].as_u64().unwrap();
    let since = time(0);
    let newer = (0..6).filter(|number| time(*number) >= since).count();
    assert_eq!(found(&host, &format!("?since_ms={since}")).await.len(), newer);
}

#[tokio::test]
async fn one_action_is_shown_with_both_phases_in_their_order() {
    let host = eventful().await;
    let shown = host.get("/v1/journal/plain").await;
    let phases: Vec<&Value> =
        shown["entries"].as_array().unwrap().iter().map(|entry| &entry["phase"]).collect();
    assert_eq!(phases, ["before", "after"]);
    let unknown = host.request(Method::GET, "/v1/journal/pla%0Ain", "").await;
    assert_eq!(unknown.refusal(), "404 journal.unknown: the journal has no action `pla\\nin`");
}

#[tokio::test]
async fn an_entry_says_who_did_what_and_what_was_decided() {
    let host = guests::host("").await;
    let request = json!({
        "id": "a-1",
        "actor": { "role": "customer", "id": "u1", "name": "Ada" },
        "object": { "kind": "mailbox", "id": "info" },
        "params": { "do": "alter:address=root@a.example", "quota": 5, "password": "x", "avatar": { "$bytes": "AAE=" } },
        "attributes": { "remote.address": "192.0.2.1" },
        "dry_run": true,
    });
    host.before("mailbox.create", request).await;
    insta::assert_json_snapshot!(redacted(&host.get("/v1/journal/a-1").await), @r#"
    {
      "entries": [
        {
          "time_ms": "[time_ms]",
          "action_id": "a-1",
          "action": "mailbox.create",
          "phase": "before",
          "actor": {
            "kind": "person",
            "role": "customer",
            "id": "u1"
          },
          "object": {
            "kind": "mailbox",
            "id": "info"
          },
          "dry_run": true,
          "verdict": "deny",
          "params": {
            "do": "alter:address=root@a.example",
            "quota": 5,
            "password": {
              "$secret": null
            },
            "avatar": "[2 bytes]"
          },
          "alterations": [
            {
              "field": "address",
              "to": "root@a.example",
              "extension": "misbehaving"
            }
          ],
          "problems": [
            {
              "code": "name.reserved",
              "field": "address",
              "message": "the name `root` is reserved by the provider",
              "extension": "reserved-names"
            }
          ],
          "trace": [
            {
              "extension": "misbehaving",
              "version": "1.0.0",
              "outcome": "alter",
              "fuel": "[fuel]",
              "memory_bytes": "[memory_bytes]",
              "duration_us": "[duration_us]"
            },
            {
              "extension": "reserved-names",
              "version": "1.0.0",
              "outcome": "deny",
              "fuel": "[fuel]",
              "memory_bytes": "[memory_bytes]",
              "duration_us": "[duration_us]"
            }
          ],
          "duration_us": "[duration_us]"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_result_a_skip_s_reason_and_a_log_are_kept() {
    let host = guests::host("").await;
    host.before("custom.test", json!({ "id": "skip", "params": { "do": "skip:{\"a\":1}" } })).await;
    host.after(
        "custom.test",
        json!({ "action_id": "log", "params": { "do": "log:2" }, "result": [1] }),
    )
    .await;
    let skip = &host.get("/v1/journal/skip").await["entries"][0];
    assert_eq!(
        (&skip["result"], &skip["trace"][0]["reason"]),
        (&json!({ "a": 1 }), &json!("told to skip"))
    );
    let log = &host.get("/v1/journal/log").await["entries"][0];
    assert_eq!(
        (&log["result"], &log["trace"][0]["log"][1]["message"]),
        (&json!([1]), &json!("line 2"))
    );
}

#[tokio::test]
async fn long_values_are_cut_and_there_is_an_end_to_their_number() {
    let host = TestHost::new().start().await;
    let mut params: serde_json::Map<String, Value> =
        (0..200).map(|n| (format!("p{n}"), n.into())).collect();
    params.insert("p0".into(), "ä".repeat(10_000).into());
    params.insert("p1".into(), json!({ "nested": ["x".repeat(10_000)] }));
    host.before("custom.test", json!({ "id": "long", "params": params })).await;
    let kept = host.get("/v1/journal/long").await["entries"][0]["params"].clone();
    assert_eq!(kept.as_object().unwrap().len(), 100);
    let (text, nested) = (kept["p0"].as_str().unwrap(), kept["p1"].as_str().unwrap());
    assert!(text.ends_with("ä… [20000 bytes]") && text.len() < 1_100, "{text}");
    assert!(nested.starts_with("{\"nested\":[\"xxx") && nested.len() < 1_100, "{nested}");
}

#[tokio::test]
async fn it_survives_a_restart_and_goes_on() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let mut host = TestHost::new().data(&data).start().await;
    host.before("custom.test", json!({ "id": "first" })).await;
    assert!(host.stop().await.success());

    let host = TestHost::new().data(&data).start().await;
    host.before("custom.test", json!({ "id": "second" })).await;
    assert_eq!(found(&host, "").await, ["second", "first"]);

    // What was once read is on disk, also when the host is killed.
    host.kill();
    let host = TestHost::new().data(&data).start().await;
    assert_eq!(found(&host, "").await, ["second", "first"]);
}

#[tokio::test]
async fn a_thousand_entries_are_listed_at_once_and_no_more() {
    let host = TestHost::new().start().await;
    let items = vec![json!({}); 1_000];
    host.post("/v1/actions/custom.test/before/batch", json!({ "id": "a", "items": items })).await;
    host.before("custom.test", json!({ "id": "last" })).await;
    let found = found(&host, "?limit=100000").await;
    assert_eq!((found.len(), found[0].as_str()), (1_000, "last"));
    assert_eq!(host.get("/v1/status").await["journal_dropped"], 0);
}
