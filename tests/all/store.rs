//! `palisade store`: what is exported can be imported, and what is not whole is found and left as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use palisade_tests::{Running, TestHost, cli_command, wait_until};
use serde_json::json;

use crate::guests::{self, logged, tell};

/// Runs `palisade store` and returns its exit status, standard output and standard error.
fn store(arguments: &[&str]) -> (i32, String, String) {
    shown(&cli_command(&[&["store"], arguments].concat()).output().unwrap())
}

fn shown(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A directory of a host that is installed and stopped, with a place for files beside it.
async fn stopped() -> (tempfile::TempDir, PathBuf) {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    (directory, data)
}

fn str(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Everything in a directory, to see whether it was left as it is.
fn content(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(content(&path)),
            false if path.ends_with("log") || path.ends_with("palisade.toml") => {}
            false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    files
}

/// Starts a host that must not come up. Returns its exit status and what it says.
async fn refusal(data: &Path) -> (i32, String) {
    let mut serve = cli_command(&["serve", "--data", str(data)]);
    let mut host = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let socket = data.join("palisade.sock");
    wait_until("the host to end", async || host.try_wait().unwrap().is_some() || tokio::net::UnixStream::connect(&socket).await.is_ok()).await;
    // One that came up all the same is ended here, and has no exit status.
    host.kill().unwrap();
    let output = host.wait_with_output().unwrap();
    (output.status.code().unwrap_or(0), String::from_utf8(output.stderr).unwrap())
}

async fn value_of(host: &Running, command: &str) -> String {
    let verdict = tell(host, command).await;
    logged(host, &verdict).await.remove(0)
}

#[tokio::test]
async fn a_running_host_is_exported_and_the_copy_is_the_same() {
    let host = guests::host("").await;
    tell(&host, "kv-set:name=value").await;
    let settings = json!({ "names": ["postmaster"] });
    let set = host.request(hyper::Method::PUT, "/v1/extensions/reserved-names/settings", settings.to_string()).await;
    assert!(set.status.is_success(), "{}", set.text);
    let disabled = host.post("/v1/extensions/reserved-names/disable", json!({})).await;
    assert_eq!(disabled["state"], "disabled");
    let kept = tell(&host, "nothing").await;
    logged(&host, &kept).await;

    let directory = tempfile::tempdir().unwrap();
    let (file, copy) = (directory.path().join("export"), directory.path().join("copy"));
    let (status, out, error) = shown(&host.cli(&["store", "export", str(&file)]));
    assert_eq!(status, 0, "{error}");
    assert!(out.starts_with("exported to "), "{out}");
    let (status, out, error) = store(&["import", str(&file), "--data", str(&copy)]);
    assert_eq!(status, 0, "{error}");
    assert!(out.starts_with("imported ") && out.ends_with(" and 2 components\n"), "{out}");
    let (status, out, error) = store(&["verify", "--data", str(&copy)]);
    assert_eq!((status, out.ends_with(" and 2 components\n")), (0, true), "{out}{error}");

    let copied = TestHost::new().data(&copy).start().await;
    for path in ["/v1/extensions", "/v1/extensions/reserved-names", "/v1/extensions/reserved-names/settings", "/v1/extensions/misbehaving"] {
        assert_eq!(copied.get(path).await, host.get(path).await, "{path}");
    }
    assert_eq!(value_of(&copied, "kv-get:name").await, "info kv-get result=\"value\"");
    let past = format!("/v1/journal/{}", kept["action_id"].as_str().unwrap());
    assert_eq!(copied.get(&past).await, host.get(&past).await);
}

#[tokio::test]
async fn a_stopped_host_is_exported_by_its_directory() {
    let (directory, data) = stopped().await;
    let (file, copy) = (directory.path().join("export"), directory.path().join("copy"));
    assert_eq!(store(&["export", str(&file), "--data", str(&data)]).0, 0);
    assert_eq!(store(&["import", str(&file), "--data", str(&copy)]).0, 0);
    let verify = |data: &Path| store(&["verify", "--data", str(data)]);
    assert_eq!((verify(&data).0, verify(&data).1), (0, verify(&copy).1));
}

#[tokio::test]
async fn an_export_while_changes_are_made_is_whole() {
    let host = guests::host("").await;
    let directory = tempfile::tempdir().unwrap();
    // Values in `kv`, which lie between the records of an extension, so that an export takes its time.
    for n in 0..100 {
        tell(&host, &format!("kv-set-bytes:{n}=60000")).await;
    }
    let versions = crate::crash::versions();
    for round in 0..5 {
        let file = directory.path().join(format!("export-{round}"));
        let (copy, socket) = (directory.path().join(format!("copy-{round}")), host.socket());
        let mut export = cli_command(&["store", "export", str(&file)]);
        export.env("PALISADE_SOCKET", socket);
        let mut exporting = export.stdout(std::process::Stdio::null()).spawn().unwrap();
        let mut version = 0;
        while exporting.try_wait().unwrap().is_none() {
            let change = [crate::crash::Change::Install(1), crate::crash::Change::Install(2), crate::crash::Change::Remove][version % 3];
            assert!(change.ask(&host, &versions).await);
            version += 1;
        }
        assert!(exporting.wait().unwrap().success());
        assert_eq!(store(&["import", str(&file), "--data", str(&copy)]).0, 0);
        let (status, out, error) = store(&["verify", "--data", str(&copy)]);
        assert_eq!(status, 0, "{out}{error}");
        let copied = TestHost::new().data(&copy).start().await;
        crate::crash::observed(&copied).await;
        if crate::crash::observed(&host).await.is_some() {
            assert!(crate::crash::Change::Remove.ask(&host, &versions).await);
        }
    }
}

#[tokio::test]
async fn verify_finds_a_component_that_is_missing() {
    let (_directory, data) = stopped().await;
    let component = fs::read_dir(data.join("components")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&component).unwrap();
    let (status, _, error) = store(&["verify", "--data", str(&data)]);
    assert_eq!(status, 1, "{error}");
    assert!(error.contains("the component of `") && error.contains("No such file"), "{error}");
}

#[tokio::test]
async fn verify_finds_a_component_that_is_damaged() {
    let (_directory, data) = stopped().await;
    let component = fs::read_dir(data.join("components")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&component).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&component, bytes).unwrap();
    let (status, _, error) = store(&["verify", "--data", str(&data)]);
    assert_eq!(status, 1, "{error}");
    assert!(error.contains("its content does not match its name; it is damaged"), "{error}");
}

#[tokio::test]
async fn a_store_in_use_is_left_alone() {
    let host = guests::host("").await;
    let data = host.data().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("export");
    for arguments in [["export", str(&file), "--data", str(&data)], ["verify", "--data", str(&data), "--json"]] {
        let (status, _, error) = store(&arguments);
        assert_eq!(status, 78, "{error}");
        assert!(error.contains("is in use by another process"), "{error}");
    }
    assert!(!file.exists());
    let (status, _, error) = shown(&cli_command(&["serve", "--data", str(&data)]).output().unwrap());
    assert_eq!(status, 78, "{error}");
    assert!(error.contains("is in use by another process"), "{error}");
    // The second host did not take the first one's socket with it.
    assert!(host.get("/v1/extensions").await.is_array());
}

#[tokio::test]
async fn an_import_into_a_store_that_is_not_empty_changes_nothing() {
    let (directory, data) = stopped().await;
    let file = directory.path().join("export");
    assert_eq!(store(&["export", str(&file), "--data", str(&data)]).0, 0);
    let before = store(&["verify", "--data", str(&data)]);
    let (status, _, error) = store(&["import", str(&file), "--data", str(&data)]);
    assert_eq!(status, 1);
    assert!(error.contains("the store is not empty"), "{error}");
    assert_eq!(store(&["verify", "--data", str(&data)]), before);
}

#[tokio::test]
async fn a_cut_or_foreign_file_is_refused_and_the_directory_can_be_used_for_the_right_one() {
    let (directory, data) = stopped().await;
    let (file, copy) = (directory.path().join("export"), directory.path().join("copy"));
    assert_eq!(store(&["export", str(&file), "--data", str(&data)]).0, 0);
    let bytes = fs::read(&file).unwrap();
    let wrong = directory.path().join("wrong");
    for content in [&bytes[..bytes.len() / 2], &bytes[..bytes.len() - 1], b"", b"not an export at all"] {
        fs::write(&wrong, content).unwrap();
        let (status, _, error) = store(&["import", str(&wrong), "--data", str(&copy)]);
        assert_eq!(status, 1, "{error}");
        assert!(error.contains("the export file"), "{error}");
    }
    assert_eq!(store(&["import", str(&file), "--data", str(&copy)]).0, 0);
}

#[tokio::test]
async fn an_export_does_not_write_over_a_file() {
    let (directory, data) = stopped().await;
    let file = directory.path().join("export");
    fs::write(&file, "precious").unwrap();
    let (status, _, error) = store(&["export", str(&file), "--data", str(&data)]);
    assert_eq!((status, fs::read_to_string(&file).unwrap().as_str()), (1, "precious"), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_no_hosts_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (status, _, error) = store(&["verify", "--data", str(directory.path())]);
    assert_eq!(status, 1);
    assert!(error.contains("is no directory of a host"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// Damages the database of a stopped host and checks that nothing starts on it and nothing of it is touched.
async fn damaged(damage: impl Fn(&mut Vec<u8>)) {
    let (_directory, data) = stopped().await;
    let database = data.join("db/db");
    let mut bytes = fs::read(&database).unwrap();
    damage(&mut bytes);
    fs::write(&database, bytes).unwrap();
    let before = content(&data);
    let (status, error) = refusal(&data).await;
    assert_eq!(status, 78, "{error}");
    assert!(error.contains("palisade store"), "{error}");
    assert!(content(&data) == before, "the refused start changed files");
    let (status, _, error) = store(&["verify", "--data", str(&data)]);
    assert_ne!(status, 0, "{error}");
    assert!(content(&data) == before, "verifying changed files");
}

#[tokio::test]
async fn a_database_of_garbage_is_refused_and_left_as_it_is() {
    let mut random = crate::crash::Random::new(7);
    let garbage: Vec<u8> = (0..4096).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    damaged(|bytes| bytes.iter_mut().zip(garbage.iter().cycle()).for_each(|(byte, garbage)| *byte = *garbage)).await;
}

#[tokio::test]
async fn an_empty_database_file_is_refused_and_left_as_it_is() {
    damaged(Vec::clear).await;
}

#[tokio::test]
async fn a_database_of_zeros_is_refused_and_left_as_it_is() {
    damaged(|bytes| bytes.fill(0)).await;
}

#[tokio::test]
async fn a_missing_database_file_is_refused() {
    let (_directory, data) = stopped().await;
    fs::remove_file(data.join("db/db")).unwrap();
    let (status, error) = refusal(&data).await;
    assert_eq!(status, 78, "{error}");
}
