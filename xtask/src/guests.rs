//! `cargo xtask guests`: builds the example extensions and packs each with its
//! manifest, and with its directory `assets` if it has one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::host::{self, Profile};
use crate::workspace::Workspace;
use crate::{cmd, progress, toolchain};

/// Runs the command.
pub fn run(workspace: &Workspace) -> Result<()> {
    let palisade = host::build(workspace, Profile::Dev)?;
    build(workspace, &palisade)
}

/// Builds and packs all guests; `palisade` is the built host program.
pub fn build(workspace: &Workspace, palisade: &Path) -> Result<()> {
    let toolchain = toolchain::prepare(workspace)?;
    println!("building the guests with {}", toolchain.name);
    progress::build("guests", &mut toolchain.build_command(workspace), None)?;

    let packed = workspace.packed();
    fs::create_dir_all(&packed).with_context(|| format!("cannot make `{}`", packed.display()))?;
    for guest in extensions(&cmd::metadata(&workspace.guest_examples())?)? {
        let component = toolchain.components().join(&guest.artifact);
        let output = packed.join(format!("{}.wasm", guest.name));
        pack(palisade, &component, &guest, &output)?;
        let size = fs::metadata(&output)
            .with_context(|| format!("`palisade pack` made no `{}`", output.display()))?
            .len();
        println!("    {}: {} KiB", guest.name, size.div_ceil(1024));
    }
    Ok(())
}

/// Packs one component. Whatever was packed before is taken away first, so that a
/// failure leaves nothing old to be tested.
fn pack(palisade: &Path, component: &Path, guest: &Guest, output: &Path) -> Result<()> {
    if output.exists() {
        fs::remove_file(output).with_context(|| format!("cannot remove `{}`", output.display()))?;
    }
    let mut command = Command::new(palisade);
    command.arg("pack").arg(component);
    command.arg("--manifest").arg(&guest.manifest).arg("--output").arg(output);
    if let Some(assets) = &guest.assets {
        command.arg("--assets").arg(assets);
    }
    cmd::output(&mut command)?;
    Ok(())
}

/// A guest that is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Guest {
    name: String,
    /// The file name of the component.
    artifact: String,
    manifest: PathBuf,
    /// Its messages and images.
    assets: Option<PathBuf>,
}

/// Returns the packages that have an `extension.toml`, by what `cargo metadata`
/// says of their workspace.
fn extensions(metadata: &Value) -> Result<Vec<Guest>> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("`cargo metadata` names no packages")?;
    let mut guests = Vec::new();
    for package in packages {
        let name = text(package, "name")?;
        let directory = Path::new(text(package, "manifest_path")?).parent();
        let Some(manifest) = directory.map(|directory| directory.join("extension.toml")) else {
            continue;
        };
        if !manifest.is_file() {
            continue;
        }
        let Some(artifact) = artifact(package) else {
            bail!("the guest `{name}` has no library of crate type `cdylib`")
        };
        let assets = manifest.with_file_name("assets");
        let assets = Some(assets).filter(|assets| assets.is_dir());
        guests.push(Guest { name: name.to_owned(), artifact, manifest, assets });
    }
    guests.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(guests)
}

/// The file that a package's `cdylib` becomes.
fn artifact(package: &Value) -> Option<String> {
    let targets = package.get("targets")?.as_array()?;
    let library = targets.iter().find(|target| {
        let types = target.get("crate_types").and_then(Value::as_array);
        types.is_some_and(|types| types.iter().any(|name| name == "cdylib"))
    })?;
    let name = library.get("name")?.as_str()?;
    Some(format!("{}.wasm", name.replace('-', "_")))
}

fn text<'a>(package: &'a Value, key: &str) -> Result<&'a str> {
    let value = package.get(key).and_then(Value::as_str);
    value.with_context(|| format!("`cargo metadata` names a package without `{key}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(directory: &Path, crate_type: &str) -> Value {
        json!({
            "name": "audit-trail",
            "manifest_path": directory.join("Cargo.toml"),
            "targets": [{ "name": "audit-trail", "crate_types": [crate_type] }],
        })
    }

    #[test]
    fn a_package_with_a_manifest_is_an_extension() {
        let directory = tempfile::tempdir().unwrap();
        let manifest = directory.path().join("extension.toml");
        fs::write(&manifest, "").unwrap();
        let metadata = json!({ "packages": [package(directory.path(), "cdylib")] });
        let artifact = "audit_trail.wasm".to_owned();
        let name = "audit-trail".to_owned();
        let mut expected = Guest { name, artifact, manifest, assets: None };
        assert_eq!(extensions(&metadata).unwrap(), [expected.clone()]);
        let assets = directory.path().join("assets");
        fs::create_dir(&assets).unwrap();
        expected.assets = Some(assets);
        assert_eq!(extensions(&metadata).unwrap(), [expected]);
    }

    #[test]
    fn a_package_without_a_manifest_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let metadata = json!({ "packages": [package(directory.path(), "lib")] });
        assert_eq!(extensions(&metadata).unwrap(), []);
    }

    #[test]
    fn an_extension_that_makes_no_component_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("extension.toml"), "").unwrap();
        let metadata = json!({ "packages": [package(directory.path(), "lib")] });
        let error = extensions(&metadata).unwrap_err().to_string();
        assert_eq!(error, "the guest `audit-trail` has no library of crate type `cdylib`");
    }
}
