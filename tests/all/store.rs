//! `palisade store`: what is exported can be imported, and what is not whole is found and left as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use palisade_tests::{Running, TestHost, cli_command, wait_until};
use serde_json::json;

use crate::crash::{Change, Random, observed, versions};
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
    wait_until("the host to end", async || {
        host.try_wait().unwrap().is_some() || tokio::net::UnixStream::connect(&socket).await.is_ok()
    })
    .await;
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
    let set = host
        .request(hyper::Method::PUT, "/v1/extensions/reserved-names/settings", settings.to_string())
        .await;
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
    for path in [
        "/v1/extensions",
        "/v1/extensions/reserved-names",
        "/v1/extensions/reserved-names/settings",
        "/v1/extensions/misbehaving",
    ] {
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
    for n in 0..60 {
        tell(&host, &format!("kv-set-bytes:{n}=60000")).await;
    }
    let versions = versions();
    for round in 0..4 {
        let (file, copy) = (
            directory.path().join(format!("export-{round}")),
            directory.path().join(format!("copy-{round}")),
        );
        let mut export = cli_command(&["store", "export", str(&file)]);
        let mut exporting =
            export.env("PALISADE_SOCKET", host.socket()).stdout(Stdio::null()).spawn().unwrap();
        let mut changes =
            [Change::Install(1), Change::Install(2), Change::Remove].into_iter().cycle();
        while exporting.try_wait().unwrap().is_none() {
            assert!(changes.next().unwrap().ask(&host, &versions).await);
        }
        assert!(exporting.wait().unwrap().success());
        assert_eq!(store(&["import", str(&file), "--data", str(&copy)]).0, 0);
        observed(&TestHost::new().data(&copy).start().await).await;
        if observed(&host).await.is_some() {
            assert!(Change::Remove.ask(&host, &versions).await);
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
    for arguments in
        [["export", str(&file), "--data", str(&data)], ["verify", "--data", str(&data), "--json"]]
    {
        let (status, _, error) = store(&arguments);
        assert_eq!(status, 78, "{error}");
        assert!(error.contains("is in use by another process"), "{error}");
    }
    assert!(!file.exists());
    let (status, _, error) =
        shown(&cli_command(&["serve", "--data", str(&data)]).output().unwrap());
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
    for content in
        [&bytes[..bytes.len() / 2], &bytes[..bytes.len() - 1], b"", b"not an export at all"]
    {
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

/// Damages a file of the database of a stopped host and checks that nothing starts on it.
async fn damaged(
    file: &str,
    damage: impl Fn(&mut Vec<u8>),
) -> (tempfile::TempDir, BTreeMap<PathBuf, Vec<u8>>) {
    let (directory, data) = stopped().await;
    let path = fs::read_dir(data.join("db")).unwrap().map(|entry| entry.unwrap().path());
    let path = path
        .into_iter()
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(file))
        .unwrap();
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let before = content(&data);
    let (status, error) = refusal(&data).await;
    assert_eq!(status, 78, "{error}");
    assert!(error.contains("does not open") && error.contains("palisade store"), "{error}");
    (directory, before)
}

/// The same, and that nothing of it is touched by that or by a look at it.
async fn damaged_and_left_alone(file: &str, damage: impl Fn(&mut Vec<u8>)) {
    let (directory, before) = damaged(file, damage).await;
    let data = directory.path().join("data");
    assert!(content(&data) == before, "the refused start changed files");
    let (status, _, error) = store(&["verify", "--data", str(&data)]);
    assert_eq!(status, 78, "{error}");
    assert!(content(&data) == before, "verifying changed files");
}

#[tokio::test]
async fn a_database_of_garbage_is_refused_and_left_as_it_is() {
    let mut random = Random::new(7);
    let garbage: Vec<u8> = (0..4096).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    damaged_and_left_alone("db", |bytes| {
        bytes.iter_mut().zip(garbage.iter().cycle()).for_each(|(byte, garbage)| *byte = *garbage)
    })
    .await;
}

#[tokio::test]
async fn an_empty_database_file_is_refused_and_left_as_it_is() {
    damaged_and_left_alone("db", Vec::clear).await;
}

#[tokio::test]
async fn a_database_of_zeros_is_refused_and_left_as_it_is() {
    damaged_and_left_alone("db", |bytes| bytes.fill(0)).await;
}

#[tokio::test]
async fn a_damaged_configuration_of_the_database_is_refused_and_left_as_it_is() {
    damaged_and_left_alone("conf", |bytes| bytes[3] ^= 1).await;
}

#[tokio::test]
async fn a_missing_database_file_is_refused() {
    let (_directory, data) = stopped().await;
    fs::remove_file(data.join("db/db")).unwrap();
    let (status, error) = refusal(&data).await;
    assert_eq!(status, 78, "{error}");
}

#[tokio::test]
async fn a_database_that_lost_its_last_writes_is_refused_however_often_it_is_tried() {
    // What the database takes for the end of an interrupted write, and would go on without.
    for part in [20, 3, 2] {
        let (directory, _) = damaged("db", |bytes| {
            let place = bytes.len() / part;
            bytes[place] ^= 1;
        })
        .await;
        let (status, error) = refusal(&directory.path().join("data")).await;
        assert_eq!(status, 78, "{error}");
        assert!(error.contains("writes that were made to it; its file `db` is damaged"), "{error}");
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_the_database_never_brings_back_an_older_state() {
    let (directory, data) = stopped().await;
    let mut host = TestHost::new().data(&data).start().await;
    tell(&host, "kv-set:name=value").await;
    assert!(host.stop().await.success());
    let whole = fs::read(data.join("db/db")).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let expected = store(&["verify", "--data", str(&data)]).1;
    let mut random = Random::new(8);
    for round in 0..40 {
        let copy = directory.path().join(format!("copy-{round}"));
        guests::copy(&data, &copy);
        let (mut bytes, place) =
            (whole.clone(), usize::try_from(random.below(used as u64)).unwrap());
        bytes[place] ^= 1 << random.below(8);
        fs::write(copy.join("db/db"), bytes).unwrap();
        let (status, out, _) = store(&["verify", "--data", str(&copy)]);
        assert!(status != 0 || out == expected, "a flipped bit of byte {place} of {used}: {out}");
    }
}
