//! Compares two states of the contract: what a guest was built against must still
//! be offered.

use anyhow::{Context, Result};
use semver::Version;
use wit_component::{WitPrinter, semver_check};
use wit_parser::{PackageId, PackageName, Resolve};

use super::check::own_package;

/// What came of a comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The worlds that were compared and are compatible.
    pub compared: Vec<String>,
    /// What is no problem but worth saying.
    pub notes: Vec<String>,
    /// What would break a guest.
    pub problems: Vec<String>,
}

/// Compares each world of the released contract with its successor.
pub fn compare(contract: &Resolve, released: Resolve) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    let (both, packages) = merge(contract, released)?;
    for package in packages {
        let Package { name, old, old_version, .. } = &package;
        let Some((new, new_version)) = package.successor() else {
            comparison.problems.push(format!("`{name}` {old_version} is gone"));
            continue;
        };
        if PackageName::version_compat_track(new_version)
            != PackageName::version_compat_track(old_version)
        {
            let text = format!("`{name}` {new_version} replaces {old_version}: not compared");
            comparison.notes.push(text);
            continue;
        }
        if new_version < old_version {
            comparison.problems.push(format!("`{name}` went from {old_version} to {new_version}"));
        }
        if new_version == old_version && print(&both, *old)? != print(&both, new)? {
            comparison.problems.push(format!("`{name}` changed and is still {old_version}"));
        }
        compare_worlds(&both, &package, new, &mut comparison);
    }
    Ok(comparison)
}

fn compare_worlds(both: &Resolve, package: &Package, new: PackageId, comparison: &mut Comparison) {
    let worlds = |id| both.packages.get(id).into_iter().flat_map(|package| &package.worlds);
    for (world, old_world) in worlds(package.old) {
        let name = format!("`{}/{world}`", package.name);
        let Some((_, new_world)) = worlds(new).find(|(candidate, _)| *candidate == world) else {
            comparison.problems.push(format!("{name} is gone"));
            continue;
        };
        match semver_check(both.clone(), *old_world, *new_world) {
            Ok(()) => comparison.compared.push(name),
            Err(error) => comparison.problems.push(format!("{name}: {error:#}")),
        }
    }
}

/// A released package and what there is of it now.
struct Package {
    name: String,
    old: PackageId,
    old_version: Version,
    /// All versions that are offered now.
    new: Vec<(PackageId, Version)>,
}

impl Package {
    /// The version now that takes the released one's guests; else the newest.
    fn successor(&self) -> Option<(PackageId, &Version)> {
        let track = PackageName::version_compat_track(&self.old_version);
        let same_track = self
            .new
            .iter()
            .filter(|(_, version)| PackageName::version_compat_track(version) == track);
        let newest = same_track.max_by_key(|(_, version)| version);
        let newest = newest.or_else(|| self.new.iter().max_by_key(|(_, version)| version));
        newest.map(|(id, version)| (*id, version))
    }
}

/// Puts both states into one [`Resolve`], which the check needs. It holds one
/// package of a name and version, so the released ones lose their version; the
/// check looks at none.
fn merge(contract: &Resolve, mut released: Resolve) -> Result<(Resolve, Vec<Package>)> {
    let mut packages = Vec::new();
    for (_, package) in &mut released.packages {
        let old_version = package.name.version.take();
        let old_version = old_version
            .with_context(|| format!("the released package `{}` has no version", package.name))?;
        packages.push((package.name.clone(), old_version));
    }
    released.package_names =
        released.packages.iter().map(|(id, package)| (package.name.clone(), id)).collect();

    let mut both = contract.clone();
    both.merge(released).context("the two contracts cannot be read together")?;
    let find = |(unversioned, old_version): (PackageName, Version)| {
        let old = *both.package_names.get(&unversioned)?;
        let name = own_package(&both, old)?;
        let new = contract
            .packages
            .iter()
            .filter(|(id, _)| own_package(contract, *id).as_ref() == Some(&name))
            .filter_map(|(id, package)| Some((id, package.name.version.clone()?)))
            .collect();
        Some(Package { name, old, old_version, new })
    };
    let mut packages: Vec<Package> = packages.into_iter().filter_map(find).collect();
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((both, packages))
}

/// Writes a package without documentation and versions.
fn print(both: &Resolve, id: PackageId) -> Result<String> {
    let mut unversioned = both.clone();
    for (_, package) in &mut unversioned.packages {
        package.name.version = None;
    }
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(&unversioned, id, &[])?;
    Ok(printer.output.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::check::parse;
    use super::*;

    const RELEASED: &str = "package palisade:kv@1.0.0;
        interface store {
          record entry { value: string }
          get: func(key: string) -> entry;
        }
        interface handler { handle: func(); }
        world imports { import store; }
        world extension { import store; export handler; }";

    fn check(new: &str) -> Comparison {
        compare(&parse(&[new]), parse(&[RELEASED])).unwrap()
    }

    /// The released contract with one change, as version 1.1.0.
    fn minor_change(from: &str, to: &str) -> Comparison {
        assert!(RELEASED.contains(from));
        check(&RELEASED.replace("@1.0.0", "@1.1.0").replace(from, to))
    }

    fn only_problem(comparison: &Comparison) -> &str {
        assert_eq!(comparison.problems.len(), 1, "{comparison:#?}");
        &comparison.problems[0]
    }

    #[test]
    fn an_unchanged_contract_is_compatible() {
        let comparison = check(RELEASED);
        let worlds = ["`palisade:kv/imports`", "`palisade:kv/extension`"].map(str::to_owned);
        assert_eq!(comparison, Comparison { compared: worlds.into(), ..Comparison::default() });
    }

    #[test]
    fn a_function_added_to_an_imported_interface_passes() {
        let comparison = minor_change("get: func", "size: func() -> u64; get: func");
        assert_eq!(comparison.problems, [""; 0]);
        assert_eq!(comparison.compared.len(), 2);
    }

    #[test]
    fn a_field_added_to_a_record_is_refused() {
        let comparison = minor_change("value: string }", "value: string, size: u64 }");
        assert_eq!(comparison.compared, [""; 0]);
        let problem = &comparison.problems[0];
        assert!(problem.starts_with("`palisade:kv/imports`: new world is not"), "{problem}");
    }

    #[test]
    fn a_function_added_to_an_exported_interface_is_refused() {
        let comparison = minor_change("handle: func();", "handle: func(); stop: func();");
        assert!(only_problem(&comparison).starts_with("`palisade:kv/extension`: "));
    }

    #[test]
    fn a_removed_function_is_refused() {
        let comparison = minor_change("get: func(key: string) -> entry;", "");
        assert_eq!(comparison.problems.len(), 2, "{comparison:#?}");
    }

    #[test]
    fn a_removed_world_is_refused() {
        let comparison = minor_change("world imports { import store; }", "");
        assert_eq!(only_problem(&comparison), "`palisade:kv/imports` is gone");
    }

    #[test]
    fn a_change_needs_a_new_version() {
        let comparison = check(&RELEASED.replace("get: func", "size: func() -> u64; get: func"));
        assert_eq!(only_problem(&comparison), "`palisade:kv` changed and is still 1.0.0");
    }

    #[test]
    fn a_changed_comment_needs_no_new_version() {
        let comparison = check(&RELEASED.replace("get: func", "/// Reads.\n get: func"));
        assert_eq!(comparison.problems, [""; 0]);
    }

    #[test]
    fn a_version_that_goes_back_is_refused() {
        let (old, new) = (RELEASED.replace("@1.0.0", "@1.1.0"), RELEASED);
        let comparison = compare(&parse(&[new]), parse(&[&old])).unwrap();
        assert_eq!(only_problem(&comparison), "`palisade:kv` went from 1.1.0 to 1.0.0");
    }

    #[test]
    fn a_removed_package_is_refused() {
        let comparison = check("package palisade:other@1.0.0;");
        assert_eq!(only_problem(&comparison), "`palisade:kv` 1.0.0 is gone");
    }

    #[test]
    fn a_new_major_version_is_not_compared() {
        let comparison = check("package palisade:kv@2.0.0; world imports {}");
        assert_eq!(comparison.notes, ["`palisade:kv` 2.0.0 replaces 1.0.0: not compared"]);
        assert_eq!(comparison.problems, [""; 0]);
    }

    #[test]
    fn both_major_versions_can_be_offered() {
        let new = [RELEASED, "package palisade:kv@2.0.0; world imports {}"];
        let comparison = compare(&parse(&new), parse(&[RELEASED])).unwrap();
        assert_eq!(comparison.problems, [""; 0]);
        assert_eq!(comparison.compared.len(), 2);
    }
}
