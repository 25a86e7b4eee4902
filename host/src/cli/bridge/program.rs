//! `palisade-hook` as a panel starts it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::bridge::PanelCall;
use crate::bridge::registration::PROGRAM;
use crate::cli::output::Failure;

/// How long the program may take; it ends by itself long before.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program beside this one.
pub fn beside() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::new(format!("this program cannot be found: {error}")))?;
    Ok(own.with_file_name(PROGRAM))
}

/// What the program finds out about itself.
pub async fn checked(program: &Path) -> Result<Value, Failure> {
    let output = run(program, &["--check".into()], &[], &[]).await?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        Failure::new(format!(
            "`{}` does not say what it finds: {}",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        ))
        .with_hint("it may be older than this program; both come from one build")
    })
}

/// Makes a call as the panel does.
pub async fn call(program: &Path, call: &PanelCall) -> Result<Output, Failure> {
    started(program, Vec::new(), call).await
}

/// Rehearses a call.
pub async fn probe(program: &Path, call: &PanelCall) -> Result<Output, Failure> {
    started(program, vec!["--probe".into()], call).await
}

/// Starts the program for a call, with these arguments before those of the panel.
async fn started(
    program: &Path,
    mut arguments: Vec<OsString>,
    call: &PanelCall,
) -> Result<Output, Failure> {
    arguments.push(call.dialect.name().into());
    arguments.extend(call.arguments.iter().map(|raw| OsStr::from_bytes(&raw.0).to_owned()));
    let env: Vec<(&str, &OsStr)> =
        call.env.iter().map(|(name, raw)| (name.as_str(), OsStr::from_bytes(&raw.0))).collect();
    run(program, &arguments, &env, &call.stdin.0).await
}

async fn run(
    program: &Path,
    arguments: &[OsString],
    env: &[(&str, &OsStr)],
    stdin: &[u8],
) -> Result<Output, Failure> {
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::new(format!("`{}` cannot be run: {reason}", program.display()))
    };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(&error))?;
    let pipe = child.stdin.take();
    let writing = async {
        if let Some(mut pipe) = pipe {
            // Who does not read it does not need it.
            let _ = pipe.write_all(stdin).await;
        }
    };
    let ended = async { tokio::join!(writing, child.wait_with_output()).1 };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .map_err(|_| failed(&"it does not end"))?
        .map_err(|error| failed(&error))
}
