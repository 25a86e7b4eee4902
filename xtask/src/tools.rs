//! Tools that are found on the machine, or else built from source into
//! `target/tools`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cmd;
use crate::workspace::Workspace;

/// A tool that cargo can install.
pub struct Tool {
    /// The name of the package and of its program.
    name: &'static str,
    /// The version that is installed where there is none.
    version: &'static str,
    /// What else `cargo install` is told.
    options: &'static [&'static str],
}

/// Builds the book.
pub const MDBOOK: Tool =
    Tool { name: "mdbook", version: "0.5.4", options: &["--no-default-features"] };

/// Checks licences, sources and advisories of dependencies.
pub const CARGO_DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", options: &[] };

/// Turns what the linker makes into a component.
pub const WASM_COMPONENT_LD: Tool =
    Tool { name: "wasm-component-ld", version: "0.5.21", options: &[] };

/// Returns the path of a tool, which is installed if the machine has none.
pub fn ensure(workspace: &Workspace, tool: &Tool) -> Result<PathBuf> {
    if let Some(path) = cmd::in_path(tool.name) {
        return Ok(path);
    }
    let installed = workspace.tools().join("bin").join(tool.name);
    if installed.is_file() {
        return Ok(installed);
    }
    println!("installing {} {} into `{}`", tool.name, tool.version, workspace.tools().display());
    let mut command = cmd::cargo(&workspace.root);
    command.args(["install", tool.name, "--version", tool.version, "--locked"]);
    command.args(tool.options).arg("--root").arg(workspace.tools());
    command.arg("--target-dir").arg(workspace.tools().join("build"));
    cmd::run(&mut command)?;
    if !installed.is_file() {
        bail!("`{}` did not make `{}`", cmd::describe(&command), installed.display());
    }
    Ok(installed)
}
