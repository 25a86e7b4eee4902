//! Providers: servers ordered of the example `mock-cloud` by `palisade-hook`, as a Bitrix environment calls it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use hyper::Method;
use palisade_tests::{Running, TestHost, guest, palisade_hook, root, wait_until};
use serde_json::{Value, json};

use crate::canary::search::{CANARY, found_in, found_in_files};
use crate::guests::packed;

/// The token that the cloud knows the host by.
const TOKEN: &str = "canary-token-7d0c";

/// The API of the cloud, as a process of its own.
struct Cloud {
    child: Child,
    address: SocketAddr,
}

impl Cloud {
    /// A cloud whose servers go on when they are moved, and which is asked again at once.
    fn start() -> Self {
        let script = root().join("guest-examples/mock-cloud/api/mock_cloud.py");
        let mut command = Command::new("python3");
        command.arg(script).args(["--port", "0", "--manual", "--token", TOKEN]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("it says where");
        let cloud = Self { child, address: address.parse().unwrap() };
        cloud.control(json!({ "retry_after_ms": 0 }));
        cloud
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes how it behaves.
    fn control(&self, change: Value) {
        let body = change.to_string();
        let length = body.len();
        let answer = self.send(&format!(
            "POST /control HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// The requests that it was sent, and how many servers it has.
    fn told(&self) -> Value {
        let answer = self.send("GET /control HTTP/1.1\r\nhost: cloud\r\nconnection: close\r\n\r\n");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn requests(&self) -> usize {
        self.told()["requests"].as_array().unwrap().len()
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory that every user can enter, with the program where a Bitrix environment looks for a provider.
struct Panel {
    directory: tempfile::TempDir,
}

impl Panel {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let panel = Self { directory };
        let bin = panel.program().parent().unwrap().to_owned();
        std::fs::create_dir_all(&bin).unwrap();
        for directory in bin.ancestors().take(4) {
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::copy(palisade_hook(), panel.program()).unwrap();
        let config = bin.join("palisade-hook.toml");
        std::fs::write(&config, format!("socket = {:?}\nuser = 'nobody'\n", panel.socket()))
            .unwrap();
        std::fs::set_permissions(config, std::fs::Permissions::from_mode(0o644)).unwrap();
        panel
    }

    fn program(&self) -> PathBuf {
        self.directory.path().join("providers/mock-cloud/bin/mock-cloud")
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("palisade.sock")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Calls the provider as the panel does, and returns all that it prints.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        loop {
            match command.output() {
                // Another test that starts something at this moment may hold the copy open for writing.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                output => return output.unwrap(),
            }
        }
    }

    /// What the panel reads. It never looks at the exit status, which is that of success, and an empty answer would be
    /// an error of its own.
    fn read(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.is_empty() && !text.contains("\"error\":0"), "{text}");
        text
    }

    /// What an error says.
    fn error(&self, arguments: &[&str]) -> String {
        let text = self.read(arguments);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["error"], 1, "{text}");
        let message = json["error_message"].as_str().unwrap().to_owned();
        assert_eq!(text, format!("{}\n", json!({ "error": 1, "error_message": message })));
        message
    }

    /// Orders a server, and returns its task.
    fn order(&self) -> String {
        let text = self.read(&["order", "7"]);
        let task = text.strip_prefix("{\"task_id\":\"").and_then(|rest| rest.strip_suffix("\"}\n"));
        task.unwrap_or_else(|| panic!("{text}")).to_owned()
    }
}

/// `mock-cloud` with this API, packed.
fn mock_cloud(cloud: &Cloud) -> Vec<u8> {
    let path = root().join("guest-examples/mock-cloud/extension.toml");
    let manifest = std::fs::read_to_string(path).unwrap();
    let manifest = manifest.replace("http://127.0.0.1:8098", &cloud.origin());
    packed(&std::fs::read(guest("mock-cloud")).unwrap(), &manifest)
}

async fn install(host: &Running, cloud: &Cloud, grants: &str) {
    let answer = host.install_granted(mock_cloud(cloud), grants).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let path = "/v1/extensions/mock-cloud/settings";
    let settings = json!({ "token": TOKEN }).to_string();
    assert!(host.request(Method::PUT, path, settings).await.status.is_success());
}

/// A panel, a host with `mock-cloud`, and its cloud.
async fn shop(config: &str) -> (Panel, Running, Cloud) {
    let (panel, cloud) = (Panel::new(), Cloud::start());
    let host = TestHost::new().config(config).socket(&panel.socket()).start().await;
    install(&host, &cloud, "all").await;
    (panel, host, cloud)
}

/// The orders that the host has, the newest first.
async fn orders(host: &Running) -> Vec<Value> {
    host.get("/v1/orders").await["orders"].as_array().unwrap().clone()
}

#[tokio::test]
async fn v12_a_server_is_ordered_and_built_and_handed_over() {
    let (panel, host, cloud) = shop("").await;
    cloud.control(json!({ "password": "canary-1" }));
    assert_eq!(
        panel.read(&["help"]),
        "{\"options\":[\"help\",\"configs\",\"order\",\"order_status\"],\"status\":\"enabled\"}\n"
    );
    assert_eq!(
        panel.read(&["configs"]),
        "{\"configurations\":[{\"id\":\"7\",\"descr\":\"Small: 2 GiB, 1 CPU, 20 GB\"},\
         {\"id\":\"8\",\"descr\":\"Large: 16 GiB, 8 CPUs, 200 GB\"}],\"status\":\"enabled\"}\n"
    );
    let task = panel.order();
    let in_progress = format!("{{\"task_id\":\"{task}\",\"status\":\"in_progress\"}}\n");
    assert_eq!(panel.read(&["order_status", &task]), in_progress);
    assert_eq!(orders(&host).await[0]["detail"], "queued");
    cloud.control(json!({ "move": 1 }));
    assert_eq!(panel.read(&["order_status", &task]), in_progress);
    assert_eq!(orders(&host).await[0]["detail"], "building");
    assert_eq!(orders(&host).await[0]["percent"], 50);
    cloud.control(json!({ "move": 1 }));
    let finished = format!(
        "{{\"task_id\":\"{task}\",\"status\":\"finished\",\"server\":\"203.0.113.1\",\"server_password\":\"canary-1\"}}\n"
    );
    assert_eq!(panel.read(&["order_status", &task]), finished);
    // What is finished is not asked for again.
    let asked = cloud.requests();
    drop(cloud);
    assert_eq!(panel.read(&["order_status", &task]), finished);
    assert_eq!(asked, 5);
}

#[tokio::test]
async fn the_journal_and_the_log_know_an_order_by_its_task() {
    let (panel, host, _cloud) = shop("").await;
    let task = panel.order();
    panel.read(&["order_status", &task]);
    let entries = host.get(&format!("/v1/journal/{task}")).await["entries"].clone();
    let actions: Vec<&Value> =
        entries.as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["provider.start", "provider.advance"]);
    let trace = &entries[0]["trace"][0];
    assert_eq!((&trace["extension"], &trace["outcome"]), (&json!("mock-cloud"), &json!("pending")));
    assert_eq!(
        trace["uses"][0],
        json!({ "capability": "use", "what": "setting token", "times": 1, "refused": 0 })
    );
    assert_eq!(trace["uses"][1]["capability"], "http");
    assert_eq!(entries[0]["params"], json!({ "offer": "7" }));
    assert!(host.log().contains(&format!("order `{task}` of `mock-cloud` is pending")));
}

#[tokio::test]
async fn v12_what_the_cloud_refuses_is_an_error_in_its_words() {
    let (panel, host, cloud) = shop("").await;
    cloud.control(json!({ "room": 0 }));
    assert_eq!(panel.read(&["order", "7"]), "{\"error\":1,\"error_message\":\"no capacity\"}\n");
    assert_eq!(panel.error(&["order", "66"]), "there is no offer 66");
    assert_eq!(panel.error(&["order", "9"]), "there is no offer 9");
    assert!(orders(&host).await.iter().all(|order| order["state"] == "refused"));
    let task = orders(&host).await[0]["task"].as_str().unwrap().to_owned();
    let status = format!("{{\"task_id\":\"{task}\",\"status\":\"error\"}}\n");
    assert_eq!(panel.read(&["order_status", &task]), status);
}

#[tokio::test]
async fn a_server_that_breaks_ends_its_order() {
    let (panel, host, cloud) = shop("").await;
    let task = panel.order();
    cloud.control(json!({ "breaks": true, "move": 2 }));
    let status = format!("{{\"task_id\":\"{task}\",\"status\":\"error\"}}\n");
    assert_eq!(panel.read(&["order_status", &task]), status);
    assert_eq!(orders(&host).await[0]["detail"], "the disk broke");
}

#[tokio::test]
async fn a_call_that_is_none_is_an_error_and_asks_nobody() {
    let (panel, host, cloud) = shop("").await;
    for id in ["7;id", "$(id)", "a b", "../7", "\u{e9}", &"7".repeat(65)] {
        for verb in ["order", "order_status"] {
            let error = panel.error(&[verb, id]);
            assert!(error.starts_with("an identifier is 1 to 64 of "), "{error}");
        }
    }
    assert_eq!(panel.error(&["order"]), "the call has no argument `<id>`");
    assert_eq!(panel.error(&[]), "the call has no argument `<verb>`");
    let error = panel.error(&["init"]);
    assert_eq!(error, "the call has an argument that the dialect does not know: `init`");
    assert_eq!(panel.error(&["order_status", "24"]), "`mock-cloud` has no order `24`");
    assert_eq!((cloud.requests(), orders(&host).await.len()), (0, 0));
}

#[tokio::test]
async fn a_provider_that_may_not_provide_is_disabled_and_takes_no_orders() {
    let (panel, host, cloud) = shop("").await;
    let disabled =
        "{\"options\":[\"help\",\"configs\",\"order\",\"order_status\"],\"status\":\"disabled\"}\n";
    let grants = "/v1/extensions/mock-cloud/grants";
    host.post(grants, json!({ "revoke": ["provide server"] })).await;
    assert_eq!(panel.read(&["help"]), disabled);
    for arguments in [&["configs"] as &[&str], &["order", "7"]] {
        assert_eq!(
            panel.error(arguments),
            "`provide server` is not granted; the operator can: palisade grants add mock-cloud \"provide server\""
        );
    }
    host.post(grants, json!({ "all": true })).await;
    host.post("/v1/extensions/mock-cloud/disable", json!({})).await;
    assert_eq!(panel.read(&["help"]), disabled);
    assert_eq!(panel.error(&["order", "7"]), "`mock-cloud` is disabled");
    host.request(Method::DELETE, "/v1/extensions/mock-cloud", "").await;
    assert_eq!(panel.error(&["help"]), "no extension `mock-cloud` is installed");
    assert_eq!(cloud.requests(), 0);
}

#[tokio::test]
async fn a_handler_is_no_provider() {
    let (panel, host, _cloud) = shop("").await;
    host.request(Method::DELETE, "/v1/extensions/mock-cloud", "").await;
    let handler = crate::guests::ByHand { core: crate::guests::PROCEED, ..Default::default() };
    let answer = host.install_bytes(handler.packed("mock-cloud")).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    assert_eq!(panel.error(&["configs"]), "`mock-cloud` provides nothing");
}

#[tokio::test]
async fn without_its_grant_for_the_origin_a_provider_reaches_nothing() {
    let (panel, host, cloud) = shop("").await;
    let grant = format!("http {}", cloud.origin());
    host.post("/v1/extensions/mock-cloud/grants", json!({ "revoke": [grant] })).await;
    let error = panel.error(&["order", "7"]);
    assert!(error.starts_with("`mock-cloud` failed: misconfigured: `http http://"), "{error}");
    assert_eq!(cloud.requests(), 0);
}

#[tokio::test]
async fn a_cloud_that_is_away_is_an_error_now_and_not_for_good() {
    let (panel, host, cloud) = shop("").await;
    let task = panel.order();
    drop(cloud);
    for arguments in [&["configs"] as &[&str], &["order", "7"], &["order_status", &task]] {
        let error = panel.error(arguments);
        assert!(error.starts_with("`mock-cloud` failed: unavailable: "), "{error}");
    }
    let states: Vec<Value> =
        orders(&host).await.iter().map(|order| order["state"].clone()).collect();
    assert_eq!(states, ["failed", "pending"]);
}

#[tokio::test]
async fn a_cloud_that_is_slow_is_left_at_the_deadline() {
    let (panel, host, cloud) = shop("[extension.mock-cloud.limits]\ndeadline-ms = 300").await;
    let task = panel.order();
    cloud.control(json!({ "delay_ms": 600_000 }));
    for arguments in [&["configs"] as &[&str], &["order", "7"], &["order_status", &task]] {
        let error = panel.error(arguments);
        let in_time = error == "`mock-cloud` failed: unavailable: the cloud did not answer in time"
            || error == "`mock-cloud` failed: past its deadline of 300 ms";
        assert!(in_time, "{error}");
    }
    cloud.control(json!({ "delay_ms": 0, "move": 2 }));
    assert!(panel.read(&["order_status", &task]).contains("\"status\":\"finished\""));
    assert_eq!(orders(&host).await[0]["state"], "failed");
}

#[tokio::test]
async fn without_a_host_the_answer_is_an_error() {
    let panel = Panel::new();
    for arguments in [&["help"] as &[&str], &["order", "7"], &["order_status", "24"]] {
        assert!(panel.error(arguments).starts_with("This needs the consent"));
    }
}

#[tokio::test]
async fn an_order_outlives_the_host() {
    let (panel, mut host, cloud) = shop("").await;
    let task = panel.order();
    assert!(host.stop().await.success());
    let host = TestHost::new().data(host.data()).socket(&panel.socket()).start().await;
    assert_eq!(orders(&host).await[0]["state"], "pending");
    cloud.control(json!({ "move": 2 }));
    let finished = panel.read(&["order_status", &task]);
    assert!(finished.contains("\"server_password\":"), "{finished}");
    let data = host.kill();
    drop(cloud);
    let _host = TestHost::new().data(&data).socket(&panel.socket()).start().await;
    assert_eq!(panel.read(&["order_status", &task]), finished);
    std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn an_order_that_a_crash_cut_off_is_begun_again_and_is_one_server() {
    let (panel, host, cloud) = shop("").await;
    cloud.control(json!({ "delay_ms": 600_000 }));
    let mut order = panel.command(&["order", "7"]).spawn().unwrap();
    wait_until("the order to reach the cloud", async || cloud.requests() == 1).await;
    let data = host.kill();
    let printed = {
        let mut text = String::new();
        order.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        order.wait().unwrap();
        text
    };
    assert!(printed.starts_with("{\"error\":1,"), "{printed}");
    cloud.control(json!({ "delay_ms": 0 }));
    let host = TestHost::new().data(&data).socket(&panel.socket()).start().await;
    let kept = orders(&host).await;
    assert_eq!((kept.len(), &kept[0]["state"]), (1, &json!("starting")));
    let task = kept[0]["task"].as_str().unwrap();
    for _ in 0..2 {
        let status = panel.read(&["order_status", task]);
        assert!(status.contains("\"status\":\"in_progress\""), "{status}");
    }
    assert_eq!(cloud.told()["servers"], 1);
    drop(host);
    std::fs::remove_dir_all(data.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn of_two_who_ask_at_one_time_one_asks_the_cloud() {
    let (panel, _host, cloud) = shop("").await;
    let task = panel.order();
    let before = cloud.requests();
    cloud.control(json!({ "delay_ms": 600_000 }));
    let first = panel.command(&["order_status", &task]).spawn().unwrap();
    wait_until("the first to reach the cloud", async || cloud.requests() == before + 1).await;
    let second = panel.read(&["order_status", &task]);
    assert_eq!(second, format!("{{\"task_id\":\"{task}\",\"status\":\"in_progress\"}}\n"));
    assert_eq!(cloud.requests(), before + 1);
    let first = tokio::task::spawn_blocking(|| first.wait_with_output().unwrap()).await.unwrap();
    let first = String::from_utf8(first.stdout).unwrap();
    assert!(first.starts_with("{\"error\":1,"), "{first}");
    cloud.control(json!({ "delay_ms": 0 }));
    assert!(panel.read(&["order_status", &task]).contains("in_progress"));
}

#[tokio::test]
async fn until_its_time_has_come_the_cloud_is_not_asked() {
    let (panel, _host, cloud) = shop("").await;
    cloud.control(json!({ "retry_after_ms": 3_600_000 }));
    let task = panel.order();
    let before = cloud.requests();
    assert!(panel.read(&["order_status", &task]).contains("in_progress"));
    assert_eq!(cloud.requests(), before);
}

#[tokio::test]
async fn only_so_many_orders_are_open() {
    let (panel, host, cloud) = shop("[orders]\nopen = 1").await;
    let task = panel.order();
    assert_eq!(
        panel.error(&["order", "7"]),
        "`mock-cloud`: it has 1 orders that are not finished, and may have no more"
    );
    assert_eq!(cloud.told()["servers"], 1);
    cloud.control(json!({ "move": 2 }));
    assert!(panel.read(&["order_status", &task]).contains("finished"));
    panel.order();
    assert_eq!(orders(&host).await.len(), 2);
    host.request(Method::DELETE, "/v1/extensions/mock-cloud", "").await;
    assert_eq!(orders(&host).await.len(), 0);
}

#[tokio::test]
async fn the_password_of_a_server_is_for_the_panel_alone() {
    let (panel, mut host, cloud) = shop("log = 'debug'").await;
    cloud.control(json!({ "password": CANARY }));
    let task = panel.order();
    cloud.control(json!({ "move": 2 }));
    let output = panel.run(&["order_status", &task]);
    let finished: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(finished["server_password"], CANARY);
    assert!(output.stderr.is_empty(), "{output:?}");
    for path in [
        "/v1/orders",
        "/v1/journal",
        &format!("/v1/journal/{task}"),
        "/v1/extensions/mock-cloud",
        "/v1/config",
        "/metrics",
    ] {
        let text = host.request(Method::GET, path, "").await.text;
        assert_eq!(found_in(path, &text), None);
        assert!(!text.contains(TOKEN), "{path}: {text}");
    }
    for arguments in [&["orders"] as &[&str], &["orders", "--json"], &["journal", &task]] {
        let output = host.cli(arguments);
        assert!(output.status.success());
        assert_eq!(found_in(arguments[0], &String::from_utf8_lossy(&output.stdout)), None);
    }
    assert_eq!(found_in("the log", &host.log()), None);
    assert!(host.stop().await.success());
    assert_eq!(found_in_files(host.data()), [""; 0]);
}

#[tokio::test]
async fn orders_are_listed() {
    let (panel, host, cloud) = shop("").await;
    let none = host.cli(&["orders"]);
    assert_eq!(String::from_utf8_lossy(&none.stdout), "there is no such order\n");
    let done = panel.order();
    cloud.control(json!({ "move": 2 }));
    panel.read(&["order_status", &done]);
    cloud.control(json!({ "room": 1 }));
    panel.error(&["order", "8"]);
    let output = host.cli(&["orders"]);
    let lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&lines[0]), ["EXTENSION", "TASK", "OFFER", "STATE", "SINCE", "DETAIL"]);
    assert!(lines[1].contains(" 8 ") && lines[1].contains("refused"), "{lines:?}");
    assert!(lines[1].ends_with("no capacity"), "{lines:?}");
    assert!(lines[2].contains(&done) && lines[2].contains("done"), "{lines:?}");
    assert!(lines[2].contains("203.0.113.1"), "{lines:?}");
    let open = host.get("/v1/orders?open=true").await;
    assert_eq!(open["orders"], json!([]));
    let of = host.get("/v1/orders?extension=mock-cloud&limit=1").await;
    assert_eq!(of["orders"].as_array().unwrap().len(), 1);
    let of = host.get("/v1/orders?extension=other").await;
    assert_eq!(of["orders"], json!([]));
}

#[tokio::test]
async fn a_provider_is_asked_for_in_words() {
    let (_panel, host, _cloud) = shop("").await;
    let shown = host.cli(&["grants", "show", "mock-cloud"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("provide servers to order"), "{shown}");
    let extension = host.get("/v1/extensions/mock-cloud").await;
    assert_eq!(extension["provider"]["provides"], "server");
    assert_eq!(extension["provider"]["deadline_ms"], 8_000);
    assert_eq!(extension["hooks"], json!([]));
}

#[tokio::test]
async fn an_order_cannot_be_rehearsed() {
    let (_panel, host, cloud) = shop("").await;
    for arguments in
        [json!(["mock-cloud", "order", "7"]), json!(["mock-cloud", "order_status", "x"])]
    {
        let call = json!({ "dialect": "bitrix", "arguments": arguments });
        let answer = host.post("/v1/bridge?dry_run=true", call).await;
        let read = "{\"error\":1,\"error_message\":\"an order cannot be rehearsed\"}\n";
        assert_eq!(answer["stdout"], read);
    }
    assert!(orders(&host).await.is_empty());
    assert_eq!(cloud.requests(), 0);
}
