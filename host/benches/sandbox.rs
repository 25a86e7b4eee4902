//! What Palisade adds to the engine: a hook call through dispatch against raw wasmtime with the same engine settings,
//! limits and contract, in the same run.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that fails says so and ends")]

#[path = "support/guests.rs"]
mod guests;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/raw.rs"]
mod raw;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use palisade::capability::Services;
use palisade::conduct::{Conduct, ConductConfig, Watched};
use palisade::config::Config;
use palisade::dispatch::dispatch;
use palisade::extension::{Extension, State};
use palisade::hook::{HookCall, Phase, Rehearsal, Value};
use palisade::package::Package;
use palisade::registry::{Policy, Snapshot};
use palisade::sandbox::Sandbox;
use palisade::storage::{Blobs, Digest, Storage};
use ratio::{Limit, in_turn, median, ratio, report};
use raw::Raw;
use tokio::runtime::Runtime;

const ACTION: &str = "mailbox.create";
/// Long enough for any chain here.
const CHAIN: Duration = Duration::from_secs(60);

/// A sandbox with a directory of its own.
struct Bench {
    sandbox: Arc<Sandbox>,
    config: palisade::sandbox::SandboxConfig,
    runtime: Runtime,
    _directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let whole = Config { data: directory.path().to_owned(), ..Config::default() };
        let config = whole.sandbox(PathBuf::from(env!("CARGO_BIN_EXE_palisade")));
        let components = Blobs::open(&directory.path().join("components")).expect("components");
        let services =
            Services::open(&whole, Storage::in_memory().expect("storage")).expect("services");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .event_interval(7)
            .build()
            .expect("a runtime");
        let sandbox = Arc::new(Sandbox::new(&config, components, services).expect("a sandbox"));
        Self { sandbox, config, runtime, _directory: directory }
    }

    /// Compiles a component, and returns the extension that it is.
    fn install(&self, bytes: &[u8]) -> Arc<Extension> {
        let digest = Digest::of(bytes);
        self.runtime.block_on(self.sandbox.install(digest, bytes)).expect("it installs");
        extension(bytes, digest)
    }
}

fn extension(bytes: &[u8], digest: Digest) -> Arc<Extension> {
    let manifest = Package::read(bytes).expect("a package").manifest;
    Arc::new(Extension {
        id: manifest.id.clone(),
        version: manifest.version.to_string().into(),
        digest,
        granted: manifest.asks.iter().map(|ask| ask.grant.clone()).collect(),
        manifest: manifest.into(),
        settings: Default::default(),
        waiting: None,
        state: State::Enabled,
        installation: 1,
        installed_ms: 0,
    })
}

/// A call with twelve parameters.
fn call(do_what: &str) -> Arc<HookCall> {
    let params =
        (0..11).map(|n| (format!("field-{n}"), Value::Text(format!("value {n} of the call"))));
    let what = [("do".to_owned(), Value::Text(do_what.to_owned()))];
    Arc::new(HookCall {
        id: "bench".into(),
        action: ACTION.into(),
        actor: None,
        object: None,
        params: Arc::new(params.chain(what).collect()),
        old: Default::default(),
        attributes: Default::default(),
        rehearsal: Rehearsal::No,
        depth: 0,
        caused_by: Vec::new(),
        time_ms: 0,
        ended: None,
    })
}

fn main() {
    let bench = Bench::new();
    let one = guests::observer("observer", "before:*");
    let hundred: Vec<Vec<u8>> = (0..100)
        .map(|n| guests::observer(&format!("observer-{n:03}"), "before:mailbox.create"))
        .collect();
    let raw = Raw::new(
        &bench.config,
        std::iter::once(one.as_slice()).chain(hundred.iter().map(Vec::as_slice)),
    );
    let snapshot = |extensions: &[Arc<Extension>]| {
        Snapshot::new(extensions.iter().cloned(), &Policy::default())
    };
    let observer = bench.install(&one);
    let alone = snapshot(std::slice::from_ref(&observer));
    let extensions: Vec<Arc<Extension>> =
        hundred.iter().map(|bytes| bench.install(bytes)).collect();

    criterion(&bench, &raw, &alone);
    one_handler(&bench, &raw, &alone);
    guards(&bench, &alone);
    many_handlers(&bench, &raw, &snapshot(extensions.get(..10).expect("there are more")), 10);
    many_handlers(&bench, &raw, &snapshot(&extensions), 100);
    many_installed(&bench, &observer, &alone);
    no_handler(&bench, &alone);
    loops(&bench);
}

/// The two that matter most, with criterion's statistics.
fn criterion(bench: &Bench, raw: &Raw, alone: &Snapshot) {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    let call = call("nothing");
    let mut group = criterion.benchmark_group("hook call, one no-op handler");
    let handlers = alone.handlers(Phase::Before, ACTION);
    group.bench_function("dispatch", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(bench, rounds, async || {
                drop(dispatch(&*bench.sandbox, handlers, call.clone(), CHAIN, drop).await)
            })
        });
    });
    group.bench_function("raw wasmtime", |bencher| {
        bencher.iter_custom(|rounds| timed(bench, rounds, async || raw.call(0).await));
    });
    group.finish();
    criterion.final_summary();
}

fn timed(bench: &Bench, rounds: u64, work: impl AsyncFn()) -> Duration {
    bench.runtime.block_on(async {
        let begun = Instant::now();
        for _ in 0..rounds {
            work().await;
        }
        begun.elapsed()
    })
}

/// Compares a chain of handlers through dispatch with the same components called raw.
fn compare(bench: &Bench, raw: &Raw, snapshot: &Snapshot, components: &[usize], calls: u64) -> f64 {
    let call = call("nothing");
    let handlers = snapshot.handlers(Phase::Before, ACTION);
    let mut through = || {
        timed(bench, calls, async || {
            drop(dispatch(&*bench.sandbox, handlers, call.clone(), CHAIN, drop).await)
        });
    };
    let mut bare = || {
        timed(bench, calls, async || {
            for component in components {
                raw.call(*component).await;
            }
        });
    };
    let [through, bare] = in_turn(101, 1, [&mut through, &mut bare]);
    let calls = u32::try_from(calls).unwrap_or(1);
    println!(
        "{} handlers: dispatch {:.2?}, raw {:.2?}",
        handlers.len(),
        through / calls,
        bare / calls
    );
    ratio(through, bare)
}

fn one_handler(bench: &Bench, raw: &Raw, alone: &Snapshot) {
    report("one-handler-to-raw", compare(bench, raw, alone, &[0], 200), Limit::AtMost(1.3));
}

/// What the guards around a call cost: chosen fields, grants, a condition that every call passes, a breaker and a
/// ceiling, against the same component that reads everything and is called without them.
fn guards(bench: &Bench, alone: &Snapshot) {
    let on = "read = ['address', 'quota']\nwhen = \"action == 'mailbox.create'\"";
    let guarded = bench.install(&guests::observer_with("guarded", "before:*", on));
    let guarded = Snapshot::new([guarded], &Policy::default());
    let conduct = Conduct::new(ConductConfig::default(), BTreeMap::new());
    let call = call("nothing");
    let mut through = || {
        timed(bench, 200, async || {
            let runner = Watched::new(&conduct, &*bench.sandbox);
            let handlers = guarded.handlers(Phase::Before, ACTION);
            drop(dispatch(&runner, handlers, call.clone(), CHAIN, drop).await);
        });
    };
    let mut bare = || {
        timed(bench, 200, async || {
            let handlers = alone.handlers(Phase::Before, ACTION);
            drop(dispatch(&*bench.sandbox, handlers, call.clone(), CHAIN, drop).await);
        });
    };
    let [through, bare] = in_turn(101, 1, [&mut through, &mut bare]);
    report("guards-to-bare", ratio(through, bare), Limit::AtMost(1.1));
}

fn many_handlers(bench: &Bench, raw: &Raw, snapshot: &Snapshot, count: usize) {
    let components: Vec<usize> = (1..=count).collect();
    report(
        &format!("{count}-handlers-to-raw"),
        compare(bench, raw, snapshot, &components, (1_000 / count as u64).max(5)),
        Limit::AtMost(1.2),
    );
}

/// What ten thousand extensions that do not match add to a call.
fn many_installed(bench: &Bench, observer: &Arc<Extension>, alone: &Snapshot) {
    let others = (0..10_000).map(|n| {
        let bytes = guests::observer(&format!("other-{n}"), &format!("before:custom.action-{n}"));
        extension(&bytes, Digest::of(b"never called"))
    });
    let crowd = Snapshot::new(others.chain([observer.clone()]), &Policy::default());
    let call = call("nothing");
    let work = |snapshot: &Snapshot| {
        timed(bench, 200, async || {
            drop(
                dispatch(
                    &*bench.sandbox,
                    snapshot.handlers(Phase::Before, ACTION),
                    call.clone(),
                    CHAIN,
                    drop,
                )
                .await,
            )
        });
    };
    let [crowded, lonely] = in_turn(101, 1, [&mut || work(&crowd), &mut || work(alone)]);
    report("10000-installed-to-none", ratio(crowded, lonely), Limit::AtMost(1.05));
}

/// A call that nothing handles.
fn no_handler(bench: &Bench, alone: &Snapshot) {
    let call = call("nothing");
    let mut work = || {
        timed(bench, 1_000, async || {
            let handlers = alone.handlers(Phase::After, std::hint::black_box("site.create"));
            std::hint::black_box(
                dispatch(&*bench.sandbox, handlers, call.clone(), CHAIN, drop).await,
            );
        });
    };
    let [time] = in_turn(101, 1, [&mut work]);
    report("no-handler-microseconds", time.as_secs_f64() * 1e6 / 1e3, Limit::AtMost(2.0));
}

/// Guests that loop: how late they are stopped, and what they do to others.
fn loops(bench: &Bench) {
    let misbehaving = bench.install(&guests::packed("misbehaving"));
    let observer = bench.install(&guests::observer("observer", "before:*"));
    let policy = |deadline_ms: u32| {
        let mut policy = Policy::default();
        let set = policy.overrides.entry("misbehaving".into()).or_default();
        (set.limits.fuel, set.limits.deadline_ms) = (Some(u64::MAX / 2), Some(deadline_ms));
        policy
    };
    let run = |snapshot: Arc<Snapshot>, call: Arc<HookCall>| {
        let sandbox = bench.sandbox.clone();
        bench.runtime.spawn(async move {
            let begun = Instant::now();
            let verdict =
                dispatch(&*sandbox, snapshot.handlers(Phase::Before, ACTION), call, CHAIN, drop)
                    .await;
            (begun.elapsed(), verdict)
        })
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let deadline = Duration::from_millis(50);
    let looping = Arc::new(Snapshot::new([misbehaving.clone()], &policy(50)));
    let mut late = Vec::new();
    for _ in 0..20 {
        let calls: Vec<_> = (0..cores).map(|_| run(looping.clone(), call("loop"))).collect();
        for call in calls {
            let (took, verdict) = bench.runtime.block_on(call).expect("it ends");
            let fault = verdict
                .trace
                .first()
                .and_then(|trace| trace.outcome.as_ref().err())
                .map(palisade::hook::Fault::code);
            assert_eq!(fault, Some("deadline"));
            late.push(took.saturating_sub(deadline));
        }
    }
    report(
        "loop-stopped-late-milliseconds",
        median(&mut late).as_secs_f64() * 1e3,
        Limit::AtMost(3.0),
    );

    let looping = Arc::new(Snapshot::new([misbehaving], &policy(2_000)));
    let others = Arc::new(Snapshot::new([observer], &Policy::default()));
    let loops: Vec<_> = (0..64).map(|_| run(looping.clone(), call("loop"))).collect();
    let mut times = Vec::new();
    let mut in_time = 0_u32;
    while !loops.iter().any(tokio::task::JoinHandle::is_finished) {
        let (took, verdict) =
            bench.runtime.block_on(run(others.clone(), call("nothing"))).expect("it ends");
        in_time += u32::from(verdict.trace.first().is_some_and(|trace| trace.outcome.is_ok()));
        times.push(took);
    }
    let total = times.len();
    println!(
        "beside 64 loops: {total} calls, median {:.2?}, slowest {:.2?}",
        median(&mut times),
        times.last().copied().unwrap_or_default()
    );
    report("in-time-beside-64-loops", f64::from(in_time) / total as f64, Limit::AtLeast(1.0));
}
