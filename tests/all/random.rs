//! Random components: thrown at a host, each is refused with a code or runs, and never does any harm.
//!
//! The seed is fixed, so that a run of the tests is the same everywhere. `cargo xtask fuzz` runs them again and again
//! with other seeds, which it gives in `PALISADE_FUZZ_SEED`.

mod make;

use hyper::Method;
use palisade_tests::{Running, TestHost, guest};
use serde_json::{Value, json};

use self::make::{Maker, with_manifest};
use crate::crash::Random;
use crate::guests::{UNWATCHED, trace};

/// The seed of a run that is given none.
const SEED: u64 = 1;
/// How much more may be resident after all components than after the first quarter of them: what the engine, the
/// database and the allocator keep. A leak of each component would be more.
const NOISE: u64 = 128 << 20;
/// The manifest of what is thrown.
const MANIFEST: &str = r#"manifest = 1
[extension]
id = "random"
name = "Random"
version = "1.0.0"
contract = "1.0"
[[on]]
hook = "before:random.*"
reason = "Tests everything."
powers = ["alter", "skip", "deny"]
alter = ["*"]
[needs.kv]
reason = "Tests the store."
"#;

/// The seed of this run.
fn seed() -> u64 {
    match std::env::var("PALISADE_FUZZ_SEED") {
        Ok(seed) => seed.parse().expect("`PALISADE_FUZZ_SEED` is a number"),
        Err(_) => SEED,
    }
}

/// What came of the components that were thrown.
#[derive(Debug, Default)]
struct Count {
    refused: usize,
    ran: usize,
}

/// Throws so many components at a host.
async fn throw(make: Maker, number: usize) -> Count {
    let host = TestHost::new().config("log = \"error\"").config(UNWATCHED).start().await;
    let bystander = std::fs::read(guest("reserved-names")).unwrap();
    let answer = host.request(Method::POST, "/v1/extensions?grants=all", bystander).await;
    assert!(answer.status.is_success(), "{}", answer.text);

    let mut random = Random::new(seed());
    let mut count = Count::default();
    let mut warm = 0;
    for n in 0..number {
        let component = make(&mut random);
        let what = format!("component {n} of the seed {}", seed());
        match answer_of(&host, component, &what).await {
            Ended::Refused => count.refused += 1,
            Ended::Ran => count.ran += 1,
        }
        if n == number / 4 {
            warm = resident(&host);
        }
        others_answer(&host, &what).await;
    }
    let grown = resident(&host).saturating_sub(warm);
    assert!(grown < NOISE, "{} MiB more with the seed {}", grown >> 20, seed());
    count
}

/// How the host dealt with a component.
enum Ended {
    /// It was refused at install.
    Refused,
    /// It was installed and called.
    Ran,
}

/// Installs a component and calls it, if it can be installed.
async fn answer_of(host: &Running, component: Vec<u8>, what: &str) -> Ended {
    let answer = host.request(Method::POST, "/v1/extensions?grants=all", component).await;
    if !answer.status.is_success() {
        let clean = answer.status.is_client_error() && !answer.code().is_empty();
        assert!(clean, "{what}: {}: {}", answer.status, answer.text);
        return Ended::Refused;
    }
    let params = json!({ "name": "kept", "password": "kept" });
    let verdict = host.before("random.test", json!({ "params": params })).await;
    let trace = trace(&verdict, "random");
    let ended = trace["outcome"].is_string() != trace["fault"]["code"].is_string();
    assert!(ended, "{what}: {verdict}");
    let removed = host.request(Method::DELETE, "/v1/extensions/random", "").await;
    assert!(removed.status.is_success(), "{what}: {}", removed.text);
    Ended::Ran
}

/// Checks that the host answers for somebody else.
async fn others_answer(host: &Running, what: &str) {
    let request = json!({ "params": { "address": "root@customer.example" }, "actor": { "id": "u1", "role": "customer" } });
    let verdict: Value = host.before("mailbox.create", request).await;
    assert_eq!(verdict["problems"][0]["code"], "name.reserved", "after {what}: {verdict}");
}

/// Bytes of memory that the host has resident.
fn resident(host: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn random_components_are_refused_with_a_code() {
    let count = throw(|random| with_manifest(&make::component(random), MANIFEST), 60).await;
    assert_eq!(count.refused, 60, "{count:?}");
}

#[tokio::test]
async fn handlers_with_random_code_run_and_harm_nobody() {
    let count = throw(|random| with_manifest(&make::handler(random), MANIFEST), 60).await;
    assert!(count.ran > 20, "{count:?}");
}

#[tokio::test]
async fn mutants_of_a_good_extension_run_and_harm_nobody() {
    let count = throw(|random| with_manifest(&make::mutant(random), MANIFEST), 20).await;
    assert!(count.ran > 2, "{count:?}");
}

#[tokio::test]
async fn damaged_extensions_are_refused_or_run_and_harm_nobody() {
    let count = throw(|random| make::damaged(random, MANIFEST), 60).await;
    assert!(count.refused > 20, "{count:?}");
}
