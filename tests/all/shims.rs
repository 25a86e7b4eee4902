//! The PHP files of the bridges, run by PHP as their panels run them: against a host, and against everything that can
//! be in a host's place.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use palisade_tests::{PATIENCE, Running, TestHost, cli_command, root, wait_until};
use serde_json::{Value, json};

use crate::guests;

/// What a person reads when there is no answer and the operator wants a denial then.
const DENIED: &str =
    "This needs the consent of an extension that cannot be asked now. Try again in a moment.";
/// Milliseconds that a busy machine may add to a limit before it counts as not held.
const SLACK_MS: u64 = 2_000;
/// What no test may find outside of what it sent.
const CANARY: &str = "canary-51f0";

/// Which panel's file it is.
#[derive(Clone, Copy)]
enum File {
    Whmcs,
    Ispconfig,
    Plesk,
}

/// A panel's directory with the files of a bridge in it.
struct Panel {
    directory: tempfile::TempDir,
    file: File,
}

/// What a panel's run left behind.
struct Ran {
    /// What the panel saw.
    seen: Value,
    /// What PHP logged.
    errors: String,
}

impl File {
    fn paths(self) -> (&'static str, &'static str) {
        match self {
            Self::Whmcs => ("whmcs/palisade.php", "whmcs.php"),
            Self::Ispconfig => ("ispconfig/palisade.inc.php", "ispconfig.php"),
            Self::Plesk => ("plesk/plib/library/EventListener.php", "plesk.php"),
        }
    }
}

/// Whether there is PHP. Without it these tests are skipped, but not on CI.
fn has_php() -> bool {
    let found = Command::new("php").arg("-v").stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "`php` is missing (install Debian's php-cli), and on CI nothing is skipped"
    );
    eprintln!("SKIPPED: `php` is missing: install Debian's php-cli");
    false
}

fn bridges() -> PathBuf {
    root().join("host/bridges")
}

impl Panel {
    /// The panel with these hooks registered, and without settings.
    fn new(file: File, hooks: &[&str]) -> Self {
        let panel = Self::unregistered(file);
        let registered = json!({ "hooks": hooks, "socket": panel.socket() });
        fs::write(panel.path("palisade-hooks.json"), registered.to_string()).unwrap();
        panel
    }

    fn unregistered(file: File) -> Self {
        let panel = Self { directory: tempfile::tempdir().unwrap(), file };
        let (entry, _) = file.paths();
        let name = Path::new(entry).file_name().unwrap().to_str().unwrap();
        fs::copy(bridges().join(entry), panel.path(name)).unwrap();
        fs::copy(bridges().join("php/palisade-client.php"), panel.path("palisade-client.php"))
            .unwrap();
        panel
    }

    fn whmcs(hooks: &[&str]) -> Self {
        Self::new(File::Whmcs, hooks)
    }

    #[must_use]
    fn with_settings(self, ini: &str) -> Self {
        fs::write(self.path("palisade.ini"), ini).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("palisade.sock")
    }

    /// A host behind the panel's socket, which has `misbehaving` installed.
    async fn host(&self) -> (Running, tempfile::TempDir) {
        let installed = guests::directory().await;
        let data = installed.path().join("data");
        let host = TestHost::new().data(&data).config("log = 'debug'").socket(&self.socket());
        (host.config(guests::UNWATCHED).start().await, installed)
    }

    /// Runs the panel. PHP has its core and no settings; what it warns of goes to standard error.
    fn run(&self, input: &Value) -> Ran {
        let (_, harness) = self.file.paths();
        let mut command = Command::new("php");
        command.args([
            "-n",
            "-d",
            "display_errors=stderr",
            "-d",
            "error_reporting=-1",
            "-d",
            "memory_limit=128M",
        ]);
        command.arg(root().join("tests/fixtures/php").join(harness)).arg(self.directory.path());
        command.env("TMPDIR", self.directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{errors}{printed}");
        for word in ["Warning:", "Notice:", "Deprecated:", "Fatal error:"] {
            assert!(!errors.contains(word), "{errors}");
        }
        let seen = serde_json::from_str(&printed);
        Ran { seen: seen.unwrap_or_else(|error| panic!("{error}: {printed}{errors}")), errors }
    }

    /// Runs one hook of WHMCS with these variables.
    fn hook(&self, point: &str, vars: Value) -> Ran {
        self.run(&json!({ "calls": [{ "point": point, "vars": vars }] }))
    }
}

impl Ran {
    /// What the hook of a call returned.
    fn returned(&self) -> &Value {
        &self.seen["calls"][0]["returned"][0]
    }

    /// How long a call took.
    fn ms(&self, call: usize) -> u64 {
        self.seen["calls"][call]["ms"].as_u64().unwrap()
    }

    fn activity(&self) -> Vec<&str> {
        self.seen["activity"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect()
    }
}

/// A journal's entries, once there are so many.
async fn journal(host: &Running, entries: usize) -> Vec<Value> {
    let read = async || {
        let journal = host.get("/v1/journal?limit=100").await;
        journal["entries"].as_array().unwrap().clone()
    };
    wait_until("the journal", async || read().await.len() >= entries).await;
    read().await
}

/// Something in a host's place that reads each request and does this with the connection. Returns what it read.
fn in_place_of_a_host(
    panel: &Panel,
    answer: impl Fn(&mut std::os::unix::net::UnixStream) + Send + 'static,
) -> Receiver<String> {
    let listener = UnixListener::bind(panel.socket()).unwrap();
    fs::set_permissions(panel.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            let mut part = [0; 1 << 16];
            loop {
                let text = String::from_utf8_lossy(&read).into_owned();
                let length = text.split_once("content-length: ").and_then(|(_, rest)| {
                    let (length, rest) = rest.split_once("\r\n")?;
                    let (_, body) = rest.split_once("\r\n\r\n")?;
                    Some((length.parse::<usize>().ok()?, body.len()))
                });
                if length.is_some_and(|(length, got)| got >= length) {
                    break;
                }
                match stream.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => read.extend_from_slice(part.get(..bytes).unwrap()),
                }
            }
            let _ = sender.send(String::from_utf8_lossy(&read).into_owned());
            answer(&mut stream);
        }
    });
    receiver
}

/// The document that a request holds.
fn document(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let call: Value = serde_json::from_str(body).unwrap();
    serde_json::from_str(call["stdin"].as_str().unwrap()).unwrap()
}

/// An answer that lets the panel go on.
fn null(stream: &mut std::os::unix::net::UnixStream) {
    let body = r#"{"stdout":"null\n","status":0}"#;
    let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

#[test]
fn php_finds_nothing_wrong_with_the_files() {
    if !has_php() {
        return;
    }
    for file in [
        "php/palisade-client.php",
        "whmcs/palisade.php",
        "ispconfig/palisade.inc.php",
        "plesk/plib/library/EventListener.php",
    ] {
        let output =
            Command::new("php").args(["-n", "-l"]).arg(bridges().join(file)).output().unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn v11_a_module_is_told_what_the_handlers_decide() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate"]);
    let (_host, _data) = panel.host().await;
    let create = |told: &str| {
        let params =
            json!({ "serviceid": 5, "domain": "example.com", "username": "exa", "do": told });
        panel.hook("PreModuleCreate", json!({ "params": params }))
    };
    let proceeds = create("nothing");
    assert_eq!(proceeds.returned(), &Value::Null);
    assert!(proceeds.activity().is_empty(), "{:?}", proceeds.activity());
    assert_eq!(create("alter:login=exa1").returned(), &json!({ "username": "exa1" }));
    let denied = create("deny:Name is <reserved>");
    assert_eq!(denied.returned(), &json!({ "abortcmd": true }));
    let log = denied.activity().join("\n");
    assert!(log.contains("PreModuleCreate is refused: Name is &lt;reserved&gt;"), "{log}");
    // A module cannot be left out as if it were done.
    assert_eq!(create("skip").returned(), &json!({ "abortcmd": true }));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_family_reads_what_it_understands() {
    if !has_php() {
        return;
    }
    let points = [
        "PreRegistrarRegisterDomain",
        "ShoppingCartValidateCheckout",
        "TicketOpenValidation",
        "EmailPreSend",
        "RunFraudCheck",
        "OrderProductPricingOverride",
        "ClientAreaPage",
        "ClientAreaFooterOutput",
        "PreDeleteClient",
        "AfterModuleCreate",
    ];
    let panel = Panel::whmcs(&points).with_settings("page_ms = 2000\nbefore_ms = 2000");
    let (host, _data) = panel.host().await;
    let call = |point: &str, told: &str| json!({ "point": point, "vars": { "do": told } });
    let (calls, wanted): (Vec<Value>, Vec<Value>) = [
        (call("PreRegistrarRegisterDomain", "deny:No"), json!({ "abortWithError": "No" })),
        (call("PreRegistrarRegisterDomain", "skip"), json!({ "abortWithSuccess": true })),
        (call("ShoppingCartValidateCheckout", "deny:No & no"), json!(["No &amp; no"])),
        (call("TicketOpenValidation", "deny:No"), json!("No")),
        (call("EmailPreSend", "skip"), json!({ "abortsend": true })),
        (call("EmailPreSend", "alter:promo=10 %"), json!({ "promo": "10 %" })),
        (call("RunFraudCheck", "skip"), json!(true)),
        (call("OrderProductPricingOverride", "alter-number:setup=0.5"), json!({ "setup": 0.5 })),
        (call("ClientAreaPage", "alter:note=<b>"), json!({ "note": "&lt;b&gt;" })),
        (call("ClientAreaFooterOutput", "alter:html=<b>x</b>"), json!("<b>x</b>")),
        (call("PreDeleteClient", "deny:No"), Value::Null),
        (call("AfterModuleCreate", "alter:x=y"), Value::Null),
    ]
    .into_iter()
    .unzip();
    let ran = panel.run(&json!({ "calls": calls }));
    let returned: Vec<&Value> =
        ran.seen["calls"].as_array().unwrap().iter().map(|call| &call["returned"][0]).collect();
    assert_eq!(returned, wanted.iter().collect::<Vec<_>>(), "{:?}", ran.activity());
    // A denial that the panel does not heed is said.
    assert!(ran.activity().join("\n").contains("has no effect on whmcs"), "{:?}", ran.activity());
    assert_eq!(journal(&host, calls.len()).await.len(), calls.len());
}

/// Every point of the catalogue, by the file and by the host: both have the families in a table of their own.
#[tokio::test(flavor = "multi_thread")]
async fn the_file_denies_without_a_host_as_it_does_with_one() {
    if !has_php() {
        return;
    }
    let catalogue = cli_command(&["events", "--panel", "whmcs", "--json"]).output().unwrap();
    let actions: Vec<Value> = serde_json::from_slice(&catalogue.stdout).unwrap();
    let names = |action: &Value| -> Vec<String> {
        let native = &action["panels"]["whmcs"];
        let both = [&native["names"], &native["unverified"]];
        both.iter()
            .filter_map(|names| names.as_array())
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    let mut points: Vec<String> = actions.iter().flat_map(names).collect();
    points.sort();
    points.dedup();
    assert!(points.len() > 100, "{}", points.len());
    let registered: Vec<&str> = points.iter().map(String::as_str).collect();
    let panel = Panel::whmcs(&registered)
        .with_settings("on_failure = deny\npage_ms = 5000\nbefore_ms = 5000");
    let calls: Vec<Value> = points
        .iter()
        .map(|point| json!({ "point": point, "vars": { "do": format!("deny:{DENIED}") } }))
        .collect();
    let input = json!({ "calls": calls });
    let returned = |ran: &Ran| -> BTreeMap<String, Value> {
        let calls = ran.seen["calls"].as_array().unwrap();
        points.iter().cloned().zip(calls.iter().map(|call| call["returned"][0].clone())).collect()
    };
    let without = returned(&panel.run(&input));
    let (_host, _data) = panel.host().await;
    let with = returned(&panel.run(&input));
    assert_eq!(without, with);
    let deny = with.values().filter(|value| !value.is_null()).count();
    assert!(deny > 20, "{with:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_host_the_panel_goes_on_and_the_log_says_so() {
    if !has_php() {
        return;
    }
    let points = ["PreModuleCreate", "AfterModuleCreate", "ClientAreaPage"];
    let panel = Panel::whmcs(&points);
    let calls = json!({ "calls": points.map(|point| json!({ "point": point, "vars": {} })) });
    let ran = panel.run(&calls);
    for call in ran.seen["calls"].as_array().unwrap() {
        assert_eq!(call["returned"], json!([null]));
    }
    let log = ran.activity().join("\n");
    assert!(log.contains("PreModuleCreate: the host cannot be reached"), "{log}");
    assert!(log.contains("AfterModuleCreate: the host cannot be reached"), "{log}");
    // Pages ask no more once the host was away in this request, and are shown too often for the panel's log.
    assert!(!log.contains("ClientAreaPage"), "{log}");
    let page = panel.hook("ClientAreaPage", json!({}));
    assert!(page.activity().is_empty());
    assert!(page.errors.contains("ClientAreaPage: the host cannot be reached"), "{}", page.errors);
}

#[test]
fn a_host_that_never_answers_is_left_in_time() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate", "ClientAreaPage", "AfterModuleCreate"]);
    // The kernel takes calls for it.
    let _listener = UnixListener::bind(panel.socket()).unwrap();
    let limits = [("PreModuleCreate", 150), ("ClientAreaPage", 50), ("AfterModuleCreate", 0)];
    for (point, limit) in limits {
        let ran = panel.hook(point, json!({ "params": { "serviceid": 5 } }));
        assert_eq!(ran.returned(), &Value::Null);
        assert!((limit..limit + SLACK_MS).contains(&ran.ms(0)), "{point} took {} ms", ran.ms(0));
        let log = ran.activity().join("\n") + &ran.errors;
        assert_eq!(log.contains("did not answer in time"), limit > 0, "{point} {log}");
    }
}

#[test]
fn a_host_without_room_for_another_caller_is_left_in_time() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate"]);
    let listener = UnixListener::bind(panel.socket()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = std::os::unix::net::UnixStream::connect(panel.socket()).unwrap();
    let ran = panel.hook("PreModuleCreate", json!({}));
    assert_eq!(ran.returned(), &Value::Null);
    assert!(ran.ms(0) < 150 + SLACK_MS, "{}", ran.ms(0));
    assert_eq!(ran.activity().len(), 1);
}

#[test]
fn a_host_that_answers_byte_by_byte_is_left_in_time() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate"]);
    in_place_of_a_host(&panel, |stream| {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
            .iter()
            .chain([b' '; 100_000].iter());
        let begun = Instant::now();
        for byte in answer {
            if begun.elapsed() > PATIENCE || stream.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let ran = panel.hook("PreModuleCreate", json!({}));
    assert_eq!(ran.returned(), &Value::Null);
    assert!((150..150 + SLACK_MS).contains(&ran.ms(0)), "{}", ran.ms(0));
}

#[test]
fn garbage_in_place_of_an_answer_is_none() {
    if !has_php() {
        return;
    }
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 64 << 20);
    let body =
        |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for (answer, why) in [
        (String::new(), "ended the connection"),
        ("SSH-2.0-x\r\n".to_owned(), "no HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), "no HTTP"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"stdout\":\"".to_owned(),
            "ended the connection",
        ),
        (long, "too long"),
        (body("[]"), "is none"),
        (body("{\"stdout\":7}"), "is none"),
        (body("{\"stdout\":\"{\\\"abortcmd\\\":\"}"), "is none"),
        (body("\u{0}\u{1}"), "is none"),
        (
            body("{\"error\":{\"message\":\"the disk is full\"}}").replace("200 OK", "500 X"),
            "status 500: the disk is full",
        ),
    ] {
        let panel = Panel::whmcs(&["PreModuleCreate"]).with_settings("before_ms = 3000");
        let given = answer.clone();
        in_place_of_a_host(&panel, move |stream| drop(stream.write_all(given.as_bytes())));
        let ran = panel.hook("PreModuleCreate", json!({}));
        assert_eq!(ran.returned(), &Value::Null, "{answer}");
        assert!(ran.activity().join("\n").contains(why), "{answer}: {:?}", ran.activity());
        let panel = panel.with_settings("before_ms = 3000\non_failure = deny");
        let ran = panel.hook("PreModuleCreate", json!({}));
        assert_eq!(ran.returned(), &json!({ "abortcmd": true }), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_json_cannot_say_arrive_as_what_they_are() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate"]).with_settings("before_ms = 5000");
    let requests = in_place_of_a_host(&panel, null);
    let sent = |special: &str| {
        let calls =
            json!([{ "point": "PreModuleCreate", "vars": { "params": {} }, "special": special }]);
        let ran = panel.run(&json!({ "calls": calls }));
        assert_eq!(ran.returned(), &Value::Null);
        assert!(ran.activity().is_empty(), "{special}: {:?}", ran.activity());
        let request = requests.recv_timeout(PATIENCE).unwrap();
        assert!(request.len() < 1 << 20, "{special}: {}", request.len());
        assert!(!request.contains("canary"), "{special}");
        document(&request)
    };
    assert_eq!(
        sent("objects")["vars"]["params"],
        json!({
            "model": 41, "models": [1, 2], "price": "9.99 EUR", "date": "2026-01-02T03:04:05+00:00",
            "plain": { "a": 1 }, "float": 1.5, "nothing": null,
        })
    );
    let bytes = sent("bytes");
    assert_eq!(bytes["vars"]["params"]["notes"], json!({ "$bytes": "Q2Fm6Q==" }));
    assert_eq!(bytes["vars"]["params"]["list"], json!([{ "$bytes": "/w==" }, "ok"]));
    // What looks like a mark of the host's is none.
    let markers = sent("markers");
    assert_eq!(markers["vars"]["params"]["b"], json!({ "$$bytes": "?" }));
    assert_eq!(markers["vars"]["params"].get("$bytes"), None);
    assert!(!sent("cycle")["cut"].as_array().unwrap().is_empty());
    let long = sent("long");
    assert_eq!(long["cut"], json!(["notes", "quotes"]));
    let notes = long["vars"]["params"]["notes"].as_str().unwrap();
    assert!((60_000..=65_536).contains(&notes.len()) && notes.chars().all(|c| c == 'é'));
    assert!(!sent("many")["cut"].as_array().unwrap().is_empty());
    assert!(!sent("longs")["cut"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_takes_all_that_the_file_can_make_of_a_call() {
    if !has_php() {
        return;
    }
    let panel =
        Panel::whmcs(&["PreModuleCreate", "ClientAlert"]).with_settings("before_ms = 10000");
    let (host, _data) = panel.host().await;
    let specials = ["objects", "bytes", "cycle", "long", "many", "longs", "markers"];
    for special in specials {
        // A policy is asked whatever stands beside it.
        let vars = json!({ "params": { "do": "deny:No" } });
        let calls = json!([{ "point": "PreModuleCreate", "vars": vars, "special": special }]);
        let ran = panel.run(&json!({ "calls": calls }));
        assert_eq!(ran.returned(), &json!({ "abortcmd": true }), "{special}: {:?}", ran.activity());
    }
    let ran = panel.run(&json!({ "calls": [{ "point": "ClientAlert", "special": "model" }] }));
    assert_eq!(ran.returned(), &Value::Null);
    assert!(ran.activity().is_empty(), "{:?}", ran.activity());
    journal(&host, specials.len() + 1).await;
    assert!(!host.log().contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_with_the_panel() {
    if !has_php() {
        return;
    }
    let vars = json!({
        "params": {
            "serviceid": 5, "username": "exa", "password": CANARY, "serverpassword": CANARY,
            "serveraccesshash": CANARY, "clientsdetails": { "email": "a@b.example", "password": CANARY },
            "customfields": { "Root password": CANARY },
        },
        "token": CANARY, "ccnumber": CANARY, "cardcvv": CANARY, "newpassword": CANARY, "eppcode": CANARY,
    });
    let panel = Panel::whmcs(&["PreModuleCreate"]).with_settings("before_ms = 3000");
    let requests = in_place_of_a_host(&panel, null);
    let ran = panel.hook("PreModuleCreate", vars.clone());
    let request = requests.recv_timeout(PATIENCE).unwrap();
    assert!(!request.contains(CANARY), "{request}");
    assert_eq!(
        document(&request)["vars"]["params"]["clientsdetails"],
        json!({ "email": "a@b.example" })
    );
    assert!(!ran.errors.contains(CANARY));

    // Those that are sent go as secrets, from where a module has them and from nowhere else.
    let panel = panel.with_settings("before_ms = 3000\nsend_secrets = password, serverpassword");
    panel.hook("PreModuleCreate", vars.clone());
    let sent = document(&requests.recv_timeout(PATIENCE).unwrap());
    assert_eq!(sent["vars"]["params"]["password"], json!({ "$secret": CANARY }));
    assert_eq!(sent["vars"]["params"]["serverpassword"], json!({ "$secret": CANARY }));
    assert_eq!(sent.to_string().matches(CANARY).count(), 2, "{sent}");

    // And a host shows them nowhere.
    let panel = Panel::whmcs(&["PreModuleCreate"])
        .with_settings("before_ms = 5000\nsend_secrets = password");
    let (host, data) = panel.host().await;
    let ran = panel.hook("PreModuleCreate", vars);
    assert!(!ran.seen.to_string().contains(CANARY) && !ran.errors.contains(CANARY));
    let entries = journal(&host, 1).await;
    assert!(!json!(entries).to_string().contains(CANARY), "{entries:?}");
    assert!(!host.log().contains(CANARY), "{}", host.log());
    drop(data);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_nothing_is_hooked_and_it_is_said_once() {
    if !has_php() {
        return;
    }
    let panel = Panel::unregistered(File::Whmcs);
    let ran = panel.run(&json!({}));
    assert_eq!(ran.seen["hooks"], json!({}));
    assert_eq!(ran.activity().len(), 1);
    assert!(ran.activity()[0].contains("there is no palisade-hooks.json"), "{:?}", ran.activity());
    assert!(panel.run(&json!({})).activity().is_empty());
}

#[test]
fn a_list_or_settings_that_are_wrong_are_said_and_break_nothing() {
    if !has_php() {
        return;
    }
    for list in ["", "null", "{\"hooks\":7}", "{\"hooks\":", "\u{0}"] {
        let panel = Panel::unregistered(File::Whmcs);
        fs::write(panel.path("palisade-hooks.json"), list).unwrap();
        let ran = panel.run(&json!({}));
        assert_eq!(ran.seen["hooks"], json!({}), "{list}");
        assert!(ran.activity().join(" ").contains("palisade-hooks.json is not what"), "{list}");
    }
    for (ini, returned) in [
        ("before_ms = soon", Value::Null),
        ("unknown = 1", Value::Null),
        ("on_failure = deny\n[broken", json!({ "abortcmd": true })),
        ("on_failure = maybe ; not deny", json!({ "abortcmd": true })),
        ("on_failure = deny\nbefore_ms = 99999999", json!({ "abortcmd": true })),
    ] {
        let panel = Panel::whmcs(&["PreModuleCreate"]).with_settings(ini);
        let ran = panel.hook("PreModuleCreate", json!({}));
        assert_eq!(ran.returned(), &returned, "{ini}");
        assert!(ran.activity().join(" ").contains("palisade.ini"), "{ini}: {:?}", ran.activity());
    }
}

#[test]
fn what_decides_who_logs_in_is_never_hooked() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["AuthAdmin", "AuthAdminApi", "ClientLoginShare", "AdminLogin"]);
    let ran = panel.run(&json!({}));
    assert_eq!(ran.seen["hooks"], json!({ "AdminLogin": [50] }));
    assert_eq!(ran.activity().len(), 3, "{:?}", ran.activity());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_panels_log_is_no_reason_for_another() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreModuleCreate", "LogActivity"]).with_settings("before_ms = 3000");
    let (host, _data) = panel.host().await;
    let ran = panel.hook("PreModuleCreate", json!({ "params": { "do": "deny:No" } }));
    assert_eq!(ran.activity().len(), 1);
    assert_eq!(journal(&host, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_session_it_is_is_said() {
    if !has_php() {
        return;
    }
    let panel = Panel::whmcs(&["PreDeleteClient"]).with_settings("before_ms = 3000");
    let requests = in_place_of_a_host(&panel, null);
    let said = |session: Value| {
        let calls = json!([{ "point": "PreDeleteClient", "vars": { "userid": 4 } }]);
        panel.run(&json!({ "session": session, "address": "192.0.2.7", "calls": calls }));
        let document = document(&requests.recv_timeout(PATIENCE).unwrap());
        assert_eq!(document["address"], "192.0.2.7");
        document["actor"].clone()
    };
    assert_eq!(
        said(json!({ "adminid": 1, "uid": 5 })),
        json!({ "role": "administrator", "id": "1" })
    );
    assert_eq!(said(json!({ "uid": "5" })), json!({ "role": "customer", "id": "5" }));
    assert_eq!(said(json!({ "uid": "5 or 1" })), json!({ "role": "system", "id": "cron" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn ispconfigs_server_tells_what_was_done() {
    if !has_php() {
        return;
    }
    let hooks =
        ["mail_user_insert", "mail_user_update", "mail:mail_user:on_before_insert", "login"];
    let panel = Panel::new(File::Ispconfig, &hooks);
    let (host, _data) = panel.host().await;
    let row = json!({ "mailuser_id": 12, "email": "info@customer.example", "password": CANARY, "do": "sleep:300" });
    let calls = json!([
        { "event": "mail_user_insert", "data": { "new": row, "old": {} } },
        { "event": "mail_user_update", "data": { "new": row, "old": { "email": "old@customer.example" } } },
    ]);
    let ran = panel.run(&json!({ "side": "server", "calls": calls }));
    assert_eq!(ran.seen["events"], json!(["mail_user_insert", "mail_user_update"]));
    assert_eq!(ran.seen["log"], json!([]));
    // The handlers go on after the panel has left.
    let entries = journal(&host, 2).await;
    let mut actions: Vec<&str> =
        entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["mailbox.create", "mailbox.update"]);
    assert_eq!(entries[0]["object"], json!({ "kind": "mailbox", "id": "12" }));
    assert!(!json!(entries).to_string().contains(CANARY) && !host.log().contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn ispconfigs_forms_are_kept_open_by_a_denial() {
    if !has_php() {
        return;
    }
    let hooks =
        ["mail_user_insert", "mail:mail_user:on_before_insert", "mail:mail_user:on_before_delete"];
    let panel =
        Panel::new(File::Ispconfig, &hooks).with_settings("before_ms = 3000\non_failure = deny");
    let form = |told: &str| {
        let page = json!({ "id": 0, "new": { "email": "info@customer.example", "do": told } });
        let calls =
            json!([{ "event": "mail:mail_user:on_before_insert", "data": null, "page": page }]);
        panel.run(
            &json!({ "side": "interface", "user": { "userid": 3, "typ": "user" }, "calls": calls }),
        )
    };
    let away = form("nothing");
    assert_eq!(away.seen["message"], format!("{DENIED}<br />"));
    assert!(away.seen["log"][0].as_str().unwrap().contains("the host cannot be reached"));
    let (_host, _data) = panel.host().await;
    let proceeds = form("nothing");
    assert_eq!((&proceeds.seen["message"], &proceeds.seen["log"]), (&json!(""), &json!([])));
    assert_eq!(
        proceeds.seen["events"],
        json!(["mail:mail_user:on_before_insert", "mail:mail_user:on_before_delete"])
    );
    assert_eq!(form("deny:Not <here>").seen["message"], "Not &lt;here&gt;<br />");
    let page = json!({ "id": 12, "new": { "email": "info@customer.example", "do": "deny:Kept" } });
    let calls = json!([{ "event": "mail:mail_user:on_before_delete", "data": null, "page": page }]);
    let deletes = panel.run(&json!({ "side": "interface", "calls": calls }));
    assert_eq!(deletes.seen["errors"], json!(["Kept"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn plesks_listener_tells_and_does_not_wait() {
    if !has_php() {
        return;
    }
    let panel = Panel::new(File::Plesk, &["domain_create", "client_update"]);
    let (host, _data) = panel.host().await;
    let new = json!({ "Domain Name": "example.com", "System User": "exa", "System User Password": CANARY, "do": "sleep:500" });
    let contact = json!({ "Login Name": "joe", "E-mail": "b@x.example", "Company Name": "Caf" });
    let calls = json!([
        { "type": "domain", "id": 7, "action": "domain_create", "new": new },
        { "type": "client", "id": "3", "action": "client_update", "old": { "Login Name": "joe" }, "new": contact },
        { "type": "session", "id": 0, "action": "cp_user_login", "new": { "Login Name": "joe" } },
    ]);
    let ran = panel.run(&json!({ "calls": calls }));
    assert_eq!(ran.seen["actions"], json!(["domain_create", "client_update"]));
    assert_eq!((&ran.seen["listens"], &ran.seen["log"]), (&json!(true), &json!([])));
    let entries = journal(&host, 2).await;
    assert_eq!(entries.len(), 2);
    let created = entries.iter().find(|entry| entry["action"] == "subscription.create").unwrap();
    assert_eq!(created["object"], json!({ "kind": "domain", "id": "7" }));
    assert_eq!(created["params"]["domain"], "example.com");
    let updated = entries.iter().find(|entry| entry["action"] == "customer.update").unwrap();
    assert_eq!(updated["params"]["company"], "Caf\u{fffd}");
    assert!(!json!(entries).to_string().contains(CANARY) && !host.log().contains(CANARY));
}

#[test]
fn plesks_listener_leaves_a_host_that_never_answers() {
    if !has_php() {
        return;
    }
    let panel = Panel::new(File::Plesk, &["domain_create"]);
    let _listener = UnixListener::bind(panel.socket()).unwrap();
    let calls = json!([{ "type": "domain", "id": 7, "action": "domain_create", "new": { "Domain Name": "a.example" } }]);
    let ran = panel.run(&json!({ "calls": calls }));
    assert!(ran.ms(0) < 70 + SLACK_MS, "{}", ran.ms(0));
    fs::remove_file(panel.socket()).unwrap();
    let ran = panel.run(&json!({ "calls": calls }));
    assert!(
        ran.seen["log"][0].as_str().unwrap().contains("the host cannot be reached"),
        "{}",
        ran.seen
    );
}
