//! `cargo xtask unit`: starts the host under its systemd unit, in a container that is a small machine of its own, and
//! uses it there: the unit's restrictions must not keep it from compiling, running and keeping anything.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::host::{self, Profile};
use crate::workspace::Workspace;
use crate::{apt, cmd, guests};

/// The program that boots the container, and Debian's package that has it.
const NSPAWN: &str = "systemd-nspawn";
const PACKAGE: &str = "systemd-container";
/// How exposed the unit may be by `systemd-analyze security`, in tenths.
const EXPOSURE: u32 = 15;
/// How long the container may take, from its start to its end.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is done in the container once it has started, as root.
const CHECK: &str = r#"
set -eu
export PALISADE_SOCKET=/run/palisade/palisade.sock NO_COLOR=1
tries=0
until palisade list > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { systemctl status palisade; exit 1; }
    sleep 0.1
done
palisade install /opt/reserved-names.wasm --grant-all
palisade install /opt/audit-trail.wasm --grant-all
status=0
palisade fire mailbox.create --param address=root@shop.example || status=$?
[ "$status" = 4 ]
palisade fire mailbox.create --after --actor person:42 --param address=ada@shop.example
palisade journal --verdict deny --limit 1
# A panel starts its handlers as root, and nothing is configured for the bridge.
bridge() {
    PARAM_func=email.edit PARAM_sok=ok PARAM_name=$1 PARAM_domainname=shop.example \
        palisade-hook coremanager before cgi
}
bridge ada | grep -q '<doc/>'
bridge root | grep -q 'is reserved'
systemctl restart palisade
until palisade list > /dev/null 2>&1; do sleep 0.1; done
palisade list
[ "$(systemctl show palisade --property=NRestarts --value)" = 0 ]
[ "$(stat --format=%U /var/lib/palisade)" = palisade ]
echo everything held
"#;

/// The unit that does it.
const CHECK_UNIT: &str = "\
[Unit]
Description=Use the host
Wants=palisade.service
After=palisade.service
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
ExecStart=/bin/sh /opt/check.sh
StandardOutput=file:/out/log
StandardError=file:/out/log
";

/// Runs the command.
pub fn run(workspace: &Workspace) -> Result<()> {
    let unit = workspace.root.join("host/palisade.service");
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--no-pager"]);
    analyze.arg(format!("--threshold={EXPOSURE}")).arg(&unit).stdout(Stdio::null());
    if let Some(missing) = get_ready()? {
        if env::var("CI").as_deref() == Ok("true") {
            bail!("{missing}, and on CI nothing is skipped");
        }
        println!("SKIPPED: {missing}");
        return Ok(());
    }
    cmd::run(&mut analyze).context("the unit is more exposed than it was")?;
    let palisade = host::build(workspace, Profile::Dev)?;
    guests::build(workspace, &palisade)?;
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let (root, out) = (directory.path().join("root"), directory.path().join("out"));
    fs::create_dir(&out)?;
    furnish(&root, &unit, &palisade, &workspace.packed())?;
    boot(&root, &out)?;
    let told = fs::read_to_string(out.join("log")).unwrap_or_default();
    println!("{told}");
    match told.trim_end().ends_with("everything held") {
        true => Ok(()),
        false => bail!("the host did not work under its unit, see above"),
    }
}

/// Gets what boots a container. Returns what is missing, if it cannot be had.
fn get_ready() -> Result<Option<String>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Some("only root can boot a container".into()));
    }
    if cmd::in_path(NSPAWN).is_none() && cmd::in_path("apt-get").is_some() {
        apt::install(&[PACKAGE])?;
    }
    Ok(match (cmd::in_path(NSPAWN), Path::new("/lib/systemd/systemd").exists()) {
        (Some(_), true) => None,
        _ => Some(format!("`{NSPAWN}` or systemd is missing: install Debian's {PACKAGE}")),
    })
}

/// Makes the files of a small machine: the programs of this one, and a system of its own.
fn furnish(root: &Path, unit: &Path, palisade: &Path, packed: &Path) -> Result<()> {
    for directory in [
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
        "usr/share",
        "usr/local/bin",
        "etc/palisade",
        "etc/systemd/system",
        "var",
        "proc",
        "sys",
        "dev",
        "run",
        "tmp",
        "out",
        "opt",
    ] {
        fs::create_dir_all(root.join(directory))?;
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name))?;
    }
    let etc = root.join("etc");
    for name in ["ld.so.cache", "ld.so.conf", "nsswitch.conf"] {
        let _ = fs::copy(Path::new("/etc").join(name), etc.join(name));
    }
    // With one of its own it is no first boot, which would ask questions.
    fs::write(etc.join("machine-id"), "b08dfa6083e7567a1921a715000001fb\n")?;
    fs::write(etc.join("os-release"), "ID=container\nNAME=Container\n")?;
    fs::write(
        etc.join("passwd"),
        "root:x:0:0::/root:/bin/sh\npalisade:x:990:990::/var/lib/palisade:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
    )?;
    fs::write(etc.join("group"), "root:x:0:\npalisade:x:990:\nnogroup:x:65534:\n")?;
    fs::write(
        etc.join("palisade/palisade.toml"),
        "data = \"/var/lib/palisade\"\nsocket = \"/run/palisade/palisade.sock\"\n",
    )?;
    fs::copy(unit, etc.join("systemd/system/palisade.service"))?;
    fs::write(etc.join("systemd/system/check.service"), CHECK_UNIT)?;
    fs::write(root.join("opt/check.sh"), CHECK)?;
    for name in ["reserved-names.wasm", "audit-trail.wasm"] {
        fs::copy(packed.join(name), root.join("opt").join(name))?;
    }
    for name in ["palisade", "palisade-hook"] {
        let program = root.join("usr/local/bin").join(name);
        fs::copy(palisade.with_file_name(name), &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Boots the machine and waits until it has ended by itself.
fn boot(root: &Path, out: &Path) -> Result<()> {
    let mut command = Command::new(NSPAWN);
    command.args(["--register=no", "--keep-unit", "--quiet", "--private-network", "--boot"]);
    command.arg("--directory").arg(root);
    for directory in ["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/share"] {
        command.arg(format!("--bind-ro={directory}"));
    }
    command.arg(format!("--bind={}:/out", out.display()));
    command.arg("systemd.unit=check.service");
    let console = fs::File::create(out.join("console"))?;
    command.stdin(Stdio::null()).stdout(console.try_clone()?).stderr(console);
    println!("booting a container with the host's unit");
    let mut container = command.spawn().context(cmd::cannot_start(&command))?;
    let begun = Instant::now();
    while container.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            container.kill()?;
            container.wait()?;
            println!("{}", fs::read_to_string(out.join("console")).unwrap_or_default());
            bail!("the container did not end within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    if !out.join("log").is_file() {
        println!("{}", fs::read_to_string(out.join("console")).unwrap_or_default());
    }
    Ok(())
}
