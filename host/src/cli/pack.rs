//! `palisade pack`: puts a manifest into a component, and the messages and images of a directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use super::output::{self, Failure, Format};
use crate::package::{MAX_ASSET_BYTES, MAX_ASSETS, Package, PackageError};

/// Packs an extension.
#[derive(Args)]
pub struct Pack {
    /// The component, as the compiler made it
    component: PathBuf,
    /// The manifest
    #[arg(long, default_value = "extension.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// A directory with the messages and images of its pages: `messages/LANGUAGE.ftl` and what is in `images/`
    #[arg(long, value_name = "DIRECTORY")]
    assets: Option<PathBuf>,
    /// The packed component [default: ID-VERSION.wasm]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Pack {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let component = read(&self.component)?;
        let manifest = String::from_utf8(read(&self.manifest)?).map_err(|error| {
            Failure::new(format!("`{}` is not UTF-8: {error}", self.manifest.display()))
        })?;
        let packed = match &self.assets {
            None => Package::pack(&component, &manifest),
            Some(directory) => {
                let files = files_of(directory)?;
                Package::pack_with_assets(&component, &manifest, files)
            }
        };
        let (package, packed) = packed.map_err(|error| self.failure(&error))?;
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
            PackageError::Assets(_) => self.assets.as_ref().unwrap_or(&self.component),
            PackageError::Component(_) | PackageError::NoManifest => &self.component,
        };
        Failure {
            hint: error.hint(),
            code: Some(error.code().to_owned()),
            ..Failure::new(format!("`{}`: {error}", file.display()))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be read: {error}", path.display()))
}

/// The files of a directory, by their paths in it. What begins with `.` is left out: editors and systems put it there.
fn files_of(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut files = BTreeMap::new();
    let mut bytes = 0;
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((directory, before)) = waiting.pop() {
        let entries = fs::read_dir(&directory).map_err(|error| unreadable(&directory, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&directory, &error))?;
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else {
                return Err(Failure::new(format!("the name of `{}` is not UTF-8", path.display())));
            };
            if name.starts_with('.') {
                continue;
            }
            // Not followed: a link could lead to anything that its packer can read.
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            if kind.is_dir() {
                waiting.push((path, format!("{before}{name}/")));
                continue;
            }
            if !kind.is_file() {
                return Err(Failure::new(format!("`{}` is not a plain file", path.display())));
            }
            let content = read(&path)?;
            bytes += content.len();
            files.insert(format!("{before}{name}"), content);
            if files.len() > MAX_ASSETS || bytes > MAX_ASSET_BYTES {
                return Err(Failure::new(format!(
                    "`{}` has more than {MAX_ASSETS} files or {MAX_ASSET_BYTES} bytes",
                    root.display()
                )));
            }
        }
    }
    Ok(files)
}
