//! Compiled code is used as long as it is what this host wrote, and made anew when it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use palisade_tests::{Running, TestHost, wait_until};
use serde_json::json;

use crate::crash::Random;
use crate::guests::{self, ByHand, PROCEED, tell, trace};

/// What the host logs when it compiles code that it cannot use.
const ANEW: &str = "cannot be used; compiling it anew";

/// The file of compiled code of an extension.
async fn file(host: &Running, id: &str) -> PathBuf {
    let digest =
        host.get(&format!("/v1/extensions/{id}")).await["digest"].as_str().unwrap().to_owned();
    file_of(&host.data().join("compiled"), &digest)
}

fn file_of(directory: &Path, digest: &str) -> PathBuf {
    let mut entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(digest)).unwrap()
}

/// A host with two extensions that compile quickly, `first` and `second`, of which one is mapped at a time, so that
/// each hook call loads both from their files.
async fn forgetful() -> guests::Host {
    let host = guests::host("[sandbox]\nmapped = 1\n[limits.before]\nfuel = 10000000\ndeadline-ms = 30000\nchain-deadline-ms = 60000").await;
    for id in ["misbehaving", "reserved-names"] {
        assert!(
            host.request(hyper::Method::DELETE, &format!("/v1/extensions/{id}"), "")
                .await
                .status
                .is_success()
        );
    }
    for (id, extra) in [("first", ""), ("second", "(func)")] {
        let component =
            ByHand { core: &format!("{PROCEED} {extra}"), ..ByHand::default() }.packed(id);
        assert!(host.install_bytes(component).await.status.is_success());
    }
    host
}

/// Calls both extensions, and returns how often the host had to compile for it.
async fn compiled(host: &Running) -> usize {
    let before = host.log().matches(ANEW).count();
    let verdict = tell(host, "nothing").await;
    for id in ["first", "second"] {
        assert_eq!(trace(&verdict, id)["outcome"], "proceed", "{verdict}");
    }
    host.log().matches(ANEW).count() - before
}

#[tokio::test]
async fn a_restart_compiles_nothing() {
    let host = guests::host("").await;
    let request = json!({ "params": { "address": "root@customer.example" }, "actor": { "id": "u1", "role": "customer" } });
    let verdict = host.before("mailbox.create", request).await;
    assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
    assert_eq!(trace(&verdict, "reserved-names")["outcome"], "deny", "{verdict}");
    assert!(!host.log().contains("compiling"), "{}", host.log());
}

#[tokio::test]
async fn code_that_is_what_it_was_is_loaded_again_without_compiling() {
    let host = forgetful().await;
    for _ in 0..10 {
        assert_eq!(compiled(&host).await, 0);
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_noticed_and_the_code_compiled_anew() {
    let host = forgetful().await;
    let path = file(&host, "first").await;
    let mut random = Random::new(1);
    let length = fs::metadata(&path).unwrap().len();
    // Each byte of the MAC's first half, and 50 places anywhere.
    let places = (0..16).chain((0..50).map(|_| random.below(length)));
    for place in places.collect::<Vec<_>>() {
        let mut code = fs::read(&path).unwrap();
        code[usize::try_from(place).unwrap()] ^= 1 << random.below(8);
        fs::write(&path, code).unwrap();
        assert_eq!(compiled(&host).await, 1, "a bit of byte {place} of {length} is flipped");
    }
    assert_eq!(compiled(&host).await, 0);
}

#[tokio::test]
async fn a_file_that_is_cut_or_grown_is_noticed() {
    let host = forgetful().await;
    let path = file(&host, "first").await;
    let length = fs::metadata(&path).unwrap().len();
    for cut in [0, 1, 31, 32, 33, length / 2, length - 1, length + 1] {
        fs::File::options().write(true).open(&path).unwrap().set_len(cut).unwrap();
        assert_eq!(compiled(&host).await, 1, "cut to {cut} of {length} bytes");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(compiled(&host).await, 1);
}

#[tokio::test]
async fn code_of_another_component_is_noticed() {
    let host = forgetful().await;
    let (first, second) = (file(&host, "first").await, file(&host, "second").await);
    let (a, b) = (fs::read(&first).unwrap(), fs::read(&second).unwrap());
    fs::write(&first, b).unwrap();
    fs::write(&second, a).unwrap();
    assert_eq!(compiled(&host).await, 2);
    assert_eq!(compiled(&host).await, 0);
}

#[tokio::test]
async fn the_key_is_for_the_owner_alone() {
    let host = guests::host("").await;
    let mode =
        |name: &str| fs::metadata(host.data().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("compiled/key"), mode("compiled"), mode("components"), mode("db")),
        (0o600, 0o700, 0o700, 0o700)
    );
    assert_eq!(fs::read(host.data().join("compiled/key")).unwrap().len(), 32);
}

/// Calls both extensions of a host in this directory, and returns what it logs.
async fn log_of_a_call(data: &Path) -> String {
    fs::remove_file(data.join("log")).unwrap_or_default();
    let config = "[limits.before]\nfuel = 10000000\ndeadline-ms = 30000\nchain-deadline-ms = 60000";
    let host = TestHost::new().config(config).data(data).start().await;
    let verdict = host
        .before("mailbox.create", json!({ "params": { "address": "root@customer.example" } }))
        .await;
    for id in ["misbehaving", "reserved-names"] {
        assert!(trace(&verdict, id)["outcome"].is_string(), "{verdict}");
    }
    host.log()
}

#[tokio::test]
async fn another_key_makes_all_code_worthless() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    fs::write(data.join("compiled/key"), [7; 32]).unwrap();
    assert_eq!(log_of_a_call(&data).await.matches(ANEW).count(), 2);
    assert_eq!(log_of_a_call(&data).await.matches("compiling").count(), 0);
}

#[tokio::test]
async fn a_key_of_the_wrong_length_is_replaced() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    fs::write(data.join("compiled/key"), []).unwrap();
    let log = log_of_a_call(&data).await;
    assert!(
        log.contains("the key of the compiled code has 0 bytes instead of 32; making a new one"),
        "{log}"
    );
    assert_eq!(log.matches(ANEW).count(), 2);
    assert_eq!(fs::read(data.join("compiled/key")).unwrap().len(), 32);
}

#[tokio::test]
async fn code_of_another_engine_is_compiled_anew_at_the_start() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    for entry in fs::read_dir(data.join("compiled")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some((digest, _)) = name.split_once('-') {
            fs::rename(&path, path.with_file_name(format!("{digest}-00000000"))).unwrap();
        }
    }
    let log = log_of_a_call(&data).await;
    assert_eq!(log.matches("for this version of the host").count(), 2, "{log}");
    assert_eq!(log.matches(ANEW).count(), 0, "{log}");
    let names: Vec<_> = fs::read_dir(data.join("compiled"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() == 3 && !names.iter().any(|name| name.ends_with("-00000000")), "{names:?}");
}

#[tokio::test]
async fn many_calls_at_once_compile_once() {
    let host = guests::host(
        "[limits.before]\nfuel = 10000000\ndeadline-ms = 30000\nchain-deadline-ms = 60000",
    )
    .await;
    fs::write(file(&host, "misbehaving").await, []).unwrap();
    for verdict in guests::all((0..20).map(|_| tell(&host, "nothing"))).await {
        assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
    }
    assert_eq!(host.log().matches(ANEW).count(), 1, "{}", host.log());
}

#[tokio::test]
async fn compiling_goes_on_when_the_call_that_needs_it_is_past_its_deadline() {
    let host = guests::host("[extension.misbehaving.limits]\ndeadline-ms = 50").await;
    fs::write(file(&host, "misbehaving").await, []).unwrap();
    let verdict = tell(&host, "nothing").await;
    let fault = &trace(&verdict, "misbehaving")["fault"];
    assert_eq!(
        (&fault["code"], &fault["message"]),
        (&json!("not-ready"), &json!("not ready: its code is still being loaded")),
        "{verdict}"
    );
    wait_until("the code", async || {
        trace(&tell(&host, "nothing").await, "misbehaving")["outcome"] == "proceed"
    })
    .await;
    assert_eq!(host.log().matches(ANEW).count(), 1, "{}", host.log());
}

#[tokio::test]
async fn an_extension_without_its_component_fails_alone() {
    let host = guests::host("").await;
    fs::write(file(&host, "misbehaving").await, []).unwrap();
    let digest =
        host.get("/v1/extensions/misbehaving").await["digest"].as_str().unwrap().to_owned();
    fs::remove_file(host.data().join("components").join(digest)).unwrap();
    let verdict = host
        .before("mailbox.create", json!({ "params": { "address": "root@customer.example" } }))
        .await;
    assert_eq!(trace(&verdict, "misbehaving")["fault"]["code"], "not-ready", "{verdict}");
    assert!(trace(&verdict, "reserved-names")["outcome"].is_string(), "{verdict}");
}

#[tokio::test]
async fn more_extensions_than_can_be_mapped_all_work() {
    let host = guests::host("[sandbox]\nmapped = 1").await;
    let component = ByHand { core: PROCEED, ..ByHand::default() }.packed("third");
    assert!(host.install_bytes(component).await.status.is_success());
    for _ in 0..5 {
        let verdict = host
            .before("mailbox.create", json!({ "params": { "address": "info@customer.example" } }))
            .await;
        for id in ["misbehaving", "reserved-names", "third"] {
            assert_eq!(trace(&verdict, id)["outcome"], "proceed", "{verdict}");
        }
    }
    assert!(!host.log().contains("compiling"), "{}", host.log());
}
