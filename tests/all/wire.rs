//! Values and HTTP as they travel.

use hyper::Method;
use palisade_tests::{Running, TestHost};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::guests::{self, logged};

/// Sends these bytes on a connection of their own and returns everything that comes back until the host closes it.
async fn say(host: &Running, bytes: &[u8]) -> String {
    let mut stream = host.connect().await;
    stream.write_all(bytes).await.unwrap();
    let mut heard = Vec::new();
    // A connection that is closed under bytes that nobody read ends with an error, after what was said.
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

/// A request to decide an action, with these lines in its head.
fn request(head: &str, body: &str) -> String {
    format!("POST /v1/actions/custom.test/before HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}")
}

fn length(body: &str) -> String {
    format!("content-length: {}", body.len())
}

#[tokio::test]
async fn every_value_comes_back_as_it_was_sent() {
    let host = TestHost::new().start().await;
    // As text: a parser of the test's own would hide what changes.
    let params = concat!(
        r#"{"null":null,"yes":true,"zero":0,"least":-9223372036854775808,"most":18446744073709551615,"#,
        r#""half":0.5,"whole":1.0,"small":1e-300,"text":"ä\"\\ 🦀","empty":"","list":["a","b"],"none":[],"mixed":[1,"a",null],"#,
        r#""nested":{"b":{"a":[]},"a":{"$secret":1}},"bytes":{"$bytes":"AAH/"},"marked":{"$secret":[1,2]},"":""}"#
    );
    let params = params.replace(r#","":"""#, "");
    let body = format!(r#"{{"id":"1","params":{params}}}"#);
    let answer = host.request(Method::POST, "/v1/actions/custom.test/before", body).await;
    let expected = format!(
        r#"{{"action_id":"1","verdict":"proceed","params":{params},"alterations":[],"result":null,"problems":[],"trace":[]}}"#
    );
    assert_eq!(answer.text, expected);
}

#[tokio::test]
async fn a_guest_sees_each_kind_of_value() {
    let host = guests::host("").await;
    let params = json!({
        "do": "read-all", "null": null, "yes": true, "int": -7, "float": 0.5, "list": ["a"], "mixed": [1], "big": u64::MAX,
        "bytes": { "$bytes": "AAH/" }, "nested": { "a": 1 }, "pin": { "$secret": 1 },
    });
    let verdict = host
        .before("custom.test", json!({ "params": params, "old": { "int": -7, "gone": 1 } }))
        .await;
    let log = logged(&host, &verdict).await;
    let params = log
        .iter()
        .find_map(|line| line.strip_prefix("info {\"params\":")?.strip_suffix('}'))
        .unwrap();
    let params: Value = serde_json::from_str(params).unwrap();
    let lines = params.as_object().unwrap().iter().map(|(name, param)| format!("{name} {param}\n"));
    insta::assert_snapshot!(lines.collect::<String>(), @r#"
    do {"new":"read-all","old":null,"changes":true}
    null {"new":null,"old":null,"changes":true}
    yes {"new":true,"old":null,"changes":true}
    int {"new":-7,"old":-7,"changes":false}
    float {"new":0.5,"old":null,"changes":true}
    list {"new":["a"],"old":null,"changes":true}
    mixed {"new":[1],"old":null,"changes":true}
    big {"new":18446744073709551615,"old":null,"changes":true}
    bytes {"new":{"$bytes":[0,1,255]},"old":null,"changes":true}
    nested {"new":{"a":1},"old":null,"changes":true}
    pin {"new":{"$secret":null},"old":null,"changes":true}
    "#);
}

#[tokio::test]
async fn a_guest_can_answer_each_kind_of_value() {
    let host = guests::host("").await;
    for (command, value) in [
        ("alter:x=text", json!("text")),
        ("alter-int:x=-7", json!(-7)),
        ("alter-number:x=0.5", json!(0.5)),
        ("alter-json:x={\"b\":[1]}", json!({ "b": [1] })),
    ] {
        let verdict = guests::tell(&host, command).await;
        assert_eq!(verdict["params"]["x"], value, "{verdict}");
    }
    for command in ["alter-number:x=NaN", "alter-number:x=inf", "alter-json:x={"] {
        let verdict = guests::tell(&host, command).await;
        assert_eq!(verdict["trace"][0]["fault"]["code"], "bad-answer", "{verdict}");
        assert_eq!(verdict["params"], json!({ "do": command }));
    }
}

#[tokio::test]
async fn a_field_of_the_catalogue_keeps_its_type() {
    let host = guests::host("").await;
    let params = json!({ "do": "alter:quota=much", "quota": 5, "address": "a@b.example" });
    let verdict = host.before("mailbox.create", json!({ "params": params })).await;
    assert_eq!(verdict["params"]["quota"], 5);
    let message = verdict["trace"][0]["fault"]["message"].as_str().unwrap();
    assert!(message.starts_with("bad answer: it altered `quota`, a field of type"), "{message}");
}

#[tokio::test]
async fn requests_share_a_connection_and_are_answered_in_order() {
    let host = guests::host("").await;
    let first = r#"{"id":"first","params":{"do":"sleep:100"}}"#;
    let second = r#"{"id":"second"}"#;
    let first = request(&length(first), first);
    let second = request(&format!("connection: close\r\n{}", length(second)), second);
    let heard = say(&host, format!("{first}{second}").as_bytes()).await;
    let (first, second) = (heard.find("\"first\""), heard.find("\"second\""));
    assert!(first.is_some() && first < second, "{heard}");
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let host = TestHost::new().start().await;
    let chunks = "5\r\n{\"id\"\r\n5\r\n:\"a\"}\r\n0\r\n\r\n";
    let heard =
        say(&host, request("connection: close\r\ntransfer-encoding: chunked", chunks).as_bytes())
            .await;
    assert!(
        heard.starts_with("HTTP/1.1 200 OK") && heard.contains("\"action_id\":\"a\""),
        "{heard}"
    );
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let host = TestHost::new().start().await;
    let mut stream = host.connect().await;
    stream
        .write_all(
            request("connection: close\r\nexpect: 100-continue\r\ncontent-length: 2", "")
                .as_bytes(),
        )
        .await
        .unwrap();
    let mut heard = [0; 25];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200 OK"), "{heard}");
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_is_refused_before_it_sends() {
    let host = TestHost::new().start().await;
    let heard =
        say(&host, request("expect: 100-continue\r\ncontent-length: 104857600", "").as_bytes())
            .await;
    assert!(heard.starts_with("HTTP/1.1 413 Payload Too Large"), "{heard}");
}

#[tokio::test]
async fn an_action_may_be_escaped_in_the_path() {
    let host = TestHost::new().start().await;
    let verdict = host.before("custom%2Etest%3Aone", json!({ "id": "1" })).await;
    assert_eq!(verdict["verdict"], "proceed");
    assert_eq!(host.get("/v1/journal/1").await["entries"][0]["action"], "custom.test:one");
}

#[tokio::test]
async fn a_head_over_its_limit_is_refused() {
    let host = TestHost::new().start().await;
    let heard =
        say(&host, request(&format!("x-long: {}", "x".repeat(400_000)), "").as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let host = TestHost::new().start().await;
    for bytes in [
        b"hello there\r\n\r\n" as &[u8],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let heard = say(&host, bytes).await;
        assert!(heard.starts_with("HTTP/1.1 400 Bad Request"), "{}: {heard}", bytes.escape_ascii());
    }
    assert_eq!(host.get("/v1/extensions").await, json!([]));
}

#[tokio::test]
async fn two_lengths_that_differ_are_refused() {
    let host = TestHost::new().start().await;
    let heard =
        say(&host, request("content-length: 2\r\ncontent-length: 3", "{} ").as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 400 Bad Request"), "{heard}");
}
