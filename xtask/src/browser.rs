//! What the tests in a browser need: Debian's Chromium, and axe-core, which looks whether everybody can use a page.
//!
//! Where they cannot be had, the tests say that they are skipped, and fail on CI.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{apt, cmd};

/// The browser, and Debian's package that has it.
const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMIUM_PACKAGE: &str = "chromium";

/// The Python package that axe-core 4.12.1 is taken out of, with its digest, and where it is in there.
const AXE_PACKAGE: &str = "axe-playwright-python==0.1.8 \
    --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8";
const AXE_IN_PACKAGE: &str = "axe_playwright_python/axe.min.js";

/// Gets what is missing, and warns of what cannot be had.
pub fn get(workspace: &Workspace) {
    for got in [get_chromium(), get_axe(workspace)] {
        if let Err(error) = got {
            println!("warning: {error:#}");
        }
    }
}

fn get_chromium() -> Result<()> {
    match Path::new(CHROMIUM).is_file() {
        true => Ok(()),
        false => apt::install(&[CHROMIUM_PACKAGE]),
    }
}

fn get_axe(workspace: &Workspace) -> Result<()> {
    let directory = workspace.tools().join("axe");
    let script = directory.join("axe.min.js");
    if script.is_file() {
        return Ok(());
    }
    fs::create_dir_all(&directory)?;
    let pip = || {
        let mut command = Command::new("python3");
        command.args(["-m", "pip"]);
        command
    };
    if cmd::output(pip().arg("--version")).is_err() {
        apt::install(&["python3-pip"])?;
    }
    let wanted = directory.join("requirements.txt");
    fs::write(&wanted, AXE_PACKAGE)?;
    let mut download = pip();
    download.args(["download", "--quiet", "--no-deps", "--require-hashes", "--requirement"]);
    cmd::run(download.arg(&wanted).arg("--dest").arg(&directory))?;

    let wheel = fs::read_dir(&directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no package of axe-core")?;
    let mut unpack = Command::new("python3");
    unpack.args(["-m", "zipfile", "-e"]);
    cmd::run(unpack.arg(&wheel).arg(&directory))?;
    // It is in its place whole or not at all.
    fs::rename(directory.join(AXE_IN_PACKAGE), script).context("the package has no axe-core")
}
