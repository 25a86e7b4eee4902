//! `palisade-hook` as panels start it: what it prints with a host, and what it prints when anything goes wrong.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hyper::Method;
use palisade_hook::{Dialect, OnFailure, PanelCall, Printed, Raw, fallback};
use palisade_tests::{PATIENCE, Running, TestHost, palisade_hook};
use serde_json::json;

use crate::guests;

/// What a person reads when there is no answer and the operator wants a denial then.
const DENIED: &str =
    "This needs the consent of an extension that cannot be asked now. Try again in a moment.";
/// Milliseconds that the bridge has in these tests when nobody answers.
const DEADLINE_MS: u64 = 300;

/// A directory that every user can enter, with the program and its configuration.
struct Bridge {
    directory: tempfile::TempDir,
}

/// A program that was started, with its standard input if that is still open.
struct Started {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: JoinHandle<Vec<u8>>,
    begun: Instant,
}

impl Bridge {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let bridge = Self { directory };
        fs::copy(palisade_hook(), bridge.program()).unwrap();
        bridge.configure(config);
        bridge
    }

    /// The program with a host, which has `reserved-names` and `misbehaving` installed.
    async fn with_host(config: &str) -> (Self, Running, tempfile::TempDir) {
        let bridge = Self::new(config);
        let installed = guests::directory().await;
        let data = installed.path().join("data");
        let host = TestHost::new().data(&data).config("log = 'info'").socket(&bridge.socket());
        (bridge, host.config(guests::UNWATCHED).start().await, installed)
    }

    /// Writes the program's configuration: this, its socket, and a user that may do nothing.
    fn configure(&self, config: &str) {
        let text = format!("socket = {:?}\nuser = 'nobody'\n{config}", self.socket());
        let path = self.directory.path().join("palisade-hook.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn program(&self) -> PathBuf {
        self.directory.path().join("palisade-hook")
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("palisade.sock")
    }

    /// Starts the program with what the panel would give it, and leaves standard input open.
    fn start(&self, call: &PanelCall) -> Started {
        let mut command = Command::new(self.program());
        command.arg(call.dialect.name());
        self.start_as(&mut command, call)
    }

    fn start_as(&self, command: &mut Command, call: &PanelCall) -> Started {
        let os = |raw: &Raw| std::ffi::OsString::from_vec(raw.0.clone());
        command.args(call.arguments.iter().map(os)).env_clear();
        command.envs(call.env.iter().map(|(name, value)| (name, os(value))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = spawned(command);
        let mut stdin = child.stdin.take().unwrap();
        let document = call.stdin.0.clone();
        // Who does not read is no error, and must not keep the test.
        let writing = std::thread::spawn(move || {
            let _ = stdin.write_all(&document);
            stdin
        });
        let mut stdout = child.stdout.take().unwrap();
        let stdout = std::thread::spawn(move || {
            let mut read = Vec::new();
            stdout.read_to_end(&mut read).unwrap();
            read
        });
        Started { child, stdin: writing.join().ok(), stdout, begun }
    }

    /// What the panel reads of this call.
    fn printed(&self, call: &PanelCall) -> Printed {
        self.start(call).closed().printed()
    }
}

impl Started {
    /// Closes standard input, as panels do.
    fn closed(mut self) -> Self {
        self.stdin = None;
        self
    }

    /// Waits for the end, which must come.
    fn printed(mut self) -> Printed {
        while self.child.try_wait().unwrap().is_none() {
            assert!(self.begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        let open = self.stdin.take();
        let output = self.child.wait_with_output().unwrap();
        drop(open);
        Printed {
            stdout: Raw(self.stdout.join().unwrap()),
            status: u8::try_from(output.status.code().unwrap()).unwrap(),
            note: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Starts a copy of the program. Another test that starts something at this moment may hold the file open for writing.
fn spawned(command: &mut Command) -> Child {
    loop {
        match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::yield_now();
            }
            child => return child.unwrap(),
        }
    }
}

fn call(dialect: Dialect, arguments: &[&str], env: &[(&str, &str)], stdin: &str) -> PanelCall {
    PanelCall {
        dialect,
        arguments: arguments.iter().map(|&argument| argument.into()).collect(),
        env: env.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect(),
        stdin: stdin.into(),
    }
}

/// One call before an action, or as near to it as the panel comes, in every dialect, and calls after one.
fn calls() -> Vec<PanelCall> {
    let create = [("PARAM_func", "user.edit"), ("PARAM_sok", "ok"), ("PARAM_name", "info")];
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc lang=\"en\"><ok/></doc>\n";
    let cpanel = r#"{"context":{"category":"Whostmgr","event":"Accounts::Create","stage":"pre"},"data":{"user":"info"},"hook":{}}"#;
    let whmcs = r#"{"phase":"before","vars":{"params":{"username":"info"}}}"#;
    let ispconfig = r#"{"phase":"after","vars":{"email":"info@customer.example"},"old":{}}"#;
    let generic = r#"{"phase":"before","action":"mailbox.create","params":{"address":"info@customer.example"}}"#;
    vec![
        call(
            Dialect::Plesk,
            &["mailname_create"],
            &[("NEW_MAILNAME", "info@customer.example")],
            "",
        ),
        call(Dialect::Coremanager, &["before", "cgi"], &create, ""),
        call(Dialect::Coremanager, &["before", "xml"], &create, document),
        call(Dialect::Coremanager, &["after", "xml"], &create, document),
        call(Dialect::Billmanager, &["after", "cgi"], &create, ""),
        call(Dialect::Cpanel, &[], &[], cpanel),
        call(Dialect::Cpanel, &[], &[], &cpanel.replace("\"pre\"", "\"post\"")),
        call(Dialect::Directadmin, &["user_create_pre"], &[("username", "info")], ""),
        call(Dialect::Directadmin, &["user_create_post"], &[("username", "info")], ""),
        call(Dialect::Virtualmin, &["pre"], &[("VIRTUALSERVER_ACTION", "CREATE_DOMAIN")], ""),
        call(Dialect::Virtualmin, &["post"], &[("VIRTUALSERVER_ACTION", "CREATE_DOMAIN")], ""),
        call(Dialect::Bitrix, &["mock-cloud", "order", "7"], &[], ""),
        call(Dialect::Hestia, &["le_pre", "admin", "customer.example", "", ""], &[], ""),
        call(Dialect::Whmcs, &["PreModuleCreate"], &[], whmcs),
        call(Dialect::Ispconfig, &["mail_user_insert"], &[], ispconfig),
        call(Dialect::Generic, &[], &[], generic),
    ]
}

/// Has every call answered by nobody, under both settings of `on-failure`, and compares with what the dialect says is
/// right then. `started` starts a call and says what was given to the program in the end.
fn without_answer(
    bridge: &Bridge,
    note: &str,
    started: impl Fn(&PanelCall) -> (Started, PanelCall),
) {
    for on_failure in [OnFailure::Proceed, OnFailure::Deny] {
        let word = if on_failure == OnFailure::Deny { "deny" } else { "proceed" };
        bridge.configure(&format!(
            "before-deadline-ms = {DEADLINE_MS}\nafter-deadline-ms = {DEADLINE_MS}\nstdin-ms = {}\non-failure = '{word}'",
            DEADLINE_MS / 2
        ));
        let started: Vec<_> = calls().iter().map(&started).collect();
        for (started, given) in started {
            let printed = started.printed();
            let expected = fallback(&given, on_failure, DENIED);
            let about = format!("{given:?} {word}: {:?} {}", printed.stdout.text(), printed.note);
            assert_eq!(printed.stdout.text(), expected.stdout.text(), "{about}");
            assert_eq!(printed.status, expected.status, "{about}");
            assert!(printed.note.contains(note), "{about}");
            assert_eq!(printed.note.lines().count(), 1, "{about}");
        }
    }
}

#[test]
fn without_a_host_every_panel_reads_what_on_failure_says() {
    let bridge = Bridge::new("");
    without_answer(&bridge, "cannot be reached", |call| {
        (bridge.start(call).closed(), call.clone())
    });
}

#[test]
fn a_host_that_does_not_answer_is_left_in_time() {
    let bridge = Bridge::new("");
    // It takes calls and never answers: the kernel queues them.
    let _listener = UnixListener::bind(bridge.socket()).unwrap();
    fs::set_permissions(bridge.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    without_answer(&bridge, "did not answer: its time is over", |call| {
        (bridge.start(call).closed(), call.clone())
    });
}

#[test]
fn a_host_that_has_no_room_for_another_caller_is_left_in_time() {
    let bridge = Bridge::new("");
    let listener = UnixListener::bind(bridge.socket()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    fs::set_permissions(bridge.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let _first = std::os::unix::net::UnixStream::connect(bridge.socket()).unwrap();
    without_answer(&bridge, "palisade.sock", |call| (bridge.start(call).closed(), call.clone()));
}

/// A host that answers every call with this, and ends the connection.
fn answering(bridge: &Bridge, answer: &'static [u8]) {
    let listener = UnixListener::bind(bridge.socket()).unwrap();
    fs::set_permissions(bridge.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = [0; 1 << 16];
            let _ = stream.read(&mut read);
            let _ = stream.write_all(answer);
        }
    });
}

#[test]
fn a_host_that_answers_nonsense_is_no_answer() {
    let bridge = Bridge::new("");
    answering(&bridge, b"SSH-2.0-x\r\n");
    without_answer(&bridge, "its answer is no HTTP", |call| {
        (bridge.start(call).closed(), call.clone())
    });
}

#[test]
fn a_host_that_fails_is_no_answer() {
    let bridge = Bridge::new("");
    answering(
        &bridge,
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 41\r\n\r\n{\"error\":{\"message\":\"the disk is full\"}}\r\n",
    );
    without_answer(&bridge, "refused the call with status 500: the disk is full", |call| {
        (bridge.start(call).closed(), call.clone())
    });
}

#[test]
fn a_host_that_ends_in_the_middle_is_no_answer() {
    let bridge = Bridge::new("");
    answering(&bridge, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"stdout\":\"1 ");
    without_answer(&bridge, "did not answer: the connection ended", |call| {
        (bridge.start(call).closed(), call.clone())
    });
}

#[test]
fn a_document_that_is_cut_off_and_never_ends_is_not_echoed() {
    let bridge = Bridge::new("");
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>";
    bridge.configure(&format!("stdin-ms = {DEADLINE_MS}"));
    let cut =
        call(Dialect::Coremanager, &["after", "xml"], &[("PARAM_func", "x.edit")], "<doc><a>");
    let printed = bridge.start(&cut).printed();
    assert_eq!(printed.stdout.text(), expected);
    assert!(printed.note.contains("standard input did not end in time"), "{}", printed.note);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_never_closes_standard_input_is_answered_all_the_same() {
    let (bridge, _host, _data) = Bridge::with_host("stdin-ms = 200").await;
    for call in calls().into_iter().filter(|call| call.dialect == Dialect::Coremanager) {
        let printed = bridge.start(&call).printed();
        assert_eq!((printed.status, printed.note.as_str()), (0, ""), "{call:?}");
        assert_eq!(printed.stdout, fallback(&call, OnFailure::Proceed, "").stdout, "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_handlers_decide_is_what_the_panel_reads() {
    let (bridge, host, _data) = Bridge::with_host("").await;
    let mailbox = |name: &'static str| {
        let env = [
            ("PARAM_func", "email.edit"),
            ("PARAM_sok", "ok"),
            ("PARAM_name", name),
            ("PARAM_domainname", "customer.example"),
            ("PARAM_passwd", "canary-5c1e"),
            ("HTTP_COOKIE", "session=canary-5c1e"),
            ("AUTH_USER", "u1001"),
            ("AUTH_LEVEL", "16"),
        ];
        bridge.printed(&call(Dialect::Coremanager, &["before", "cgi"], &env, ""))
    };
    let proceeds = mailbox("info");
    assert_eq!(proceeds.stdout.text(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc/>");
    assert_eq!((proceeds.status, proceeds.note.as_str()), (0, ""));
    let denied = mailbox("root");
    let text = denied.stdout.text().into_owned();
    assert!(
        text.starts_with(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc><error type=\"palisade\" object="
        ),
        "{text}"
    );
    // Who wonders finds the call in the journal.
    let id = denied.note.split('`').nth(1).unwrap().strip_prefix("palisade journal ").unwrap();
    let entry = &host.get(&format!("/v1/journal/{id}")).await["entries"][0];
    assert_eq!((&entry["action"], &entry["verdict"]), (&json!("mailbox.create"), &json!("deny")));
    assert_eq!(entry["actor"], json!({ "kind": "person", "role": "customer", "id": "u1001" }));
    let seen = format!("{entry} {} {} {}", host.log(), denied.note, proceeds.note);
    assert!(!seen.contains("canary-5c1e"), "{seen}");
}

/// A call that creates the account `root` in each dialect that can refuse it, and what the panel reads then.
fn refused() -> Vec<(PanelCall, &'static str, u8)> {
    let cpanel = r#"{"context":{"category":"Whostmgr","event":"Accounts::Create","stage":"pre"},"data":{"user":"root","owner":"dealer","pass":"canary-5c1e"},"hook":{"blocking":"1"}}"#;
    let generic = r#"{"phase":"before","action":"customer.create","params":{"login":"root"},"actor":{"id":"dealer","role":"reseller"}}"#;
    vec![
        (call(Dialect::Cpanel, &[], &[], cpanel), "0 BAILOUT ", 0),
        (
            call(
                Dialect::Directadmin,
                &["user_create_pre"],
                &[("username", "root"), ("passwd", "canary-5c1e")],
                "",
            ),
            "",
            1,
        ),
        (call(Dialect::Generic, &[], &[], generic), "{\"verdict\":\"deny\",", 0),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_name_is_refused_in_every_dialect_that_can_refuse() {
    let (bridge, host, _data) = Bridge::with_host("").await;
    for (call, begins, status) in refused() {
        let printed = bridge.printed(&call);
        let text = printed.stdout.text().into_owned();
        assert!(text.starts_with(begins) && text.contains("root"), "{}: {text}", call.dialect);
        assert_eq!((printed.status, text.matches('\n').count()), (status, 1), "{text}");
        assert!(printed.note.contains("customer.create was denied"), "{}", printed.note);
    }
    let seen = format!("{} {}", host.log(), host.get("/v1/journal").await);
    assert!(!seen.contains("canary-5c1e"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cpanel_is_told_what_extensions_subscribe_to() {
    let (bridge, host, _data) = Bridge::with_host("").await;
    let described = || {
        let printed = bridge.printed(&call(Dialect::Cpanel, &["--describe"], &[], ""));
        assert_eq!((printed.status, printed.note.as_str()), (0, ""));
        let entries: Vec<serde_json::Value> = serde_json::from_slice(&printed.stdout.0).unwrap();
        let entry = |entry: &serde_json::Value| {
            format!("{}:{}:{}", entry["stage"], entry["category"], entry["event"]).replace('"', "")
        };
        entries.iter().map(entry).collect::<Vec<_>>()
    };
    // `misbehaving` subscribes to everything.
    assert!(described().contains(&"post:System:upcp".to_owned()));
    let removed = host.request(Method::DELETE, "/v1/extensions/misbehaving", "").await;
    assert!(removed.status.is_success(), "{}", removed.text);
    assert_eq!(
        described(),
        [
            "pre:Whostmgr:Accounts::Create",
            "pre:Cpanel:Api2::AddonDomain::addaddondomain",
            "pre:Whostmgr:Domain::addsubdomain",
            "pre:Cpanel:Api2::SubDomain::addsubdomain",
            "pre:Cpanel:UAPI::Email::add_pop",
            "pre:scripts:addpop",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_does_wrong_is_decided_by_its_own_on_failure() {
    let (bridge, _host, _data) = Bridge::with_host("on-failure = 'deny'").await;
    // The host is there and answers, so the bridge's own `on-failure` has no say.
    for what in ["trap", "loop"] {
        let env = [("PARAM_func", "custom.test"), ("PARAM_sok", "ok"), ("PARAM_do", what)];
        let call = call(Dialect::Coremanager, &["before", "cgi"], &env, "");
        assert_eq!(bridge.printed(&call), fallback(&call, OnFailure::Proceed, ""), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_beyond_the_hosts_limit_comes_back_whole() {
    let (bridge, _host, _data) = Bridge::with_host("").await;
    let long = format!("<doc><a>{}</a></doc>", "é".repeat(25 << 20));
    let env = [("PARAM_func", "site.edit")];
    let printed = bridge.printed(&call(Dialect::Coremanager, &["after", "xml"], &env, &long));
    assert!(printed.stdout.0 == long.as_bytes(), "{printed:?}");
    assert!(printed.note.contains("refused the call with status 413"), "{}", printed.note);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_a_mebibyte_and_bytes_that_are_no_text_are_passed_on() {
    let (bridge, host, _data) = Bridge::with_host("").await;
    let mut edit = call(
        Dialect::Coremanager,
        &["before", "cgi"],
        // The kernel hands over no single variable of more than 128 KiB.
        &[("PARAM_func", "custom.test"), ("PARAM_sok", "ok"), ("PARAM_long", &"é".repeat(60_000))],
        "",
    );
    for part in 0..6 {
        edit.env.insert(format!("PARAM_part{part}"), Raw(vec![b'x'; 120_000]));
    }
    edit.env.insert("PARAM_note".into(), Raw(b"caf\xe9\x01\x1b[31m".to_vec()));
    let printed = bridge.printed(&edit);
    assert_eq!((printed.status, printed.note.as_str()), (0, ""));
    let entry = &host.get("/v1/journal?limit=1").await["entries"][0];
    assert_eq!(entry["params"]["note"], "caf\u{fffd}\u{1}\u{1b}[31m");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_must_be_asked_denies_before_the_bridge_gives_up() {
    let bridge = Bridge::new("before-deadline-ms = 700");
    let installed = guests::directory().await;
    let data = installed.path().join("data");
    let host = TestHost::new().data(&data).socket(&bridge.socket());
    let _host = host.config("[extension.misbehaving]\non-failure = 'deny'").start().await;
    let env = [("PARAM_func", "custom.test"), ("PARAM_sok", "ok"), ("PARAM_do", "sleep:60000")];
    let printed = bridge.printed(&call(Dialect::Coremanager, &["before", "cgi"], &env, ""));
    let read = printed.stdout.text().into_owned();
    assert!(
        read.contains("`misbehaving` failed, and this action needs its consent"),
        "{read} {}",
        printed.note
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_user_adds_to_a_form_gets_around_a_policy() {
    let (bridge, host, _data) = Bridge::with_host("").await;
    let form = [
        ("PARAM_func", "email.edit"),
        ("PARAM_sok", "ok"),
        ("PARAM_name", "root"),
        ("PARAM_domainname", "customer.example"),
        ("AUTH_USER", "u1001"),
        ("AUTH_LEVEL", "16"),
    ];
    let long = format!("PARAM_{}", "n".repeat(600));
    let large = "\u{1}".repeat(120_000);
    let many: Vec<String> = (0..12_000).map(|n| format!("PARAM_z{n}")).collect();
    let added: [Vec<(&str, &str)>; 4] = [
        vec![(&long, "a name that is none")],
        vec![("PARAM_a\u{7}b", "a control character in a name")],
        many.iter().map(|name| (name.as_str(), "")).collect(),
        // Each of these bytes is six in JSON.
        many.iter().take(10).map(|name| (name.as_str(), large.as_str())).collect(),
    ];
    for added in added {
        let env: Vec<_> = form.iter().copied().chain(added).collect();
        let printed = bridge.printed(&call(Dialect::Coremanager, &["before", "cgi"], &env, ""));
        assert!(
            printed.stdout.text().contains("is reserved"),
            "{} {}",
            printed.stdout.text(),
            printed.note
        );
    }
    // So many objects that they cannot be decided are refused, and not let through.
    let objects: String = (0..1_001).map(|n| format!("u{n}, ")).collect();
    let group = [("PARAM_func", "email.delete"), ("PARAM_elid", objects.as_str())];
    let printed = bridge.printed(&call(Dialect::Coremanager, &["before", "cgi"], &group, ""));
    assert!(
        printed.stdout.text().contains("names more than 1000 objects"),
        "{}",
        printed.stdout.text()
    );
    assert!(host.log().lines().all(|line| !line.contains("panicked")));
}

#[test]
fn a_program_that_does_not_know_its_dialect_says_which_there_are() {
    let bridge = Bridge::new("");
    let output_of = |argument: &str| {
        let mut command = Command::new(bridge.program());
        command.arg(argument).stdout(Stdio::piped()).stderr(Stdio::piped());
        spawned(&mut command).wait_with_output().unwrap()
    };
    let output = output_of("plesc");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no dialect is called `plesc`; there are `plesk`"), "{said}");
    for (argument, begin) in [("--help", "Poses as the script"), ("--version", "palisade-hook 0.")]
    {
        let output = output_of(argument);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(begin));
    }
}

#[test]
fn a_configuration_with_a_mistake_is_named_and_denies_if_it_speaks_of_denying() {
    let bridge = Bridge::new("on-failure = 'deny'\nbefore-deadline = 3");
    let create = calls().swap_remove(1);
    let printed = bridge.printed(&create);
    assert_eq!(printed.stdout, fallback(&create, OnFailure::Deny, DENIED).stdout);
    assert!(printed.note.contains("unknown field `before-deadline`"), "{}", printed.note);
}

#[test]
fn a_link_says_which_dialect_and_phase_by_its_name() {
    let bridge = Bridge::new("");
    let link = bridge.directory.path().join("palisade-coremanager-after-xml");
    symlink(bridge.program(), &link).unwrap();
    let document = call(Dialect::Coremanager, &[], &[], "<doc><ok/></doc>");
    let started = bridge.start_as(&mut Command::new(&link), &document).closed();
    assert_eq!(started.printed().stdout.text(), "<doc><ok/></doc>");
}

#[test]
fn a_link_in_a_panels_directory_says_which_hook_it_is() {
    let bridge = Bridge::new("on-failure = 'deny'");
    let custom = bridge.directory.path().join("directadmin/scripts/custom/user_create_pre");
    fs::create_dir_all(&custom).unwrap();
    let link = custom.join("00-palisade.sh");
    symlink(bridge.program(), &link).unwrap();
    let create = call(Dialect::Directadmin, &[], &[("username", "info")], "");
    let printed = bridge.start_as(&mut Command::new(&link), &create).closed().printed();
    assert_eq!((printed.stdout.text().as_ref(), printed.status), (&*format!("{DENIED}\n"), 1));
}

/// What a file of `/proc` says of the process, which is stopped in waiting for its standard input.
fn status_of(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default()
}

#[test]
fn started_as_root_it_is_root_no_longer_when_it_reads() {
    if !rustix::process::geteuid().is_root() {
        // Who is not root cannot start anything as root; the machines of CI are.
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        eprintln!("skipped: this test needs root");
        return;
    }
    let bridge =
        Bridge::new("stdin-ms = 30000\nbefore-deadline-ms = 30000\nafter-deadline-ms = 30000");
    let started = bridge.start(&call(Dialect::Generic, &[], &[], "{"));
    let begun = Instant::now();
    let given_up = |status: &str| {
        let is = |key: &str, value: &str| {
            status.lines().any(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.first() == Some(&key) && words.iter().skip(1).all(|&word| word == value)
            })
        };
        is("Uid:", "65534") && is("Gid:", "65534") && is("Groups:", "") && is("NoNewPrivs:", "1")
    };
    while !given_up(&status_of(started.child.id())) {
        assert!(begun.elapsed() < PATIENCE, "{}", status_of(started.child.id()));
        std::thread::sleep(Duration::from_millis(2));
    }
    started.closed().printed();
}

#[test]
fn as_root_it_goes_by_no_configuration_that_another_could_have_written() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        eprintln!("skipped: this test needs root");
        return;
    }
    let bridge = Bridge::new("");
    let config = bridge.directory.path().join("palisade-hook.toml");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).unwrap();
    let printed = bridge.printed(&calls().swap_remove(1));
    assert!(printed.note.contains("is not root's alone to write"), "{}", printed.note);
    assert_eq!(printed.status, 0);
}

#[test]
fn without_its_user_it_does_nothing_as_root() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        eprintln!("skipped: this test needs root");
        return;
    }
    for user in ["nobody-of-this-name", "root"] {
        let bridge = Bridge::new("");
        let config = bridge.directory.path().join("palisade-hook.toml");
        fs::write(&config, format!("user = '{user}'")).unwrap();
        let printed = bridge.printed(&calls().swap_remove(1));
        assert!(printed.note.contains(&format!("there is no user `{user}`")), "{}", printed.note);
    }
}

#[test]
fn it_has_nothing_of_the_sandbox_in_it() {
    let program: &Path = &palisade_hook();
    let bytes = fs::read(program).unwrap();
    for word in ["wasmtime", "cranelift", "sled::"] {
        let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!found, "{word}");
    }
}
