//! `palisade pack`: puts a manifest into a component.

use std::path::PathBuf;

use clap::Args;

use super::Context;
use super::output::{self, Failure, Format};
use crate::package::{Package, PackageError};

/// Packs an extension.
#[derive(Args)]
pub struct Pack {
    /// The component, as the compiler made it
    component: PathBuf,
    /// The manifest
    #[arg(long, default_value = "extension.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// The packed component [default: ID-VERSION.wasm]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Pack {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| {
                Failure::new(format!("`{}` cannot be read: {error}", path.display()))
            })
        };
        let component = read(&self.component)?;
        let manifest = String::from_utf8(read(&self.manifest)?).map_err(|error| {
            Failure::new(format!("`{}` is not UTF-8: {error}", self.manifest.display()))
        })?;
        let (package, packed) =
            Package::pack(&component, &manifest).map_err(|error| self.failure(&error))?;
        let manifest = &package.manifest;
        let path = self
            .output
            .unwrap_or_else(|| PathBuf::from(format!("{}-{}.wasm", manifest.id, manifest.version)));
        crate::storage::write_file(&path, &[&packed])
            .map_err(|error| Failure::new(error.to_string()))?;
        // An extension is for anyone to read, unlike what the host keeps for itself.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        match context.format {
            Format::Json => output::print_json(&serde_json::json!({
                "id": &*manifest.id, "version": manifest.version.to_string(), "file": path, "bytes": packed.len(),
            })),
            Format::Text => output::print(&format!(
                "packed `{}` {} into {} ({} bytes)",
                manifest.id,
                manifest.version,
                path.display(),
                packed.len()
            )),
        }
    }

    fn failure(&self, error: &PackageError) -> Failure {
        let file = match error {
            PackageError::Manifest(_) => &self.manifest,
            PackageError::Component(_) | PackageError::NoManifest => &self.component,
        };
        Failure {
            hint: error.hint(),
            code: Some(error.code().to_owned()),
            ..Failure::new(format!("`{}`: {error}", file.display()))
        }
    }
}
