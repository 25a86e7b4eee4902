//! The messages of extensions in the languages of those who read them, and assets that no host installs.

use std::fs;

use hyper::Method;
use palisade_tests::{Answer, Running, TestHost, cli_command, guest, root};
use serde_json::{Value, json};
use wasm_encoder::{ComponentSection as _, CustomSection};

const NOTES: &str = "/v1/gui/pages/site-notes/notes";

/// A session of a customer who reads a language.
async fn session(host: &Running, locale: &str) -> String {
    let objects = json!([{ "kind": "domain", "id": "example.com" }]);
    let person = json!({ "id": "7", "name": "Ada", "role": "customer", "objects": objects });
    let session =
        host.post("/v1/gui/sessions", json!({ "person": person, "locale": locale })).await;
    session["id"].as_str().unwrap().to_owned()
}

async fn note(host: &Running, session: &str) -> Value {
    let path = format!("{NOTES}?object=domain:example.com");
    let answer = host.request_in(session, Method::GET, &path, &Value::Null).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.json()["view"].clone()
}

/// Keeps a note of this text.
async fn keep(host: &Running, session: &str, text: &str) -> Value {
    let act = json!({
        "button": "save",
        "object": { "kind": "domain", "id": "example.com" },
        "state": note(host, session).await["state"],
        "inputs": { "text": text, "colour": "red" },
    });
    host.request_in(session, Method::POST, &format!("{NOTES}/actions"), &act).await.json()
}

/// The title of the page, the label of its first field and the one of its first button.
fn labels(view: &Value) -> [&Value; 3] {
    let field = &view["sections"][0]["fields"][0];
    [&view["title"], &field["label"], &view["buttons"][0]["label"]]
}

async fn host() -> Running {
    let host = TestHost::new().start().await;
    host.install("site-notes").await;
    host
}

#[tokio::test]
async fn a_page_is_in_the_readers_language_or_in_the_default_one() {
    let host = host().await;
    let german = note(&host, &session(&host, "de-AT").await).await;
    assert_eq!(labels(&german), ["Notizen zu example.com", "Notiz", "Behalten"]);
    let polish = note(&host, &session(&host, "pl").await).await;
    assert_eq!(labels(&polish), ["Notes about example.com", "Note", "Keep"]);
}

#[tokio::test]
async fn a_domain_in_an_arabic_title_is_kept_apart_by_marks() {
    let host = host().await;
    let arabic = note(&host, &session(&host, "ar-EG").await).await;
    assert_eq!(labels(&arabic), ["ملاحظات حول \u{2068}example.com\u{2069}", "ملاحظة", "حفظ"]);
}

#[tokio::test]
async fn what_a_button_answers_is_in_the_readers_language() {
    let host = host().await;
    let session = session(&host, "de").await;
    let done = keep(&host, &session, "x").await;
    assert_eq!(done, json!({ "type": "done", "message": "Die Notiz ist gespeichert." }));
    let invalid = keep(&host, &session, &"x".repeat(2_001)).await;
    assert_eq!(invalid["problems"][0]["message"], "Höchstens 2.000 Zeichen.");
}

#[tokio::test]
async fn what_leads_to_a_page_and_what_is_put_into_one_are_in_the_readers_language() {
    let host = host().await;
    let session = session(&host, "de").await;
    let path = "/v1/gui/places/object.tab?object=domain:example.com";
    let place = host.request_in(&session, Method::GET, path, &Value::Null).await.json();
    assert_eq!(place["pages"][0]["title"], "Notizen");
    let page = json!({ "page": "domain.list", "rows": [] });
    let overlays = host.request_in(&session, Method::POST, "/v1/gui/overlays", &page).await.json();
    assert_eq!(overlays["overlays"][0]["edits"][0]["column"]["label"], "Notiz");
}

#[tokio::test]
async fn a_message_that_no_language_has_is_shown_as_its_identifier() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("messages")).unwrap();
    fs::write(directory.path().join("messages/de.ftl"), "notes = Notizen\nnote = Notiz\n").unwrap();
    let packed = directory.path().join("packed.wasm");
    let mut pack = cli_command(&["pack"]);
    pack.arg(guest("site-notes"))
        .arg("--assets")
        .arg(directory.path())
        .arg("--output")
        .arg(&packed);
    let manifest = root().join("guest-examples/site-notes/extension.toml");
    assert!(pack.arg("--manifest").arg(manifest).status().unwrap().success());
    let host = TestHost::new().start().await;
    assert!(host.install_bytes(fs::read(packed).unwrap()).await.status.is_success());
    let view = note(&host, &session(&host, "en").await).await;
    assert_eq!(labels(&view), ["notes-about", "Notiz", "keep"]);
}

/// What comes of installing a good extension with such an archive of assets.
async fn with_assets(host: &Running, assets: &[u8]) -> Answer {
    let mut component = fs::read(guest("reserved-names")).unwrap();
    let section = CustomSection { name: "palisade:assets".into(), data: assets.into() };
    section.append_to_component(&mut component);
    host.install_bytes(component).await
}

/// An archive with one entry.
fn archive(path: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[156] = kind;
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; content.len().next_multiple_of(512) - content.len() + 1024];
    [&header, content, &padding].concat()
}

#[tokio::test]
async fn assets_that_are_wrong_are_refused_at_install() {
    let host = TestHost::new().start().await;
    let laughs = "a = { { $b } }\n";
    let mut refusals = Vec::new();
    for assets in [
        b"no archive".repeat(100),
        archive("../de.ftl", b'0', b""),
        archive("images/link.png", b'2', b""),
        archive("images/page.png", b'0', b"<script>alert(1)</script>"),
        archive("messages/de.ftl", b'0', b"a = A\nb\n"),
        archive("messages/de.ftl", b'0', laughs.as_bytes()),
        archive("messages/de.ftl", b'0', format!("a = {}", "{".repeat(200_000)).as_bytes()),
    ] {
        refusals.push(with_assets(&host, &assets).await.refusal());
    }
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    422 assets.invalid: the assets are wrong: not a tar archive
    422 assets.invalid: the assets are wrong: `../de.ftl`: a path is names of a-z, A-Z, 0-9, `-`, `_` and `.` that begin with a letter or a digit, joined by `/`, at most 100 bytes
    422 assets.invalid: the assets are wrong: `images/link.png`: only plain files can be assets
    422 assets.invalid: the assets are wrong: `images/page.png`: it does not begin as `image/png` does
    422 assets.invalid: the assets are wrong: `messages/de.ftl`: line 2: expected a token starting with `=`
    422 assets.invalid: the assets are wrong: `messages/de.ftl`: line 1: `a` has a placeable in a placeable
    422 assets.invalid: the assets are wrong: `messages/de.ftl`: line 1: a message opens more than 250 brackets
    "#);
    assert_eq!(host.get("/v1/extensions").await, json!([]));
    assert!(
        with_assets(&host, &archive("messages/de.ftl", b'0', b"a = A\n")).await.status.is_success()
    );
}

#[tokio::test]
async fn two_sections_of_assets_are_refused() {
    let host = TestHost::new().start().await;
    let mut component = fs::read(guest("site-notes")).unwrap();
    let section = CustomSection { name: "palisade:assets".into(), data: (&[] as &[u8]).into() };
    section.append_to_component(&mut component);
    let answer = host.install_bytes(component).await;
    insta::assert_snapshot!(answer.refusal(), @"422 component.invalid: not a valid component: it has 2 custom sections `palisade:assets`");
}
