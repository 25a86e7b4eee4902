//! Which toolchain builds the guests, and how to get it.
//!
//! What is on the machine is gathered as [`Facts`]; [`choose`] alone decides and
//! does nothing else; [`prepare`] acts and looks again until a toolchain stands.
//! An absent toolchain is never downloaded behind the back of
//! `RUSTUP_AUTO_INSTALL=0`.

mod debian;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{apt, cmd};

/// The target that guests are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// A toolchain that can build guests.
pub struct Toolchain {
    /// How it calls itself in what is printed.
    pub name: &'static str,
    /// Where it builds. Two toolchains never share one, since each would throw
    /// away what the other built.
    pub target_directory: PathBuf,
    program: OsString,
    arguments: Vec<&'static str>,
    variables: Vec<(&'static str, OsString)>,
}

impl Toolchain {
    fn installed(workspace: &Workspace) -> Self {
        Self {
            name: "the installed wasm32-wasip2 target",
            target_directory: workspace.target.join("guests").join("rustup"),
            program: env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")),
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Returns the command that builds all guests.
    pub fn build_command(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(workspace.guest_examples());
        cmd::clean(&mut command);
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_of_the_host_build) {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(["build", "--workspace", "--release", "--locked", "--target", TARGET]);
        command.args(&self.arguments).arg("--target-dir").arg(&self.target_directory);
        command
    }

    /// Where the built components are.
    pub fn components(&self) -> PathBuf {
        self.target_directory.join(TARGET).join("release")
    }
}

/// Recognises variables that tell cargo how to build the host, such as native
/// compiler flags: a guest must not be built by them.
fn is_of_the_host_build(name: &str) -> bool {
    let prefixes = ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_"];
    let names =
        ["RUSTC", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOC", "RUSTDOCFLAGS", "RUSTFLAGS", "CARGO"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// What is on the machine, as far as building guests goes.
#[derive(Debug)]
struct Facts {
    target: Target,
    rustup: Rustup,
    apt: Apt,
    missing_packages: Vec<&'static str>,
}

/// Whether the active toolchain has std for [`TARGET`].
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Installed,
    Absent,
}

/// Whether rustup may be asked for the target.
#[derive(Debug)]
enum Rustup {
    Usable,
    Absent,
    /// `RUSTUP_AUTO_INSTALL=0`.
    Forbidden,
    /// It was asked and could not.
    Failed,
}

/// Whether Debian's packages can be installed.
#[derive(Debug)]
enum Apt {
    Usable,
    /// There is no `apt-get`, or this user may not install.
    Unusable,
    /// It was asked and could not.
    Failed,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    UseInstalled,
    AddTarget,
    InstallPackages(Vec<&'static str>),
    UseDebian,
    GiveUp,
}

/// Decides by the facts alone.
fn choose(facts: &Facts) -> Plan {
    match facts {
        Facts { target: Target::Installed, .. } => Plan::UseInstalled,
        Facts { rustup: Rustup::Usable, .. } => Plan::AddTarget,
        Facts { missing_packages, .. } if missing_packages.is_empty() => Plan::UseDebian,
        Facts { apt: Apt::Usable, missing_packages, .. } => {
            Plan::InstallPackages(missing_packages.clone())
        }
        Facts { .. } => Plan::GiveUp,
    }
}

/// Returns a toolchain that can build guests; gets what is missing.
pub fn prepare(workspace: &Workspace) -> Result<Toolchain> {
    let mut facts = Facts {
        target: look_for_target()?,
        rustup: look_for_rustup(),
        apt: debian::look_for_apt(),
        missing_packages: debian::missing_packages(),
    };
    loop {
        match choose(&facts) {
            Plan::UseInstalled => return Ok(Toolchain::installed(workspace)),
            Plan::UseDebian => return debian::toolchain(workspace),
            Plan::AddTarget => {
                println!("adding {TARGET} to the active toolchain with rustup");
                // Asked once: what comes next is decided by what is there then.
                facts.rustup = Rustup::Failed;
                let mut command = Command::new("rustup");
                report(cmd::run(command.args(["target", "add", TARGET])));
                facts.target = look_for_target()?;
            }
            Plan::InstallPackages(packages) => {
                println!("installing Debian's {} with apt-get", packages.join(" "));
                facts.apt = Apt::Failed;
                report(apt::install(&packages));
                facts.missing_packages = debian::missing_packages();
            }
            Plan::GiveUp => bail!(explain(&facts)),
        }
    }
}

/// A way to a toolchain that failed is no error yet: another may be left.
fn report(result: Result<()>) {
    if let Err(error) = result {
        println!("warning: {error:#}");
    }
}

/// Says what to install, and why it was not done here.
fn explain(facts: &Facts) -> String {
    let rustup = match facts.rustup {
        Rustup::Usable => "rustup was not asked",
        Rustup::Absent => "rustup is not in `PATH`",
        Rustup::Forbidden => "`RUSTUP_AUTO_INSTALL=0` forbids rustup to install it",
        Rustup::Failed => "rustup could not add it",
    };
    let apt = match facts.apt {
        Apt::Usable => "apt-get was not asked",
        Apt::Unusable => "only root can install them, with `apt-get`",
        Apt::Failed => "apt-get could not install them",
    };
    format!(
        "there is no toolchain for {TARGET}, which the guests are built for
  {rustup}; either run
      rustup target add {TARGET}
  or, on Debian, as root ({apt}), run
      apt-get update && apt-get install --no-install-recommends {}
  and repeat the command",
        debian::PACKAGES.join(" ")
    )
}

fn look_for_target() -> Result<Target> {
    let library = sysroot()?.join("lib/rustlib").join(TARGET).join("lib");
    // rustup leaves an empty directory behind when a target is removed.
    let has_files = library.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    match has_files {
        true => Ok(Target::Installed),
        false => Ok(Target::Absent),
    }
}

fn look_for_rustup() -> Rustup {
    if cmd::in_path("rustup").is_none() {
        return Rustup::Absent;
    }
    match env::var("RUSTUP_AUTO_INSTALL").as_deref() {
        Ok("0") => Rustup::Forbidden,
        _ => Rustup::Usable,
    }
}

/// What the active toolchain calls this machine.
pub fn host_triple() -> Result<Option<String>> {
    let mut command = Command::new("rustc");
    cmd::clean(&mut command);
    let version = cmd::output(command.arg("--version").arg("--verbose"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.map(str::to_owned))
}

/// Where the active toolchain is.
fn sysroot() -> Result<PathBuf> {
    let mut command = Command::new("rustc");
    cmd::clean(&mut command);
    let path = cmd::output(command.args(["--print", "sysroot"]))
        .context("no Rust toolchain was found: install one from https://rustup.rs")?;
    Ok(Path::new(path.trim()).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare_machine() -> Facts {
        Facts {
            target: Target::Absent,
            rustup: Rustup::Absent,
            apt: Apt::Unusable,
            missing_packages: debian::PACKAGES.to_vec(),
        }
    }

    #[test]
    fn an_installed_target_is_used_before_all_else() {
        let facts = Facts { target: Target::Installed, rustup: Rustup::Usable, ..bare_machine() };
        assert_eq!(choose(&facts), Plan::UseInstalled);
    }

    #[test]
    fn rustup_is_asked_before_debian() {
        let facts =
            Facts { rustup: Rustup::Usable, missing_packages: Vec::new(), ..bare_machine() };
        assert_eq!(choose(&facts), Plan::AddTarget);
    }

    #[test]
    fn a_forbidden_rustup_is_not_asked() {
        let facts =
            Facts { rustup: Rustup::Forbidden, missing_packages: Vec::new(), ..bare_machine() };
        assert_eq!(choose(&facts), Plan::UseDebian);
    }

    #[test]
    fn debian_is_tried_when_rustup_failed() {
        let facts = Facts { rustup: Rustup::Failed, apt: Apt::Usable, ..bare_machine() };
        assert_eq!(choose(&facts), Plan::InstallPackages(debian::PACKAGES.to_vec()));
    }

    #[test]
    fn only_missing_packages_are_installed() {
        let facts = Facts { apt: Apt::Usable, missing_packages: vec!["lld"], ..bare_machine() };
        assert_eq!(choose(&facts), Plan::InstallPackages(vec!["lld"]));
    }

    #[test]
    fn a_failed_apt_is_not_asked_again() {
        let facts = Facts { apt: Apt::Failed, ..bare_machine() };
        assert_eq!(choose(&facts), Plan::GiveUp);
    }

    #[test]
    fn giving_up_names_both_ways() {
        let facts = Facts { rustup: Rustup::Forbidden, ..bare_machine() };
        assert_eq!(choose(&facts), Plan::GiveUp);
        let text = explain(&facts);
        assert!(text.contains("`RUSTUP_AUTO_INSTALL=0` forbids rustup to install it"), "{text}");
        assert!(text.contains("rustup target add wasm32-wasip2"), "{text}");
        assert!(text.contains("rustc-web cargo-web rust-web-src wasi-libc lld"), "{text}");
    }

    #[test]
    fn native_compiler_flags_do_not_reach_guests() {
        assert!(is_of_the_host_build("CARGO_ENCODED_RUSTFLAGS"));
        assert!(is_of_the_host_build("CARGO_BUILD_RUSTFLAGS"));
        assert!(!is_of_the_host_build("CARGO_HOME"));
        assert!(!is_of_the_host_build("CARGO_REGISTRIES_CRATES_IO_PROTOCOL"));
    }
}
