//! Guests that loop, hoard and trap take nothing from anybody else, and leave nothing behind.

use std::fs;
use std::time::{Duration, Instant};

use palisade_tests::{Running, wait_until};
use serde_json::{Value, json};

use crate::guests::{self, all, tell, trace};

/// The deadline of a handler, unless it is set.
const DEADLINE: Duration = Duration::from_secs(2);

/// Bytes of memory that the host has resident.
fn resident(host: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Files that the host has open.
fn open_files(host: &Running) -> usize {
    fs::read_dir(format!("/proc/{}/fd", host.process())).unwrap().count()
}

/// Makes hook calls at once. Returns the verdicts and how long each took.
async fn at_once(
    host: &Running,
    count: usize,
    action: &str,
    params: Value,
) -> Vec<(Value, Duration)> {
    let call = async || {
        let begun = Instant::now();
        let verdict = host.before(action, json!({ "params": params })).await;
        (verdict, begun.elapsed())
    };
    all((0..count).map(|_| call())).await
}

/// A host on which `misbehaving` hears of one action only, so that other actions are left to others.
async fn host(limits: &str) -> guests::Host {
    let host = guests::host(&format!("[extension.loop.limits]\n{limits}")).await;
    let manifest = guests::misbehaving_manifest()
        .replace("\"misbehaving\"", "\"loop\"")
        .replace("before:*", "before:custom.loop");
    let component = fs::read(palisade_tests::guest("misbehaving")).unwrap();
    assert!(host.install_bytes(guests::packed(&component, &manifest)).await.status.is_success());
    let removed = host.request(hyper::Method::DELETE, "/v1/extensions/misbehaving", "").await;
    assert!(removed.status.is_success());
    host
}

#[tokio::test]
async fn sixty_four_loops_end_at_their_deadline_and_the_others_keep_theirs() {
    let host = host("fuel = 1000000000000000\ndeadline-ms = 300").await;
    let loops = at_once(&host, 64, "custom.loop", json!({ "do": "loop" }));
    let others =
        at_once(&host, 50, "mailbox.create", json!({ "address": "info@customer.example" }));
    let (loops, others) = tokio::join!(loops, others);
    for (verdict, took) in loops {
        assert_eq!(trace(&verdict, "loop")["fault"]["code"], "deadline", "{verdict}");
        assert!(took < DEADLINE, "{took:?}");
    }
    for (verdict, took) in others {
        assert_eq!(trace(&verdict, "reserved-names")["outcome"], "proceed", "{verdict}");
        assert!(took < DEADLINE, "{took:?}");
    }
}

#[tokio::test]
async fn a_call_that_finds_no_free_sandbox_until_its_deadline_is_told_so() {
    let host = host("fuel = 1000000000000000\ndeadline-ms = 1500\n[extension.reserved-names.limits]\ndeadline-ms = 50\n[sandbox]\nslots = 4").await;
    let answer =
        async || trace(&host.before("mailbox.create", json!({})).await, "reserved-names").clone();
    let busy = async || {
        answer().await["fault"]
            == json!({ "code": "busy", "message": "no free sandbox: all 4 are in use", "limit": 4 })
    };
    let sleepers = at_once(&host, 4, "custom.loop", json!({ "do": "sleep:600000" }));
    let (sleepers, ()) = tokio::join!(sleepers, wait_until("all to be in use", busy));
    for (verdict, _) in sleepers {
        assert_eq!(trace(&verdict, "loop")["fault"]["code"], "deadline", "{verdict}");
    }
    assert_eq!(answer().await["outcome"], "proceed");
}

#[tokio::test]
async fn memory_bombs_leave_the_host_small() {
    let host = guests::host("").await;
    tell(&host, "nothing").await;
    let idle = resident(&host);
    for _ in 0..5 {
        for (verdict, _) in at_once(&host, 16, "custom.test", json!({ "do": "memory" })).await {
            assert_eq!(trace(&verdict, "misbehaving")["fault"]["code"], "memory", "{verdict}");
        }
    }
    let grown = resident(&host).saturating_sub(idle);
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}

#[tokio::test]
async fn answers_of_60_mb_leave_the_host_small() {
    let host = guests::host("").await;
    tell(&host, "nothing").await;
    let idle = resident(&host);
    for (verdict, _) in at_once(&host, 16, "custom.test", json!({ "do": "huge-answer" })).await {
        assert_eq!(trace(&verdict, "misbehaving")["fault"]["code"], "host-call-bytes", "{verdict}");
    }
    let grown = resident(&host).saturating_sub(idle);
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}

#[tokio::test]
async fn two_thousand_traps_leak_nothing() {
    let host = guests::host("log = \"warn\"").await;
    let storm = async || {
        for _ in 0..100 {
            for (verdict, _) in at_once(&host, 10, "custom.test", json!({ "do": "panic" })).await {
                assert_eq!(trace(&verdict, "misbehaving")["fault"]["code"], "trap", "{verdict}");
            }
        }
    };
    // The first calls fill the pool and the caches.
    storm().await;
    let (memory, files) = (resident(&host), open_files(&host));
    storm().await;
    storm().await;
    let grown = resident(&host).saturating_sub(memory);
    assert!(grown < 30 << 20, "{} MiB more", grown >> 20);
    wait_until("the connections to end", async || open_files(&host) <= files + 2).await;
}

#[tokio::test]
async fn callers_that_leave_leave_nothing_behind() {
    let host = guests::host("[extension.misbehaving.limits]\nfuel = 1000000000000000\ndeadline-ms = 60000\n[limits.before]\nfuel = 1\ndeadline-ms = 60000\nchain-deadline-ms = 60000").await;
    tell(&host, "nothing").await;
    let (memory, files) = (resident(&host), open_files(&host));
    for _ in 0..20 {
        let left =
            all((0..64)
                .map(|_| tokio::time::timeout(Duration::from_millis(20), tell(&host, "loop"))))
            .await;
        assert!(left.iter().all(Result::is_err));
    }
    // With 256 sandboxes and 1,280 loops that have a minute left each, only a host that ends them answers.
    assert_eq!(trace(&tell(&host, "nothing").await, "misbehaving")["outcome"], "proceed");
    wait_until("the connections to end", async || open_files(&host) <= files + 2).await;
    let grown = resident(&host).saturating_sub(memory);
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}
