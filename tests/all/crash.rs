//! Killed at any moment of a change, a host comes back with the old state or the new one, and nothing between.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hyper::Method;
use palisade_tests::{Running, TestHost};
use serde_json::{Value, json};

use crate::guests::{self, ByHand, trace};

/// Numbers that look random and are the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// A part of this time.
    pub fn part_of(&mut self, time: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(time.as_micros()).unwrap().max(1)))
    }
}

/// A change of what is installed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Installs version 1 or 2.
    Install(u8),
    /// Sets the setting `note`.
    Note(u64),
    Enable,
    Disable,
    Remove,
}

/// What there is of the extension under test.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    version: u8,
    enabled: bool,
    note: u64,
}

/// The extension under test, if it is installed.
pub type Subject = Option<Installed>;

impl Change {
    /// The state after the change, if it is possible.
    pub fn after(self, state: &Subject) -> Option<Subject> {
        match (self, state.clone()) {
            (Change::Install(1), None) => {
                Some(Some(Installed { version: 1, enabled: true, note: 0 }))
            }
            (Change::Install(2), Some(state)) if state.version == 1 => {
                Some(Some(Installed { version: 2, ..state }))
            }
            (Change::Install(_), _) | (_, None) => None,
            (Change::Note(note), Some(state)) => Some(Some(Installed { note, ..state })),
            (Change::Enable, Some(state)) => Some(Some(Installed { enabled: true, ..state })),
            (Change::Disable, Some(state)) => Some(Some(Installed { enabled: false, ..state })),
            (Change::Remove, Some(_)) => Some(None),
        }
    }

    /// Asks the host for it. Returns whether the host acknowledged it; a broken connection is no acknowledgement.
    pub async fn ask(self, host: &Running, versions: &[Vec<u8>; 2]) -> bool {
        let path = |verb: &str| format!("/v1/extensions/subject{verb}");
        let answer = match self {
            Change::Install(version) => {
                host.try_request(
                    Method::POST,
                    "/v1/extensions?grants=all",
                    versions[usize::from(version - 1)].clone(),
                )
                .await
            }
            Change::Note(note) => {
                host.try_request(
                    Method::PUT,
                    &path("/settings"),
                    json!({ "note": note }).to_string().into(),
                )
                .await
            }
            Change::Enable => host.try_request(Method::POST, &path("/enable"), Vec::new()).await,
            Change::Disable => host.try_request(Method::POST, &path("/disable"), Vec::new()).await,
            Change::Remove => host.try_request(Method::DELETE, &path(""), Vec::new()).await,
        };
        match answer {
            Ok(answer) => {
                assert!(answer.status.is_success(), "{self:?}: {}", answer.text);
                true
            }
            Err(_) => false,
        }
    }
}

/// Both versions of the extension under test. They deny with their number, so that a call shows which one runs.
pub fn versions() -> [Vec<u8>; 2] {
    [1, 2].map(|version: u8| {
        let core = format!(
            r#"(data (i32.const 512) "\00\00\00\00\03\00\00\00\58\02\00\00\01\00\00\00")
            (data (i32.const 624) "\00\06\00\00\01\00\00\00") (data (i32.const 1536) "{version}")
            (func (export "handle") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 512))"#
        );
        let settings = "[settings]\ntype = \"object\"\n[settings.properties.note]\ntype = \"integer\"\ndefault = 0\n";
        let manifest = format!("{}{settings}", guests::manifest("subject")).replace("1.0.0", &format!("{version}.0.0"));
        guests::packed(&ByHand { core: &core, ..ByHand::default() }.component(), &manifest)
    })
}

/// What the host shows of the extension under test, after a look at whether everything that shows it agrees.
pub async fn observed(host: &Running) -> Subject {
    let list = host.get("/v1/extensions").await;
    let listed = list.as_array().unwrap().iter().find(|extension| extension["id"] == "subject");
    let shown = host.request(Method::GET, "/v1/extensions/subject", "").await;
    let verdict = host.before("custom.test", json!({})).await;
    let Some(listed) = listed else {
        assert_eq!(
            (shown.status.as_u16(), &verdict["verdict"]),
            (404, &json!("proceed")),
            "{verdict}"
        );
        return None;
    };
    let shown = shown.json();
    let version: u8 =
        listed["version"].as_str().unwrap().split('.').next().unwrap().parse().unwrap();
    assert_eq!((&shown["version"], &shown["state"]), (&listed["version"], &listed["state"]));
    let enabled = listed["state"] == "enabled";
    match enabled {
        true => assert_eq!(
            (&verdict["problems"][0]["message"], &trace(&verdict, "subject")["version"]),
            (&json!(version.to_string()), &listed["version"])
        ),
        false => assert_eq!(verdict["verdict"], "proceed", "{verdict}"),
    }
    Some(Installed { version, enabled, note: shown["settings"]["note"].as_u64().unwrap() })
}

/// Checks that there are no files but those of what is installed.
pub async fn nothing_is_left_over(host: &Running) {
    let list = host.get("/v1/extensions").await;
    let mut digests = BTreeSet::new();
    for extension in list.as_array().unwrap() {
        let shown =
            host.get(&format!("/v1/extensions/{}", extension["id"].as_str().unwrap())).await;
        digests.insert(shown["digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(names(&host.data().join("components")), digests);
    let compiled = names(&host.data().join("compiled")).into_iter().filter(|name| name != "key");
    assert_eq!(
        compiled.map(|name| name.split('-').next().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        digests
    );
}

fn names(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Kills the host after this time and returns what became of the work.
pub async fn killed_after<T>(time: Duration, host: &Running, work: impl Future<Output = T>) -> T {
    let kill = async {
        tokio::time::sleep(time).await;
        let process =
            rustix::process::Pid::from_raw(i32::try_from(host.process()).unwrap()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    };
    // An answer that was on its way counts.
    tokio::join!(work, kill).0
}

/// How long each kind of change takes on this machine, undisturbed, from asking to the answer.
async fn durations(versions: &[Vec<u8>; 2]) -> impl Fn(Change) -> Duration + use<> {
    let host = guests::host("").await;
    let mut times = Vec::new();
    for change in [
        Change::Install(1),
        Change::Install(2),
        Change::Note(7),
        Change::Disable,
        Change::Enable,
        Change::Remove,
    ] {
        let begun = Instant::now();
        assert!(change.ask(&host, versions).await);
        times.push((std::mem::discriminant(&change), begun.elapsed()));
    }
    move |change| times.iter().find(|(kind, _)| *kind == std::mem::discriminant(&change)).unwrap().1
}

/// Kills a host in the middle of changes, `rounds` times, and lets it come back each time. The changes are those of
/// `choose`.
async fn killed_in(rounds: u32, seed: u64, choose: impl Fn(&mut Random, &Subject) -> Change) {
    let versions = versions();
    let duration = durations(&versions).await;
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let mut random = Random::new(seed);
    let (mut state, mut kept, mut scale) = (None, 0, 1.2);
    for round in 0..rounds {
        let host = TestHost::new().data(&data).start().await;
        assert_eq!(observed(&host).await, state, "round {round} of seed {seed}");
        let change = choose(&mut random, &state);
        let new = change.after(&state).unwrap();
        // A little over the whole of it, so that some are acknowledged; more on a machine that has become slower.
        let moment = random.part_of(duration(change).mul_f64(scale));
        let acknowledged = killed_after(moment, &host, change.ask(&host, &versions)).await;
        host.kill();
        let host = TestHost::new().data(&data).start().await;
        let after = observed(&host).await;
        let what = format!(
            "round {round} of seed {seed}: {change:?} of {state:?}, killed after {moment:?}"
        );
        assert!(
            after == new || after == state && !acknowledged,
            "{what}, acknowledged: {acknowledged}, is {after:?}"
        );
        nothing_is_left_over(&host).await;
        kept += u32::from(after == new);
        scale *= if after == new { 0.8 } else { 1.2 };
        state = after;
        host.kill();
    }
    assert!(
        0 < kept && kept < rounds,
        "{kept} of {rounds} changes were made: the moments are not spread over the change"
    );
}

#[tokio::test]
async fn installing_and_removing() {
    killed_in(20, 1, |_, state| match state {
        None => Change::Install(1),
        Some(_) => Change::Remove,
    })
    .await;
}

#[tokio::test]
async fn upgrading() {
    killed_in(20, 2, |_, state| match state {
        None => Change::Install(1),
        Some(state) if state.version == 1 => Change::Install(2),
        Some(_) => Change::Remove,
    })
    .await;
}

#[tokio::test]
async fn settings_and_switches() {
    killed_in(24, 3, |random, state| match (state, random.below(3)) {
        (None, _) => Change::Install(1),
        (Some(_), 0) => Change::Note(random.below(1_000)),
        (Some(state), 1) if state.enabled => Change::Disable,
        (Some(state), 1) if !state.enabled => Change::Enable,
        (Some(state), _) if state.version == 1 => Change::Install(2),
        (Some(_), _) => Change::Note(1_000 + random.below(1_000)),
    })
    .await;
}

/// Kills a host while it starts, with work left for the start to do.
#[tokio::test]
async fn starting() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let begun = Instant::now();
    TestHost::new().data(&data).start().await.kill();
    let start = begun.elapsed();
    let mut random = Random::new(4);
    for round in 0..15 {
        // What a crash may have left behind.
        fs::write(data.join("components/.new-x"), "left").unwrap();
        fs::write(data.join("components").join("00".repeat(32)), "left").unwrap();
        fs::write(data.join("compiled/.new-x"), "left").unwrap();
        let host = TestHost::new().data(&data).spawn();
        tokio::time::sleep(random.part_of(start)).await;
        host.kill();
        let host = TestHost::new().data(&data).start().await;
        let verdict: Value = host
            .before("mailbox.create", json!({ "params": { "address": "info@customer.example" } }))
            .await;
        assert_eq!(verdict["trace"].as_array().unwrap().len(), 2, "round {round}: {verdict}");
        nothing_is_left_over(&host).await;
        host.kill();
    }
}

/// A caller that leaves in the middle of a change: what the host goes by is what a restart shows.
#[tokio::test]
async fn leaving() {
    let versions = versions();
    let duration = durations(&versions).await;
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let mut random = Random::new(9);
    for round in 0..10 {
        let host = TestHost::new().data(&data).start().await;
        let mut asked = Vec::new();
        for _ in 0..10 {
            let change = match (settled(&host).await, random.below(4)) {
                (None, _) => {
                    assert!(Change::Install(1).ask(&host, &versions).await);
                    continue;
                }
                (Some(_), 0) => Change::Remove,
                (Some(now), 1) if now.enabled => Change::Disable,
                (Some(_), 1) => Change::Enable,
                (Some(_), _) => Change::Note(random.below(1_000)),
            };
            let moment = random.part_of(duration(change));
            // The connection ends with the future.
            let _ = tokio::time::timeout(moment, change.ask(&host, &versions)).await;
            asked.push((change, moment));
        }
        let live = settled(&host).await;
        host.kill();
        let host = TestHost::new().data(&data).start().await;
        assert_eq!(observed(&host).await, live, "round {round}: {asked:?}");
        host.kill();
    }
}

/// What the host shows when all changes that were begun are made.
async fn settled(host: &Running) -> Subject {
    // One change more, which comes after them.
    let enabled = host.request(Method::POST, "/v1/extensions/misbehaving/enable", "").await;
    assert_eq!(enabled.status, 200);
    observed(host).await
}
