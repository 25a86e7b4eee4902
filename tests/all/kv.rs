//! What an extension keeps in `kv`: durable, counted exactly, and its own.

use palisade_tests::{Running, TestHost, wait_until};
use serde_json::{Value, json};

use crate::guests::{self, ByHand, logged, tell};

/// Tells `misbehaving` to use the store. Returns the result or the error.
async fn kv(host: &Running, command: &str) -> String {
    let verdict = tell(host, command).await;
    said(&logged(host, &verdict).await)
}

/// What the first record says: `info kv-get result="1"` says `1`, `info kv-get error="denied"` says `error denied`.
fn said(records: &[String]) -> String {
    let record = records.first().unwrap();
    let (_, outcome) = record.split_once(" kv-").unwrap().1.split_once(' ').unwrap();
    match outcome.split_once('=').unwrap() {
        ("result", text) => text.trim_matches('"').to_owned(),
        (name, text) => format!("{name} {}", text.trim_matches('"')),
    }
}

/// A limit on what `misbehaving` keeps.
const QUOTA: &str = "[extension.misbehaving.limits]\nkv-bytes = 1000";

#[tokio::test]
async fn what_is_written_is_read_until_it_is_deleted() {
    let host = guests::host("").await;
    assert_eq!(kv(&host, "kv-get:name").await, "none");
    assert_eq!(kv(&host, "kv-set:name=value").await, "written");
    assert_eq!(kv(&host, "kv-get:name").await, "value");
    assert_eq!(kv(&host, "kv-delete:name").await, "written");
    assert_eq!(kv(&host, "kv-get:name").await, "none");
    assert_eq!(kv(&host, "kv-delete:name").await, "written");
}

#[tokio::test]
async fn numbers_are_counted_and_nothing_else_is() {
    let host = guests::host("").await;
    assert_eq!(kv(&host, "kv-incr:n").await, "1");
    assert_eq!(kv(&host, "kv-incr:n").await, "2");
    assert_eq!(kv(&host, "kv-get:n").await, "2");
    kv(&host, "kv-set:n=two").await;
    assert_eq!(kv(&host, "kv-incr:n").await, "error not-a-number");
    kv(&host, "kv-set:n=9223372036854775807").await;
    assert_eq!(kv(&host, "kv-incr:n").await, "error not-a-number");
}

#[tokio::test]
async fn increments_at_once_are_all_counted() {
    let host = guests::host("").await;
    guests::all((0..40).map(|_| tell(&host, "kv-incr:n"))).await;
    assert_eq!(kv(&host, "kv-get:n").await, "40");
}

#[tokio::test]
async fn keys_are_listed_in_order_over_all_pages() {
    let host = guests::host("").await;
    for key in ["c", "a", "e", "ä", "b", "d"] {
        kv(&host, &format!("kv-set:{key}=x")).await;
    }
    assert_eq!(kv(&host, "kv-list").await, "a,b,c,d,e,ä");
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_a_conflict() {
    let host = guests::host("").await;
    assert_eq!(kv(&host, "kv-set-absent:name=first").await, "written");
    assert_eq!(kv(&host, "kv-set-absent:name=second").await, "conflict with first");
    assert_eq!(kv(&host, "kv-replace:name=third").await, "written");
    assert_eq!(kv(&host, "kv-get:name").await, "third");
}

#[tokio::test]
async fn a_key_and_a_value_have_their_sizes() {
    let host = guests::host("").await;
    assert_eq!(kv(&host, "kv-set:=x").await, "error invalid-key");
    assert_eq!(kv(&host, "kv-set:a\u{7}b=x").await, "error invalid-key");
    let (longest, longer) = ("k".repeat(512), "k".repeat(513));
    assert_eq!(kv(&host, &format!("kv-set:{longest}=x")).await, "written");
    assert_eq!(kv(&host, &format!("kv-get:{longest}")).await, "x");
    assert_eq!(kv(&host, &format!("kv-set:{longer}=x")).await, "error invalid-key");
    assert_eq!(kv(&host, "kv-set-bytes:big=61440").await, "written");
    assert_eq!(kv(&host, "kv-set-bytes:big=61441").await, "error too-large(61440)");
}

#[tokio::test]
async fn the_quota_is_exact() {
    let host = guests::host(QUOTA).await;
    // Keys count with the bucket's name and a byte more: `a` in `test` is 6 bytes.
    assert_eq!(kv(&host, "kv-set-bytes:a=900").await, "written");
    assert_eq!(kv(&host, "kv-set-bytes:b=89").await, "error quota-exceeded");
    assert_eq!(kv(&host, "kv-set-bytes:b=88").await, "written");
    assert_eq!(kv(&host, "kv-set-bytes:a=901").await, "error quota-exceeded");
    assert_eq!(kv(&host, "kv-get:b").await.len(), 88);
}

#[tokio::test]
async fn what_is_deleted_or_written_over_no_longer_counts() {
    let host = guests::host(QUOTA).await;
    for _ in 0..20 {
        kv(&host, "kv-set-bytes:a=500").await;
        kv(&host, "kv-set-bytes:a=10").await;
        kv(&host, "kv-incr:n").await;
        kv(&host, "kv-delete:n").await;
        kv(&host, "kv-delete:nothing").await;
        kv(&host, "kv-delete:a").await;
    }
    assert_eq!(kv(&host, "kv-set-bytes:a=995").await, "error quota-exceeded");
    assert_eq!(kv(&host, "kv-set-bytes:a=994").await, "written");
    assert_eq!(kv(&host, "kv-incr:n").await, "error quota-exceeded");
}

#[tokio::test]
async fn what_is_over_a_lowered_quota_can_be_made_less() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let mut host = TestHost::new().data(&data).start().await;
    assert_eq!(kv(&host, "kv-set-bytes:a=5000").await, "written");
    host.stop().await;
    let host = TestHost::new().data(&data).config(QUOTA).start().await;
    assert_eq!(kv(&host, "kv-set-bytes:b=1").await, "error quota-exceeded");
    assert_eq!(kv(&host, "kv-set-bytes:a=4000").await, "written");
    assert_eq!(kv(&host, "kv-delete:a").await, "written");
    assert_eq!(kv(&host, "kv-set-bytes:a=994").await, "written");
}

#[tokio::test]
async fn a_flood_stops_at_the_quota() {
    let host = guests::host("[extension.misbehaving.limits]\nkv-bytes = 1000000\nfuel = 1000000000\ndeadline-ms = 30000").await;
    assert_eq!(kv(&host, "kv-flood").await, "error quota-exceeded");
    // 16 values of 60 KiB with their keys.
    assert_eq!(kv(&host, "kv-list").await.split(',').count(), 16);
}

#[tokio::test]
async fn a_rehearsal_reads_and_does_not_write() {
    let host = guests::host("").await;
    kv(&host, "kv-set:name=value").await;
    let rehearse = async |command: &str| {
        let verdict = host
            .before("custom.test", json!({ "params": { "do": command }, "dry_run": true }))
            .await;
        said(&logged(&host, &verdict).await)
    };
    assert_eq!(rehearse("kv-get:name").await, "value");
    assert_eq!(rehearse("kv-set:name=other").await, "error dry-run");
    assert_eq!(rehearse("kv-delete:name").await, "error dry-run");
    assert_eq!(rehearse("kv-incr:n").await, "error dry-run");
    assert_eq!(
        (kv(&host, "kv-get:name").await, kv(&host, "kv-list").await),
        ("value".into(), "name".into())
    );
}

/// Packs `misbehaving` as `other`, which hears of one action and may have a request for `kv`.
fn other(needs_kv: &str) -> Vec<u8> {
    let manifest = guests::misbehaving_manifest()
        .replace("\"misbehaving\"", "\"other\"")
        .replace("\"before:*\"", "\"before:custom.other\"");
    let manifest = manifest.replace("[needs.kv]\nreason = \"Tests the store.\"\n", needs_kv);
    guests::packed(&std::fs::read(palisade_tests::guest("misbehaving")).unwrap(), &manifest)
}

/// What `misbehaving` and `other` say to a command.
async fn both(host: &Running, command: &str) -> [String; 2] {
    let verdict = host.before("custom.other", json!({ "params": { "do": command } })).await;
    let records = logged(host, &verdict).await;
    [said(&records[..1]), said(&records[1..])]
}

#[tokio::test]
async fn extensions_do_not_see_one_anothers_entries() {
    let host = guests::host("").await;
    assert!(
        host.install_bytes(other("[needs.kv]\nreason = \"Tests.\"\nquota-bytes = 100\n"))
            .await
            .status
            .is_success()
    );
    kv(&host, "kv-set:name=mine").await;
    assert_eq!(both(&host, "kv-get:name").await, ["mine", "none"]);
    assert_eq!(both(&host, "kv-set-absent:name=theirs").await, ["conflict with mine", "written"]);
    assert_eq!(both(&host, "kv-get:name").await, ["mine", "theirs"]);
    // The quota that `other` asked for is its own too.
    assert_eq!(both(&host, "kv-set-bytes:big=500").await, ["written", "error quota-exceeded"]);
    assert_eq!(both(&host, "kv-list").await, ["big,name", "name"]);
}

#[tokio::test]
async fn an_extension_that_did_not_ask_for_kv_is_denied() {
    let host = guests::host("").await;
    assert!(host.install_bytes(other("")).await.status.is_success());
    for command in ["kv-get:name", "kv-set:name=x", "kv-delete:name", "kv-incr:name", "kv-list"] {
        let denied = "error denied(the manifest does not ask for `kv`)";
        assert_eq!(both(&host, command).await[1], denied);
    }
}

#[tokio::test]
async fn an_upgrade_keeps_the_entries_and_a_removal_deletes_them() {
    let host = guests::host("").await;
    kv(&host, "kv-set:name=value").await;
    assert!(
        host.install_bytes(guests::misbehaving_as("misbehaving", "1.1.0"))
            .await
            .status
            .is_success()
    );
    assert_eq!(kv(&host, "kv-get:name").await, "value");
    assert!(
        host.request(hyper::Method::DELETE, "/v1/extensions/misbehaving", "")
            .await
            .status
            .is_success()
    );
    host.install("misbehaving").await;
    assert_eq!(
        (kv(&host, "kv-get:name").await, kv(&host, "kv-list").await),
        ("none".into(), String::new())
    );
}

#[tokio::test]
async fn what_a_guest_was_told_is_written_survives_a_kill() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    for round in 1..=5 {
        let host = TestHost::new().data(&data).start().await;
        // The journal is not asked: it may lose its last interval.
        for _ in 0..3 {
            tell(&host, "kv-incr:n").await;
        }
        host.kill();
        let host = TestHost::new().data(&data).start().await;
        assert_eq!(kv(&host, "kv-get:n").await, (round * 3).to_string());
        host.kill();
    }
}

/// Denies if there is an entry; else writes one that lasts a second.
const FLEETING: ByHand<'_> = ByHand {
    imports: r#"
      (import "palisade:kv/store@1.0.0" (instance $kv
        (export "bucket" (type $bucket (sub resource)))
        (type $error' (variant
          (case "denied" string) (case "invalid-key") (case "too-large" u64) (case "quota-exceeded") (case "not-a-number")
          (case "dry-run") (case "unavailable") (case "other" string)))
        (export "error" (type $error (eq $error')))
        (type $entry' (record (field "value" (list u8)) (field "revision" u64)))
        (export "entry" (type $entry (eq $entry')))
        (type $condition' (variant (case "always") (case "absent") (case "unchanged" u64)))
        (export "condition" (type $condition (eq $condition')))
        (type $write-result' (variant (case "written" u64) (case "conflict" (option $entry))))
        (export "write-result" (type $write-result (eq $write-result')))
        (export "[static]bucket.open" (func (param "name" string) (result (result (own $bucket) (error $error)))))
        (export "[method]bucket.get" (func (param "self" (borrow $bucket)) (param "key" string) (result (result (option $entry) (error $error)))))
        (export "[method]bucket.set" (func (param "self" (borrow $bucket)) (param "key" string) (param "value" (list u8))
          (param "ttl-seconds" (option u32)) (param "condition" $condition) (result (result $write-result (error $error)))))))
      (core func $open (canon lower (func $kv "[static]bucket.open") (memory $memory "memory") (realloc (func $memory "realloc"))))
      (core func $get (canon lower (func $kv "[method]bucket.get") (memory $memory "memory") (realloc (func $memory "realloc"))))
      (core func $set (canon lower (func $kv "[method]bucket.set") (memory $memory "memory") (realloc (func $memory "realloc"))))"#,
    with: r#"(export "open" (func $open)) (export "get" (func $get)) (export "set" (func $set))"#,
    core: r#"
      (import "host" "open" (func $open (param i32 i32 i32)))
      (import "host" "get" (func $get (param i32 i32 i32 i32)))
      (import "host" "set" (func $set (param i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
      (data (i32.const 512) "\00\00\00\00\03\00\00\00\58\02\00\00\01\00\00\00") (data (i32.const 624) "\00\04\00\00\04\00\00\00")
      (func (export "handle") (param i32) (result i32) (local $bucket i32)
        (call $open (i32.const 1024) (i32.const 4) (i32.const 2048))
        (local.set $bucket (i32.load (i32.const 2056)))
        (call $get (local.get $bucket) (i32.const 1024) (i32.const 4) (i32.const 3072))
        (call $drop-event (local.get 0))
        (if (i32.load8_u (i32.const 3080)) (then (return (i32.const 512))))
        (call $set (local.get $bucket) (i32.const 1024) (i32.const 4) (i32.const 1024) (i32.const 4)
          (i32.const 1) (i32.const 1) (i32.const 0) (i64.const 0) (i32.const 2048))
        (i32.const 0))"#,
};

#[tokio::test]
async fn an_entry_with_a_time_limit_is_gone_after_it() {
    let host = guests::host("").await;
    let answer = host.install_bytes(FLEETING.packed("fleeting")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let verdict = async || -> Value { tell(&host, "nothing").await["verdict"].clone() };
    assert_eq!((verdict().await, verdict().await), (json!("proceed"), json!("deny")));
    wait_until("the entry to end", async || verdict().await == "proceed").await;
    assert_eq!(verdict().await, "deny");
}
