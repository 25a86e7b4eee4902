//! The verbs that need no host: `events`, `config` and `pack`.

use std::fs;

use insta::assert_snapshot;
use palisade_tests::{cli_command, guest, root};
use serde_json::Value;

use super::{shown, varying};
use crate::guests::misbehaving_manifest;

#[test]
fn events_shows_the_catalogue() {
    let _varying = varying();
    let events = |arguments: &[&str]| {
        shown(&cli_command(&[&["events"], arguments].concat()).output().unwrap())
    };
    assert_snapshot!(events(&["mailbox.p"]), @r#"
    ACTION  CORE  PANELS  DESCRIPTION
    mailbox.password.change  yes  coremanager cpanel cyberpanel directadmin hestia plesk  The password of a mailbox is changed.
    exit 0
    "#);
    assert_snapshot!(events(&["mailbox.password.change"]), @r#"
    mailbox.password.change
    The password of a mailbox is changed.

    PARAMETER  TYPE  DESCRIPTION
    address  text  The address; where the panel splits it, the part before the `@`, with the rest in `domain`.
    domain  text  The domain that the object belongs to.
    password  text  secret  The password of the mailbox.

    PANEL  PHASES  ITS OWN NAME
    coremanager  before, after  email.edit (among others)
    cpanel  before, after  Cpanel::UAPI::Email::passwd_pop
    cyberpanel  before, after  SubmitPasswordChange
    directadmin  before, after  email_change_pass
    hestia  v-change-mail-account-password
    plesk  after  mailname_update (among others)
    exit 0
    "#);
    assert_snapshot!(events(&["mailbox.creat3"]), @r#"
    error: the catalogue has no action `mailbox.creat3` that you ask for
    hint: did you mean `mailbox.create`?
    exit 1
    "#);
    assert_snapshot!(events(&["--panel", "nothing"]), @r#"
    error: no action is known of the panel `nothing`
    hint: the panels are: plesk, coremanager, billmanager, cpanel, directadmin, whmcs, virtualmin, ispconfig, hestia, cyberpanel, fossbilling, blesta
    exit 1
    "#);
    let all: Value =
        serde_json::from_slice(&cli_command(&["events", "--json"]).output().unwrap().stdout)
            .unwrap();
    assert!(all.as_array().unwrap().len() >= 144);
}

#[test]
fn config_shows_every_default_and_checks_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("palisade.toml");
    let config = |text: &str, arguments: &[&str]| {
        fs::write(&path, text).unwrap();
        let output = cli_command(&[&["config"], arguments].concat())
            .env("PALISADE_CONFIG", &path)
            .output()
            .unwrap();
        shown(&output).replace(path.to_str().unwrap(), "FILE")
    };
    let all = config("log = \"warn\"", &[]);
    assert!(
        all.starts_with("data = \"/var/lib/palisade\"\nlog = \"warn\"\n")
            && all.contains("[limits.before]\nfuel = 10000000\n"),
        "{all}"
    );
    fs::write(directory.path().join("all.toml"), all.trim_end_matches("exit 0")).unwrap();
    let check = |text: &str| config(text, &["check", path.to_str().unwrap()]);
    assert_snapshot!(check(all.trim_end_matches("exit 0")), @r#"
    `FILE` is a configuration that a host can run with
    exit 0
    "#);
    assert_snapshot!(check("lisen = \"127.0.0.1:1\""), @r#"
    error: the configuration `FILE` is wrong: TOML parse error at line 1, column 1
      |
    1 | lisen = "127.0.0.1:1"
      | ^^^^^
    unknown field `lisen`, expected one of `data`, `socket`, `listen`, `log`, `panel`, `server`, `gui`, `console`, `locale`, `attributes`, `sandbox`, `compile`, `http`, `journal`, `limits`, `orders`, `commands`, `conduct`, `extension`, `command`
    hint: did you mean `listen`?
    exit 78
    "#);
    assert_snapshot!(check("[server]\nbatch = 0"), @r#"
    error: the configuration `FILE` is wrong: `server.batch` must be 1 to 100000: 0
    exit 78
    "#);
    assert_snapshot!(check("listen = 7"), @r#"
    error: the configuration `FILE` is wrong: TOML parse error at line 1, column 10
      |
    1 | listen = 7
      |          ^
    invalid type: integer `7`, expected socket address
    exit 78
    "#);
    fs::remove_file(&path).unwrap();
    let missing = cli_command(&["list"]).env("PALISADE_CONFIG", &path).output().unwrap();
    assert_snapshot!(shown(&missing).replace(path.to_str().unwrap(), "FILE"), @r#"
    error: the configuration `FILE` cannot be read: No such file or directory (os error 2)
    exit 78
    "#);
}

#[test]
fn pack_checks_the_component_and_the_manifest() {
    let _varying = varying();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    write("good.wasm", &fs::read(guest("misbehaving")).unwrap());
    write("module.wasm", &wasm_encoder::Module::new().finish());
    write("extension.toml", misbehaving_manifest().as_bytes());
    write("wrong.toml", misbehaving_manifest().replace("powers", "power").as_bytes());
    let pack = |arguments: &[&str]| {
        let output = cli_command(&[&["pack"], arguments].concat())
            .current_dir(directory.path())
            .output()
            .unwrap();
        shown(&output)
    };
    assert_snapshot!(pack(&["good.wasm"]), @r#"
    packed `misbehaving` 1.0.0 into misbehaving-1.0.0.wasm ([n] bytes)
    exit 0
    "#);
    assert_snapshot!(pack(&["good.wasm", "--manifest", "wrong.toml", "--output", "out.wasm"]), @r#"
    error: `wrong.toml`: the manifest is wrong: TOML parse error at line 15, column 1
      |
    15 | power = ["alter", "skip", "deny"]
      | ^^^^^
    unknown field `power`, expected one of `hook`, `reason`, `priority`, `powers`, `requires`, `read`, `alter`, `secrets`, `reveal`, `own-actions`, `status`, `when`, `on-failure`, `fuel`, `deadline-ms`
    hint: did you mean `powers`?
    exit 1
    "#);
    assert_snapshot!(pack(&["module.wasm", "--output", "out.wasm"]), @r#"
    error: `module.wasm`: a core WebAssembly module, not a component
    hint: build for the target wasm32-wasip2, which makes components
    exit 1
    "#);
    assert_snapshot!(pack(&["none.wasm", "--output", "out.wasm"]), @r#"
    error: `none.wasm` cannot be read: No such file or directory (os error 2)
    exit 1
    "#);
    assert!(
        directory.path().join("misbehaving-1.0.0.wasm").exists()
            && !directory.path().join("out.wasm").exists()
    );
}

#[test]
fn pack_checks_the_assets_and_puts_them_in() {
    let _varying = varying();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("good.wasm", &fs::read(guest("site-notes")).unwrap());
    let manifest = root().join("guest-examples/site-notes/extension.toml");
    let pack = |assets: &str| {
        let mut command = cli_command(&["pack", "good.wasm", "--assets", assets, "--manifest"]);
        let command = command.arg(&manifest).args(["--output", "out.wasm"]);
        shown(&command.current_dir(directory.path()).output().unwrap())
    };
    assert_snapshot!(pack("none"), @r#""#);
    write("empty/.hidden", b"");
    assert_snapshot!(pack("empty"), @r#""#);
    write("wrong/messages/en.ftl", b"notes = Notes\nbroken\n");
    assert_snapshot!(pack("wrong"), @r#""#);
    write("lacking/messages/en.ftl", b"note = Note\n");
    assert_snapshot!(pack("lacking"), @r#""#);
    write("svg/images/logo.svg", b"<svg/>");
    assert_snapshot!(pack("svg"), @r#""#);
    write("linked/messages/en.ftl", b"notes = Notes\n");
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("linked/messages/de.ftl"))
        .unwrap();
    assert_snapshot!(pack("linked"), @r#""#);
    write("many/images/0.gif", b"GIF89a");
    (1..=200).for_each(|n| write(&format!("many/images/{n}.gif"), b"GIF89a"));
    assert_snapshot!(pack("many"), @r#""#);
    assert!(!directory.path().join("out.wasm").exists());
    write("good/messages/en.ftl", b"notes = Notes\n");
    write("good/images/logo.png", b"\x89PNG\r\n\x1a\n");
    assert_snapshot!(pack("good"), @r#""#);
}
