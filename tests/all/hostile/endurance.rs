//! Hostile for long: what a host keeps of ten thousand misbehaviours and of a thousand callers that left is nothing.

use std::fs;

use palisade_tests::{Running, wait_until};
use tokio::io::AsyncWriteExt as _;

use super::{harm_to_others, host_with_misbehaving, params, tell};
use crate::guests::{all, trace};

/// Misbehaviours that cost next to nothing, so that many of them fit into a test: one of each kind of fault, and what
/// makes the host allocate.
const CHEAP: [(&str, &str); 16] = [
    ("panic", "trap"),
    ("unreachable", "trap"),
    ("out-of-bounds", "trap"),
    ("exit:1", "exit"),
    ("panic-huge", "trap"),
    ("fail-other", "failure"),
    ("recurse", "stack"),
    ("grow-at-once", "memory"),
    ("bucket-flood", "handles"),
    ("huge-answer", "host-call-bytes"),
    ("deep-json:10000", "bad-answer"),
    ("deny-many", "bad-answer"),
    ("changes:1001", "bad-answer"),
    ("alter-secret", "bad-answer"),
    ("alter-number:ratio=NaN", "bad-answer"),
    ("deny-long:5000", "bad-answer"),
];
/// Calls at one time.
const AT_ONCE: usize = 16;

/// How much more may be resident after the rounds than before. The allocator and the pool settle during the warm-up;
/// what remains is their noise. A leak of 4 KiB for each round would be 40 MB.
const NOISE: u64 = 24 << 20;

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

/// Misbehaves so many times, in every cheap way in turn.
async fn misbehave(host: &Running, rounds: usize) {
    for first in (0..rounds).step_by(AT_ONCE) {
        let round = async |n: usize| {
            let (command, code) = CHEAP[n % CHEAP.len()];
            let verdict = tell(host, "lenient", command).await;
            assert_eq!(trace(&verdict, "lenient")["fault"]["code"], code, "{command}: {verdict}");
        };
        all((first..rounds.min(first + AT_ONCE)).map(round)).await;
    }
}

#[tokio::test]
async fn resident_memory_stays_flat_over_10_000_rounds() {
    // The journal is small, so that what it keeps in memory is full before the rounds begin.
    let host = host_with_misbehaving("log = \"error\"\n[journal]\nmax-bytes = 2000000").await;
    misbehave(&host, 3_000).await;
    let before = resident(&host);
    misbehave(&host, 10_000).await;
    let grown = resident(&host).saturating_sub(before);
    assert!(grown < NOISE, "{} MiB more", grown >> 20);
    assert_eq!(harm_to_others(&host).await, None);
}

#[tokio::test]
async fn a_thousand_connections_dropped_in_the_middle_of_a_call_leave_nothing_behind() {
    let host = host_with_misbehaving(
        "[extension.lenient.limits]\nfuel = 1000000000000000\ndeadline-ms = 60000\n\
         [limits.before]\nfuel = 10000000\ndeadline-ms = 60000\nchain-deadline-ms = 60000",
    )
    .await;
    tell(&host, "lenient", "nothing").await;
    let (memory, files) = (resident(&host), open_files(&host));
    let body = serde_json::json!({ "params": params("loop") }).to_string();
    let request = format!(
        "POST /v1/actions/lenient.test/before HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..20 {
        let mut left = Vec::new();
        for n in 0..50 {
            let mut stream = host.connect().await;
            // Most leave when the handler runs, the others within their request.
            let sent = if n % 5 == 0 { request.len() - 9 } else { request.len() };
            stream.write_all(&request.as_bytes()[..sent]).await.unwrap();
            left.push(stream);
        }
        // All are taken; what was open before may have had a connection of this test among it, which is gone.
        let taken = async || open_files(&host) + 2 >= files + left.len();
        wait_until("the connections to be taken", taken).await;
        assert_eq!(harm_to_others(&host).await, None);
        drop(left);
    }
    // With 256 sandboxes and 800 loops that have a minute left each, only a host that ends them answers.
    assert_eq!(harm_to_others(&host).await, None);
    wait_until("the connections to end", async || open_files(&host) <= files + 2).await;
    let grown = resident(&host).saturating_sub(memory);
    assert!(grown < 64 << 20, "{} MiB more", grown >> 20);
}
