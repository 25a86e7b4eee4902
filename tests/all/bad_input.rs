//! What is wrong with a request is said, by a status, a stable code and the value; the host goes on as before.

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost, wait_until};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const BEFORE: &str = "/v1/actions/mailbox.create/before";

async fn post(host: &Running, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    host.request(Method::POST, path, body).await
}

/// What comes of each of these bodies, one in a line; and that the host works afterwards.
async fn refusals(path: &str, bodies: &[&str]) -> String {
    let host = TestHost::new().start().await;
    let mut lines = Vec::new();
    for body in bodies {
        lines.push(post(&host, path, *body).await.refusal());
    }
    works(&host).await;
    lines.join("\n")
}

async fn works(host: &Running) {
    assert_eq!(host.before("mailbox.create", json!({})).await["verdict"], "proceed");
    assert_eq!(host.get("/v1/status").await["journal_dropped"], 0);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let bodies = [
        "",
        "{",
        "{} {}",
        "hello",
        "{\"id\":\"1\",}",
        "{\"params\":{\"a\":1e999}}",
        "{\"id\":\"\\ud800\"}",
    ];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    400 request.malformed: the body is not JSON: EOF while parsing a value at line 1 column 0
    400 request.malformed: the body is not JSON: EOF while parsing an object at line 1 column 1
    400 request.malformed: there is more than one JSON value in the body
    400 request.malformed: the body is not JSON: expected value at line 1 column 1
    400 request.malformed: the body is not JSON: trailing comma at line 1 column 11
    400 request.malformed: the body is not JSON: number out of range at line 1 column 20
    400 request.malformed: the body is not JSON: unexpected end of hex escape at line 1 column 14
    "#);
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_named_with_its_place() {
    let bodies = [
        "[]",
        "7",
        r#"{"id":7}"#,
        r#"{"params":[]}"#,
        r#"{"params":"x"}"#,
        r#"{"attributes":{"a":1}}"#,
        r#"{"dry_run":"yes"}"#,
        r#"{"depth":-1}"#,
        r#"{"depth":1.5}"#,
        r#"{"actor":"u1"}"#,
        r#"{"actor":{"kind":"person"}}"#,
        r#"{"object":{"kind":"mailbox"}}"#,
    ];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    422 request.invalid: the body must be a JSON object, and it begins with `[`
    422 request.invalid: the body must be a JSON object, and it begins with `7`
    422 request.invalid: `id`: invalid type: integer `7`, expected a string at line 1 column 7
    422 request.invalid: `params`: invalid type: sequence, expected a map at line 1 column 10
    422 request.invalid: `params`: invalid type: string, expected a map at line 1 column 13
    422 request.invalid: `attributes.a`: invalid type: integer `1`, expected a string at line 1 column 20
    422 request.invalid: `dry_run`: invalid type: string "yes", expected a boolean at line 1 column 16
    422 request.invalid: `depth`: invalid value: integer `-1`, expected u32 at line 1 column 11
    422 request.invalid: `depth`: invalid type: floating point `1.5`, expected u32 at line 1 column 12
    422 request.invalid: `actor`: invalid type: string "u1", expected a JSON object at line 1 column 13
    422 request.invalid: `actor`: missing field `id` at line 1 column 26
    422 request.invalid: `object`: missing field `id` at line 1 column 28
    "#);
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_a_suggestion() {
    let bodies = [
        r#"{"parms":{}}"#,
        r#"{"dry-run":true}"#,
        r#"{"actor":{"id":"1","roll":"customer"}}"#,
        r#"{"object":{"kind":"a","id":"1","name":"x"}}"#,
        r#"{"status":"failed"}"#,
        r#"{"id":"1","id":"2"}"#,
    ];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    422 request.invalid: `parms`: unknown field `parms`, expected one of `id`, `actor`, `object`, `params`, `old`, `attributes`, `dry_run`, `depth`, `caused_by` at line 1 column 8 (hint: did you mean `params`?)
    422 request.invalid: `dry-run`: unknown field `dry-run`, expected one of `id`, `actor`, `object`, `params`, `old`, `attributes`, `dry_run`, `depth`, `caused_by` at line 1 column 10 (hint: did you mean `dry_run`?)
    422 request.invalid: `actor.roll`: unknown field `roll`, expected one of `kind`, `role`, `id`, `name` at line 1 column 25 (hint: did you mean `role`?)
    422 request.invalid: `object.name`: unknown field `name`, expected `kind` or `id` at line 1 column 37
    422 request.invalid: `status`: unknown field `status`, expected one of `id`, `actor`, `object`, `params`, `old`, `attributes`, `dry_run`, `depth`, `caused_by` at line 1 column 9
    422 request.invalid: duplicate field `id` at line 1 column 14
    "#);
}

#[tokio::test]
async fn an_unknown_ending_is_refused_with_a_suggestion() {
    let bodies = [r#"{"status":"suceeded"}"#, r#"{"status":null}"#];
    insta::assert_snapshot!(refusals("/v1/actions/mailbox.create/after", &bodies).await, @r#"
    422 request.invalid: `status`: unknown variant `suceeded`, expected one of `succeeded`, `skipped`, `denied`, `failed` at line 1 column 20 (hint: did you mean `succeeded`?)
    400 request.malformed: the body is not JSON: expected value at line 1 column 11
    "#);
}

#[tokio::test]
async fn identifiers_and_names_have_a_length_and_no_control_characters() {
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(600));
    let bodies = [
        r#"{"id":""}"#,
        r#"{"id":"a\u0000b"}"#,
        r#"{"id":"\u001b[31mred"}"#,
        &long,
        r#"{"actor":{"id":"a\nb"}}"#,
        r#"{"actor":{"id":"1","kind":""}}"#,
        r#"{"object":{"kind":"mailbox","id":"\r"}}"#,
        r#"{"params":{"":1}}"#,
        r#"{"old":{"a\tb":1}}"#,
        r#"{"attributes":{"a\u0007":""}}"#,
    ];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: ``
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `a\u{0}b`
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `\u{1b}[31mred`
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`
    422 request.invalid: a name in `actor.id` must have 1 to 512 bytes without control characters: `a\nb`
    422 request.invalid: a name in `actor.kind` must have 1 to 512 bytes without control characters: ``
    422 request.invalid: a name in `object.id` must have 1 to 512 bytes without control characters: `\r`
    422 request.invalid: a name in `params` must have 1 to 512 bytes without control characters: ``
    422 request.invalid: a name in `old` must have 1 to 512 bytes without control characters: `a\tb`
    422 request.invalid: a name in `attributes` must have 1 to 512 bytes without control characters: `a\u{7}`
    "#);
}

#[tokio::test]
async fn an_identifier_is_checked_also_where_the_action_has_one_of_its_own() {
    let bodies = [r#"{"id":"a\u0000b","action_id":"1"}"#, r#"{"id":"1","action_id":"a\u0000b"}"#];
    insta::assert_snapshot!(refusals("/v1/actions/mailbox.create/after", &bodies).await, @r#"
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `a\u{0}b`
    422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `a\u{0}b`
    "#);
    let bodies = [r#"{"id":"a\u0000b","items":[{"action_id":"1"}]}"#];
    insta::assert_snapshot!(refusals("/v1/actions/mailbox.create/after/batch", &bodies).await, @r#"422 request.invalid: a name in `id` must have 1 to 512 bytes without control characters: `a\u{0}b`"#);
}

#[tokio::test]
async fn a_marker_stands_alone_and_bytes_are_base64() {
    let bodies = [
        r#"{"params":{"a":{"$bytes":"???"}}}"#,
        r#"{"params":{"a":{"$bytes":7}}}"#,
        r#"{"params":{"a":{"$bytes":"AAE"}}}"#,
        r#"{"params":{"a":{"$secret":"x","b":1}}}"#,
    ];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    422 request.invalid: `params.a`: `$bytes` is not base64: Invalid symbol 63, offset 0. at line 1 column 31
    422 request.invalid: `params.a.$bytes`: invalid type: integer `7`, expected a string at line 1 column 26
    422 request.invalid: `params.a`: `$bytes` is not base64: Invalid padding at line 1 column 31
    422 request.invalid: `params.a`: `$secret` must stand alone in its object, beside it stands `b` at line 1 column 33
    "#);
}

#[tokio::test]
async fn a_batch_has_items_and_says_which_one_is_wrong() {
    let many = format!(r#"{{"items":[{}]}}"#, vec!["{}"; 1_001].join(","));
    let bodies = [
        "{}",
        r#"{"items":[]}"#,
        r#"{"items":{}}"#,
        &many,
        r#"{"items":[{},{"params":{"":1}}]}"#,
        r#"{"items":[{},{"parms":{}}]}"#,
        r#"{"items":[{},{"status":"failed"}]}"#,
        r#"{"items":[{"action_id":"1"}]}"#,
        r#"{"items":[{}],"depth":5}"#,
    ];
    insta::assert_snapshot!(refusals("/v1/actions/mailbox.create/before/batch", &bodies).await, @r#"
    422 request.invalid: missing field `items` at line 1 column 2
    422 request.invalid: `items` must have 1 to 1000 items: 0
    422 request.invalid: `items`: invalid type: map, expected a sequence at line 1 column 9
    422 request.invalid: `items` must have 1 to 1000 items: 1001
    422 request.invalid: `items[1]`: a name in `params` must have 1 to 512 bytes without control characters: ``
    422 request.invalid: `items[1].parms`: unknown field `parms`, expected one of `object`, `params`, `old`, `action_id`, `status`, `result` at line 1 column 21 (hint: did you mean `params`?)
    422 request.invalid: `items[1]`: `status`, `result` and `action_id` mean nothing before an action
    422 request.invalid: `items[0]`: `status`, `result` and `action_id` mean nothing before an action
    422 depth.exceeded: `items[0]`: `depth` is 5, the limit is 4: actions of extensions led to one another
    "#);
}

#[tokio::test]
async fn actions_of_extensions_lead_to_one_another_only_so_often() {
    let bodies = [r#"{"depth":5}"#, r#"{"depth":4294967296}"#];
    insta::assert_snapshot!(refusals(BEFORE, &bodies).await, @r#"
    422 depth.exceeded: `depth` is 5, the limit is 4: actions of extensions led to one another
    422 request.invalid: `depth`: invalid value: integer `4294967296`, expected u32 at line 1 column 19
    "#);
    let host = TestHost::new().start().await;
    assert_eq!(host.before("mailbox.create", json!({ "depth": 4 })).await["verdict"], "proceed");
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let deep = format!("{{\"params\":{{\"a\":{}1{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    insta::assert_snapshot!(refusals(BEFORE, &[&deep]).await, @"400 request.malformed: the body is not JSON: recursion limit exceeded at line 1 column 141");
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_malformed() {
    let host = TestHost::new().start().await;
    let answer = post(&host, BEFORE, b"{\"id\":\"\xff\xfe\"}".as_slice()).await;
    insta::assert_snapshot!(answer.refusal(), @"400 request.malformed: the body is not JSON: invalid unicode code point at line 1 column 8");
    works(&host).await;
}

#[tokio::test]
async fn an_action_has_a_name_of_certain_letters() {
    let host = TestHost::new().start().await;
    let mut lines = Vec::new();
    let long = "a".repeat(129);
    for action in ["a..b", ".a", "a%20b", "a%00b", "mailbox%2Fcreate", "%C3%A4", "%ff", "*", &long]
    {
        lines.push(post(&host, &format!("/v1/actions/{action}/before"), "{}").await.refusal());
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `a..b`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `.a`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `a b`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `a\u{0}b`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `mailbox/create`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `\u{e4}`
    400 request.malformed: the path `/v1/actions/%ff/before` cannot be read: Invalid UTF-8 in `action`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `*`
    400 action.invalid: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`
    "#);
    works(&host).await;
}

#[tokio::test]
async fn a_body_of_100_mib_is_refused_and_the_client_can_read_why() {
    let host = TestHost::new().start().await;
    let answer = post(&host, BEFORE, vec![b' '; 100 << 20]).await;
    insta::assert_snapshot!(answer.refusal(), @"413 request.too-large: the body has 104857600 bytes or more, the limit is 1048576");
    works(&host).await;
}

#[tokio::test]
async fn a_body_in_chunks_is_refused_when_it_gets_too_large() {
    let host = TestHost::new().start().await;
    let mut stream = host.connect().await;
    let head = format!(
        "POST {BEFORE} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    for _ in 0..20 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(
        heard.starts_with("HTTP/1.1 413") && heard.contains("\"request.too-large\""),
        "{heard}"
    );
    works(&host).await;
}

#[tokio::test]
async fn whoever_sends_much_where_nothing_is_wanted_can_read_why_it_is_refused() {
    let host = TestHost::new().start().await;
    for (method, path, code) in [
        (Method::POST, "/v1/nowhere", "route.unknown"),
        (Method::POST, "/v1/status", "route.method"),
        (Method::POST, "/v1/extensions/nothing/enable", "extension.unknown"),
        (Method::POST, "/v1/extensions?replace=maybe", "request.invalid"),
        (Method::POST, "/v1/actions/a..b/before", "request.too-large"),
    ] {
        let answer = host.request(method, path, vec![b' '; 8 << 20]).await;
        assert_eq!(answer.code(), code, "{path}: {}", answer.text);
    }
    works(&host).await;
}

#[tokio::test]
async fn a_million_params_are_refused() {
    let host = TestHost::new().config("[server]\nbody-bytes = 33554432").start().await;
    let params: Vec<String> = (0..1_000_000).map(|n| format!("\"p{n}\":1")).collect();
    for name in ["params", "old"] {
        let answer = post(&host, BEFORE, format!("{{\"{name}\":{{{}}}}}", params.join(","))).await;
        let expected =
            format!("422 request.invalid: `{name}` has 1000000 values, the limit is 10000");
        assert_eq!(answer.refusal(), expected);
    }
    works(&host).await;
}

#[tokio::test]
async fn attributes_are_limited_in_number_and_size() {
    let many: Vec<String> = (0..101).map(|n| format!("\"a{n}\":\"\"")).collect();
    let many = format!("{{\"attributes\":{{{}}}}}", many.join(","));
    let long = format!("{{\"attributes\":{{\"a\":\"{}\"}}}}", "x".repeat(4_097));
    insta::assert_snapshot!(refusals(BEFORE, &[&many, &long]).await, @r#"
    422 request.invalid: `attributes` has 101 values, the limit is 100
    422 request.invalid: the attribute `a` has 4097 bytes, the limit is 4096
    "#);
}

#[tokio::test]
async fn an_unknown_extension_is_refused_with_the_nearest_one() {
    let host = TestHost::new().start().await;
    host.install("audit-trail").await;
    let mut lines = Vec::new();
    for (method, path) in [
        (Method::GET, "/v1/extensions/audit-trial"),
        (Method::GET, "/v1/extensions/zzz"),
        (Method::DELETE, "/v1/extensions/audit.trail"),
        (Method::POST, "/v1/extensions/audit/enable"),
        (Method::POST, "/v1/extensions/AUDIT-TRAIL/disable"),
        (Method::GET, "/v1/extensions/a%1Bb/settings"),
        (Method::GET, "/v1/extensions/%ff"),
    ] {
        lines.push(host.request(method, path, "").await.refusal());
    }
    lines.push(host.request(Method::PUT, "/v1/extensions/nothing/settings", "{}").await.refusal());
    insta::assert_snapshot!(lines.join("\n"), @r#"
    404 extension.unknown: no extension `audit-trial` is installed (hint: did you mean `audit-trail`?)
    404 extension.unknown: no extension `zzz` is installed
    404 extension.unknown: no extension `audit.trail` is installed (hint: did you mean `audit-trail`?)
    404 extension.unknown: no extension `audit` is installed (hint: did you mean `audit-trail`?)
    404 extension.unknown: no extension `AUDIT-TRAIL` is installed
    404 extension.unknown: no extension `a\u{1b}b` is installed
    400 request.malformed: the path `/v1/extensions/%ff` cannot be read: Invalid UTF-8 in `id`
    404 extension.unknown: no extension `nothing` is installed
    "#);
    works(&host).await;
}

#[tokio::test]
async fn settings_must_be_a_json_object() {
    let host = TestHost::new().start().await;
    host.install("audit-trail").await;
    let mut lines = Vec::new();
    for body in ["", "[]", "null"] {
        lines.push(
            host.request(Method::PUT, "/v1/extensions/audit-trail/settings", body).await.refusal(),
        );
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    400 request.malformed: the body is not JSON: EOF while parsing a value at line 1 column 0
    422 request.invalid: the body must be a JSON object, and it begins with `[`
    422 request.invalid: the body must be a JSON object, and it begins with `n`
    "#);
    let unknown =
        host.request(Method::PUT, "/v1/extensions/audit-trail/settings", "{\"a\":1}").await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (422, "settings.invalid".into()));
}

#[tokio::test]
async fn a_query_is_checked_like_a_body() {
    let host = TestHost::new().start().await;
    let mut lines = Vec::new();
    for query in [
        "faults=maybe",
        "limit=-1",
        "phase=during",
        "verdict=denied",
        "extensions=a",
        "since_ms=yesterday",
        "action=%ff&limit=x",
    ] {
        lines.push(host.request(Method::GET, &format!("/v1/journal?{query}"), "").await.refusal());
    }
    lines.push(post(&host, "/v1/extensions?force=true", "").await.refusal());
    insta::assert_snapshot!(lines.join("\n"), @r#"
    422 request.invalid: the query `faults=maybe`: faults: provided string was not `true` or `false`
    422 request.invalid: the query `limit=-1`: limit: invalid digit found in string
    422 request.invalid: the query `phase=during`: phase: unknown variant `during`, expected `before` or `after`
    422 request.invalid: the query `verdict=denied`: verdict: unknown variant `denied`, expected one of `proceed`, `skip`, `deny` (hint: did you mean `deny`?)
    422 request.invalid: the query `extensions=a`: extensions: unknown field `extensions`, expected one of `action`, `phase`, `verdict`, `extension`, `faults`, `since_ms`, `limit` (hint: did you mean `extension`?)
    422 request.invalid: the query `since_ms=yesterday`: since_ms: invalid digit found in string
    422 request.invalid: the query `action=%ff&limit=x`: limit: invalid digit found in string
    422 request.invalid: the query `force=true`: force: unknown field `force`, expected one of `replace`, `grants`, `panel`
    "#);
}

#[tokio::test]
async fn an_unknown_route_or_method_is_named() {
    let host = TestHost::new().start().await;
    let mut lines = Vec::new();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v1/extension"),
        (Method::POST, "/v1/actions/mailbox.create/during"),
        (Method::GET, BEFORE),
        (Method::PUT, "/v1/extensions"),
        (Method::DELETE, "/v1/journal"),
        (Method::GET, "/v1/journal/unknown"),
        (Method::GET, "/v1/../etc/passwd"),
    ] {
        lines.push(host.request(method, path, "").await.refusal());
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    404 route.unknown: there is no `/` (hint: GET /v1/openapi.json lists all paths)
    404 route.unknown: there is no `/v1/extension` (hint: GET /v1/openapi.json lists all paths)
    404 route.unknown: there is no `/v1/actions/mailbox.create/during` (hint: GET /v1/openapi.json lists all paths)
    405 route.method: `/v1/actions/mailbox.create/before` does not take the method GET (hint: GET /v1/openapi.json lists all paths)
    405 route.method: `/v1/extensions` does not take the method PUT (hint: GET /v1/openapi.json lists all paths)
    405 route.method: `/v1/journal` does not take the method DELETE (hint: GET /v1/openapi.json lists all paths)
    404 journal.unknown: the journal has no action `unknown`
    404 route.unknown: there is no `/v1/../etc/passwd` (hint: GET /v1/openapi.json lists all paths)
    "#);
    works(&host).await;
}

#[tokio::test]
async fn a_client_that_breaks_off_harms_nobody() {
    let host = TestHost::new().start().await;
    for part in [
        "",
        "PO",
        "POST / HTTP/1.1\r\n",
        &format!("POST {BEFORE} HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{{"),
    ] {
        let mut stream = host.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
    }
    // The one that asks.
    wait_until("the broken connections", async || host.metric("palisade_connections").await == 1.0)
        .await;
    works(&host).await;
}
