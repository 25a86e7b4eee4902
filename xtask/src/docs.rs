//! `cargo xtask docs`: the book, and the documentation of the code.

use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{cmd, tools};

/// Runs the command.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mdbook = tools::ensure(workspace, &tools::MDBOOK)?;
    let book = workspace.target.join("book");
    let mut build = Command::new(mdbook);
    build.arg("build").arg(workspace.root.join("docs")).arg("--dest-dir").arg(&book);
    cmd::run(&mut build)?;

    let mut doc = cmd::cargo(&workspace.root);
    doc.args(["doc", "--no-deps", "--workspace", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    cmd::run(&mut doc)?;
    println!("the book is in `{}`", book.display());
    Ok(())
}
