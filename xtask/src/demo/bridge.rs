//! `palisade-hook` as the panels of the day start it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Puts the program, which is built beside `palisade`, into the directory with a
/// configuration that finds the host's socket, and returns its path.
///
/// Started as root it becomes a user that may do nothing, who has to get as far as
/// the program and the socket.
pub fn install(palisade: &Path, directory: &Path, socket: &Path) -> Result<PathBuf> {
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    let program = directory.join("palisade-hook");
    let built = palisade.with_file_name("palisade-hook");
    fs::copy(&built, &program).with_context(|| format!("cannot copy `{}`", built.display()))?;
    let config = format!("socket = {socket:?}\nuser = \"nobody\"\n");
    fs::write(directory.join("palisade-hook.toml"), config)?;
    Ok(program)
}
