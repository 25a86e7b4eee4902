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

/// The packages of [`PACKAGES`] that make up the compiler, and the oldest that builds the guests: the `rust-version`
/// of `guest-examples`.
const COMPILER: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const OLDEST_COMPILER: (u32, u32) = (1, 95);

/// Returns those of [`PACKAGES`] that are not installed, or too old.
pub fn missing_packages() -> Vec<&'static str> {
    let too_old = is_too_old(&compiler_version());
    let wanted = |package: &&str| !is_installed(package) || (too_old && COMPILER.contains(package));
    PACKAGES.into_iter().filter(wanted).collect()
}

/// What Debian's compiler says of itself; empty if it is not there.
fn compiler_version() -> String {
    cmd::output(Command::new("/usr/bin/rustc").arg("--version")).unwrap_or_default()
}

/// Whether a version such as `rustc 1.85.0 (built from a source tarball)` is older than the guests need.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version.split([' ', '.']).skip(1).map_while(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST_COMPILER,
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_older_than_the_guests_need_is_too_old() {
        assert!(is_too_old("rustc 1.85.0 (4d91de4e4 2025-02-17) (built from a source tarball)"));
        assert!(!is_too_old("rustc 1.95.0"));
        assert!(!is_too_old("rustc 1.96.0 (ac68faa20 2026-05-25)"));
    }

    #[test]
    fn the_oldest_compiler_is_the_one_that_the_guests_name() {
        let manifest = include_str!("../../../guest-examples/Cargo.toml");
        let (major, minor) = OLDEST_COMPILER;
        assert!(manifest.contains(&format!("rust-version = \"{major}.{minor}\"")));
    }
}
