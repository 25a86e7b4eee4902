//! `cargo xtask contract`: checks the contract in `wit/`.
//!
//! What reads WIT takes longer to compile than all else here together. So it is a
//! feature of this package, which the alias `cargo xtask` leaves out: only this
//! command waits for it.

#[cfg(feature = "contract")]
mod check;
#[cfg(feature = "contract")]
mod compatible;
#[cfg(feature = "contract")]
mod documented;
#[cfg(feature = "contract")]
mod release;

use anyhow::Result;

use crate::workspace::Workspace;

/// Runs the command.
#[cfg(feature = "contract")]
pub fn run(workspace: &Workspace) -> Result<()> {
    check::run(&workspace.root)
}

/// Runs the command in this program with all its features.
#[cfg(not(feature = "contract"))]
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut command = crate::cmd::cargo(&workspace.root);
    // Without `--package` the whole workspace counts, so that what is compiled
    // here serves its other members too.
    command.args(["run", "--locked", "--bin", "xtask", "--", "contract"]);
    crate::cmd::run(&mut command)
}
