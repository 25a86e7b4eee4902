//! What the host itself serves beside pages: style sheets and scripts, of pages and of the console, and the icon. An address
//! has the digest of what is behind it, so a browser may keep it for ever. No I/O: all are part of the program.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The style: what the vendored sheet says of plain elements, and what this host makes of it.
const STYLE: &str = concat!(
    "@layer pico {\n",
    include_str!("../../../assets/vendor/pico.css"),
    "}\n",
    include_str!("../../../assets/chart.css"),
    include_str!("../../../assets/palisade.css"),
);
const SCRIPT: &str = include_str!("../../../assets/palisade.js");
const ICON: &str = include_str!("../../../assets/palisade.svg");
/// The console has a style of its own, and its charts are those of pages.
const CONSOLE_STYLE: &str = concat!(
    include_str!("../../../assets/chart.css"),
    include_str!("../../../assets/console.css"),
);
const CONSOLE_SCRIPT: &str = include_str!("../../../assets/console.js");

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    digest: String,
}

static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    [
        ("palisade.css", "text/css; charset=utf-8", STYLE.as_bytes()),
        ("palisade.js", "text/javascript; charset=utf-8", SCRIPT.as_bytes()),
        ("palisade.svg", "image/svg+xml", ICON.as_bytes()),
        ("console.css", "text/css; charset=utf-8", CONSOLE_STYLE.as_bytes()),
        ("console.js", "text/javascript; charset=utf-8", CONSOLE_SCRIPT.as_bytes()),
    ]
    .map(|(name, media_type, bytes)| Asset { name, media_type, bytes, digest: digest(bytes) })
});

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The address of a file of the host, with its digest.
pub fn asset(name: &str) -> String {
    match find(name) {
        Some(asset) => format!("/assets/{name}?v={}", asset.digest),
        None => format!("/assets/{name}"),
    }
}

/// A file of the host, with its media type.
pub fn asset_bytes(name: &str) -> Option<(&'static [u8], &'static str)> {
    find(name).map(|asset| (asset.bytes, asset.media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_file_changes_with_what_is_in_it() {
        let (bytes, media_type) = asset_bytes("palisade.css").unwrap();
        assert_eq!(asset("palisade.css"), format!("/assets/palisade.css?v={}", digest(bytes)));
        assert_ne!(digest(bytes), digest(b"other"));
        assert_eq!(media_type, "text/css; charset=utf-8");
    }

    #[test]
    fn there_is_no_other_file() {
        assert!(asset_bytes("../palisade.css").is_none());
    }

    #[test]
    fn the_style_needs_nothing_from_elsewhere() {
        for style in [STYLE, CONSOLE_STYLE] {
            assert!(!style.contains("url("), "the policy allows no address of another kind");
            assert!(!style.contains("@import"));
        }
    }
}
