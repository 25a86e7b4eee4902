//! The files that pages of the console are drawn with. They are part of the program, and their addresses change with
//! what is in them, so that browsers can keep them.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::gate::Failure;
use crate::server::extract::Path;

/// One file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "console.css",
        media_type: "text/css; charset=utf-8",
        content: include_bytes!("../../../assets/console.css"),
    },
    Asset {
        name: "console.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../../assets/console.js"),
    },
    Asset {
        name: "console.svg",
        media_type: "image/svg+xml",
        content: include_bytes!("../../../assets/console.svg"),
    },
];

/// What tells this version of the files from others.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    ASSETS.iter().for_each(|asset| digest.update(asset.content));
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// The address of a file.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{name}?v={}", *VERSION)
}

/// Sends a file.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let Some(asset) = asset else { return Err(Failure::unknown("there is no such file")) };
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    let kind = HeaderValue::from_static(asset.media_type);
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], asset.content)
        .into_response())
}
