//! What an entry says, and what it never says.

use super::*;
use crate::hook::{Actor, ActorKind, Alteration, LogRecord, ObjectRef, Objection, Problem, Role};

#[test]
fn an_entry_tells_who_did_what() {
    let call = HookCall {
        actor: Some(Actor {
            kind: ActorKind::Token,
            role: Some(Role::Reseller),
            id: "7".into(),
            name: Some("Ann".into()),
        }),
        object: Some(ObjectRef { kind: "mailbox".into(), id: "8".into() }),
        rehearsal: Rehearsal::DryRun,
        time_ms: 9,
        ..call_with(json!({ "quota": 5, "address": "info" }))
    };
    insta::assert_json_snapshot!(entry_of(&call, &verdict(Decision::Proceed)), @r#"
    {
      "time_ms": 9,
      "action_id": "1",
      "action": "mailbox.create",
      "phase": "before",
      "actor": {
        "kind": "token",
        "role": "reseller",
        "id": "7"
      },
      "object": {
        "kind": "mailbox",
        "id": "8"
      },
      "dry_run": true,
      "verdict": "proceed",
      "params": {
        "quota": 5,
        "address": "info"
      },
      "alterations": [],
      "problems": [],
      "trace": [],
      "duration_us": 44
    }
    "#);
}

#[test]
fn an_entry_tells_the_verdict() {
    let call = HookCall {
        time_ms: 9,
        ended: Some(Ended { status: Status::Failed, result: None }),
        ..call("1", "mailbox.create")
    };
    let verdict = Verdict {
        alterations: vec![Alteration {
            field: "url".into(),
            from: None,
            to: Some(Value::Text("x".into())),
            extension: "a".into(),
        }],
        result: Some(Arc::new(json!({ "url": "x" }))),
        problems: vec![Objection {
            problem: Problem {
                code: "short".into(),
                field: Some("address".into()),
                message: "too short".into(),
            },
            extension: "b".into(),
        }],
        trace: vec![
            HandlerTrace {
                reason: Some("done elsewhere".into()),
                log: vec![LogRecord { level: LogLevel::Warn, message: "careful".into() }],
                ..trace("a", Ok("alter"))
            },
            trace("b", Err(Fault::Fuel { limit: 7 })),
            trace(
                "c",
                Err(Fault::Trap { message: "unreachable".into(), backtrace: vec!["f".into()] }),
            ),
        ],
        ..verdict(Decision::Deny)
    };
    insta::assert_json_snapshot!(entry_of(&call, &verdict), @r#"
    {
      "time_ms": 9,
      "action_id": "1",
      "action": "mailbox.create",
      "phase": "after",
      "status": "failed",
      "dry_run": false,
      "verdict": "deny",
      "params": {},
      "alterations": [
        {
          "field": "url",
          "to": "x",
          "extension": "a"
        }
      ],
      "result": {
        "url": "x"
      },
      "problems": [
        {
          "code": "short",
          "field": "address",
          "message": "too short",
          "extension": "b"
        }
      ],
      "trace": [
        {
          "extension": "a",
          "version": "1.2.3",
          "outcome": "alter",
          "reason": "done elsewhere",
          "fuel": 11,
          "memory_bytes": 22,
          "duration_us": 33,
          "log": [
            {
              "level": "warn",
              "message": "careful"
            }
          ]
        },
        {
          "extension": "b",
          "version": "1.2.3",
          "fault": {
            "code": "fuel",
            "message": "out of fuel: the limit is 7 units",
            "limit": 7
          },
          "fuel": 11,
          "memory_bytes": 22,
          "duration_us": 33
        },
        {
          "extension": "c",
          "version": "1.2.3",
          "fault": {
            "code": "trap",
            "message": "trapped: unreachable",
            "backtrace": [
              "f"
            ]
          },
          "fuel": 11,
          "memory_bytes": 22,
          "duration_us": 33
        }
      ],
      "duration_us": 44
    }
    "#);
}

#[tokio::test]
async fn an_entry_is_read_as_it_was_written() {
    let (journal, _) = in_memory();
    let call = call_with(json!({ "quota": 5, "names": ["a", "b"], "more": { "x": [1, null] } }));
    let verdict = Verdict {
        trace: vec![trace("a", Err(Fault::Fuel { limit: 7 }))],
        ..verdict(Decision::Proceed)
    };
    let expected = entry_of(&call, &verdict);
    record(&journal, call, verdict);
    assert_eq!(journal.list(Filter::default(), 1).await.unwrap(), [expected]);
}

#[tokio::test]
async fn no_secret_is_in_an_entry_or_in_the_storage() {
    let (journal, storage) = in_memory();
    let secret = || Value::Text("canary".into()).sealed();
    let mut call = call_with(json!({
        "password": "canary",
        "api_token": "canary",
        "NewPasswd": ["canary", "canary"],
        "note": { "$secret": { "deep": "canary" } },
    }));
    call.old = params_of(json!({ "password": "canary", "note": { "$secret": "canary" } }));
    call.seal_secrets();
    let alteration = Alteration {
        field: "password".into(),
        from: Some(secret()),
        to: Some(secret()),
        extension: "a".into(),
    };
    let verdict = Verdict {
        params: call.params.clone(),
        alterations: vec![alteration],
        ..verdict(Decision::Proceed)
    };
    record(&journal, call, verdict);
    let entries = journal.list(Filter::default(), 10).await.unwrap();
    let text = serde_json::to_string(&entries).unwrap();
    assert!(text.contains(r#""password":{"$secret":null}"#), "{text}");
    assert!(text.contains(r#""from":{"$secret":null},"to":{"$secret":null}"#), "{text}");
    assert!(!text.contains("canary"), "{text}");
    let pairs = storage.scan(b"", None, Direction::Forward, 1_000).unwrap();
    assert_eq!(pairs.len(), 1);
    assert!(!has(&pairs[0].1, b"canary"));
    // Behind the 9 bytes of its head a block is compressed.
    let unpacked = zstd::bulk::decompress(&pairs[0].1[9..], 1 << 20).unwrap();
    assert!(has(&unpacked, b"$secret") && !has(&unpacked, b"canary"));
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn old_values_and_attributes_are_not_in_an_entry() {
    let mut call = call("1", "mailbox.create");
    call.old = params_of(json!({ "note": "canary" }));
    call.attributes.insert("remote.address".into(), "canary".into());
    let text = serde_json::to_string(&entry_of(&call, &verdict(Decision::Proceed))).unwrap();
    assert!(!text.contains("canary"), "{text}");
}

/// The value that an entry keeps of a parameter.
fn kept(value: Value) -> serde_json::Value {
    let mut call = call("1", "mailbox.create");
    Arc::make_mut(&mut call.params).insert("x".into(), value);
    entry_of(&call, &verdict(Decision::Proceed)).params["x"].clone()
}

#[test]
fn a_value_of_the_greatest_length_is_kept() {
    let text = "x".repeat(1_024);
    assert_eq!(kept(Value::Text(text.clone())), json!(text));
}

#[test]
fn a_longer_value_is_cut() {
    let cut = format!("{}… [1025 bytes]", "x".repeat(1_024));
    assert_eq!(kept(Value::Text("x".repeat(1_025))), json!(cut));
}

#[test]
fn a_value_is_cut_between_characters() {
    let cut = format!("x{}… [2001 bytes]", "ä".repeat(511));
    assert_eq!(kept(Value::Text(format!("x{}", "ä".repeat(1_000)))), json!(cut));
}

#[test]
fn a_long_list_is_cut_as_text() {
    let kept = kept(Value::Texts(vec!["x".repeat(2_000)]));
    assert_eq!(kept, json!(format!("[\"{}… [2004 bytes]", "x".repeat(1_022))));
}

#[test]
fn of_bytes_only_their_number_is_kept() {
    assert_eq!(kept(Value::Bytes(vec![0; 5])), json!("[5 bytes]"));
}

#[test]
fn of_very_many_parameters_the_first_are_kept() {
    let mut call = call("1", "mailbox.create");
    let params = (0..150).map(|n| (format!("p{n}"), Value::Integer(n)));
    Arc::make_mut(&mut call.params).extend(params);
    let entry = entry_of(&call, &verdict(Decision::Proceed));
    assert_eq!(entry.params.len(), 100);
    assert_eq!(entry.params["p99"], 99);
}

#[test]
fn long_values_of_alterations_and_results_are_cut() {
    let long = || "x".repeat(2_000);
    let verdict = Verdict {
        alterations: vec![Alteration {
            field: "x".into(),
            from: Some(Value::Text(long())),
            to: Some(Value::Text(long())),
            extension: "a".into(),
        }],
        result: Some(Arc::new(json!({ "x": long() }))),
        ..verdict(Decision::Skip)
    };
    let text = serde_json::to_string(&entry_of(&call("1", "x"), &verdict)).unwrap();
    assert_eq!(text.matches("… [2000 bytes]").count(), 2);
    assert_eq!(text.matches("… [2008 bytes]").count(), 1);
}

/// How many records an entry keeps of a log with records of these lengths.
fn kept_of_log(lengths: &[usize]) -> usize {
    let message =
        |length: &usize| LogRecord { level: LogLevel::Info, message: "x".repeat(*length) };
    let log = lengths.iter().map(message).collect();
    let traces = vec![HandlerTrace { log, ..trace("a", Ok("proceed")) }];
    let verdict = Verdict { trace: traces, ..verdict(Decision::Proceed) };
    entry_of(&call("1", "x"), &verdict).trace[0].log.len()
}

#[test]
fn of_a_long_log_the_beginning_is_kept() {
    assert_eq!(kept_of_log(&[1_000; 100]), 4);
}

#[test]
fn a_log_of_the_greatest_length_is_kept() {
    assert_eq!(kept_of_log(&[4_096]), 1);
    assert_eq!(kept_of_log(&[1_024; 4]), 4);
}
