//! Answers that a handler may not give are faults, and nothing of them is carried out.

use serde_json::{Value, json};

use crate::guests::{self, trace};

/// Lets `misbehaving` answer this and returns what is wrong with it.
async fn wrong(host: &guests::Host, command: &str) -> String {
    let params =
        json!({ "do": command, "password": { "$secret": "canary" }, "name": "kept", "count": 7 });
    let verdict = host.before("custom.test", json!({ "params": params })).await;
    assert_eq!(
        (&verdict["verdict"], &verdict["alterations"]),
        (&json!("proceed"), &json!([])),
        "{verdict}"
    );
    assert_eq!(verdict["params"]["name"], "kept");
    let fault = &trace(&verdict, "misbehaving")["fault"];
    assert_eq!(fault["code"], "bad-answer", "{verdict}");
    fault["message"].as_str().unwrap().trim_start_matches("bad answer: ").to_owned()
}

#[tokio::test]
async fn a_secret_is_neither_altered_nor_sent() {
    let host = guests::host("").await;
    assert_eq!(
        wrong(&host, "bad-alter").await,
        "it altered `password`, which is secret and not named among the fields that it may alter"
    );
    assert_eq!(
        wrong(&host, "alter-secret").await,
        "field `name`: the case `secret` of a value is never valid in an answer"
    );
}

#[tokio::test]
async fn an_alteration_has_one_to_a_thousand_changes_of_different_fields() {
    let host = guests::host("").await;
    assert_eq!(
        wrong(&host, "alter-empty").await,
        "an alteration has 1 to 1000 changes, this one has 0"
    );
    assert_eq!(
        wrong(&host, "changes:1001").await,
        "an alteration has 1 to 1000 changes, this one has 1001"
    );
    assert_eq!(wrong(&host, "alter-twice:name").await, "the field `name` is changed twice");
}

#[tokio::test]
async fn a_value_is_of_its_fields_type_and_one_that_json_can_hold() {
    let host = guests::host("").await;
    assert_eq!(
        wrong(&host, "alter-int:name=5").await,
        "it altered `name`, a field of type text, to a value of type integer"
    );
    assert_eq!(
        wrong(&host, "alter:count=five").await,
        "it altered `count`, a field of type integer, to a value of type text"
    );
    assert_eq!(
        wrong(&host, "alter-number:ratio=NaN").await,
        "field `ratio`: NaN is not a number that JSON can hold"
    );
    assert_eq!(
        wrong(&host, "alter-number:ratio=inf").await,
        "field `ratio`: inf is not a number that JSON can hold"
    );
    assert!(wrong(&host, "alter-json:tree={").await.starts_with("field `tree`: not JSON: "));
    assert!(
        wrong(&host, "alter-json:tree={\"$secret\":1}")
            .await
            .starts_with("field `tree`: a JSON value may not have a member")
    );
}

#[tokio::test]
async fn the_name_of_a_field_is_a_name() {
    let host = guests::host("").await;
    assert_eq!(
        wrong(&host, "alter:=x").await,
        "the name of a field must be a name without control characters: ``"
    );
    let long = "n".repeat(257);
    assert_eq!(
        wrong(&host, &format!("alter:{long}=x")).await,
        "the name of a field has 257 bytes, the limit is 256"
    );
    assert_eq!(
        wrong(&host, "alter:a\u{1b}b=x").await,
        "the name of a field must be a name without control characters: `a\\u{1b}b`"
    );
}

#[tokio::test]
async fn a_denial_has_one_to_a_hundred_problems() {
    let host = guests::host("").await;
    assert_eq!(wrong(&host, "deny-empty").await, "a denial has 1 to 100 problems, this one has 0");
    assert_eq!(wrong(&host, "deny-many").await, "a denial has 1 to 100 problems, this one has 101");
    let long = format!("deny:{}", "m".repeat(5_000));
    assert_eq!(
        wrong(&host, &long).await,
        "the message of a problem has 5000 bytes, the limit is 4096"
    );
}

#[tokio::test]
async fn the_result_of_a_skip_is_json() {
    let host = guests::host("").await;
    assert!(wrong(&host, "skip:{").await.starts_with("the result is not JSON: "));
}

#[tokio::test]
async fn deeply_nested_json_in_an_answer_is_refused() {
    let host = guests::host("").await;
    let nested = format!("alter-json:tree={}", "[".repeat(100_000));
    assert!(wrong(&host, &nested).await.contains("recursion limit"));
}

#[tokio::test]
async fn a_power_that_was_not_asked_for_is_not_there() {
    let manifest = guests::misbehaving_manifest().replace(
        "powers = [\"alter\", \"skip\", \"deny\"]\nalter = [\"*\"]",
        "powers = [\"deny\"]",
    );
    let component = std::fs::read(palisade_tests::guest("misbehaving")).unwrap();
    let host = guests::host("").await;
    let answer = host
        .request(
            hyper::Method::POST,
            "/v1/extensions?replace=true&grants=all",
            guests::packed(&component, &manifest),
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text);
    assert_eq!(
        wrong(&host, "skip").await,
        "it answered `skip`, a power that it does not have for this hook"
    );
    assert_eq!(
        wrong(&host, "alter:name=x").await,
        "it answered `alter`, a power that it does not have for this hook"
    );
}

#[tokio::test]
async fn after_an_action_there_is_no_skip_and_no_deny() {
    let host = guests::host("").await;
    for command in ["skip", "deny"] {
        let verdict = host
            .after("custom.test", json!({ "params": { "do": command }, "result": { "id": 5 } }))
            .await;
        let trace = trace(&verdict, "misbehaving");
        assert_eq!(
            trace["fault"]["message"],
            format!(
                "bad answer: it answered `{command}`, a power that it does not have for this hook"
            )
        );
        assert_eq!(
            (&verdict["result"], &trace["outcome"]),
            (&json!({ "id": 5 }), &Value::Null),
            "{verdict}"
        );
    }
}
