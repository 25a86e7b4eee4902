//! What a panel waits for: a whole hook call over the Unix socket, against starting a script, and against the same
//! server without a sandbox; and what a restart with many extensions costs.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that fails says so and ends")]

#[path = "support/client.rs"]
mod client;
#[path = "support/guests.rs"]
mod guests;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/server.rs"]
mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use client::{Client, throughput};
use criterion::Criterion;
use palisade::config::Config;
use palisade::server::wire::BeforeRequest;
use ratio::{Limit, in_turn, median, ratio, report};
use raw::Raw;
use server::{PALISADE, Server, install};

/// The host's allocator. The reference server and the raw sandbox are in this program, and get the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PATH: &str = "/v1/actions/mailbox.create/before";
/// Calls that are measured together.
const CALLS: u32 = 50;
/// Extensions for the restart.
const MANY: u32 = 1_000;

/// The host on this directory.
fn host(data: &Path) -> Server {
    Server::palisade(data, data.join("palisade.sock"), "")
}

/// Bytes of memory that a server has resident.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()))
        .expect("the process lives");
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn body(address: &str) -> String {
    serde_json::json!({
        "actor": { "kind": "person", "role": "customer", "id": "u1001", "name": "Customer 1001" },
        "params": { "address": address, "quota": 1024, "domain": "customer.example", "note": "twelve parameters would be usual" },
        "attributes": { "remote.address": "192.0.2.10" },
    })
    .to_string()
}

/// The reference: the same parsing and the same answer, without handlers, journal or sandbox. With a sandbox it calls
/// raw wasmtime in between, and nothing else: what any host gets at best that keeps nothing between calls.
fn reference(socket: &Path, answer: &Path, sandbox: Option<Raw>) {
    let answer = bytes::Bytes::from(std::fs::read(answer).expect("the answer is there"));
    let sandbox = Arc::new(sandbox);
    let handler = move |axum::extract::Path(action): axum::extract::Path<String>,
                        body: bytes::Bytes| {
        let (answer, sandbox) = (answer.clone(), sandbox.clone());
        async move {
            let request: BeforeRequest =
                serde_json::from_slice(&body).expect("the bench sends what is right");
            let call = request
                .into_call(&action, &palisade::config::ServerConfig::default())
                .map(std::hint::black_box);
            drop(call);
            if let Some(sandbox) = &*sandbox {
                sandbox.call(0).await;
            }
            ([("content-type", "application/json")], answer)
        }
    };
    let router: Router = Router::new().route("/v1/actions/{action}/before", post(handler));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).expect("the socket is free");
        axum::serve(listener, router).await.expect("it serves");
    });
}

/// The reference server as a process of its own, with raw wasmtime in it or without.
fn start_reference(socket: PathBuf, answer: &Path, sandbox: Option<&Path>) -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("--reference-server").arg(&socket).arg(answer).args(sandbox);
    Server::start(command, socket)
}

fn main() {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [flag, socket, answer] if flag == Path::new("--reference-server") => {
            return reference(socket, answer, None);
        }
        [flag, socket, answer, component] if flag == Path::new("--reference-server") => {
            let component = std::fs::read(component).expect("the component is there");
            let config = Config::default().sandbox(PathBuf::from(PALISADE));
            let raw = Raw::new(&config, std::iter::once(component.as_slice()));
            return reference(socket, answer, Some(raw));
        }
        _ => {}
    }
    let directory = tempfile::tempdir().expect("a directory");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    scripts(&runtime, directory.path());
    servers(&runtime, directory.path());
    restart(&runtime, directory.path());
}

/// A whole call against starting a perl handler and against `sh -c true`.
fn scripts(runtime: &tokio::runtime::Runtime, directory: &Path) {
    let data = directory.join("scripts");
    install(runtime, &data, std::iter::once(guests::packed("reserved-names")));
    let server = host(&data);
    let request = body("info@customer.example");
    let mut client = runtime.block_on(Client::connect(&server.socket, PATH, &request));
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    criterion.bench_function("whole call over the Unix socket", |bencher| {
        bencher.iter(|| runtime.block_on(client.call()).len())
    });
    criterion.final_summary();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/support/handler.pl");
    let mut perl = || {
        let mut child = Command::new("perl")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("perl is installed");
        child.stdin.take().expect("it is piped").write_all(request.as_bytes()).expect("it reads");
        assert!(child.wait_with_output().expect("it ends").status.success());
    };
    let mut shell = || {
        assert!(
            Command::new("sh").args(["-c", "true"]).status().expect("sh is installed").success()
        )
    };
    // A panel that keeps its connection: fifty calls take their turn beside one start of each script.
    let mut whole = || {
        for _ in 0..CALLS {
            assert!(!runtime.block_on(client.call()).is_empty());
        }
    };
    let [perl, shell, whole] = in_turn(101, 1, [&mut perl, &mut shell, &mut whole]);
    let whole = whole / CALLS;
    println!("perl handler {perl:.2?}, sh -c true {shell:.2?}, whole call {whole:.2?}");
    report("perl-handler-to-whole-call", ratio(perl, whole), Limit::AtLeast(100.0));
    report("sh-to-whole-call", ratio(shell, whole), Limit::AtLeast(10.0));
}

/// Requests a second of the host, of the same server without a sandbox, and of that server with raw wasmtime in it.
fn servers(runtime: &tokio::runtime::Runtime, directory: &Path) {
    let data = directory.join("servers");
    let component = guests::observer("observer", "before:*");
    install(runtime, &data, std::iter::once(component.clone()));
    let palisade = host(&data);
    let request = body("info@customer.example");
    let (answer, packed) = (directory.join("answer.json"), directory.join("observer.wasm"));
    runtime.block_on(async {
        let mut client = Client::connect(&palisade.socket, PATH, &request).await;
        std::fs::write(&answer, client.call().await).expect("the answer is kept");
    });
    std::fs::write(&packed, component).expect("the component is kept");
    let plain = start_reference(directory.join("reference.sock"), &answer, None);
    let bare = start_reference(directory.join("bare.sock"), &answer, Some(&packed));
    let servers = [&palisade, &plain, &bare];
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..9 {
        for (server, rates) in servers.iter().zip(&mut rates) {
            let time = Duration::from_millis(700);
            rates.push(runtime.block_on(throughput(&server.socket, PATH, &request, 64, time)));
        }
    }
    let [hosts, references, bares] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    });
    println!(
        "64 connections: host {hosts:.0} calls/s, without a sandbox {references:.0} calls/s, \
         with raw wasmtime and nothing else {bares:.0} calls/s, {:.2} of the one without",
        bares / references
    );
    report("throughput-to-server-without-sandbox", hosts / references, Limit::AtLeast(0.6));
}

/// How soon a host with many extensions is ready again, and what each of them costs in memory while it is idle.
fn restart(runtime: &tokio::runtime::Runtime, directory: &Path) {
    let (empty, many) = (directory.join("empty"), directory.join("many"));
    install(runtime, &empty, std::iter::empty());
    install(
        runtime,
        &many,
        (0..MANY).map(|n| {
            guests::observer(&format!("observer-{n}"), &format!("before:custom.action-{n}"))
        }),
    );
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let server = host(&many);
        let ready = runtime.block_on(async {
            // Ready means that a hook call is answered.
            Client::connect(&server.socket, "/v1/actions/custom.action-7/before", "{}")
                .await
                .call()
                .await
                .len()
        });
        assert!(ready > 0);
        times.push(begun.elapsed());
    }
    report("restart-with-1000-seconds", median(&mut times).as_secs_f64(), Limit::AtMost(1.0));
    let (alone, crowded) = (resident(&host(&empty)), resident(&host(&many)));
    let each = crowded.saturating_sub(alone) as f64 / f64::from(MANY) / 1024.0;
    report("resident-kib-per-idle-extension", each, Limit::AtMost(200.0));
}
