//! Doing what was not asked for, or asked for and not granted; and seeing what belongs to somebody else.

use hyper::Method;
use palisade_tests::{Running, guest};
use serde_json::{Value, json};

use super::{harm_to_others, host, install, tell, wrong_verdict};
use crate::guests::{all, logged, packed, trace};

/// Asks for everything that the tests below try.
const ASKS: &str = r#"manifest = 1
[extension]
id = "asking"
name = "Asking"
version = "1.0.0"
contract = "1.0"
[[on]]
hook = "before:asking.*"
reason = "Tests every power."
powers = ["alter", "skip", "deny"]
read = ["do", "count", "name"]
alter = ["count", "name"]
reveal = ["password"]
[needs.kv]
reason = "Tests the store."
"#;

/// A host with `misbehaving` under a manifest and these grants alone, beside what any extension has.
async fn host_granting(manifest: &str, grants: &[&str]) -> Running {
    let host = host("").await;
    install(&host, packed(&std::fs::read(guest("misbehaving")).unwrap(), manifest)).await;
    let grants = [&["read before:asking.* do"], grants].concat();
    let path = "/v1/extensions/asking/grants";
    let answer = host.request(Method::PUT, path, json!(grants).to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    host
}

/// What is wrong with the answer to a command, after a look at what must hold after every fault.
async fn wrong(host: &Running, command: &str) -> String {
    let verdict = tell(host, "asking", command).await;
    assert_eq!(wrong_verdict(&verdict, "proceed", command), None);
    assert_eq!(harm_to_others(host).await, None);
    let fault = &trace(&verdict, "asking")["fault"];
    assert_eq!(fault["code"], "bad-answer", "{verdict}");
    fault["message"].as_str().unwrap().to_owned()
}

/// The one record that a command writes.
async fn record(host: &Running, id: &str, command: &str) -> String {
    let verdict = tell(host, id, command).await;
    assert_eq!(trace(&verdict, id)["outcome"], "proceed", "{verdict}");
    logged(host, &verdict).await.remove(0)
}

#[tokio::test]
async fn a_power_that_was_not_granted_is_not_there() {
    let host = host_granting(ASKS, &[]).await;
    let message = |power: &str| {
        format!("bad answer: it answered `{power}`, a power that it was not granted for this hook")
    };
    assert_eq!(wrong(&host, "deny").await, message("deny"));
    assert_eq!(wrong(&host, "skip").await, message("skip"));
    assert_eq!(wrong(&host, "alter:name=x").await, message("alter"));
}

#[tokio::test]
async fn a_power_that_was_not_asked_for_is_not_there() {
    let asks = ASKS.replace("\"alter\", \"skip\", \"deny\"", "\"alter\"");
    let host = host_granting(&asks, &["alter before:asking.* name"]).await;
    let message = |power: &str| {
        format!("bad answer: it answered `{power}`, a power that it does not have for this hook")
    };
    assert_eq!(wrong(&host, "deny").await, message("deny"));
    assert_eq!(wrong(&host, "skip").await, message("skip"));
}

#[tokio::test]
async fn a_field_that_may_not_be_altered_stays() {
    let host = host_granting(ASKS, &["alter before:asking.* count"]).await;
    for (command, field) in [("alter:name=x", "name"), ("alter:other=x", "other")] {
        let message = format!(
            "bad answer: it altered `{field}`, which is not among the fields that it may alter"
        );
        assert_eq!(wrong(&host, command).await, message);
    }
    let verdict = tell(&host, "asking", "alter-int:count=8").await;
    assert_eq!(verdict["params"]["count"], 8, "{verdict}");
}

#[tokio::test]
async fn a_field_that_was_not_granted_is_not_seen_in_any_way() {
    let host = host_granting(ASKS, &["read before:asking.* count"]).await;
    let nothing =
        json!({ "new": null, "old": null, "changes": false, "named": false, "json": false });
    for field in ["name", "password", "none"] {
        let record = record(&host, "asking", &format!("read:{field}")).await;
        let seen: Value = serde_json::from_str(record.trim_start_matches("info ")).unwrap();
        assert_eq!(seen["read"][field], nothing, "{field}");
    }
    let seen = record(&host, "asking", "read:count").await;
    assert!(seen.contains(r#""new":7"#), "{seen}");
}

#[tokio::test]
async fn the_quota_of_the_store_holds_while_others_keep_theirs() {
    let host = super::host_with_misbehaving(
        "[extension.lenient.limits]\nkv-bytes = 100000\nfuel = 1000000000",
    )
    .await;
    assert_eq!(record(&host, "strict", "kv-set:a=b").await, "info kv-set result=\"written\"");
    let flood = record(&host, "lenient", "kv-flood").await;
    assert_eq!(flood, "info kv-flood error=\"quota-exceeded\"");
    assert_eq!(record(&host, "strict", "kv-set:a=c").await, "info kv-set result=\"written\"");
    assert_eq!(record(&host, "strict", "kv-get:a").await, "info kv-get result=\"c\"");
}

#[tokio::test]
async fn no_name_of_a_bucket_or_a_key_leads_into_the_state_of_another() {
    let host = super::host_with_misbehaving("").await;
    record(&host, "strict", "kv-set:key=theirs").await;
    // Beginnings of keys as the storage has them, ways up and out, and characters that end or join parts.
    let buckets = [
        "strict",
        "strict/test",
        "../strict/test",
        "kv",
        "kv/",
        "/",
        "..",
        "test/",
        "test\u{4}",
        "\u{4}test",
        "\u{0}",
        "\u{0}test",
        "\u{ff}",
        "%2e%2e",
        "tes",
        "testk",
        "t",
    ];
    for bucket in buckets {
        let found = record(&host, "lenient", &format!("kv-peek:{bucket}|key")).await;
        let nothing =
            found.ends_with("result=\"none, 0 keys\"") || found.ends_with("error=\"invalid-key\"");
        assert!(nothing, "{bucket:?}: {found}");
    }
    let theirs = record(&host, "strict", "kv-peek:test|key").await;
    assert_eq!(theirs, "info kv-peek result=\"theirs, 1 keys\"");
}

#[tokio::test]
async fn a_call_finds_nothing_in_memory_that_another_call_wrote() {
    // Few sandboxes, so that each is used again at once.
    let host = super::host_with_misbehaving("[sandbox]\nslots = 2").await;
    let each = async |id: &str, command: &str| {
        let verdict = tell(&host, id, command).await;
        assert_eq!(trace(&verdict, id)["outcome"], "proceed", "{verdict}");
        logged(&host, &verdict).await.remove(0)
    };
    for _ in 0..8 {
        for record in all((0..4).map(|_| each("strict", "mark"))).await {
            assert_eq!(record, "info mark marked=\"262144\"");
        }
        for record in all((0..4).map(|_| each("lenient", "look"))).await {
            assert_eq!(record, "info look found=\"0\"");
        }
    }
}

#[tokio::test]
async fn what_a_guest_says_cannot_move_the_cursor_of_a_terminal() {
    let host = super::host_with_misbehaving("").await;
    let said = "\u{1b}[2J\u{7}\u{9b}31m";
    for way in ["deny", "skip-reason", "fail", "stdout", "stderr"] {
        let fire = format!("do={way}:{said}");
        for more in [&[] as &[_], &["--json"]] {
            let output = host.cli(&[&["fire", "lenient.test", "--param", &fire], more].concat());
            let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{way}: {shown:?}");
        }
    }
    let output = host.cli(&["journal"]);
    let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let log = host.log();
    assert!(!log.chars().any(|c| c.is_control() && c != '\n'), "{log:?}");
}
