//! Builds `palisade-hook` as panels start it: one static program that needs nothing of the machine.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cmd;
use crate::workspace::Workspace;

/// Builds the program and returns its path.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    let host = cmd::output(cmd::rustc().arg("-vV"))?;
    let target = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?
        .to_owned();
    let mut command = cmd::cargo(&workspace.root);
    command.args(["build", "--locked", "--package", "palisade-hook", "--profile", "hook"]);
    // Named, the target keeps the flag from build scripts and macros, which cannot be static.
    command.args(["--target", &target]);
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    command.env("RUSTFLAGS", format!("{flags} -C target-feature=+crt-static"));
    cmd::run(&mut command)?;
    Ok(workspace.target.join(target).join("hook").join("palisade-hook"))
}

/// Builds the program, checks that it is what it must be, and says where it is.
pub fn run(workspace: &Workspace) -> Result<()> {
    let program = build(workspace)?;
    let mut headers = Command::new("readelf");
    headers.args(["--program-headers", "--wide"]).arg(&program);
    if cmd::output(&mut headers)?.contains("INTERP") {
        bail!("`{}` is not static: it needs a dynamic linker", program.display());
    }
    let bytes = fs::read(&program)?;
    let foreign = "wasmtime";
    if bytes.windows(foreign.len()).any(|window| window == foreign.as_bytes()) {
        bail!("`{}` has `{foreign}` in it", program.display());
    }
    println!("{}: {} KiB", program.display(), bytes.len() / 1024);
    Ok(())
}
