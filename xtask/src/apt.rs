//! Debian's packages, for what the machine does not have.

use std::process::Command;

use anyhow::Result;

use crate::cmd;

/// Installs packages, or newer ones; takes no other package away for it.
pub fn install(packages: &[&str]) -> Result<()> {
    // A fresh machine has no package lists, and an old one lists compilers that are too old. Without new lists the
    // old ones may still do.
    if let Err(error) = cmd::run(Command::new("apt-get").arg("update")) {
        println!("warning: {error:#}");
    }
    cmd::run(&mut install_command(packages))
}

fn install_command(packages: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--no-install-recommends", "--no-remove"]);
    command.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
