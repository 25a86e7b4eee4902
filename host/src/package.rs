//! An extension as a file: a component with its manifest in a custom section. Bytes in, a checked package out.
//!
//! Nothing here compiles or runs anything, and nothing here does I/O: what it is given, it reads and checks.

mod component;
mod manifest;

pub use self::component::{Component, ComponentError, MANIFEST_SECTION, embed};
use self::component::{Part, Parts};
pub(crate) use self::manifest::is_secret_setting;
pub use self::manifest::{
    Fields, Manifest, ManifestError, OnFailure, Overlay, OwnActions, Page, Provision, Subscription,
};

/// A component and the manifest that it carries, each checked, and the one against the other.
#[derive(Debug)]
pub struct Package {
    /// What the extension says of itself.
    pub manifest: Manifest,
    /// The text of the manifest.
    pub manifest_text: String,
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
}

impl PackageError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            PackageError::Component(error) => error.code(),
            PackageError::NoManifest => "manifest.missing",
            PackageError::Manifest(_) => "manifest.invalid",
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

    /// Checks a component against a manifest that is to be packed with it, and returns the packed bytes.
    pub fn pack(bytes: &[u8], manifest_text: &str) -> Result<(Self, Vec<u8>), PackageError> {
        let component = Component::read(bytes)?;
        let package = Self::check(&component, manifest_text.to_owned())?;
        let packed = embed(bytes, manifest_text)?;
        Ok((package, packed))
    }

    fn check(component: &Component, manifest_text: String) -> Result<Self, PackageError> {
        let manifest = Manifest::parse(&manifest_text)?;
        component.check_contract(&Parts {
            handler: Part::asked(!manifest.subscriptions.is_empty()),
            provider: Part::asked(manifest.provider.is_some()),
            pages: Part::asked(!manifest.pages.is_empty()),
            overlay: Part::asked(!manifest.overlays.is_empty()),
        })?;
        Ok(Self { manifest, manifest_text })
    }
}

#[cfg(test)]
mod tests;
