//! The shape of what a panel sends and gets.

mod secrets;

use hyper::Method;
use palisade_tests::{TestHost, is_generated, redacted};
use serde_json::{Value, json};

use crate::guests::{self, logged};

#[tokio::test]
async fn without_handlers_an_action_proceeds_with_its_parameters() {
    let host = TestHost::new().start().await;
    let verdict =
        host.before("mailbox.create", json!({ "params": { "address": "info@a.example" } })).await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "proceed",
      "params": {
        "address": "info@a.example"
      },
      "alterations": [],
      "result": null,
      "problems": [],
      "trace": []
    }
    "#);
}

#[tokio::test]
async fn an_altered_action_says_who_changed_what() {
    let host = guests::host("").await;
    let verdict = guests::tell(&host, "alter:name=new").await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "proceed",
      "params": {
        "do": "alter:name=new",
        "name": "new"
      },
      "alterations": [
        {
          "field": "name",
          "from": null,
          "to": "new",
          "extension": "misbehaving"
        }
      ],
      "result": null,
      "problems": [],
      "trace": [
        {
          "extension": "misbehaving",
          "version": "1.0.0",
          "outcome": "alter",
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
async fn a_denied_action_says_why() {
    let host = guests::host("").await;
    let request = json!({ "params": { "address": "root@a.example" } });
    let verdict = host.before("mailbox.create", request).await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "deny",
      "params": {
        "address": "root@a.example"
      },
      "alterations": [],
      "result": null,
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
          "outcome": "proceed",
          "fault": null,
          "fuel": "[fuel]",
          "memory_bytes": "[memory_bytes]",
          "duration_us": "[duration_us]",
          "uses": []
        },
        {
          "extension": "reserved-names",
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
async fn a_skipped_action_has_a_result_to_show() {
    let host = guests::host("").await;
    let verdict = guests::tell(&host, "skip:{\"sent\":true}").await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "[action_id]",
      "verdict": "skip",
      "params": {
        "do": "skip:{\"sent\":true}"
      },
      "alterations": [],
      "result": {
        "sent": true
      },
      "problems": [],
      "trace": [
        {
          "extension": "misbehaving",
          "version": "1.0.0",
          "outcome": "skip",
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
async fn a_fault_stands_in_the_trace() {
    let host = guests::host("").await;
    let mut verdict = guests::tell(&host, "panic").await;
    let fault = &mut verdict["trace"][0]["fault"];
    let message = fault["message"].as_str().unwrap();
    assert!(message.starts_with("trapped: ") && message.contains("told to panic"), "{message}");
    assert!(!fault["backtrace"].as_array().unwrap().is_empty());
    (fault["message"], fault["backtrace"]) = ("[message]".into(), "[backtrace]".into());
    insta::assert_json_snapshot!(redacted(&verdict)["trace"], @r#"
    [
      {
        "extension": "misbehaving",
        "version": "1.0.0",
        "outcome": null,
        "fault": {
          "code": "trap",
          "message": "[message]",
          "backtrace": "[backtrace]"
        },
        "fuel": "[fuel]",
        "memory_bytes": "[memory_bytes]",
        "duration_us": "[duration_us]",
        "uses": []
      }
    ]
    "#);
}

#[tokio::test]
async fn after_an_action_the_verdict_is_proceed_and_the_result_comes_back() {
    let host = TestHost::new().start().await;
    let request = json!({ "action_id": "a-1", "status": "failed", "params": { "a": 1 }, "result": { "error": "full" } });
    let verdict = host.after("custom.test", request).await;
    insta::assert_json_snapshot!(redacted(&verdict), @r#"
    {
      "action_id": "a-1",
      "verdict": "proceed",
      "params": {
        "a": 1
      },
      "alterations": [],
      "result": {
        "error": "full"
      },
      "problems": [],
      "trace": []
    }
    "#);
}

#[tokio::test]
async fn the_host_makes_an_identifier_where_the_panel_gives_none() {
    let host = TestHost::new().start().await;
    let first = host.before("custom.test", json!({})).await["action_id"].clone();
    let second = host.before("custom.test", json!({})).await["action_id"].clone();
    assert!(is_generated(first.as_str().unwrap()) && first != second, "{first} {second}");
    let given = host.before("custom.test", json!({ "id": "order/7 ü" })).await["action_id"].clone();
    assert_eq!(given, "order/7 ü");
}

#[tokio::test]
async fn a_handler_sees_everything_that_the_panel_said() {
    let host = guests::host("").await;
    let request = json!({
        "id": "a-1",
        "actor": { "kind": "token", "role": "reseller", "id": "r7", "name": "Shop" },
        "object": { "kind": "mailbox", "id": "info@a.example" },
        "params": { "do": "read-all", "quota": 20, "password": "canary" },
        "old": { "quota": 10, "password": "canary" },
        "attributes": { "remote.address": "192.0.2.1" },
        "dry_run": true,
        "depth": 2,
    });
    let verdict = host.before("mailbox.update", request).await;
    let log = logged(&host, &verdict).await;
    let seen = |name: &str| {
        let find = |line: &String| {
            serde_json::from_str::<Value>(line.strip_prefix("info ")?).ok()?.get(name).cloned()
        };
        log.iter().find_map(find).unwrap_or_else(|| panic!("no `{name}` in {log:?}"))
    };
    let mut event = seen("event");
    event["time"] = "[time]".into();
    insta::assert_json_snapshot!(event, @r#"
    {
      "id": "a-1",
      "action": "mailbox.update",
      "phase": "before",
      "object": {
        "kind": "mailbox",
        "id": "info@a.example"
      },
      "actor": {
        "kind": "token",
        "role": "reseller",
        "id": "r7",
        "name": "Shop"
      },
      "powers": [
        "alter",
        "skip",
        "deny"
      ],
      "time": "[time]",
      "names": [
        "do",
        "quota",
        "password"
      ],
      "status": null,
      "result": null,
      "dry_run": true,
      "depth": 2
    }
    "#);
    insta::assert_json_snapshot!(seen("params"), @r#"
    {
      "do": {
        "new": "read-all",
        "old": null,
        "changes": true
      },
      "quota": {
        "new": 20,
        "old": 10,
        "changes": true
      },
      "password": {
        "new": {
          "$secret": null
        },
        "old": {
          "$secret": null
        },
        "changes": false
      }
    }
    "#);
    insta::assert_json_snapshot!(seen("json"), @r#"
    {
      "id": "a-1",
      "action": "mailbox.update",
      "phase": "before",
      "object": {
        "kind": "mailbox",
        "id": "info@a.example"
      },
      "actor": {
        "kind": "token",
        "role": "reseller",
        "id": "r7",
        "name": "Shop"
      },
      "params": {
        "do": "read-all",
        "quota": 20,
        "password": {
          "$secret": null
        }
      },
      "old": {
        "quota": 10,
        "password": {
          "$secret": null
        }
      },
      "attributes": {
        "remote.address": "192.0.2.1"
      },
      "dry_run": true,
      "depth": 2
    }
    "#);
    assert_eq!(seen("attributes"), json!({ "remote.address": "192.0.2.1" }));
}

#[tokio::test]
async fn kinds_and_roles_of_a_panel_s_own_reach_the_handler() {
    let host = guests::host("").await;
    let actor = json!({ "kind": "cron", "role": "helpdesk", "id": "1" });
    let verdict =
        host.before("custom.test", json!({ "params": { "do": "read-all" }, "actor": actor })).await;
    let log = logged(&host, &verdict).await.join("\n");
    assert!(
        log.contains(r#""actor":{"kind":"cron","role":"helpdesk","id":"1","name":null}"#),
        "{log}"
    );
}

#[tokio::test]
async fn the_state_of_the_host_is_shown() {
    let host = guests::host("").await;
    insta::assert_json_snapshot!(redacted(&host.get("/v1/status").await), @r#"
    {
      "version": "0.1.0",
      "panel": null,
      "extensions": 2,
      "enabled": 2,
      "store_bytes": "[store_bytes]",
      "journal_dropped": 0,
      "healthy": true
    }
    "#);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(host.request(Method::GET, path, "").await.text, "ok\n");
    }
}

#[tokio::test]
async fn metrics_count_calls_outcomes_and_faults() {
    let host = guests::host("").await;
    for command in ["deny", "skip", "panic", "panic"] {
        guests::tell(&host, command).await;
    }
    for (name, count) in [
        ("palisade_hook_calls_total{phase=\"before\",verdict=\"deny\"}", 1.0),
        ("palisade_hook_calls_total{phase=\"before\",verdict=\"proceed\"}", 2.0),
        ("palisade_handler_outcomes_total{extension=\"misbehaving\",outcome=\"trap\"}", 2.0),
        ("palisade_handler_outcomes_total{extension=\"misbehaving\",outcome=\"skip\"}", 1.0),
        ("palisade_hook_call_duration_seconds_count{phase=\"before\"}", 4.0),
        ("palisade_hook_calls_in_flight", 0.0),
        ("palisade_extensions", 2.0),
    ] {
        assert_eq!(host.metric(name).await, count, "{name}");
    }
}

#[tokio::test]
async fn the_catalogue_says_what_an_action_is_made_of() {
    let host = TestHost::new().start().await;
    let actions = host.get("/v1/actions").await;
    let mut actions = actions.as_array().unwrap().iter();
    let action = actions.find(|action| action["name"] == "mailbox.password.change").unwrap();
    insta::assert_json_snapshot!(action, @r#"
    {
      "name": "mailbox.password.change",
      "description": "The password of a mailbox is changed.",
      "core": true,
      "fields": [
        {
          "name": "address",
          "type": "text",
          "secret": false,
          "description": "The address; where the panel splits it, the part before the `@`, with the rest in `domain`."
        },
        {
          "name": "domain",
          "type": "text",
          "secret": false,
          "description": "The domain that the object belongs to."
        },
        {
          "name": "password",
          "type": "text",
          "secret": true,
          "description": "The password of the mailbox."
        }
      ],
      "panels": {
        "coremanager": [
          "before",
          "after"
        ],
        "cpanel": [
          "before",
          "after"
        ],
        "cyberpanel": [
          "before",
          "after"
        ],
        "directadmin": [
          "before",
          "after"
        ],
        "hestia": [],
        "plesk": [
          "after"
        ]
      }
    }
    "#);
}
