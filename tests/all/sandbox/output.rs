//! What a guest keeps, writes and sees: nothing from call to call, a bounded log, and no world outside.

use serde_json::{Value, json};

use super::limits;
use crate::guests::{self, logged, tell, trace};

#[tokio::test]
async fn nothing_is_kept_from_one_call_to_the_next() {
    let host = guests::host("").await;
    let first = tell(&host, "count").await;
    let second = tell(&host, "count").await;
    assert_eq!(logged(&host, &first).await, ["info count count=\"1\""]);
    assert_eq!(logged(&host, &second).await, ["info count count=\"1\""]);
}

#[tokio::test]
async fn a_guest_is_told_what_is_left_of_its_limits() {
    let host = guests::host(&limits("deadline-ms = 1500\nfuel = 8000000")).await;
    let verdict = tell(&host, "remaining").await;
    let record = logged(&host, &verdict).await.remove(0);
    let number = |name: &str| -> u64 {
        record
            .split(&format!("{name}=\""))
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!((1..=1_500).contains(&number("ms")), "{record}");
    assert!((7_000_000..8_000_000).contains(&number("fuel")), "{record}");
}

#[tokio::test]
async fn standard_output_and_standard_error_go_to_the_log() {
    let host = guests::host("").await;
    let (out, error) = (tell(&host, "stdout:to out").await, tell(&host, "stderr:to error").await);
    assert_eq!(logged(&host, &out).await, ["info to out"]);
    assert_eq!(logged(&host, &error).await, ["warn to error"]);
}

#[tokio::test]
async fn the_first_256_records_are_kept_and_the_rest_is_counted() {
    let host = guests::host("").await;
    let verdict = tell(&host, "log:1000").await;
    assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed");
    logged(&host, &verdict).await;
    // The journal keeps less of them; the host's own log has them all.
    let log = host.log();
    assert!(log.contains("line 256") && !log.contains("line 257"));
    assert!(log.contains("744 more records were dropped: the log is at its limit"), "{log}");
}

#[tokio::test]
async fn the_bytes_of_the_log_are_limited() {
    let host = guests::host(&limits("log-bytes = 1000")).await;
    let verdict = tell(&host, "log-bytes:5000").await;
    let records = logged(&host, &verdict).await;
    assert!(records[0].len() < 1_010 && records[0].ends_with(" [cut]"), "{records:?}");
}

#[tokio::test]
async fn a_record_is_cut_at_4_kib() {
    let host = guests::host("").await;
    let verdict = tell(&host, "big-log-field").await;
    logged(&host, &verdict).await;
    let log = host.log();
    let line = log.lines().find(|line| line.contains("a big field")).unwrap();
    assert!(line.contains("[cut]") && line.len() < 5_000, "{}", line.len());
}

#[tokio::test]
async fn a_line_cannot_be_forged() {
    let host = guests::host("").await;
    // The text goes to the log through `deny`, standard output and the failure's own words.
    let forged = "x\r\u{1b}[31m\u{85}2026-01-01T00:00:00Z  WARN forged";
    let verdict = tell(&host, &format!("stdout:{forged}")).await;
    let records = logged(&host, &verdict).await;
    assert_eq!(records, ["info x\\r\\u{1b}[31m\\u{85}2026-01-01T00:00:00Z  WARN forged"]);
    assert!(!host.log().chars().any(|c| c.is_control() && c != '\n'), "{}", host.log());
}

#[tokio::test]
async fn a_newline_in_standard_output_begins_a_record_of_the_same_extension() {
    let host = guests::host("").await;
    let verdict = tell(&host, "stdout:one\n2026-01-01T00:00:00Z  WARN forged").await;
    assert_eq!(
        logged(&host, &verdict).await,
        ["info one", "info 2026-01-01T00:00:00Z  WARN forged"]
    );
    let log = host.log();
    assert!(
        log.lines().filter(|line| line.contains("forged")).all(|line| line.contains("misbehaving")),
        "{log}"
    );
}

#[tokio::test]
async fn there_is_nothing_behind_wasi() {
    let host = guests::host("").await;
    let verdict = tell(&host, "wasi").await;
    let record = logged(&host, &verdict).await.remove(0);
    let seen: Value = serde_json::from_str(record.trim_start_matches("info ")).unwrap();
    assert_eq!(
        (&seen["wasi"]["arguments"], &seen["wasi"]["environment"]),
        (&json!([]), &json!([])),
        "{seen}"
    );
    assert_eq!(seen["wasi"]["input"], "", "{seen}");
    assert!(seen["wasi"]["files"].as_str().is_some_and(|error| error != "open"), "{seen}");
}
