//! Panels on the command line: what works on them, how they are registered, tried out and recorded.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use palisade_tests::{Running, TestHost, cli_command, guest, palisade_hook, wait_until};
use serde_json::{Value, json};

use super::shown;
use crate::guests::packed;

/// A machine with a panel, the program that it starts, and a host with `reserved-names`.
struct Machine {
    directory: tempfile::TempDir,
    host: Running,
}

impl Machine {
    async fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let socket = path.join("palisade.sock");
        let host = TestHost::new().config(config).socket(&socket).start().await;
        fs::create_dir(path.join("bin")).unwrap();
        fs::copy(palisade_hook(), path.join("bin/palisade-hook")).unwrap();
        let machine = Self { directory, host };
        machine.write("bin/palisade-hook.toml", &format!("socket = {socket:?}\nuser = 'nobody'\n"));
        machine.host.install("reserved-names").await;
        machine
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn write(&self, below: &str, contents: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn program(&self, below: &str, script: &str) {
        self.write(below, script);
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A verb about the panel on this machine.
    fn cli(&self, arguments: &[&str]) -> Output {
        let (root, hook) = (self.path("root"), self.path("bin/palisade-hook"));
        let at = ["--root", root.to_str().unwrap(), "--hook-program", hook.to_str().unwrap()];
        self.host.cli(&[arguments, &at].concat())
    }

    /// What it prints, without the directory of the test.
    fn run(&self, arguments: &[&str]) -> String {
        self.shown(&self.cli(arguments))
    }

    fn shown(&self, output: &Output) -> String {
        shown(output).replace(self.directory.path().to_str().unwrap(), "[dir]")
    }

    /// Everything below `root`, with what links lead to.
    fn tree(&self) -> String {
        let mut found = Vec::new();
        let mut open = vec![self.path("root")];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.path("root")).unwrap().display().to_string();
                match fs::read_link(&path) {
                    Ok(target) => found.push(format!("{name} -> {}", target.display())),
                    Err(_) if path.is_dir() => open.push(path),
                    Err(_) => found.push(name),
                }
            }
        }
        found.sort();
        found.join("\n").replace(self.directory.path().to_str().unwrap(), "[dir]")
    }
}

/// A component with a subscription that cannot do without `deny`.
fn requiring() -> Vec<u8> {
    let manifest = "manifest = 1\n[extension]\nid = \"policy\"\nname = \"Policy\"\nversion = \"1.0.0\"\n\
        contract = \"1.0\"\n[[on]]\nhook = \"before:mailbox.create\"\nreason = \"Tests.\"\n\
        powers = [\"deny\"]\nrequires = [\"deny\"]\n";
    packed(&fs::read(guest("reserved-names")).unwrap(), manifest)
}

#[tokio::test]
async fn install_says_what_does_not_work_on_the_panel() {
    let host = TestHost::new().config("panel = 'plesk'").start().await;
    let file = guest("reserved-names");
    let install = |panel: &[&str]| {
        let arguments = ["install", "--grant-all", "--replace", file.to_str().unwrap()];
        let printed = shown(&host.cli(&[&arguments[..], panel].concat()));
        let notes = printed.lines().filter(|line| line.starts_with("  note: "));
        notes.collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(install(&[]), @"
      note: Plesk tells only afterwards: deny has no effect on mailbox.create
      note: Plesk tells only afterwards: deny has no effect on customer.create
      note: Plesk tells only afterwards: deny has no effect on site.create
      note: Plesk tells only afterwards: deny has no effect on subdomain.create
    ");
    assert_snapshot!(install(&["--panel", "coremanager"]), @"  note: COREmanager does not tell subdomain.create apart: its `webdomain.edit` arrives as site.create");
    assert_snapshot!(install(&["--panel", "hestia"]).lines().next().unwrap(), @"  note: HestiaCP never calls before mailbox.create: `v-add-mail-account` would have to be wrapped");
    assert_eq!(
        shown(&host.cli(&["install", "x.wasm", "--panel", "plesc"])).lines().next_back(),
        Some("exit 2")
    );
}

#[tokio::test]
async fn what_cannot_do_without_a_power_is_refused_where_the_panel_does_not_heed_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("policy.wasm");
    fs::write(&file, requiring()).unwrap();
    let install = |host: &Running, panel: &[&str]| {
        let arguments = ["install", "--grant-all", file.to_str().unwrap()];
        shown(&host.cli(&[&arguments[..], panel].concat()))
    };
    let host = TestHost::new().start().await;
    assert_snapshot!(install(&host, &["--panel", "plesk"]), @"
    error: the handler of `before:mailbox.create` cannot do without `deny`, and Plesk tells only afterwards: deny has no effect on mailbox.create
    hint: install it on a host whose panel heeds it; `palisade events NAME` shows which panels call
    exit 1
    ");
    assert_eq!(host.get("/v1/extensions").await, json!([]));
    let printed = install(&host, &[]);
    let note = "  note: it cannot do without powers at before:mailbox.create, and no panel is configured to heed them";
    assert!(printed.contains(note) && printed.ends_with("exit 0"), "{printed}");
    let printed = install(&host, &["--panel", "coremanager"]);
    assert!(!printed.contains("note") && printed.ends_with("exit 0"), "{printed}");
    let host = TestHost::new().config("panel = 'plesk'").start().await;
    let refused = host.install_granted(requiring(), "all").await;
    assert_eq!(refused.code(), "panel.unheeded");
}

#[tokio::test]
async fn coremanager_is_registered_once_checked_and_unregistered_without_a_trace() {
    let machine = Machine::new("").await;
    assert_snapshot!(machine.run(&["bridge", "register", "coremanager"]), @"
    error: COREmanager is not on this machine: there is no `/usr/local/mgr5`
    hint: `--print` shows what would be there; `--root` and `--into` say where the panel is
    exit 1
    ");
    machine.write("root/usr/local/mgr5/addon/others.pl", "");
    machine.write("root/usr/local/mgr5/etc/xml/ispmgr_mod_others.xml", "<mgrdata/>");
    let before = machine.tree();
    assert_snapshot!(machine.run(&["bridge", "register", "coremanager"]), @"
    file /usr/local/mgr5/etc/xml/ispmgr_mod_palisade.xml: written
    link /usr/local/mgr5/addon/palisade-coremanager-before-cgi: linked to [dir]/bin/palisade-hook
    note: restart the core, or it goes on as before: /usr/local/mgr5/sbin/mgrctl -m ispmgr exit
    note: the core starts a handler only if the program is root's and others cannot write it
    exit 0
    ");
    assert_snapshot!(machine.run(&["bridge", "register", "coremanager"]), @"
    file /usr/local/mgr5/etc/xml/ispmgr_mod_palisade.xml: there already
    link /usr/local/mgr5/addon/palisade-coremanager-before-cgi: there already
    exit 0
    ");
    let checked = machine.cli(&["bridge", "check", "coremanager", "--json"]);
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(checked["lacking"], json!([]));
    assert_eq!(checked["probe"]["hook"], "before:user.add");
    assert_eq!(
        (&checked["probe"]["answered"], &checked["probe"]["status"]),
        (&json!(true), &json!(0))
    );
    assert!(checked["probe"]["stdout"].as_str().unwrap().ends_with("<doc/>"), "{checked}");
    // The link is what the core starts.
    let link = machine.path("root/usr/local/mgr5/addon/palisade-coremanager-before-cgi");
    let env = [("PARAM_func", "email.edit"), ("PARAM_sok", "ok"), ("PARAM_name", "root")];
    let output = Command::new(link).env_clear().envs(env).output().unwrap();
    assert!(shown(&output).contains("is reserved"), "{}", shown(&output));
    machine.run(&["bridge", "unregister", "coremanager"]);
    assert_eq!(machine.tree(), before);
    assert_snapshot!(machine.run(&["bridge", "unregister", "coremanager"]), @"
    nothing is registered, and nothing has to be
    exit 0
    ");
}

#[tokio::test]
async fn directadmin_loses_what_nobody_subscribes_to_any_more() {
    let machine = Machine::new("").await;
    machine.write("root/usr/local/directadmin/scripts/custom/user_create_pre/10-own.sh", "");
    machine.run(&["bridge", "register", "directadmin"]);
    let with = machine.tree();
    assert!(
        with.contains("custom/user_create_pre/00-palisade.sh -> [dir]/bin/palisade-hook"),
        "{with}"
    );
    assert!(with.contains("custom/email_create_pre/00-palisade.sh"), "{with}");
    machine.host.cli(&["remove", "reserved-names"]);
    let printed = machine.run(&["bridge", "register", "directadmin"]);
    assert!(printed.contains("email_create_pre/00-palisade.sh: taken away"), "{printed}");
    assert_eq!(machine.tree(), "usr/local/directadmin/scripts/custom/user_create_pre/10-own.sh");
    assert!(!machine.path("root/usr/local/directadmin/scripts/custom/email_create_pre").exists());
}

#[tokio::test]
async fn what_is_somebody_elses_is_never_overwritten_or_taken_away() {
    let machine = Machine::new("").await;
    let custom = "root/usr/local/directadmin/scripts/custom";
    machine.write(&format!("{custom}/user_create_pre/00-palisade.sh"), "#!/bin/sh\n");
    fs::create_dir_all(machine.path(&format!("{custom}/email_create_pre"))).unwrap();
    let foreign = machine.path(&format!("{custom}/email_create_pre/00-palisade.sh"));
    symlink("/opt/other", &foreign).unwrap();
    let printed = machine.run(&["bridge", "register", "directadmin"]);
    assert!(printed.contains("not done: a file of somebody else's is in the way"), "{printed}");
    assert!(printed.contains("not done: a link to `/opt/other` is in the way"), "{printed}");
    assert!(printed.ends_with("exit 1"), "{printed}");
    machine.run(&["bridge", "unregister", "directadmin"]);
    assert_eq!(fs::read_link(foreign).unwrap(), Path::new("/opt/other"));
    let file = machine.path(&format!("{custom}/user_create_pre/00-palisade.sh"));
    assert_eq!(fs::read_to_string(file).unwrap(), "#!/bin/sh\n");
}

#[tokio::test]
async fn virtualmin_keeps_the_command_that_it_has() {
    let machine = Machine::new("").await;
    machine.host.install("audit-trail").await;
    let config = "root/etc/webmin/virtual-server/config";
    machine.write(config, "a=1\npre_command=/opt/own pre\n");
    let found = || fs::read_to_string(machine.path(config)).unwrap();
    let printed = machine.run(&["bridge", "register", "virtualmin"]);
    assert!(printed.contains("to be done by hand: set it, or have it set by --write"), "{printed}");
    assert_eq!(found(), "a=1\npre_command=/opt/own pre\n");
    machine.run(&["bridge", "register", "virtualmin", "--write"]);
    let hook = machine.path("bin/palisade-hook");
    let post =
        format!("a=1\npre_command=/opt/own pre\npost_command={} virtualmin post\n", hook.display());
    assert_eq!(found(), post);
    machine.run(&["bridge", "unregister", "virtualmin"]);
    assert_eq!(found(), "a=1\npre_command=/opt/own pre\npost_command=\n");
}

/// A `plesk` that keeps event handlers in a file, as the real one lists them.
const PLESK: &str = r#"#!/bin/sh
store=$(dirname "$0")/store; touch "$store"
case "$3" in
--list) cat "$store" ;;
--create) printf 'Id   %s\nEvent   %s\nCommand   %s\n' "$(($(wc -l <"$store") / 3 + 1))" "$5" "${11}" >>"$store" ;;
--delete) sed -i "/^Id   $4\$/,+2d" "$store" ;;
esac
"#;

#[tokio::test]
async fn plesk_is_told_of_each_event_once() {
    let machine = Machine::new("").await;
    machine.host.install("audit-trail").await;
    machine.program("root/usr/sbin/plesk", PLESK);
    fs::create_dir_all(machine.path("root/usr/local/psa")).unwrap();
    machine.write("root/usr/sbin/store", "Id   1\nEvent   x\nCommand   /opt/own x\n");
    machine.run(&["bridge", "register", "plesk"]);
    let store = || fs::read_to_string(machine.path("root/usr/sbin/store")).unwrap();
    let hook = machine.path("bin/palisade-hook").display().to_string();
    assert!(store().contains(&format!("Command   {hook} plesk mailname_create\n")), "{}", store());
    let registered = store();
    let printed = machine.run(&["bridge", "register", "plesk"]);
    assert!(printed.contains("plesk bin event_handler --list: there already"), "{printed}");
    assert_eq!(store(), registered);
    machine.run(&["bridge", "unregister", "plesk"]);
    assert_eq!(store(), "Id   1\nEvent   x\nCommand   /opt/own x\n");
}

#[tokio::test]
async fn print_shows_everything_and_writes_nothing() {
    let machine = Machine::new("").await;
    fs::create_dir_all(machine.path("root/usr/local/directadmin")).unwrap();
    assert_snapshot!(machine.run(&["bridge", "register", "directadmin", "--print"]), @"
    # before:user_create is customer.create, and DirectAdmin heeds deny
    # before:domain_create is site.create, and DirectAdmin heeds deny
    # before:subdomain_create is subdomain.create, and DirectAdmin heeds deny
    # before:email_create is mailbox.create, and DirectAdmin heeds deny
    ln -sfn [dir]/bin/palisade-hook /usr/local/directadmin/scripts/custom/domain_create_pre/00-palisade.sh
    ln -sfn [dir]/bin/palisade-hook /usr/local/directadmin/scripts/custom/email_create_pre/00-palisade.sh
    ln -sfn [dir]/bin/palisade-hook /usr/local/directadmin/scripts/custom/subdomain_create_pre/00-palisade.sh
    ln -sfn [dir]/bin/palisade-hook /usr/local/directadmin/scripts/custom/user_create_pre/00-palisade.sh
    # DirectAdmin runs every script of a hook, also when Palisade's refuses
    exit 0
    ");
    assert_eq!(machine.tree(), "");
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let machine = Machine::new("panel = 'directadmin'").await;
    fs::create_dir_all(machine.path("root/usr/local/directadmin")).unwrap();
    machine.run(&["bridge", "register", "directadmin"]);
    let findings = |state: &str, arguments: &[&str]| {
        let output = machine.cli(&[&["doctor", "--json"], arguments].concat());
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = told["findings"].as_array().unwrap().iter();
        let found = found.filter(|finding| finding["state"] == state).map(|finding| {
            format!(
                "{}: {}",
                finding["subject"].as_str().unwrap(),
                finding["message"].as_str().unwrap()
            )
        });
        (output.status.code(), found.collect::<Vec<_>>())
    };
    if rustix::process::geteuid().is_root() {
        assert_eq!(findings("wrong", &[]), (Some(0), vec![]));
    }
    let good = findings("good", &[]).1.join("\n");
    for part in [
        "host: version",
        "store: every write is durable",
        "panel: DirectAdmin",
        "registration: 4 hooks",
    ] {
        assert!(good.contains(part), "{good}");
    }
    let link = "usr/local/directadmin/scripts/custom/email_create_pre/00-palisade.sh";
    fs::remove_file(machine.path(&format!("root/{link}"))).unwrap();
    let (status, wrong) = findings("wrong", &[]);
    assert_eq!(status, Some(1));
    assert!(wrong.contains(&format!("registration: link /{link}: missing")), "{wrong:?}");
    machine.write("bin/palisade-hook.toml", "user = 'root'\nsocket = '/nowhere'\n");
    let wrong = findings("wrong", &[]).1.join("\n");
    assert!(wrong.contains("there is no user `root` with rights of its own only"), "{wrong}");
    assert!(wrong.contains("the host at `/nowhere` cannot be reached"), "{wrong}");
    let notes = findings("note", &["--panel", "plesk"]).1.join("\n");
    assert!(
        notes.contains(
            "`reserved-names`: Plesk tells only afterwards: deny has no effect on site.create"
        ),
        "{notes}"
    );
}

#[tokio::test]
async fn the_doctor_finds_an_extension_that_the_panel_does_not_serve() {
    let machine = Machine::new("").await;
    machine.host.install_granted(requiring(), "all").await;
    let printed = machine.run(&["doctor", "--panel", "virtualmin"]);
    let unmet =
        "wrong  handler: `policy`: the handler of `before:mailbox.create` cannot do without `deny`";
    assert!(printed.contains(unmet) && printed.ends_with("exit 1"), "{printed}");
}

#[test]
fn the_doctor_says_that_there_is_no_host() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("none.sock");
    let output = cli_command(&["doctor", "--socket", socket.to_str().unwrap()]).output().unwrap();
    let printed = shown(&output);
    assert!(printed.contains("wrong  host: no host can be reached at"), "{printed}");
    assert!(printed.ends_with("exit 1"), "{printed}");
}

#[tokio::test]
async fn a_simulated_call_shows_what_the_panel_would_read() {
    let machine = Machine::new("").await;
    let run = |arguments: &[&str]| {
        let printed = shown(&machine.host.cli(&[&["bridge", "simulate"], arguments].concat()));
        let id = identifier(&printed);
        printed.replace(&id, "[id]")
    };
    assert_snapshot!(run(&["cpanel", "mailbox.create", "--phase", "before", "-p", "address=root"]), @r#"
    the panel starts  palisade-hook cpanel
      on standard input (263 bytes)
      | {"context":{"category":"Cpanel","event":"UAPI::Email::add_pop","stage":"pre","point":"main","blocking":"1"},"data":{"args":{"email":"root"},"user":"example"},"hook":{"id":"simulated","exectype":"script","stage":"pre","weight":50,"escalateprivs":0,"blocking":"1"}}
      (without an end of line)
    before:mailbox.create: deny
    the panel reads (54 bytes)
      | 0 BAILOUT the name `root` is reserved by the provider
    exit status 0
    on standard error: mailbox.create was denied: `palisade journal [id]`
    exit 0
    "#);
    assert_snapshot!(run(&["plesk", "mailname_create", "-p", "MAILNAME=a b"]), @"
    the panel starts  palisade-hook plesk mailname_create
      NEW_MAILNAME='a b'
    after:mailbox.create: proceed
    the panel reads nothing
    exit status 0
    exit 0
    ");
    assert_snapshot!(run(&["plesk", "mailbox.create", "--phase", "before"]), @"
    error: plesk does not call out before `mailbox.create`
    exit 1
    ");
    let journal = machine.host.get("/v1/journal").await;
    let rehearsed = journal["entries"].as_array().unwrap().iter();
    assert!(rehearsed.clone().count() >= 2);
    assert!(rehearsed.clone().all(|entry| entry["dry_run"] == true), "{journal}");
}

/// The identifier in a note, or something that stands nowhere.
fn identifier(printed: &str) -> String {
    let id = printed.split("palisade journal ").nth(1).and_then(|rest| rest.split('`').next());
    id.unwrap_or("\0").to_owned()
}

#[tokio::test]
async fn a_recording_keeps_what_panels_say_without_what_is_secret() {
    let machine = Machine::new("").await;
    let file = machine.path("recording.jsonl");
    let mut recording =
        cli_command(&["bridge", "record", "--for", "1m", "--max", "2", "--panel", "plesk", "-o"])
            .arg(&file)
            .env("PALISADE_SOCKET", machine.host.socket())
            .spawn()
            .unwrap();
    wait_until("recording", async || machine.host.get("/v1/bridge/recording").await["on"] == true)
        .await;
    let call = |dialect: &str, event: &str| {
        let mut child = Command::new(machine.path("bin/palisade-hook"))
            .args([dialect, event])
            .env_clear()
            .envs([("NEW_LOGIN_NAME", "joe"), ("NEW_PASSWORD", "canary-1"), ("passwd", "canary-2")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"");
        assert!(child.wait().unwrap().success());
    };
    call("directadmin", "user_create_pre");
    call("plesk", "client_create");
    call("plesk", "client_update");
    assert!(recording.wait().unwrap().success());
    let recorded = fs::read_to_string(&file).unwrap();
    let events: Vec<Value> =
        recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = events.iter().map(|event| &event["call"]["arguments"][0]).collect();
    assert_eq!(names, ["client_create", "client_update"]);
    assert_eq!(
        events[0]["call"]["env"],
        json!({ "NEW_LOGIN_NAME": "joe", "NEW_PASSWORD": "<redacted>" })
    );
    assert!(!recorded.contains("canary"));
    // It is over: nothing is kept any more, and nothing of it is left.
    assert_eq!(
        machine.host.get("/v1/bridge/recording").await,
        json!({ "on": false, "remaining_ms": 0, "left_out": 0, "calls": [] })
    );
    let replayed = machine.host.cli(&["bridge", "replay", file.to_str().unwrap()]);
    assert!(replayed.status.success(), "{}", shown(&replayed));
}

#[tokio::test]
async fn a_recording_is_bounded_and_ended_by_hand_too() {
    let host = TestHost::new().start().await;
    for (request, message) in [
        (json!({ "for_ms": 0 }), "`for_ms` must be 1 to 86400000: 0"),
        (json!({ "for_ms": 86_400_001 }), "`for_ms` must be 1 to 86400000: 86400001"),
        (json!({ "for_ms": 1, "max": 10_001 }), "`max` must be 1 to 10000: 10001"),
    ] {
        let refused =
            host.request(hyper::Method::POST, "/v1/bridge/recording", request.to_string()).await;
        assert_eq!(refused.message(), message);
    }
    let none = host.request(hyper::Method::DELETE, "/v1/bridge/recording", "").await;
    assert_eq!(none.code(), "recording.none");
    host.post("/v1/bridge/recording", json!({ "for_ms": 60_000 })).await;
    host.post("/v1/bridge", json!({ "dialect": "plesk", "arguments": ["x"] })).await;
    assert_eq!(host.get("/v1/bridge/recording").await["calls"][0]["number"], 1);
    assert_eq!(host.get("/v1/bridge/recording?after=1").await["calls"], json!([]));
    let ended = host.request(hyper::Method::DELETE, "/v1/bridge/recording", "").await;
    assert_eq!(ended.json()["on"], false);
    assert_eq!(host.get("/v1/bridge/recording").await["calls"], json!([]));
}
