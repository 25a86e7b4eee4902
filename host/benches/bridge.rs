//! What an unmodified panel waits for: `palisade-hook` from its start to its exit, against the script that it takes the
//! place of; and how late it is when nobody answers it.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that fails says so and ends")]

#[path = "support/guests.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod guests;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/server.rs"]
mod server;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ratio::{Limit, in_turn, ratio, report};
use server::{Server, install};

/// What COREmanager hands to a handler before a mailbox is created.
const CALL: [(&str, &str); 12] = [
    ("PARAM_func", "email.edit"),
    ("PARAM_sok", "ok"),
    ("PARAM_name", "info"),
    ("PARAM_domainname", "customer.example"),
    ("PARAM_passwd", "canary"),
    ("PARAM_maxsize", "1024"),
    ("PARAM_note", "twelve variables would be usual"),
    ("AUTH_USER", "u1001"),
    ("AUTH_LEVEL", "16"),
    ("REMOTE_ADDR", "192.0.2.10"),
    ("REQUEST_METHOD", "GET"),
    ("QUERY_STRING", "func=email.edit&sok=ok&name=info&domainname=customer.example&maxsize=1024"),
];
/// The deadline of the program when nobody answers it.
const DEADLINE: Duration = Duration::from_millis(200);

/// The program in a directory where every user can start it, for it becomes one when it is started by root.
struct Bridge {
    directory: tempfile::TempDir,
}

impl Bridge {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let everyone = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path(), everyone).expect("it is ours");
        let bridge = Self { directory };
        // The static program of `cargo xtask bench`, or the one beside the host.
        let program = std::env::var_os("PALISADE_HOOK").map_or_else(
            || Path::new(env!("CARGO_BIN_EXE_palisade")).with_file_name("palisade-hook"),
            PathBuf::from,
        );
        std::fs::copy(&program, bridge.path("palisade-hook"))
            .unwrap_or_else(|error| panic!("`{}`: {error}", program.display()));
        let millis = DEADLINE.as_millis();
        let config = format!(
            "socket = {:?}\nuser = 'nobody'\nbefore-deadline-ms = {millis}\nafter-deadline-ms = {millis}\nstdin-ms = {millis}\n",
            bridge.socket()
        );
        std::fs::write(bridge.path("palisade-hook.toml"), config).expect("it is written");
        bridge
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("palisade.sock")
    }

    fn command(&self, arguments: [&str; 3]) -> Command {
        let mut command = Command::new(self.path("palisade-hook"));
        command.args(arguments);
        command
    }
}

/// Runs a handler as the panel does, and returns what it printed.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command
        .env_clear()
        .envs(CALL)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

fn main() {
    let bridge = Bridge::new();
    late(&bridge);
    against_scripts(&bridge);
}

/// The program with a warm host, against perl, `sh`, and the start of a program that does nothing.
fn against_scripts(bridge: &Bridge) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let data = bridge.path("data");
    install(&runtime, &data, std::iter::once(guests::packed("reserved-names")));
    let _server = Server::palisade(&data, bridge.socket(), "[server]\nsocket-mode = '0666'");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/support/coremanager.pl");
    let expected = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>";
    let before = ["coremanager", "before", "cgi"];
    let mut hook = || assert_eq!(run(&mut bridge.command(before)), expected);
    let mut perl = || assert_eq!(run(Command::new("perl").arg(script)), expected);
    let mut shell = || {
        let echo = format!("echo '{}'", String::from_utf8_lossy(expected));
        assert!(!run(Command::new("sh").args(["-c", &echo])).is_empty());
    };
    let mut nothing = || assert!(run(&mut Command::new("/bin/true")).is_empty());
    let request = request();
    let mut call = || {
        let mut stream = UnixStream::connect(bridge.socket()).expect("the host listens");
        stream.write_all(&request).expect("the host reads");
        let mut answer = Vec::new();
        // As the program does: the answer is whole before the connection is closed.
        while !answer.ends_with(b"}") {
            let mut part = [0; 4 << 10];
            let read = stream.read(&mut part).expect("the host answers");
            answer.extend_from_slice(part.get(..read).expect("just read"));
            assert!(read > 0 && answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
        }
    };
    let works: [&mut dyn FnMut(); 5] = [&mut hook, &mut perl, &mut shell, &mut nothing, &mut call];
    let [hook, perl, shell, nothing, call] = in_turn(301, 1, works);
    println!(
        "palisade-hook {hook:.2?}, perl handler {perl:.2?}, sh -c echo {shell:.2?}, \
         /bin/true {nothing:.2?}, the hook call itself {call:.2?}"
    );
    report("perl-handler-to-palisade-hook", ratio(perl, hook), Limit::AtLeast(5.0));
    report("palisade-hook-to-start-and-call", ratio(hook, nothing + call), Limit::AtMost(1.5));
    println!("palisade-hook takes {:.2} of sh -c echo", ratio(hook, shell));
}

/// What the program asks the host, over a connection of its own.
fn request() -> Vec<u8> {
    let env: serde_json::Map<String, serde_json::Value> = CALL
        .iter()
        .filter(|(name, _)| palisade_hook::Dialect::Coremanager.wants(name))
        .map(|&(name, value)| (name.to_owned(), value.into()))
        .collect();
    let body =
        serde_json::json!({ "dialect": "coremanager", "arguments": ["before", "cgi"], "env": env });
    let body = body.to_string();
    format!(
        "POST /v1/bridge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How long after its deadline the program ends when there is nobody to answer it, or nothing to ask.
fn late(bridge: &Bridge) {
    let listener = UnixListener::bind(bridge.socket()).expect("the socket is free");
    let everyone = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(bridge.socket(), everyone).expect("it is ours");
    // The kernel takes calls for a listener that never looks at them.
    let mut silent = median_time(|| {
        let begun = Instant::now();
        run(&mut bridge.command(["coremanager", "before", "cgi"]));
        begun.elapsed()
    });
    let mut open = median_time(|| {
        let mut command = bridge.command(["coremanager", "after", "xml"]);
        command.env_clear().envs(CALL).stdin(Stdio::piped()).stdout(Stdio::null());
        let begun = Instant::now();
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let stdin = child.stdin.take();
        assert!(child.wait().expect("it ends").success());
        drop(stdin);
        begun.elapsed()
    });
    drop(listener);
    std::fs::remove_file(bridge.socket()).expect("it is there");
    for (name, time) in [("silent-host", &mut silent), ("open-stdin", &mut open)] {
        let late = time.saturating_sub(DEADLINE).as_secs_f64() * 1e3;
        report(&format!("bridge-late-{name}-milliseconds"), late, Limit::AtMost(50.0));
    }
}

fn median_time(mut work: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..11).map(|_| work()).collect();
    ratio::median(&mut times)
}
