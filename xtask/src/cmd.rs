//! Running other programs: in a clean environment, and with an error that says
//! which command failed and how.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// Returns a `cargo` command for the host workspace, the same cargo that runs
/// this program.
pub fn cargo(root: &Path) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root);
    clean(&mut command);
    command
}

/// Returns a `rustc` command, of the compiler that cargo uses.
pub fn rustc() -> Command {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
    clean(&mut command);
    command
}

/// Returns what `cargo metadata` says about the workspace in `directory`, without
/// its dependencies.
pub fn metadata(directory: &Path) -> Result<serde_json::Value> {
    let mut command = cargo(directory);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    let text = output(&mut command)?;
    serde_json::from_str(&text).context("`cargo metadata` printed something other than JSON")
}

/// Takes out of a command's environment what `cargo run` put there for this
/// program. Left in, it makes build scripts run again, or worse.
pub fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    let Some(paths) = env::var_os("LD_LIBRARY_PATH") else { return };
    match foreign_library_paths(&paths) {
        Some(kept) => command.env("LD_LIBRARY_PATH", kept),
        None => command.env_remove("LD_LIBRARY_PATH"),
    };
}

fn is_set_by_cargo_run(name: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"];
    let names = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_MAKEFLAGS", "OUT_DIR"];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name)
}

/// Keeps what is not inside the target directory of this program or a toolchain:
/// `cargo run` adds those, and another toolchain must not find libraries there.
fn foreign_library_paths(paths: &OsStr) -> Option<OsString> {
    let own = env::current_exe().ok();
    let profile_directory = own.as_deref().and_then(Path::parent);
    let kept: Vec<PathBuf> = env::split_paths(paths)
        .filter(|path| !path.as_os_str().is_empty())
        .filter(|path| !profile_directory.is_some_and(|directory| path.starts_with(directory)))
        .filter(|path| !path.join("rustlib").is_dir())
        .collect();
    if kept.is_empty() {
        return None;
    }
    env::join_paths(kept).ok()
}

/// Runs a command whose output goes where this program's goes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    check(command, status)
}

/// Runs a command and returns what it prints; its errors are part of the error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed with {}\n{}", describe(command), output.status, errors.trim_end());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something other than UTF-8", describe(command)))
}

/// Runs a command, passes its lines on and shows each to `look`.
pub fn tee(command: &mut Command, mut look: impl FnMut(&str)) -> Result<()> {
    command.stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let stdout = child.stdout.take().context("the command's output is not captured")?;
    let mut out = std::io::stdout();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("the command's output cannot be read")?;
        out.write_all(&line)?;
        out.write_all(b"\n")?;
        look(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    check(command, status)
}

/// Returns an error that names the command, unless it succeeded.
pub fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("`{}` failed with {status}", describe(command))
}

/// Writes a command as one would type it, with the variables that it adds.
pub fn describe(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.display(), quote(value?))))
        .filter(|word| !word.starts_with("LD_LIBRARY_PATH="))
        .collect();
    let program = Path::new(command.get_program());
    let is_own_cargo = env::var_os("CARGO").is_some_and(|own| own == program.as_os_str());
    words.push(match is_own_cargo {
        true => "cargo".to_owned(),
        false => quote(program.as_os_str()),
    });
    words.extend(command.get_args().map(quote));
    words.join(" ")
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let is_plain = !word.is_empty() && !word.contains([' ', '"', '\'', '$', '&', ';', '|', '*']);
    match is_plain {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

pub fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().display())
}

/// Returns the path of a program that is in `PATH`.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// Puts directories in front of `PATH`.
pub fn path_with(first: &[&Path]) -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = first.iter().map(|path| path.to_path_buf()).chain(env::split_paths(&rest));
    env::join_paths(all).context("a directory in `PATH` has a name that cannot be written there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_named_with_its_status() {
        let error = run(Command::new("false").arg("a b")).unwrap_err();
        assert_eq!(error.to_string(), "`false 'a b'` failed with exit status: 1");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }

    #[test]
    fn added_variables_are_part_of_the_description() {
        let mut command = Command::new("cargo");
        command.arg("doc").env("RUSTDOCFLAGS", "-D warnings").env_remove("OUT_DIR");
        assert_eq!(describe(&command), "RUSTDOCFLAGS='-D warnings' cargo doc");
    }

    #[test]
    fn tee_shows_each_line() {
        let mut lines = Vec::new();
        tee(Command::new("printf").arg("a\\nb\\n"), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["a", "b"]);
    }

    #[test]
    fn variables_of_cargo_run_are_recognised() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME"));
        assert!(!is_set_by_cargo_run("CARGO_HOME"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
    }
}
