//! Finds the contract of the last release in the repository's history.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cmd;

/// Returns the newest tag of a release, `v` and a version, or `None` if there has
/// been none.
pub fn last(root: &Path) -> Result<Option<String>> {
    // Without the suffix, git takes `v1.0.0-rc.1` for newer than `v1.0.0`.
    let mut list = git(root);
    list.args(["-c", "versionsort.suffix=-", "tag", "--list", "v[0-9]*"]);
    let tags = cmd::output(list.arg("--sort=-version:refname"))?;
    let newest = tags.lines().next().map(str::to_owned);
    if newest.is_none() && is_shallow(root)? {
        println!("contract: this clone is shallow, so that the tags of releases may be missing");
    }
    Ok(newest)
}

/// Writes the contract of a release under `directory` and returns where it is.
pub fn extract(root: &Path, tag: &str, directory: &Path) -> Result<PathBuf> {
    let archive = directory.join("wit.tar");
    let mut write = git(root);
    write.args(["archive", "--format=tar", "--output"]).arg(&archive).args([tag, "wit"]);
    cmd::output(&mut write).with_context(|| format!("the release {tag} has no contract"))?;
    let mut unpack = Command::new("tar");
    unpack.arg("--extract").arg("--file").arg(&archive).arg("--directory").arg(directory);
    cmd::output(&mut unpack)?;
    let contract = directory.join("wit");
    if !contract.is_dir() {
        bail!("the archive of {tag} holds no `wit`")
    }
    Ok(contract)
}

fn is_shallow(root: &Path) -> Result<bool> {
    let answer = cmd::output(git(root).args(["rev-parse", "--is-shallow-repository"]))?;
    Ok(answer.trim() == "true")
}

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root);
    command
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn repository(tags: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let who = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
            cmd::output(git(directory.path()).args(who).args(arguments)).unwrap()
        };
        run(&["init", "--quiet"]);
        fs::create_dir(directory.path().join("wit")).unwrap();
        fs::write(directory.path().join("wit/world.wit"), "package palisade:x@1.0.0;").unwrap();
        run(&["add", "."]);
        run(&["-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "first"]);
        for tag in tags {
            run(&["-c", "tag.gpgsign=false", "tag", tag]);
        }
        directory
    }

    #[test]
    fn the_last_release_is_the_highest_version() {
        let repository = repository(&["v0.9.0", "v0.10.0", "v0.10.0-rc.1", "viper"]);
        assert_eq!(last(repository.path()).unwrap().as_deref(), Some("v0.10.0"));
    }

    #[test]
    fn without_a_tag_there_is_no_release() {
        assert_eq!(last(repository(&[]).path()).unwrap(), None);
    }

    #[test]
    fn the_contract_of_a_release_is_unpacked() {
        let (repository, to) = (repository(&["v1.0.0"]), tempfile::tempdir().unwrap());
        let contract = extract(repository.path(), "v1.0.0", to.path()).unwrap();
        let text = fs::read_to_string(contract.join("world.wit")).unwrap();
        assert_eq!(text, "package palisade:x@1.0.0;");
    }
}
