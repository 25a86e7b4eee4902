//! What extensions bring for pages: their messages and their images, read from the stored component when a page first
//! needs them. Hook calls never come here.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::Host;
use crate::extension::{Extension, State};
use crate::messages::Catalogue;
use crate::package::{Image, Package};
use crate::storage::{Blobs, Digest};

/// Components whose assets are kept in memory at most, the least used dropped first.
const MAX_KEPT: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
/// Bytes of kept components' assets, as they are in the component.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Assets in memory.
pub(super) struct LoadedAssets {
    /// Held for look-ups only.
    kept: Mutex<Kept>,
}

struct Kept {
    loaded: LruCache<Digest, Arc<Loaded>>,
    bytes: usize,
}

/// The assets of one component.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Its messages.
    pub(super) catalogue: Arc<Catalogue>,
    /// Its images, by path.
    images: BTreeMap<String, Image>,
    /// Bytes that they have in the component.
    bytes: usize,
}

impl LoadedAssets {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::new(Kept { loaded: LruCache::new(MAX_KEPT), bytes: 0 }) }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, digest: &Digest) -> Option<Arc<Loaded>> {
        self.lock().loaded.get(digest).cloned()
    }

    /// Keeps assets, and drops the least used of others if they are too many.
    fn keep(&self, digest: Digest, loaded: Arc<Loaded>) {
        let mut kept = self.lock();
        kept.bytes += loaded.bytes;
        if let Some((_, dropped)) = kept.loaded.push(digest, loaded) {
            kept.bytes = kept.bytes.saturating_sub(dropped.bytes);
        }
        while kept.bytes > MAX_KEPT_BYTES {
            let Some((_, dropped)) = kept.loaded.pop_lru() else { break };
            kept.bytes = kept.bytes.saturating_sub(dropped.bytes);
        }
    }
}

impl Loaded {
    fn read(components: &Blobs, extension: &Extension) -> Result<Self, String> {
        let component = components.get(&extension.digest).map_err(|error| error.to_string())?;
        let assets = Package::read_assets(&component).map_err(|error| error.to_string())?;
        let default = extension.manifest.default_locale.as_ref();
        Ok(Self {
            catalogue: Arc::new(Catalogue::new(assets.messages, default)),
            images: assets.images,
            bytes: assets.bytes,
        })
    }
}

impl Host {
    /// An image of an extension that is enabled, by its path such as `images/logo.png`.
    pub async fn asset(&self, extension: &str, path: &str) -> Option<Image> {
        let extension = self.registry.get(extension).ok()?;
        if extension.state == State::Disabled {
            return None;
        }
        self.assets_of(&extension).await.images.get(path).cloned()
    }

    /// The assets of an extension. What cannot be read is logged, and is as if there were none: a page is of use without
    /// them.
    pub(super) async fn assets_of(&self, extension: &Arc<Extension>) -> Arc<Loaded> {
        if let Some(loaded) = self.assets.get(&extension.digest) {
            return loaded;
        }
        let (components, its) = (self.components.clone(), extension.clone());
        let read = tokio::task::spawn_blocking(move || Loaded::read(&components, &its));
        match read.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                self.assets.keep(extension.digest, loaded.clone());
                loaded
            }
            Err(error) => {
                tracing::error!(extension.id = %extension.id, %error, "the assets of `{}` cannot be read; its pages are shown without them", extension.id);
                Arc::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_bytes_are_kept_and_no_more() {
        let assets = LoadedAssets::new();
        let digest = |n: u8| Digest::of(&[n]);
        let large = || Arc::new(Loaded { bytes: MAX_KEPT_BYTES / 2, ..Loaded::default() });
        for n in 0..3 {
            assets.keep(digest(n), large());
        }
        assert!(assets.get(&digest(0)).is_none());
        assert!(assets.get(&digest(1)).is_some() && assets.get(&digest(2)).is_some());
        // What is kept twice is counted once.
        for _ in 0..3 {
            assets.keep(digest(2), large());
        }
        assert!(assets.get(&digest(1)).is_some());
    }
}
