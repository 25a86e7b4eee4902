//! Where the secrets of a panel go: back to it, and nowhere else.

use hyper::Method;
use palisade_tests::{Running, TestHost};
use serde_json::json;

use crate::guests::{self, logged, trace};

/// A password that must be seen nowhere.
const CANARY: &str = "canary-5dbf1f0a";

/// Everything that a host with this one's state shows of the past, but for the answers to the panel.
async fn everything_shown(host: &Running, action_id: &str) -> String {
    let mut shown = host.log();
    for path in [
        "/v1/journal",
        "/metrics",
        "/v1/status",
        "/v1/extensions",
        &format!("/v1/journal/{action_id}"),
    ] {
        shown += &host.request(Method::GET, path, "").await.text;
    }
    for arguments in
        [&["journal"] as &[_], &["journal", "--json"], &["journal", action_id], &["list"]]
    {
        let output = host.cli(arguments);
        shown += &String::from_utf8_lossy(&[output.stdout, output.stderr].concat());
    }
    shown
}

#[tokio::test]
async fn a_secret_goes_back_to_the_panel_as_it_came_and_nowhere_else() {
    let host = guests::host("").await;
    let params = json!({
        "do": "read-all",
        "password": CANARY,
        "pin": { "$secret": CANARY },
        "api_token": [CANARY],
        "account": { "name": "u1", "password": CANARY },
        "bytes": { "$secret": { "$bytes": "AAE=" } },
    });
    for (phase, sleeper) in
        [("before", "mailbox.create"), ("after", "mailbox.create"), ("before", "custom.test")]
    {
        let path = format!("/v1/actions/{sleeper}/{phase}");
        let old = json!({ "password": CANARY });
        let verdict = host
            .post(&path, json!({ "params": params, "old": old, "actor": { "id": "u1" } }))
            .await;
        assert_eq!(verdict["params"], params);
        assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
        assert!(!verdict["trace"].to_string().contains(CANARY));
        let action_id = verdict["action_id"].as_str().unwrap();
        let seen = logged(&host, &verdict).await.join("\n");
        assert!(seen.contains(r#""password":{"new":{"$secret":null}"#), "{seen}");
        let shown = everything_shown(&host, action_id).await;
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[tokio::test]
async fn a_secret_that_a_handler_replaces_is_shown_to_the_panel_alone() {
    let on = "[[on]]\nhook = \"before:*\"\nreason = \"Tests.\"\npowers = [\"alter\"]\nalter = [\"password\", \"pin\"]";
    let manifest = format!(
        "{}{on}",
        "manifest = 1\n[extension]\nid = \"setter\"\nname = \"Setter\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n"
    );
    let host = TestHost::new().start().await;
    let component = std::fs::read(palisade_tests::guest("misbehaving")).unwrap();
    assert!(host.install_bytes(guests::packed(&component, &manifest)).await.status.is_success());

    let command = format!("alter:password={CANARY}");
    let params = json!({ "do": command, "password": "old" });
    let verdict = host.before("mailbox.create", json!({ "params": params })).await;

    assert_eq!(verdict["params"]["password"], CANARY);
    let alteration = json!({ "field": "password", "from": { "$secret": null }, "to": { "$secret": null }, "extension": "setter" });
    assert_eq!(verdict["alterations"], json!([alteration]));
}

#[tokio::test]
async fn errors_do_not_repeat_a_secret() {
    let host = TestHost::new().start().await;
    let wrong = [
        json!({ "params": { "password": { "$secret": CANARY, "x": 1 } } }),
        json!({ "params": { "password": { "$bytes": CANARY } } }),
        json!({ "params": { "password": CANARY }, "depth": 99 }),
        json!({ "params": { "password": CANARY }, "actor": { "id": "\n" } }),
        json!({ "params": { "password": CANARY }, "atributes": {} }),
    ];
    for body in wrong {
        let answer =
            host.request(Method::POST, "/v1/actions/mailbox.create/before", body.to_string()).await;
        assert!(
            answer.status.is_client_error() && !answer.text.contains(CANARY),
            "{}",
            answer.text
        );
    }
    assert!(!host.log().contains(CANARY), "{}", host.log());
}

#[tokio::test]
async fn the_command_line_does_not_print_a_secret_either() {
    let host = guests::host("").await;
    let password = format!("password={CANARY}");
    let marked = format!("pin:={{\"$secret\":\"{CANARY}\"}}");
    for more in [&[] as &[_], &["--json"], &["--after"], &["--after", "--json"]] {
        let fire = [
            "fire",
            "mailbox.create",
            "--param",
            &password,
            "--param",
            &marked,
            "--param",
            "do=read-all",
        ];
        let output = host.cli(&[&fire, more].concat());
        let printed =
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !printed.contains(CANARY), "{printed}");
    }
}
