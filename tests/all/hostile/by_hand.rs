//! What no compiler makes: components by hand, each hostile in one way, and how a call of it must end.

use palisade_tests::{Running, root};
use serde_json::json;

use super::End::{Answer, Fault, Says};
use super::{End, harm_to_others, host, install, manifest, params, wrong_end, wrong_verdict};
use crate::guests::packed;

/// A hostile component: the parts of `tests/fixtures/handler.wat` in which it differs from a good one.
#[derive(Clone, Copy)]
struct Hand {
    /// What it does.
    name: &'static str,
    /// The fields of the main module, `handle` among them.
    core: &'static str,
    /// The body of `realloc`, which the host calls for room for what it hands in.
    realloc: &'static str,
    /// Options of the lifted `handle`.
    lift: &'static str,
    /// How a call ends.
    end: End,
}

/// Methods that every component by hand imports.
const METHODS: &str = r#"
    (export "[method]event.get" (func (param "self" (borrow $event)) (param "name" string) (result (option $value))))"#;

/// Host functions that every main module can import from `host`.
const IMPORTS: &str = r#"
  (core func $get (canon lower (func $types "[method]event.get") (memory $memory "memory") (realloc (func $memory "realloc"))))
  (import "palisade:core/log@1.0.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string) (param "fields" (list (tuple string string)))))))
  (core func $write (canon lower (func $log "write") (memory $memory "memory")))
  (import "palisade:kv/store@1.0.0" (instance $kv (export "bucket" (type $bucket (sub resource)))))
  (alias export $kv "bucket" (type $bucket))
  (core func $drop-bucket (canon resource.drop $bucket))
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core func $random (canon lower (func $random "get-random-bytes") (memory $memory "memory") (realloc (func $memory "realloc"))))"#;

const WITH: &str = r#"
      (export "get" (func $get)) (export "write" (func $write)) (export "drop-bucket" (func $drop-bucket))
      (export "random" (func $random))"#;

/// What every main module begins with.
const FIELDS: &str = r#"
    (import "host" "get" (func $get (param i32 i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32 i32)))
    (import "host" "drop-bucket" (func $drop-bucket (param i32)))
    (import "host" "random" (func $random (param i64 i32)))
    (type $nothing (func)) (table 4 funcref)"#;

/// The body of a `realloc` that gives everybody the same place.
const SAME_PLACE: &str = "(i32.const 4096)";

impl Hand {
    /// The component.
    fn component(&self) -> Vec<u8> {
        let template = std::fs::read_to_string(root().join("tests/fixtures/handler.wat")).unwrap();
        let parts = [
            ("(eq $failure')))))", format!("(eq $failure'))){METHODS}))")),
            ("(i32.const 4096))", format!("{})", self.realloc)),
            ("\"handle\") (memory", format!("\"handle\") {} (memory", self.lift)),
            ("\nIMPORTS", IMPORTS.to_owned()),
            ("$drop-event)) WITH", format!("$drop-event)) {WITH}")),
            ("\nCORE", format!("{FIELDS}\n{}", self.core)),
        ];
        let text = parts.iter().fold(template, |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        });
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", self.name))
    }

    /// An identifier for an extension.
    fn id(&self) -> String {
        self.name.replace(' ', "-")
    }
}

/// A component whose handler does this before it drops the event and proceeds.
macro_rules! does {
    ($name:literal, $body:literal, $end:expr) => {
        Hand {
            name: $name,
            core: concat!(
                "(func (export \"handle\") (param i32) (result i32) ",
                $body,
                " (call $drop-event (local.get 0)) (i32.const 0))"
            ),
            realloc: SAME_PLACE,
            lift: "",
            end: $end,
        }
    };
}

/// A component whose answer lies at 512, and is this data; the event is dropped.
macro_rules! answers {
    ($name:literal, $data:literal, $end:expr) => {
        Hand {
            name: $name,
            core: concat!(
                $data,
                "(func (export \"handle\") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 512))"
            ),
            realloc: SAME_PLACE,
            lift: "",
            end: $end,
        }
    };
}

/// A component that has this in its main module and proceeds.
macro_rules! has {
    ($name:literal, $fields:literal, $lift:literal, $end:expr) => {
        Hand {
            name: $name,
            core: concat!(
                $fields,
                "(func (export \"handle\") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 0))"
            ),
            realloc: SAME_PLACE,
            lift: $lift,
            end: $end,
        }
    };
}

/// Asks the host for 16 random bytes, for which it needs room, with this body of `realloc`.
macro_rules! allocates {
    ($name:literal, $realloc:literal, $end:expr) => {
        Hand {
            realloc: $realloc,
            ..does!($name, "(call $random (i64.const 16) (i32.const 2048))", $end)
        }
    };
}

/// Every hostile component.
const HANDS: [Hand; 46] = [
    has!("good", "", "", Answer("proceed")),
    does!(
        "good reader",
        "(call $get (local.get 0) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Answer("proceed")
    ),
    // Traps.
    does!("unreachable", "(unreachable)", Says("trap", "unreachable")),
    does!(
        "division by zero",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        Says("trap", "divide by zero")
    ),
    does!(
        "division that overflows",
        "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
        Says("trap", "overflow")
    ),
    does!(
        "conversion of no number",
        "(drop (i32.trunc_f32_s (f32.const nan)))",
        Says("trap", "conversion to integer")
    ),
    does!(
        "read outside memory",
        "(drop (i32.load (i32.const -4)))",
        Says("trap", "out of bounds memory access")
    ),
    does!(
        "write outside memory",
        "(i64.store (i32.const 0x7fffffff) (i64.const 1))",
        Says("trap", "out of bounds memory access")
    ),
    does!(
        "fill outside memory",
        "(memory.fill (i32.const 131000) (i32.const 0) (i32.const 1000))",
        Says("trap", "out of bounds memory access")
    ),
    does!(
        "call of nothing",
        "(call_indirect (type $nothing) (i32.const 0))",
        Says("trap", "uninitialized element")
    ),
    does!(
        "call outside the table",
        "(call_indirect (type $nothing) (i32.const 99))",
        Says("trap", "out of bounds")
    ),
    Hand {
        core: "(elem (i32.const 0) $handle) (func $handle (export \"handle\") (param i32) (result i32) (call_indirect (type $nothing) (i32.const 0)) (i32.const 0))",
        ..does!("call of another type", "", Says("trap", "indirect call type mismatch"))
    },
    does!(
        "table outside itself",
        "(drop (table.get 0 (i32.const 4)))",
        Says("trap", "out of bounds table access")
    ),
    // At the start, and after the end.
    has!(
        "start that traps",
        "(func $start (unreachable)) (start $start)",
        "",
        Says("trap", "unreachable")
    ),
    has!("start that loops", "(func $start (loop (br 0))) (start $start)", "", Fault("fuel")),
    has!("start that recurses", "(func $start (call $start)) (start $start)", "", Fault("stack")),
    has!(
        "start that grows",
        "(func $start (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)) (start $start)",
        "",
        Fault("memory")
    ),
    has!(
        "post return that traps",
        "(func (export \"post\") (param i32) (unreachable))",
        "(post-return (func $instance \"post\"))",
        Says("trap", "unreachable")
    ),
    has!(
        "post return that loops",
        "(func (export \"post\") (param i32) (loop (br 0)))",
        "(post-return (func $instance \"post\"))",
        Fault("fuel")
    ),
    has!(
        "post return that calls the host",
        "(func (export \"post\") (param i32) (call $write (i32.const 2) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 0)))",
        "(post-return (func $instance \"post\"))",
        Says("trap", "cannot leave component instance")
    ),
    // Room for what the host hands in.
    allocates!("realloc that traps", "(unreachable)", Says("trap", "unreachable")),
    allocates!("realloc that loops", "(loop (br 0)) (i32.const 4096)", Fault("fuel")),
    allocates!("realloc outside memory", "(i32.const -1)", Says("trap", "beyond end of memory")),
    allocates!(
        "realloc at the very end",
        "(i32.const 131071)",
        Says("trap", "beyond end of memory")
    ),
    // Handles.
    does!(
        "event dropped twice",
        "(call $drop-event (local.get 0))",
        Says("trap", "unknown handle index")
    ),
    does!(
        "event used after it was dropped",
        "(call $drop-event (local.get 0)) (call $get (local.get 0) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Says("trap", "unknown handle index")
    ),
    does!(
        "forged handle",
        "(call $get (i32.const 77) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Says("trap", "unknown handle index 77")
    ),
    does!(
        "handle out of range",
        "(call $get (i32.const -1) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Says("trap", "unknown handle index")
    ),
    does!(
        "handle zero",
        "(call $get (i32.const 0) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Says("trap", "unknown handle index 0")
    ),
    does!(
        "handle of an earlier call",
        "(call $drop-bucket (i32.const 2))",
        Says("trap", "unknown handle index 2")
    ),
    does!(
        "handle of another type",
        "(call $drop-bucket (local.get 0))",
        Says("trap", "handle index 1 used with the wrong type")
    ),
    // What is handed to the host.
    does!(
        "argument outside memory",
        "(call $get (local.get 0) (i32.const -4) (i32.const 4) (i32.const 2048))",
        Says("trap", "out of bounds")
    ),
    does!(
        "argument of 1 gib",
        "(call $get (local.get 0) (i32.const 1024) (i32.const 0x40000000) (i32.const 2048))",
        Says("trap", "out of bounds")
    ),
    does!(
        "argument that is not utf-8",
        "(i32.store8 (i32.const 1024) (i32.const 0xff)) (call $get (local.get 0) (i32.const 1024) (i32.const 4) (i32.const 2048))",
        Says("trap", "invalid utf-8")
    ),
    does!(
        "unknown case of an enum",
        "(call $write (i32.const 99) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 0))",
        Says("trap", "unexpected discriminant: 99")
    ),
    does!(
        "list longer than memory",
        "(call $write (i32.const 2) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const 0x0fffffff))",
        Says("trap", "out of bounds")
    ),
    does!(
        "list that overflows",
        "(call $write (i32.const 2) (i32.const 1024) (i32.const 4) (i32.const 0) (i32.const -1))",
        Says("trap", "out of bounds")
    ),
    does!(
        "random bytes in bulk",
        "(loop (call $random (i64.const 1024) (i32.const 2048)) (br 0))",
        Fault("fuel")
    ),
    // Answers.
    answers!(
        "unknown case of a result",
        r#"(data (i32.const 512) "\07")"#,
        Says("trap", "discriminant")
    ),
    answers!(
        "unknown outcome",
        r#"(data (i32.const 512) "\00\00\00\00\09")"#,
        Says("trap", "unexpected discriminant: 9")
    ),
    answers!(
        "unknown value",
        r#"(data (i32.const 512) "\00\00\00\00\01\00\00\00\58\02\00\00\01\00\00\00") (data (i32.const 600) "\00\04\00\00\04\00\00\00\01\00\00\00\00\00\00\00\55")"#,
        Says("trap", "unexpected discriminant: 85")
    ),
    answers!(
        "unknown case of an option",
        r#"(data (i32.const 512) "\00\00\00\00\01\00\00\00\58\02\00\00\01\00\00\00") (data (i32.const 600) "\00\04\00\00\04\00\00\00\05")"#,
        Says("trap", "discriminant")
    ),
    answers!(
        "text of 1 gib",
        r#"(data (i32.const 512) "\00\00\00\00\03\00\00\00\58\02\00\00\01\00\00\00") (data (i32.const 624) "\00\04\00\00\00\00\00\40")"#,
        Says("trap", "out of bounds")
    ),
    answers!(
        "list at an odd place",
        r#"(data (i32.const 512) "\00\00\00\00\01\00\00\00\59\02\00\00\01\00\00\00")"#,
        Says("trap", "not aligned")
    ),
    Hand {
        core: "(func (export \"handle\") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 513))",
        ..does!("answer at an odd place", "", Says("trap", "not aligned"))
    },
    Hand {
        core: concat!(
            r#"(data (i32.const 512) "\00\00\00\00\01\00\00\00\00\00\02\00\40\42\0f\00")"#,
            "(func (export \"handle\") (param i32) (result i32) (call $drop-event (local.get 0)) (drop (memory.grow (i32.const 600))) (i32.const 512))"
        ),
        ..does!("a million changes", "", Fault("host-call-bytes"))
    },
];

/// A manifest under which a fault proceeds, but for one action, which it denies.
fn both(id: &str) -> String {
    let strict = format!(
        "[[on]]\nhook = \"before:{id}.strict\"\nreason = \"Tests.\"\npowers = [\"deny\"]\n"
    );
    format!("{}{strict}on-failure = \"deny\"\n", manifest(id, "proceed"))
}

/// What is wrong with the host after calls of this component; nothing, if all is well.
async fn wrong(hand: &Hand, host: &Running) -> Vec<String> {
    let id = hand.id();
    install(host, packed(&hand.component(), &both(&id))).await;
    let mut wrong = Vec::new();
    // The second call of a kind finds what the first one left.
    for (action, on_failure) in [("a", "proceed"), ("b", "proceed"), ("strict", "deny")] {
        let params = params("nothing");
        let verdict = host.before(&format!("{id}.{action}"), json!({ "params": params })).await;
        match hand.end {
            Answer(_) => wrong.extend(wrong_end(&verdict, &id, hand.end)),
            end => {
                wrong.extend(wrong_end(&verdict, &id, end));
                wrong.extend(wrong_verdict(&verdict, on_failure, "nothing"));
            }
        }
    }
    wrong.extend(harm_to_others(host).await);
    wrong
}

#[tokio::test]
async fn every_hostile_component_ends_as_it_must_and_harms_nobody() {
    let host = host("log = \"warn\"").await;
    let mut all = Vec::new();
    for hand in &HANDS {
        all.extend(wrong(hand, &host).await);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
