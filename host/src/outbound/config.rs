//! What an operator sets for the requests of extensions: `[http]` in `palisade.toml`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::grant::Origin;

/// What bounds the requests of extensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Requests in a call; each redirect that is followed counts.
    pub requests_per_call: u32,
    /// Requests of an extension in a minute.
    pub requests_per_minute: u32,
    /// Bytes of the body of a request.
    pub request_bytes: u64,
    /// Bytes of the body of an answer.
    pub response_bytes: u64,
    /// Milliseconds of a request with all its redirects.
    pub timeout_ms: u32,
    /// Redirects of a request.
    pub redirects: u8,
    /// Requests of all extensions at one time.
    pub connections: u32,
    /// Origins whose names may lead to addresses that are not public. They need their grants as all others.
    pub private_origins: BTreeSet<Origin>,
    /// A file of certificates, as PEM, of authorities that are trusted beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            requests_per_call: 8,
            requests_per_minute: 60,
            request_bytes: 1 << 20,
            response_bytes: 1 << 20,
            timeout_ms: 10_000,
            redirects: 3,
            connections: 64,
            private_origins: BTreeSet::new(),
            ca_file: None,
        }
    }
}

impl HttpConfig {
    /// Requests that an extension may send at once: a quarter of a minute's, or what a call may send, if that is
    /// more.
    pub(super) fn burst(&self) -> u32 {
        let least = self.requests_per_call.min(self.requests_per_minute);
        (self.requests_per_minute / 4).max(least)
    }
}
