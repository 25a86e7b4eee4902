//! What no compiler makes: components by hand that try the edges of the sandbox.

use palisade_tests::Answer;
use serde_json::{Value, json};

use super::unharmed;
use crate::guests::{self, ByHand, PROCEED, tell, trace};

/// Installs a component by hand and calls it. Returns its fault, after a look at what must hold after every fault.
async fn fault(component: ByHand<'_>) -> Value {
    let host = guests::host("").await;
    let answer = host.install_bytes(component.packed("by-hand")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let verdict = tell(&host, "nothing").await;
    assert_eq!(verdict["verdict"], "proceed", "{verdict}");
    unharmed(&host).await;
    trace(&verdict, "by-hand")["fault"].clone()
}

/// Installs a component by hand that the host must refuse.
async fn refused(component: ByHand<'_>) -> Answer {
    let host = guests::host("").await;
    let answer = host.install_bytes(component.packed("by-hand")).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert_eq!(host.get("/v1/extensions").await.as_array().unwrap().len(), 2);
    unharmed(&host).await;
    answer
}

/// A component whose handler does this and then proceeds.
fn handler(body: &str) -> String {
    format!(
        "(func (export \"handle\") (param i32) (result i32) {body} (call $drop-event (local.get 0)) (i32.const 0))"
    )
}

#[tokio::test]
async fn a_component_by_hand_can_be_right() {
    assert_eq!(fault(ByHand { core: PROCEED, ..ByHand::default() }).await, Value::Null);
}

#[tokio::test]
async fn a_trap_comes_with_the_functions_that_led_to_it() {
    let core = format!(
        "(func $inner (unreachable)) (func $_ZN5outer4call17h0123456789abcdefE (call $inner)) {}",
        handler("(call $_ZN5outer4call17h0123456789abcdefE)")
    );
    let fault = fault(ByHand { core: &core, ..ByHand::default() }).await;
    assert_eq!(
        fault["backtrace"],
        json!(["inner", "outer::call::h0123456789abcdef", "function 3"])
    );
}

#[tokio::test]
async fn a_start_function_that_loops_runs_out_of_fuel() {
    let core = format!("{PROCEED} (func $start (loop (br 0))) (start $start)");
    assert_eq!(fault(ByHand { core: &core, ..ByHand::default() }).await["code"], "fuel");
}

#[tokio::test]
async fn a_table_that_grows_stops_at_its_limit() {
    let grow = "(loop (br_if 0 (i32.ne (table.grow 0 (ref.null func) (i32.const 1000)) (i32.const -1)))) (unreachable)";
    let core = format!("(table 1 funcref) {}", handler(grow));
    let message = "out of table elements: 20001 asked for, the limit is 20000";
    let fault = fault(ByHand { core: &core, ..ByHand::default() }).await;
    assert_eq!(fault, json!({ "code": "table", "message": message, "limit": 20_000 }));
}

#[tokio::test]
async fn memories_count_together() {
    let imports = "(core module $big (memory 600)) (core instance (instantiate $big)) (core instance (instantiate $big))";
    let fault = fault(ByHand { imports, core: PROCEED, ..ByHand::default() }).await;
    assert_eq!((&fault["code"], &fault["limit"]), (&json!("memory"), &json!(64 << 20)), "{fault}");
}

#[tokio::test]
async fn a_memory_of_4_gib_is_refused_at_install() {
    let imports = "(core module $big (memory 65536)) (core instance (instantiate $big))";
    let answer = refused(ByHand { imports, core: PROCEED, ..ByHand::default() }).await;
    assert!(answer.message().contains("memory"), "{}", answer.text);
}

#[tokio::test]
async fn a_table_of_4_billion_elements_is_refused_at_install() {
    let imports =
        "(core module $big (table 4294967295 funcref)) (core instance (instantiate $big))";
    let answer = refused(ByHand { imports, core: PROCEED, ..ByHand::default() }).await;
    assert!(answer.message().contains("table"), "{}", answer.text);
}

#[tokio::test]
async fn more_instances_than_the_limit_are_refused_at_install() {
    let imports = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(40));
    let answer = refused(ByHand { imports: &imports, core: PROCEED, ..ByHand::default() }).await;
    assert!(answer.message().contains("instances"), "{}", answer.text);
}

/// Opens buckets without end, keeping each.
const BUCKETS: &str = r#"
  (import "palisade:kv/store@1.0.0" (instance $kv
    (export "bucket" (type $bucket (sub resource)))
    (type $error' (variant
      (case "denied" string) (case "invalid-key") (case "too-large" u64) (case "quota-exceeded") (case "not-a-number")
      (case "dry-run") (case "unavailable") (case "other" string)))
    (export "error" (type $error (eq $error')))
    (export "[static]bucket.open" (func (param "name" string) (result (result (own $bucket) (error $error)))))))
  (core func $open (canon lower (func $kv "[static]bucket.open") (memory $memory "memory") (realloc (func $memory "realloc"))))"#;

#[tokio::test]
async fn handles_without_end_stop_at_their_limit() {
    let open = "(loop (call $open (i32.const 1024) (i32.const 4) (i32.const 2048)) (br_if 0 (i32.eqz (i32.load8_u (i32.const 2048)))))";
    let core =
        format!("(import \"host\" \"open\" (func $open (param i32 i32 i32))) {}", handler(open));
    let component =
        ByHand { imports: BUCKETS, with: r#"(export "open" (func $open))"#, core: &core };
    let fault = fault(component).await;
    assert_eq!((&fault["code"], &fault["limit"]), (&json!("handles"), &json!(1_000)), "{fault}");
}

/// A clock to make pollables of.
const CLOCK: &str = r#"
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer)) (export "pollable" (type $own (eq $outer)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))"#;

#[tokio::test]
async fn handles_of_wasi_count_too() {
    let core = format!(
        "(import \"host\" \"subscribe\" (func $subscribe (param i64) (result i32))) {}",
        handler("(loop (drop (call $subscribe (i64.const -1))) (br 0))")
    );
    let component =
        ByHand { imports: CLOCK, with: r#"(export "subscribe" (func $subscribe))"#, core: &core };
    let fault = fault(component).await;
    assert_eq!((&fault["code"], &fault["limit"]), (&json!("handles"), &json!(1_000)), "{fault}");
}

#[tokio::test]
async fn exiting_is_no_answer() {
    let imports = r#"
      (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
      (core func $exit (canon lower (func $exit "exit")))"#;
    let core = format!(
        "(import \"host\" \"exit\" (func $exit (param i32))) {}",
        handler("(call $exit (i32.const 1))")
    );
    let fault =
        fault(ByHand { imports, with: r#"(export "exit" (func $exit))"#, core: &core }).await;
    assert_eq!(
        fault,
        json!({ "code": "exit", "message": "exited with status 1 instead of answering" })
    );
}

#[tokio::test]
async fn random_bytes_come_in_small_portions() {
    let imports = r#"
      (import "wasi:random/random@0.2.0" (instance $random (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
      (core func $random (canon lower (func $random "get-random-bytes") (memory $memory "memory") (realloc (func $memory "realloc"))))"#;
    let core = format!(
        "(import \"host\" \"random\" (func $random (param i64 i32))) {}",
        handler("(call $random (i64.const 67108864) (i32.const 2048))")
    );
    let fault =
        fault(ByHand { imports, with: r#"(export "random" (func $random))"#, core: &core }).await;
    assert_eq!(fault["message"], "trapped: requested len 67108864 exceeds limit 65536");
}

#[tokio::test]
async fn there_are_no_sockets() {
    let imports = r#"
      (import "wasi:sockets/network@0.2.0" (instance $network
        (type $code' (enum
          "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout" "concurrency-conflict"
          "not-in-progress" "would-block" "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use"
          "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted" "datagram-too-large"
          "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
        (export "error-code" (type (eq $code')))
        (type $family' (enum "ipv4" "ipv6"))
        (export "ip-address-family" (type (eq $family')))))
      (alias export $network "error-code" (type $code))
      (alias export $network "ip-address-family" (type $family))
      (import "wasi:sockets/tcp@0.2.0" (instance $tcp (export "tcp-socket" (type (sub resource)))))
      (alias export $tcp "tcp-socket" (type $socket))
      (import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create
        (alias outer 1 $code (type $c)) (export "error-code" (type $code (eq $c)))
        (alias outer 1 $family (type $f)) (export "ip-address-family" (type $family (eq $f)))
        (alias outer 1 $socket (type $s)) (export "tcp-socket" (type $socket (eq $s)))
        (export "create-tcp-socket" (func (param "address-family" $family) (result (result (own $socket) (error $code)))))))
      (core func $create (canon lower (func $create "create-tcp-socket") (memory $memory "memory")))"#;
    // Anything but `error(access-denied)` is a trap.
    let create = "(call $create (i32.const 0) (i32.const 2048)) (if (i64.ne (i64.load (i32.const 2048)) (i64.const 0x100000001)) (then (unreachable)))";
    let core =
        format!("(import \"host\" \"create\" (func $create (param i32 i32))) {}", handler(create));
    assert_eq!(
        fault(ByHand { imports, with: r#"(export "create" (func $create))"#, core: &core }).await,
        Value::Null
    );
}

/// An answer in memory that denies with one problem, whose message lies at `pointer` and is four bytes long.
fn denial(pointer: &str) -> String {
    format!(
        r#"(data (i32.const 512) "\00\00\00\00\03\00\00\00\58\02\00\00\01\00\00\00")
        (data (i32.const 624) "{pointer}\04\00\00\00") (data (i32.const 1040) "\ff\fe\fd\fc")
        (func (export "handle") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 512))"#
    )
}

#[tokio::test]
async fn a_text_by_hand_is_read() {
    let host = guests::host("").await;
    let component =
        ByHand { core: &denial(r"\00\04\00\00"), ..ByHand::default() }.packed("by-hand");
    assert!(host.install_bytes(component).await.status.is_success());
    assert_eq!(tell(&host, "nothing").await["problems"][0]["message"], "hand");
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_a_trap() {
    let fault = fault(ByHand { core: &denial(r"\10\04\00\00"), ..ByHand::default() }).await;
    assert_eq!(fault["message"], "trapped: invalid utf-8 sequence of 1 bytes from index 0");
}

#[tokio::test]
async fn a_text_outside_the_memory_is_a_trap() {
    let fault = fault(ByHand { core: &denial(r"\f0\ff\ff\ff"), ..ByHand::default() }).await;
    assert_eq!(fault["message"], "trapped: string pointer/length out of bounds of memory");
}

#[tokio::test]
async fn an_answer_outside_the_memory_is_a_trap() {
    let core = "(func (export \"handle\") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const -16))";
    let fault = fault(ByHand { core, ..ByHand::default() }).await;
    assert_eq!(fault["code"], "trap", "{fault}");
}

#[tokio::test]
async fn keeping_the_event_is_a_trap() {
    let core = "(func (export \"handle\") (param i32) (result i32) (i32.const 0))";
    let fault = fault(ByHand { core, ..ByHand::default() }).await;
    assert_eq!(fault["message"], "trapped: borrow handles still remain at the end of the call");
}
