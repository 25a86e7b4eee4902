//! Where things are: the repository and what is built from it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cmd;

/// The repository and its target directory.
pub struct Workspace {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where cargo builds the host workspace.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the repository that this program was built from, and asks cargo for
    /// the target directory, which a user's configuration may have moved.
    pub fn open() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("`xtask` is not inside a repository")?
            .to_path_buf();
        let metadata = cmd::metadata(&root)?;
        let target = metadata
            .get("target_directory")
            .and_then(|directory| directory.as_str())
            .context("`cargo metadata` names no target directory")?;
        Ok(Self { target: PathBuf::from(target), root })
    }

    /// The workspace of the example extensions.
    pub fn guest_examples(&self) -> PathBuf {
        self.root.join("guest-examples")
    }

    /// Where packed extensions are put.
    pub fn packed(&self) -> PathBuf {
        self.target.join("guests").join("packed")
    }

    /// Where the guests' own tests, which run natively, are built.
    pub fn guests_native(&self) -> PathBuf {
        self.target.join("guests-native")
    }

    /// Where tools are installed that the machine does not have.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }
}
