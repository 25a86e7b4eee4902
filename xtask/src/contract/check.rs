//! The contract is documented item by item, and no guest that was built against
//! the last release stops working.

use std::path::Path;

use anyhow::{Result, bail};
use wit_parser::{PackageId, Resolve};

use super::{compatible, documented, release};

/// Checks the contract of the repository at `root`.
pub fn run(root: &Path) -> Result<()> {
    let contract = load(&root.join("wit"))?;
    let (problems, items) = documented::check(&contract);
    refuse("the contract is not documented", &problems)?;
    println!("contract: {items} items, all documented and dated");

    let Some(release) = release::last(root)? else {
        println!("contract: no release yet: nothing to compare with");
        return Ok(());
    };
    let directory = tempfile::tempdir()?;
    let released = load(&release::extract(root, &release, directory.path())?)?;
    let comparison = compatible::compare(&contract, released)?;
    for world in &comparison.compared {
        println!("contract: {world} takes every guest built against {release}");
    }
    for note in &comparison.notes {
        println!("contract: {note}");
    }
    refuse(&format!("the contract breaks what {release} promised"), &comparison.problems)
}

/// Reads a directory of WIT with its `deps`.
fn load(directory: &Path) -> Result<Resolve> {
    let mut resolve = Resolve::default();
    resolve.push_dir(directory)?;
    Ok(resolve)
}

/// The name of a package without its version, and whether it is one of ours.
pub fn own_package(resolve: &Resolve, package: PackageId) -> Option<String> {
    let name = &resolve.packages.get(package)?.name;
    (name.namespace == "palisade").then(|| format!("palisade:{}", name.name))
}

fn refuse(what: &str, problems: &[String]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{what}:\n  {}", problems.join("\n  "))
}

/// Reads WIT from texts of several packages.
#[cfg(test)]
pub fn parse(packages: &[&str]) -> Resolve {
    let mut resolve = Resolve::default();
    for (number, text) in packages.iter().enumerate() {
        resolve.push_str(format!("{number}.wit"), text).unwrap();
    }
    resolve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_documented_item_by_item() {
        let (problems, items) = documented::check(&own());
        assert_eq!(problems, [""; 0]);
        assert!(items > 0);
    }

    #[test]
    fn the_contract_is_compatible_with_itself() {
        let comparison = compatible::compare(&own(), own()).unwrap();
        assert_eq!(comparison.problems, [""; 0]);
        assert!(comparison.compared.contains(&"`palisade:extension/event-handler`".to_owned()));
    }

    fn own() -> Resolve {
        load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap()
    }
}
