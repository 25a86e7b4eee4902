//! Debian's packaged toolchain: it has no std for the target, so std is built
//! from its source, once in a target directory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Apt, Toolchain};
use crate::workspace::Workspace;
use crate::{cmd, tools};

/// What must be installed.
pub const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc", "lld"];

/// Where Debian's wasi-libc puts its libraries.
const RUSTFLAGS: &str = "-L /usr/lib/wasm32-wasi -Clink-self-contained=no";

/// Returns those of [`PACKAGES`] that are not installed.
pub fn missing_packages() -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    cmd::output(&mut query).is_ok_and(|status| status == "installed")
}

/// Whether this user can install packages.
pub fn look_for_apt() -> Apt {
    let is_root = rustix::process::geteuid().is_root();
    match is_root && cmd::in_path("apt-get").is_some() {
        true => Apt::Usable,
        false => Apt::Unusable,
    }
}

/// Installs packages; takes no other package away for it.
pub fn install(packages: &[&str]) -> Result<()> {
    if cmd::run(&mut install_command(packages)).is_ok() {
        return Ok(());
    }
    // A fresh machine has no package lists, an old one lists what is gone.
    println!("that failed; trying again with new package lists");
    cmd::run(Command::new("apt-get").arg("update"))?;
    cmd::run(&mut install_command(packages))
}

fn install_command(packages: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--no-install-recommends", "--no-remove"]);
    command.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Returns the toolchain; the packages must be installed.
pub fn toolchain(workspace: &Workspace) -> Result<Toolchain> {
    let linker = component_linker(workspace)?;
    let linker_directory = linker.parent().context("a program's path has no directory")?;
    let path = cmd::path_with(&[Path::new("/usr/bin"), linker_directory])?;
    Ok(Toolchain {
        name: "Debian's packages, with std built from source",
        target_directory: workspace.target.join("guests").join("debian"),
        program: OsString::from("/usr/bin/cargo"),
        arguments: vec!["-Zbuild-std=std,panic_abort"],
        variables: vec![
            ("PATH", path),
            ("RUSTC", OsString::from("/usr/bin/rustc")),
            ("RUSTC_BOOTSTRAP", OsString::from("1")),
            ("RUSTFLAGS", OsString::from(RUSTFLAGS)),
        ],
    })
}

/// Finds `wasm-component-ld`: in the active toolchain, in Debian's own, in `PATH`,
/// or installed from its source.
fn component_linker(workspace: &Workspace) -> Result<PathBuf> {
    let Some(host) = super::host_triple()? else {
        return tools::ensure(workspace, &tools::WASM_COMPONENT_LD);
    };
    let bundled = [super::sysroot()?, PathBuf::from("/usr")]
        .map(|sysroot| sysroot.join("lib/rustlib").join(&host).join("bin/wasm-component-ld"))
        .into_iter()
        .find(|path| path.is_file());
    match bundled {
        Some(path) => Ok(path),
        None => tools::ensure(workspace, &tools::WASM_COMPONENT_LD),
    }
}
