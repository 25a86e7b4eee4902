//! Guests beside the packed ones, repacked or written by hand, and a host that has them installed already.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::task::Poll;

use palisade_tests::{Running, TestHost, cli_command, guest, root, wait_until};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// What a component by hand is made of: the parts that `tests/fixtures/handler.wat` leaves open.
#[derive(Default)]
pub struct ByHand<'a> {
    /// Component-level definitions before the main module.
    pub imports: &'a str,
    /// What the main module imports from `host`, beside `drop-event`.
    pub with: &'a str,
    /// The fields of the main module, `handle` among them.
    pub core: &'a str,
}

/// A main module that proceeds.
pub const PROCEED: &str = r#"(func (export "handle") (param i32) (result i32) (call $drop-event (local.get 0)) (i32.const 0))"#;

impl ByHand<'_> {
    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let template = fs::read_to_string(root().join("tests/fixtures/handler.wat")).unwrap();
        let text = template
            .replace("\nIMPORTS", &format!("\n{}", self.imports))
            .replace(" WITH", &format!(" {}", self.with));
        let text = text.replace("\nCORE", &format!("\n{}", self.core));
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The component, packed with this identifier.
    pub fn packed(&self, id: &str) -> Vec<u8> {
        packed(&self.component(), &manifest(id))
    }
}

/// A manifest of a handler before every action.
pub fn manifest(id: &str) -> String {
    format!(
        "manifest = 1\n[extension]\nid = \"{id}\"\nname = \"By hand\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
         [[on]]\nhook = \"before:*\"\nreason = \"Tests.\"\npowers = [\"deny\"]\n[needs.kv]\nreason = \"Tests.\"\n"
    )
}

/// The manifest of `misbehaving`.
pub fn misbehaving_manifest() -> String {
    fs::read_to_string(root().join("guest-examples/misbehaving/extension.toml")).unwrap()
}

/// `misbehaving` under another identifier and version.
pub fn misbehaving_as(id: &str, version: &str) -> Vec<u8> {
    let manifest = misbehaving_manifest()
        .replace("\"misbehaving\"", &format!("\"{id}\""))
        .replace("\"1.0.0\"", &format!("\"{version}\""));
    packed(&fs::read(guest("misbehaving")).unwrap(), &manifest)
}

/// A component packed with a manifest, by the command line.
pub fn packed(component: &[u8], manifest: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("component.wasm"), component).unwrap();
    fs::write(path("extension.toml"), manifest).unwrap();
    let mut pack = cli_command(&["pack", "component.wasm", "--output", "./packed.wasm"]);
    let output = pack.current_dir(directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(path("packed.wasm")).unwrap()
}

/// A running host in a temporary directory that is removed with it.
pub struct Host {
    running: Running,
    _directory: tempfile::TempDir,
}

impl Deref for Host {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// What lets guests fail as often as a test likes, and as many at one time.
pub const UNWATCHED: &str =
    "[conduct]\nconcurrent = 256\n[conduct.breaker]\nfaults = 1000\nwindow-ms = 1\n";

/// A host with this configuration that has `misbehaving` and `reserved-names` installed and compiled. It never
/// bypasses them: most tests are about what happens when they are called.
pub async fn host(config: &str) -> Host {
    watched_host(&format!("{config}\n{UNWATCHED}")).await
}

/// Such a host that does with extensions that misbehave what it does by default, or what the configuration says.
pub async fn watched_host(config: &str) -> Host {
    let directory = directory().await;
    let running = TestHost::new().config(config).data(&directory.path().join("data")).start().await;
    Host { running, _directory: directory }
}

/// A directory with a subdirectory `data` as such a host leaves it when it stops.
pub async fn directory() -> tempfile::TempDir {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let installed = INSTALLED.get_or_init(install).await;
    let directory = tempfile::tempdir().unwrap();
    copy(installed, &directory.path().join("data"));
    directory
}

/// Installs once for all tests: compiling takes most of the time of a test otherwise.
async fn install() -> PathBuf {
    let data = own_directory("installed");
    let mut host = TestHost::new().data(&data).start().await;
    host.install("misbehaving").await;
    host.install("reserved-names").await;
    assert!(host.stop().await.success());
    fs::remove_file(data.join("log")).unwrap();
    data
}

/// A path for what all tests of this process share. What earlier processes left behind there is removed.
pub fn own_directory(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in fs::read_dir(parent).unwrap().flatten() {
        let left = entry.file_name().into_string().unwrap_or_default();
        let process = left.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    parent.join(format!("{name}-{}", std::process::id()))
}

/// Copies a directory with everything in it that is a file.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => copy(&entry.path(), &to.join(entry.file_name())),
            (_, true) => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
            _ => {}
        }
    }
}

/// Calls the hook before an action with the command in `do`.
pub async fn tell(host: &Running, command: &str) -> Value {
    host.before("custom.test", json!({ "params": { "do": command } })).await
}

/// What an extension did in a hook call.
pub fn trace<'a>(verdict: &'a Value, extension: &str) -> &'a Value {
    let mut all = verdict["trace"].as_array().unwrap().iter();
    all.find(|trace| trace["extension"] == extension)
        .unwrap_or_else(|| panic!("`{extension}` was not called: {verdict}"))
}

/// The records that handlers wrote in a hook call, as `level message`.
pub async fn logged(host: &Running, verdict: &Value) -> Vec<String> {
    let path = format!("/v1/journal/{}", verdict["action_id"].as_str().unwrap());
    wait_until("the journal", async || {
        host.request(hyper::Method::GET, &path, "").await.status.is_success()
    })
    .await;
    let entries = host.get(&path).await;
    let traces = entries["entries"][0]["trace"].as_array().unwrap().clone();
    let records =
        traces.iter().flat_map(|trace| trace["log"].as_array().cloned().unwrap_or_default());
    records
        .map(|record| {
            format!("{} {}", record["level"].as_str().unwrap(), record["message"].as_str().unwrap())
        })
        .collect()
}

/// Waits for all of these at once.
pub async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}
