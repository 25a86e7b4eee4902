//! What is no extension for this host is refused for a reason, and leaves everything as it was.

use std::fs;

use hyper::Method;
use palisade_tests::{Running, TestHost};
use serde_json::json;
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection,
    ComponentInstanceSection, ComponentSection as _, ComponentTypeRef, ComponentTypeSection,
    CustomSection, InstanceType, Module, RawSection,
};

use crate::guests::{self, ByHand, PROCEED, misbehaving_as, misbehaving_manifest, packed, tell};

const HANDLER: &str = "palisade:events/handler@1.0.0";

/// A manifest that is right.
const MANIFEST: &str = "manifest = 1\n[extension]\nid = \"odd\"\nname = \"Odd\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n[[on]]\nhook = \"before:*\"\n";

/// A component that imports and exports empty instances under these names, with a manifest that is right.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    with_manifest(bare(imports, exports), MANIFEST)
}

fn bare(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut import_section = ComponentImportSection::new();
    for name in imports {
        import_section.import(*name, ComponentTypeRef::Instance(0));
    }
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(Vec::<(&str, ComponentExportKind, u32)>::new());
    let mut export_section = ComponentExportSection::new();
    for name in exports {
        // The imported instances come first in the index space.
        export_section.export(*name, ComponentExportKind::Instance, imports.len() as u32, None);
    }
    let mut component = Component::new();
    component.section(&types).section(&import_section).section(&instances).section(&export_section);
    component.finish()
}

fn with_manifest(mut component: Vec<u8>, manifest: impl AsRef<[u8]>) -> Vec<u8> {
    let section =
        CustomSection { name: "palisade:manifest".into(), data: manifest.as_ref().into() };
    section.append_to_component(&mut component);
    component
}

/// A handler that works, before it is packed.
fn handler() -> Vec<u8> {
    ByHand { core: PROCEED, ..ByHand::default() }.component()
}

/// Files that the host keeps for what is installed.
fn kept(host: &Running) -> Vec<String> {
    let mut kept = Vec::new();
    for directory in ["components", "compiled"] {
        let Ok(entries) = fs::read_dir(host.data().join(directory)) else { continue };
        kept.extend(
            entries.flatten().map(|entry| format!("{directory}/{}", entry.file_name().display())),
        );
    }
    kept.retain(|name| name != "compiled/key");
    kept.sort();
    kept
}

/// What comes of installing each of these, one in a line; and that nothing is left of any.
async fn refusals(host: &Running, files: impl IntoIterator<Item = Vec<u8>>) -> String {
    let before = kept(host);
    let mut lines = Vec::new();
    for file in files {
        lines.push(host.install_bytes(file).await.refusal());
        assert_eq!(host.get("/v1/extensions").await, json!([]), "{lines:?}");
        assert_eq!(kept(host), before, "{lines:?}");
    }
    lines.join("\n")
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let host = TestHost::new().start().await;
    let good = with_manifest(handler(), MANIFEST);
    let broken =
        bare(&[], &[HANDLER]).iter().copied().chain([4, 0x80, 0x80, 0x80, 0x80, 0x10]).collect();
    let files = [
        Vec::new(),
        b"#!/bin/sh\nexit 0\n".to_vec(),
        b"\x89PNG\r\n\x1a\n\0\0".to_vec(),
        b"\0asm".to_vec(),
        b"\0asm\xff\0\xff\0".to_vec(),
        Module::new().finish(),
        good[..good.len() / 2].to_vec(),
        broken,
    ];
    insta::assert_snapshot!(refusals(&host, files).await, @r#"
    422 component.not-wasm: not WebAssembly: the file begins with nothing, not with `\0asm` (hint: give the file that cargo writes to target/wasm32-wasip2/release)
    422 component.not-wasm: not WebAssembly: the file begins with `#!/bin/s`, not with `\0asm` (hint: give the file that cargo writes to target/wasm32-wasip2/release)
    422 component.not-wasm: not WebAssembly: the file begins with `\x89PNG\r\n\x1a\n`, not with `\0asm` (hint: give the file that cargo writes to target/wasm32-wasip2/release)
    422 component.invalid: not a valid component: unexpected end-of-file (at offset 0x4)
    422 component.invalid: not a valid component: unknown binary version:   0xff00ff (at offset 0x4)
    422 component.not-component: a core WebAssembly module, not a component (hint: build for the target wasm32-wasip2, which makes components)
    422 component.invalid: not a valid component: unexpected end-of-file (at offset 0x225)
    422 component.invalid: not a valid component: invalid var_u32: integer too large (at offset 0x3f)
    "#);
}

#[tokio::test]
async fn what_does_not_fit_the_contract_is_refused() {
    let host = TestHost::new().start().await;
    let files = [
        component(&[], &[]),
        component(&[], &["wasi:cli/run@0.2.0"]),
        component(&[], &["palisade:events/handler"]),
        component(&["acme:shop/cart@1.0.0"], &[HANDLER]),
        component(&["wasi:http/types@0.2.0"], &[HANDLER]),
        component(&["wasi:cli/environment@0.3.0"], &[HANDLER]),
        component(&["palisade:core/files@1.0.0"], &[HANDLER]),
        component(&["palisade:core/log@2.0.0"], &[HANDLER]),
        component(&[], &["palisade:events/handler@2.0.0"]),
        component(&["palisade:core/log@1.1.0-draft"], &[HANDLER]),
        // The names are right, and nothing is behind them.
        component(&[], &[HANDLER]),
    ];
    insta::assert_snapshot!(refusals(&host, files).await, @r#"
    422 component.no-handler: exports no `palisade:events/handler`; it exports nothing (hint: build against the world palisade:extension/event-handler)
    422 component.no-handler: exports no `palisade:events/handler`; it exports `wasi:cli/run@0.2.0` (hint: build against the world palisade:extension/event-handler)
    422 component.unknown-import: imports `palisade:events/handler`, which this host does not offer (hint: an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http)
    422 component.unknown-import: imports `acme:shop/cart@1.0.0`, which this host does not offer (hint: an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http)
    422 component.unknown-import: imports `wasi:http/types@0.2.0`, which this host does not offer (hint: an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http)
    422 component.unknown-import: imports `wasi:cli/environment@0.3.0`, which this host does not offer (hint: an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http)
    422 component.unknown-import: imports `palisade:core/files@1.0.0`, which this host does not offer (hint: an extension can import palisade:core, palisade:events, palisade:kv, palisade:http, palisade:commands, palisade:provider, palisade:gui and WASI 0.2 without wasi:http)
    422 component.contract-version: is built for `palisade:core/log@2.0.0`, and this host offers `palisade:core/log@1.0.0` (hint: build the extension against the contract of this host, or upgrade the host)
    422 component.contract-version: is built for `palisade:events/handler@2.0.0`, and this host offers `palisade:events/handler@1.0.0` (hint: build the extension against the contract of this host, or upgrade the host)
    422 component.contract-version: is built for `palisade:core/log@1.1.0-draft`, and this host offers `palisade:core/log@1.0.0` (hint: build the extension against the contract of this host, or upgrade the host)
    422 component.link: it does not fit this host: instance export `palisade:events/handler@1.0.0` does not have export `handle` (hint: it was perhaps built against a newer contract; `palisade --version` shows the host's)
    "#);
}

#[tokio::test]
async fn a_host_function_that_there_is_not_is_named() {
    let host = TestHost::new().start().await;
    let import = r#"(import "palisade:core/context@1.0.0" (instance (export "remaining-luck" (func (result u64)))))"#;
    let file = ByHand { imports: import, core: PROCEED, ..ByHand::default() }.component();
    insta::assert_snapshot!(refusals(&host, [with_manifest(file, MANIFEST)]).await, @"422 component.link: it does not fit this host: component imports instance `palisade:core/context@1.0.0`, but a matching implementation was not found in the linker: instance export `remaining-luck` has the wrong type: function implementation is missing (hint: it was perhaps built against a newer contract; `palisade --version` shows the host's)");
}

#[tokio::test]
async fn code_that_is_not_valid_is_refused() {
    let host = TestHost::new().start().await;
    // A function that returns nothing where it must return a number.
    let module = wat::parse_str("(module (func (export \"handle\")))").unwrap();
    let at = module.len() - 2;
    let broken = [&module[..at], &[0x41, 0x0b]].concat();
    let mut bytes = bare(&[], &[HANDLER]);
    RawSection { id: 1, data: &broken }.append_to_component(&mut bytes);
    let refusal = refusals(&host, [with_manifest(bytes, MANIFEST)]).await;
    assert!(refusal.starts_with("422 component.invalid: "), "{refusal}");
}

#[tokio::test]
async fn a_manifest_is_needed_and_only_one() {
    let host = TestHost::new().start().await;
    let twice = with_manifest(with_manifest(handler(), MANIFEST), MANIFEST);
    let files = [handler(), twice, with_manifest(handler(), b"\xff\xfe")];
    insta::assert_snapshot!(refusals(&host, files).await, @r#"
    422 manifest.missing: the component carries no manifest: it has no custom section `palisade:manifest` (hint: embed it: palisade pack COMPONENT --manifest extension.toml --output FILE)
    422 component.invalid: not a valid component: it has 2 custom sections `palisade:manifest`
    422 component.invalid: not a valid component: its manifest is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0
    "#);
}

/// What comes of manifests in which this is replaced by that.
async fn manifests(changes: &[(&str, &str)]) -> String {
    let host = TestHost::new().start().await;
    let handler = handler();
    let file = |(this, that): &(&str, &str)| {
        assert!(MANIFEST.contains(this), "{this}");
        with_manifest(handler.clone(), MANIFEST.replace(this, that))
    };
    let lines = refusals(&host, changes.iter().map(file)).await;
    assert!(host.install_bytes(with_manifest(handler, MANIFEST)).await.status.is_success());
    lines
}

#[tokio::test]
async fn a_manifest_that_says_the_wrong_thing_of_the_extension_is_refused() {
    let lines = manifests(&[
        (MANIFEST, ""),
        (MANIFEST, "id = "),
        ("manifest = 1", "manifest = 2"),
        ("\"odd\"", "\"Odd One\""),
        ("\"odd\"", "7"),
        ("\"Odd\"", "\"\""),
        ("\"1.0.0\"", "\"1.0\""),
        ("\"1.0\"", "\"2.0\""),
        ("\"1.0\"", "\"1.1\""),
        ("\"1.0\"", "\"0.9\""),
        ("\"1.0\"", "\"one\""),
        ("name", "nmae"),
    ]);
    insta::assert_snapshot!(lines.await, @r#"
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 1, column 1
      |
    1 | 
      | ^
    missing field `manifest`
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 1, column 6
      |
    1 | id = 
      |      ^
    string values must be quoted, expected literal string
    422 manifest.invalid: the manifest is wrong: `manifest` is 2, and this host reads version 1 of the format
    422 manifest.invalid: the manifest is wrong: `extension.id` must be words of a-z and 0-9 joined by `-` or `.`, at most 64 characters: `Odd One`
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 3, column 6
      |
    3 | id = 7
      |      ^
    invalid type: integer `7`, expected a string
    422 manifest.invalid: the manifest is wrong: `extension.name` must be 1 to 100 characters without control characters: ``
    422 manifest.invalid: the manifest is wrong: `extension.version` is not a semantic version such as `1.0.0`: unexpected end of input while parsing minor version number: `1.0`
    422 manifest.invalid: the manifest is wrong: `extension.contract` is 2.0, and this host offers palisade:extension 1.0 (hint: upgrade this host)
    422 manifest.invalid: the manifest is wrong: `extension.contract` is 1.1, and this host offers palisade:extension 1.0 (hint: upgrade this host)
    422 manifest.invalid: the manifest is wrong: `extension.contract` is 0.9, and this host offers palisade:extension 1.0 (hint: build the extension against the newer contract)
    422 manifest.invalid: the manifest is wrong: `extension.contract` must be a major and a minor version such as `1.0`: `one`
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 4, column 1
      |
    4 | nmae = "Odd"
      | ^^^^
    unknown field `nmae`, expected one of `id`, `name`, `version`, `contract`, `description`, `license`, `homepage`, `default-locale` (hint: did you mean `name`?)
    "#);
}

#[tokio::test]
async fn a_manifest_that_asks_for_the_wrong_thing_is_refused() {
    const HOOK: &str = "hook = \"before:*\"\n";
    let lines = manifests(&[
        ("[[on]]\nhook = \"before:*\"\n", ""),
        ("before:*", "mailbox.create"),
        ("before:*", "during:mailbox.create"),
        ("before:*", "before:mailbox*"),
        ("before:*", "before:mail box"),
        (HOOK, "hook = \"before:*\"\npriority = 101\n"),
        (HOOK, "hook = \"before:*\"\npowers = [\"destroy\"]\n"),
        (HOOK, "hook = \"before:*\"\npowers = [\"alter\"]\n"),
        (HOOK, "hook = \"before:*\"\nalter = [\"name\"]\n"),
        (HOOK, "hook = \"before:*\"\nstatus = [\"failed\"]\n"),
        (HOOK, "hook = \"after:*\"\npowers = [\"deny\"]\n"),
        (HOOK, "hook = \"after:*\"\non-failure = \"deny\"\n"),
        (HOOK, "hook = \"after:*\"\nstatus = []\n"),
        (HOOK, "hook = \"before:*\"\nfuel = 0\n"),
        (HOOK, "hook = \"before:*\"\nfuel = 99999999999\n"),
        (HOOK, "hook = \"before:*\"\n[[on]]\nhook = \"before:*\"\n"),
        (HOOK, "hook = \"before:*\"\n[needs.kv]\nreason = \"\"\n"),
        (HOOK, "hook = \"before:*\"\n[needs.ftp]\nreason = \"x\"\n"),
        (HOOK, "hook = \"before:*\"\n[settings]\ntype = \"array\"\n"),
        (HOOK, "hook = \"before:*\"\n[settings]\ntype = \"object\"\nproperties = 7\n"),
    ]);
    insta::assert_snapshot!(lines.await, @r#"
    422 manifest.invalid: the manifest is wrong: it subscribes to no hook, provides nothing and shows nothing (hint: add a hook: [[on]] hook = "before:mailbox.create")
    422 manifest.invalid: the manifest is wrong: `hook` must be `before:` or `after:` and an action: `mailbox.create` (hint: such as `before:mailbox.create`, `after:site.*` or `after:*`)
    422 manifest.invalid: the manifest is wrong: `hook` must be `before:` or `after:` and an action: `during:mailbox.create` (hint: such as `before:mailbox.create`, `after:site.*` or `after:*`)
    422 manifest.invalid: the manifest is wrong: `hook` must be `before:` or `after:` and an action: `before:mailbox*` (hint: such as `before:mailbox.create`, `after:site.*` or `after:*`)
    422 manifest.invalid: the manifest is wrong: hook `before:mail box`: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `mail box`
    422 manifest.invalid: the manifest is wrong: hook `before:*`: `priority` must be 0 to 100: 101
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 9, column 11
      |
    9 | powers = ["destroy"]
      |           ^^^^^^^^^
    unknown variant `destroy`, expected one of `alter`, `skip`, `deny`
    422 manifest.invalid: the manifest is wrong: hook `before:*`: the power `alter` and the list `alter` of fields go together
    422 manifest.invalid: the manifest is wrong: hook `before:*`: the power `alter` and the list `alter` of fields go together
    422 manifest.invalid: the manifest is wrong: hook `before:*`: `status` means nothing before an action
    422 manifest.invalid: the manifest is wrong: hook `after:*`: after an action only the power `alter` means anything
    422 manifest.invalid: the manifest is wrong: hook `after:*`: `on-failure = "deny"` means nothing after an action
    422 manifest.invalid: the manifest is wrong: hook `after:*`: `status` must name at least one of succeeded, skipped, denied, failed
    422 manifest.invalid: the manifest is wrong: hook `before:*`: `fuel`, `deadline-ms` and `memory-bytes` must be more than 0
    422 manifest.limits: the extension `odd` asks for `fuel` = 99999999999, above this host's ceiling of 10000000000 (hint: raise `limits.ceiling` in palisade.toml if you trust it with that)
    422 manifest.invalid: the manifest is wrong: the hook `before:*` is subscribed to twice
    422 manifest.invalid: the manifest is wrong: `needs.kv.reason` must be 1 to 500 characters without control characters: ``
    422 manifest.invalid: the manifest is wrong: TOML parse error at line 9, column 8
      |
    9 | [needs.ftp]
      |        ^^^
    unknown field `ftp`, expected one of `kv`, `http`, `commands`, `reveal`
    422 manifest.invalid: the manifest is wrong: `settings` must be a JSON Schema with `type = "object"`
    422 manifest.invalid: the manifest is wrong: `settings` is not a JSON Schema: 7 is not of type "object"
    "#);
}

#[tokio::test]
async fn a_manifest_has_a_size() {
    let host = TestHost::new().start().await;
    let long = format!("{MANIFEST}# {}", "x".repeat(40_000));
    let refusal = refusals(&host, [with_manifest(handler(), long)]).await;
    assert_eq!(
        refusal,
        format!(
            "422 manifest.invalid: the manifest is wrong: it has {} bytes, the limit is 32768",
            MANIFEST.len() + 40_002
        )
    );
}

#[tokio::test]
async fn a_nesting_bomb_is_refused() {
    let host = TestHost::new().start().await;
    let mut nested = bare(&[], &[HANDLER]);
    for _ in 0..2_000 {
        let mut outer = Component::new();
        outer.section(&RawSection { id: 4, data: &nested });
        nested = outer.finish();
    }
    let mut wide = Component::new();
    let empty = Module::new().finish();
    for _ in 0..201 {
        wide.section(&RawSection { id: 1, data: &empty });
    }
    let files = [with_manifest(nested, MANIFEST), with_manifest(wide.finish(), MANIFEST)];
    insta::assert_snapshot!(refusals(&host, files).await, @r#"
    422 component.invalid: not a valid component: components nest more than 4 deep
    422 component.invalid: not a valid component: it has more than 200 modules and components inside
    "#);
}

#[tokio::test]
async fn a_file_of_200_mib_is_refused() {
    let host = TestHost::new().start().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.wasm");
    fs::File::create(&path).unwrap().set_len(200 << 20).unwrap();
    let output = host.cli(&["install", "--grant-all", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "error: the body has 209715200 bytes or more, the limit is 16777216\n");
    assert_eq!(kept(&host), Vec::<String>::new());
    assert!(host.install("audit-trail").await["change"] == "installed");
}

#[tokio::test]
async fn a_refused_upgrade_leaves_the_installed_version_at_work() {
    let host = guests::host("").await;
    let before = (host.get("/v1/extensions").await, kept(&host));
    let component = fs::read(palisade_tests::guest("misbehaving")).unwrap();
    let without_handler = with_manifest(
        bare(&[], &["wasi:cli/run@0.2.0"]),
        misbehaving_manifest().replace("1.0.0", "2.0.0"),
    );
    for file in
        [component[..1_000].to_vec(), without_handler, misbehaving_as("misbehaving", "0.9.0")]
    {
        let refused = host.install_bytes(file).await;
        assert!(refused.status.is_client_error(), "{}", refused.text);
        assert_eq!((host.get("/v1/extensions").await, kept(&host)), before);
    }
    assert_eq!(tell(&host, "deny").await["verdict"], "deny");
}

#[tokio::test]
async fn an_upgrade_whose_settings_do_not_fit_is_refused() {
    let directory = guests::directory().await;
    let data = directory.path().join("data");
    let host = TestHost::new().data(&data).start().await;
    host.request(Method::PUT, "/v1/extensions/misbehaving/settings", "{\"limit\":8}").await;
    let before = (host.get("/v1/extensions").await, kept(&host));
    let integer = "type = \"integer\"\ndefault = 7";
    let manifest =
        misbehaving_manifest().replace("1.0.0", "2.0.0").replace(integer, "type = \"string\"");
    let upgrade = packed(&fs::read(palisade_tests::guest("misbehaving")).unwrap(), &manifest);

    let refused = host.install_bytes(upgrade).await;

    let reason = "the settings do not match the schema: `limit`: 8 is not of type \"string\"";
    assert_eq!(refused.refusal(), format!("422 settings.invalid: {reason}"));
    assert_eq!(host.get("/v1/extensions").await, before.0);
    assert_eq!(tell(&host, "deny").await["verdict"], "deny");
    // What was compiled for it goes at the next start.
    drop(host);
    let host = TestHost::new().data(&data).start().await;
    assert_eq!((host.get("/v1/extensions").await, kept(&host)), before);
}
