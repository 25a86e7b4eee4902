//! Every way in which a guest can fail is a fault of its own, and harms nobody else.

mod answers;
mod by_hand;
mod output;
mod proposals;

use palisade_tests::Running;
use serde_json::{Value, json};

use crate::guests::{self, tell, trace};

/// Tells `misbehaving` to do this on a host with this configuration. Returns its fault, after a look at what must
/// hold after every fault.
async fn fault(config: &str, command: &str) -> Value {
    let host = guests::host(config).await;
    let verdict = tell(&host, command).await;
    assert_eq!(verdict["verdict"], "proceed", "{verdict}");
    unharmed(&host).await;
    trace(&verdict, "misbehaving")["fault"].clone()
}

/// Checks that both extensions of the host answer as if nothing had happened.
async fn unharmed(host: &Running) {
    let request = json!({ "params": { "address": "root@customer.example" }, "actor": { "id": "u1", "role": "customer" } });
    let verdict = host.before("mailbox.create", request).await;
    assert_eq!(verdict["problems"][0]["code"], "name.reserved", "{verdict}");
    assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
    assert_eq!(trace(&verdict, "reserved-names")["outcome"], "deny", "{verdict}");
}

/// Limits of `misbehaving` alone.
fn limits(toml: &str) -> String {
    format!("[extension.misbehaving.limits]\n{toml}")
}

/// More fuel than any call can burn.
const ENDLESS_FUEL: &str = "fuel = 1000000000000000";

#[tokio::test]
async fn a_loop_ends_out_of_fuel() {
    let fault = fault("", "loop").await;
    assert_eq!(
        fault,
        json!({ "code": "fuel", "message": "out of fuel: the limit is 10000000 units", "limit": 10_000_000 })
    );
}

#[tokio::test]
async fn fuel_can_be_set_for_one_extension() {
    assert_eq!(fault(&limits("fuel = 5000000"), "loop").await["limit"], 5_000_000);
}

#[tokio::test]
async fn a_loop_that_does_not_run_out_of_fuel_ends_at_its_deadline() {
    let fault = fault(&limits(&format!("{ENDLESS_FUEL}\ndeadline-ms = 300")), "loop").await;
    assert_eq!(
        fault,
        json!({ "code": "deadline", "message": "past its deadline of 300 ms", "limit": 300 })
    );
}

#[tokio::test]
async fn a_sleeper_is_cut_off_at_its_deadline() {
    let fault = fault(&limits("deadline-ms = 200"), "sleep:600000").await;
    assert_eq!(
        fault,
        json!({ "code": "deadline", "message": "past its deadline of 200 ms", "limit": 200 })
    );
}

#[tokio::test]
async fn sleeping_for_longer_than_time_can_count_is_no_harm() {
    assert_eq!(
        fault(&limits("deadline-ms = 200"), "sleep:18446744073709551615").await["code"],
        "deadline"
    );
}

#[tokio::test]
async fn handlers_share_the_deadline_of_the_chain() {
    let fault = fault(
        "[limits.before]\nfuel = 10000000\ndeadline-ms = 2000\nchain-deadline-ms = 300",
        "sleep:600000",
    )
    .await;
    let message = "past the deadline of 300 ms that all handlers of a hook call share";
    assert_eq!(fault, json!({ "code": "chain-deadline", "message": message, "limit": 300 }));
}

#[tokio::test]
async fn a_memory_bomb_stops_at_its_limit() {
    let fault = fault("", "memory").await;
    assert_eq!((&fault["code"], &fault["limit"]), (&json!("memory"), &json!(64 << 20)), "{fault}");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.starts_with("out of memory: ")
            && message.ends_with(" bytes asked for, the limit is 67108864"),
        "{message}"
    );
}

#[tokio::test]
async fn memory_within_the_limit_is_given() {
    assert_eq!(fault("", "grow-to:50000000").await, Value::Null);
}

#[tokio::test]
async fn memory_can_be_set_for_one_extension() {
    let fault = fault(&limits("memory-bytes = 20000000"), "grow-to:50000000").await;
    assert_eq!(
        (&fault["code"], &fault["limit"]),
        (&json!("memory"), &json!(20_000_000)),
        "{fault}"
    );
}

#[tokio::test]
async fn recursion_ends_out_of_stack() {
    let fault = fault("", "recurse").await;
    assert_eq!(
        fault,
        json!({ "code": "stack", "message": "out of stack: the limit is 524288 bytes", "limit": 512 << 10 })
    );
}

#[tokio::test]
async fn an_answer_of_60_mb_is_not_taken() {
    let fault = fault("", "huge-answer").await;
    let message = "too much data handed to the host in one call: the limit is 1048576 bytes";
    assert_eq!(fault, json!({ "code": "host-call-bytes", "message": message, "limit": 1 << 20 }));
}

#[tokio::test]
async fn a_hundred_thousand_changes_are_not_taken() {
    assert_eq!(fault(&limits("fuel = 100000000"), "many-changes").await["code"], "host-call-bytes");
}

#[tokio::test]
async fn calls_of_the_host_are_counted() {
    let fault = fault("", "host-calls").await;
    assert_eq!(
        fault,
        json!({ "code": "host-calls", "message": "too many calls to the host: the limit is 10000", "limit": 10_000 })
    );
}

#[tokio::test]
async fn calls_of_the_host_cost_fuel() {
    let host = guests::host("").await;
    let verdict = tell(&host, "host-calls").await;
    assert!(trace(&verdict, "misbehaving")["fuel"].as_u64().unwrap() > 10_000 * 500, "{verdict}");
}

#[tokio::test]
async fn bytes_that_the_host_copies_cost_fuel() {
    let host = guests::host("").await;
    let fuel = async |command: &str| {
        trace(&tell(&host, command).await, "misbehaving")["fuel"].as_u64().unwrap()
    };
    assert!(fuel(&"x".repeat(500_000)).await > fuel("x").await + 500_000);
}

#[tokio::test]
async fn endless_calls_of_the_host_run_out_of_fuel() {
    assert_eq!(fault(&limits("host-calls = 4000000000"), "host-calls").await["code"], "fuel");
}

#[tokio::test]
async fn a_panic_comes_with_its_message() {
    let fault = fault("", "panic").await;
    assert_eq!((&fault["code"], &fault["limit"]), (&json!("trap"), &Value::Null), "{fault}");
    assert!(fault["message"].as_str().unwrap().contains("told to panic"), "{fault}");
    assert!(fault["backtrace"].as_array().unwrap().len() > 3, "{fault}");
}

#[tokio::test]
async fn a_trap_comes_with_the_engines_name_for_it() {
    let fault = fault("", "unreachable").await;
    assert_eq!(fault["message"], "trapped: wasm trap: wasm `unreachable` instruction executed");
}

#[tokio::test]
async fn a_failure_keeps_its_kind_and_its_words() {
    let host = guests::host("").await;
    let fault =
        async |command: &str| trace(&tell(&host, command).await, "misbehaving")["fault"].clone();
    let failure = |message: &str| json!({ "code": "failure", "message": message });
    assert_eq!(fault("fail-unavailable").await, failure("unavailable: told to be unavailable"));
    assert_eq!(
        fault("fail-misconfigured").await,
        failure("misconfigured: told to be misconfigured")
    );
    assert_eq!(fault("fail-other").await, failure("failed: told to fail"));
}

#[tokio::test]
async fn the_operator_can_have_a_fault_deny() {
    let host = guests::host("[extension.misbehaving]\non-failure = \"deny\"").await;
    let verdict = tell(&host, "unreachable").await;
    assert_eq!(verdict["verdict"], "deny");
    assert_eq!(
        verdict["problems"],
        json!([{
            "code": "extension.failed",
            "field": null,
            "message": "the extension `misbehaving` failed, and this action needs its consent",
            "extension": "misbehaving",
        }]),
    );
}

#[tokio::test]
async fn the_operator_can_have_a_fault_proceed() {
    let manifest = guests::misbehaving_manifest()
        .replace("hook = \"before:*\"", "hook = \"before:*\"\non-failure = \"deny\"");
    let strict = manifest.replace("\"misbehaving\"", "\"strict\"");
    let component = std::fs::read(palisade_tests::guest("misbehaving")).unwrap();
    let host = guests::host("[extension.strict]\non-failure = \"proceed\"").await;
    assert!(host.install_bytes(guests::packed(&component, &strict)).await.status.is_success());
    let verdict = tell(&host, "unreachable").await;
    assert_eq!(
        (&verdict["verdict"], &trace(&verdict, "strict")["fault"]["code"]),
        (&json!("proceed"), &json!("trap")),
        "{verdict}"
    );
}
