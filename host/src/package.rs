//! An extension as a file: a component with its manifest and its assets in custom sections. Bytes in, a checked package
//! out.
//!
//! Nothing here compiles or runs anything, and nothing here does I/O: what it is given, it reads and checks.

mod assets;
mod component;
mod manifest;

use std::collections::BTreeMap;

pub use self::assets::{Assets, AssetsError, Image};
pub(crate) use self::assets::{MAX_BYTES as MAX_ASSET_BYTES, MAX_FILES as MAX_ASSETS};
use self::component::{ASSETS_SECTION, Part, Parts, embed_sections};
pub use self::component::{Component, ComponentError, MANIFEST_SECTION, embed};
pub(crate) use self::manifest::is_secret_setting;
pub use self::manifest::{
    Fields, Manifest, ManifestError, OnFailure, Overlay, OwnActions, Page, Provision, Subscription,
    Title,
};

/// A component with the manifest and the assets that it carries, each checked, and the one against the other.
#[derive(Debug)]
pub struct Package {
    /// What the extension says of itself.
    pub manifest: Manifest,
    /// The text of the manifest.
    pub manifest_text: String,
    /// Its messages and images.
    pub assets: Assets,
}

/// Why a file is not an extension that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The bytes are not a component that this host can run.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The component carries no manifest.
    #[error("the component carries no manifest: it has no custom section `{MANIFEST_SECTION}`")]
    NoManifest,
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The assets are wrong.
    #[error("the assets are wrong: {0}")]
    Assets(#[from] AssetsError),
}

impl PackageError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            PackageError::Component(error) => error.code(),
            PackageError::NoManifest => "manifest.missing",
            PackageError::Manifest(_) => "manifest.invalid",
            PackageError::Assets(_) => "assets.invalid",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            PackageError::Component(error) => error.hint(),
            PackageError::NoManifest => Some(
                "embed it: palisade pack COMPONENT --manifest extension.toml --output FILE".into(),
            ),
            PackageError::Manifest(error) => error.hint.clone(),
            PackageError::Assets(_) => None,
        }
    }
}

impl Package {
    /// Reads a packed extension.
    pub fn read(bytes: &[u8]) -> Result<Self, PackageError> {
        let component = Component::read(bytes)?;
        let manifest_text = component.manifest_text.clone().ok_or(PackageError::NoManifest)?;
        Self::check(&component, manifest_text)
    }

    /// Reads the assets of a packed extension alone.
    pub fn read_assets(bytes: &[u8]) -> Result<Assets, PackageError> {
        Ok(assets_of(&Component::read(bytes)?)?)
    }

    /// Checks a component against a manifest that is to be packed with it, and returns the packed bytes. Assets that it
    /// may have are kept.
    pub fn pack(bytes: &[u8], manifest_text: &str) -> Result<(Self, Vec<u8>), PackageError> {
        let package = Self::check(&Component::read(bytes)?, manifest_text.to_owned())?;
        let packed = embed(bytes, manifest_text)?;
        Ok((package, packed))
    }

    /// Checks a component against a manifest and assets that are to be packed with it, and returns the packed bytes.
    pub fn pack_with_assets(
        bytes: &[u8],
        manifest_text: &str,
        files: BTreeMap<String, Vec<u8>>,
    ) -> Result<(Self, Vec<u8>), PackageError> {
        let archive = Assets::pack(files)?;
        let manifest = (MANIFEST_SECTION, manifest_text.as_bytes());
        let packed = embed_sections(bytes, &[manifest, (ASSETS_SECTION, &archive)])?;
        Ok((Self::read(&packed)?, packed))
    }

    fn check(component: &Component, manifest_text: String) -> Result<Self, PackageError> {
        let manifest = Manifest::parse(&manifest_text)?;
        component.check_contract(&Parts {
            handler: Part::asked(!manifest.subscriptions.is_empty()),
            provider: Part::asked(manifest.provider.is_some()),
            pages: Part::asked(!manifest.pages.is_empty()),
            overlay: Part::asked(!manifest.overlays.is_empty()),
        })?;
        let assets = assets_of(component)?;
        manifest.check_messages(&assets.messages)?;
        Ok(Self { manifest, manifest_text, assets })
    }
}

fn assets_of(component: &Component) -> Result<Assets, AssetsError> {
    component.assets.as_deref().map_or_else(|| Ok(Assets::default()), Assets::read)
}

#[cfg(test)]
mod tests;
