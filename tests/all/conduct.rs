//! What follows when an extension misbehaves, through the real program.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::Method;
use palisade_tests::{Running, TestHost, guest};
use serde_json::{Value, json};

use crate::guests::{self, all, misbehaving_manifest, packed, tell, trace};

/// The deadline of a handler, unless it is set.
const DEADLINE: Duration = Duration::from_secs(2);

/// What became of a call of `misbehaving`: its outcome, or the code of its fault.
fn outcome(verdict: &Value) -> String {
    let trace = trace(verdict, "misbehaving");
    let word = trace["outcome"].as_str().or(trace["fault"]["code"].as_str());
    word.unwrap_or_default().to_owned()
}

async fn extension(host: &Running, id: &str) -> Value {
    host.get(&format!("/v1/extensions/{id}")).await
}

/// A host whose `misbehaving` has failed so often that it is bypassed.
async fn bypassing(config: &str) -> guests::Host {
    let host = guests::watched_host(config).await;
    for _ in 0..5 {
        assert_eq!(outcome(&tell(&host, "panic").await), "trap");
    }
    host
}

/// A host that has `misbehaving` on one action alone, with this in its subscription.
async fn with_subscription(on: &str) -> Running {
    let manifest = format!(
        "manifest = 1\n[extension]\nid = \"misbehaving\"\nname = \"Conditional\"\nversion = \"1.0.0\"\n\
         contract = \"1.0\"\n[[on]]\nhook = \"before:custom.test\"\nreason = \"Tests.\"\n{on}\n"
    );
    let component = fs::read(guest("misbehaving")).unwrap();
    let host = TestHost::new().start().await;
    let answer = host.install_bytes(packed(&component, &manifest)).await;
    assert!(answer.status.is_success(), "{:?}", answer.json());
    host
}

#[tokio::test]
async fn a_handler_that_failed_too_often_is_not_called() {
    let host = bypassing("").await;
    let verdict = tell(&host, "nothing").await;
    let fault = &trace(&verdict, "misbehaving")["fault"];
    assert_eq!(
        *fault,
        json!({
            "code": "bypassed",
            "message": "bypassed: it failed 5 times within 10000 ms, the last time with `trap`",
        })
    );
}

#[tokio::test]
async fn a_needed_handler_that_is_bypassed_denies() {
    let host = bypassing("[extension.misbehaving]\non-failure = \"deny\"").await;
    let verdict = tell(&host, "nothing").await;
    assert_eq!((outcome(&verdict).as_str(), &verdict["verdict"]), ("bypassed", &json!("deny")));
}

#[tokio::test]
async fn an_operator_sees_what_is_bypassed() {
    let host = bypassing("").await;
    let shown = extension(&host, "misbehaving").await;
    assert_eq!(shown["bypassed"][0]["hook"], "before:*");
    let list = String::from_utf8(host.cli(&["list"]).stdout).unwrap();
    assert!(list.contains("bypassed"), "{list}");
    let show = String::from_utf8(host.cli(&["show", "misbehaving"]).stdout).unwrap();
    assert!(show.contains("bypassed on before:* for "), "{show}");
    let name = "palisade_handlers_bypassed{extension=\"misbehaving\"}";
    assert_eq!(host.metric(name).await, 1.0);
    assert!(host.log().contains("extension `misbehaving` is bypassed on `before:*`"));
}

#[tokio::test]
async fn an_operator_ends_a_bypass_by_enabling_it() {
    let host = bypassing("").await;
    assert!(host.cli(&["enable", "misbehaving"]).status.success());
    assert_eq!(outcome(&tell(&host, "nothing").await), "proceed");
    assert_eq!(extension(&host, "misbehaving").await["bypassed"], json!([]));
}

#[tokio::test]
async fn another_version_begins_with_a_clean_record() {
    let host = bypassing("").await;
    let newer = guests::misbehaving_as("misbehaving", "1.0.1");
    assert!(host.install_bytes(newer).await.status.is_success());
    assert_eq!(outcome(&tell(&host, "nothing").await), "proceed");
}

#[tokio::test]
async fn what_is_removed_and_installed_anew_begins_with_a_clean_record() {
    let host = bypassing("").await;
    let removed = host.request(Method::DELETE, "/v1/extensions/misbehaving", "").await;
    assert!(removed.status.is_success());
    host.install("misbehaving").await;
    assert_eq!(outcome(&tell(&host, "nothing").await), "proceed");
}

#[tokio::test]
async fn a_change_of_settings_ends_no_bypass() {
    let host = bypassing("").await;
    let path = "/v1/extensions/misbehaving/settings";
    assert!(host.request(Method::PUT, path, "{}").await.status.is_success());
    assert_eq!(outcome(&tell(&host, "nothing").await), "bypassed");
}

#[tokio::test]
async fn one_that_denies_too_much_raises_an_alarm() {
    let host = guests::watched_host("[conduct.veto]\ncalls = 10").await;
    for _ in 0..10 {
        assert_eq!(outcome(&tell(&host, "deny").await), "deny");
    }
    assert_eq!(extension(&host, "misbehaving").await["veto_alarm"], true);
    let name = "palisade_veto_alarms_total{extension=\"misbehaving\"}";
    assert_eq!(host.metric(name).await, 1.0);
    assert_eq!(host.log().matches("denied 10 of 10 calls, more than 50 percent").count(), 1);
}

#[tokio::test]
async fn one_that_denies_too_much_is_bypassed_where_the_operator_says_so() {
    let config = "[conduct.veto]\ncalls = 10\n[extension.misbehaving]\nveto-action = \"bypass\"";
    let host = guests::watched_host(config).await;
    for _ in 0..10 {
        assert_eq!(outcome(&tell(&host, "deny").await), "deny");
    }
    assert_eq!(outcome(&tell(&host, "deny").await), "bypassed");
}

#[tokio::test]
async fn a_condition_decides_who_is_called() {
    let host = with_subscription("when = \"params.quota > 5\"").await;
    let call = async |quota: u32| {
        let verdict = host.before("custom.test", json!({ "params": { "quota": quota } })).await;
        verdict["trace"].as_array().unwrap().len()
    };
    assert_eq!((call(5).await, call(6).await), (0, 1));
}

#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_is_a_fault() {
    let host = with_subscription("when = \"params.quota > 5\"\non-failure = \"deny\"").await;
    let verdict = host.before("custom.test", json!({})).await;
    assert_eq!((outcome(&verdict).as_str(), &verdict["verdict"]), ("condition", &json!("deny")));
}

#[tokio::test]
async fn a_manifest_with_a_wrong_condition_is_refused() {
    let host = TestHost::new().start().await;
    let manifest = misbehaving_manifest()
        .replacen("[[on]]\n", "[[on]]\nwhen = \"parms.quota > 5\"\n", 1)
        .replace("\"misbehaving\"", "\"wrong\"");
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("extension.toml"), manifest).unwrap();
    fs::copy(guest("misbehaving"), directory.path().join("component.wasm")).unwrap();
    let mut pack = palisade_tests::cli_command(&["pack", "component.wasm", "--output", "./p.wasm"]);
    let output = pack.current_dir(directory.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("did you mean `params`?"), "{said}");
    drop(host);
}

#[tokio::test]
async fn an_extension_does_not_run_on_what_it_caused() {
    let host = guests::watched_host("").await;
    let caused = json!([{ "extension": "misbehaving", "action_id": "1" }]);
    let verdict = host.before("custom.test", json!({ "caused_by": caused })).await;
    assert_eq!(verdict["trace"], json!([]));
}

#[tokio::test]
async fn an_extension_that_asks_for_its_own_actions_runs_on_them() {
    let host = with_subscription("own-actions = \"run\"").await;
    let caused = json!([{ "extension": "misbehaving", "action_id": "1" }]);
    let verdict = host.before("custom.test", json!({ "caused_by": caused })).await;
    assert_eq!(outcome(&verdict), "proceed");
}

#[tokio::test]
async fn actions_that_led_to_one_another_too_often_are_refused() {
    let host = guests::watched_host("[server]\ndepth = 2").await;
    let body = |depth: u32| json!({ "depth": depth }).to_string();
    let path = "/v1/actions/custom.test/before";
    assert!(host.request(Method::POST, path, body(2)).await.status.is_success());
    assert_eq!(host.request(Method::POST, path, body(3)).await.code(), "depth.exceeded");
}

#[tokio::test]
async fn one_that_burns_all_its_fuel_leaves_the_others_their_deadlines() {
    // No breaker: it burns for as long as the test lasts.
    let config = "[conduct.breaker]\nfaults = 1000\n[extension.misbehaving.limits]\nfuel = 1000000000000000\ndeadline-ms = 400";
    let host = guests::watched_host(config).await;
    let burning = AtomicUsize::new(64);
    let burn = async || {
        for _ in 0..3 {
            drop(host.before("custom.burn", json!({ "params": { "do": "loop" } })).await);
        }
        burning.fetch_sub(1, Ordering::Relaxed);
    };
    let burners = all((0..64).map(|_| burn()));
    let calls = async {
        let mut took = Vec::new();
        while burning.load(Ordering::Relaxed) == 64 {
            let begun = Instant::now();
            // `misbehaving` caused it, so only the other is called.
            let caused = json!([{ "extension": "misbehaving", "action_id": "1" }]);
            let params = json!({ "address": "info@customer.example" });
            let request = json!({ "params": params, "caused_by": caused });
            let verdict = host.before("mailbox.create", request).await;
            took.push(begun.elapsed());
            assert_eq!(trace(&verdict, "reserved-names")["outcome"], "proceed", "{verdict}");
        }
        took.sort();
        took
    };
    let (_, took) = tokio::join!(burners, calls);
    let p99 = took[took.len() * 99 / 100];
    eprintln!("{} calls beside 64 callers of one that burns: p99 {p99:?}", took.len());
    assert!(took.len() > 5 && p99 < DEADLINE, "{} calls, p99 {p99:?}", took.len());
}
