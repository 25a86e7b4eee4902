//! Builds the host program.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{cmd, progress};

/// How the host is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the tests build it, so that both share what is built.
    Dev,
    /// As it is released.
    Release,
}

/// Builds `palisade`, and `palisade-hook` beside it, and returns the path of the first.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut command = cmd::cargo(&workspace.root);
    // Built as a member of the whole workspace, it has its dependencies with the
    // same features as in `cargo test --workspace`: wasmtime is compiled once.
    command.args([
        "build",
        "--locked",
        "--workspace",
        "--bin",
        "palisade",
        "--bin",
        "palisade-hook",
    ]);
    let directory = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    let crates = progress::fetch_and_count(&workspace.root, "palisade");
    progress::build("host", &mut command, crates)?;
    Ok(workspace.target.join(directory).join("palisade"))
}
