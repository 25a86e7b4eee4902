//! Who may call what: the socket by its file permissions, TCP by a bearer token for each role.

use std::fs;
use std::path::Path;

use axum::http::{Request, StatusCode, header};

use super::App;
use super::error::ApiError;
use crate::storage::write_file;
use crate::token;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Call hooks.
    Panel,
    /// Everything.
    Operator,
}

impl Role {
    /// The file of the role's token, in the directory of the host's state.
    pub fn token_file(self) -> &'static str {
        match self {
            Role::Panel => "panel.token",
            Role::Operator => "operator.token",
        }
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Over the Unix socket, whose permissions let the caller in.
    Socket,
    /// Over TCP.
    Tcp,
    /// By a browser, at a listener whose routes find out for themselves who looks.
    Browser,
}

/// The tokens of the roles, as digests.
pub struct Tokens {
    panel: token::Digest,
    operator: token::Digest,
}

impl Tokens {
    /// Reads the tokens, or makes them, in files that only their owner can read.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            panel: open_token(&directory.join(Role::Panel.token_file()))?,
            operator: open_token(&directory.join(Role::Operator.token_file()))?,
        })
    }

    /// The role of a token; nothing if it is none of this host's.
    pub(super) fn role(&self, token: &str) -> Option<Role> {
        match token::digest(token) {
            digest if digest == self.operator => Some(Role::Operator),
            digest if digest == self.panel => Some(Role::Panel),
            _ => None,
        }
    }
}

fn open_token(path: &Path) -> anyhow::Result<token::Digest> {
    let token = match fs::read_to_string(path) {
        Ok(token) => token.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let token = token::random().map_err(anyhow::Error::msg)?;
            write_file(path, &[token.as_bytes(), b"\n"])?;
            token
        }
        Err(error) => anyhow::bail!("the token `{}` cannot be read: {error}", path.display()),
    };
    anyhow::ensure!(
        token.len() >= 32,
        "the token in `{}` has {} characters, it needs 32 or more",
        path.display(),
        token.len()
    );
    Ok(token::digest(&token))
}

/// The role that a path needs; `None` for one that anyone may see.
fn needed(path: &str) -> Option<Role> {
    match path {
        "/healthz" | "/readyz" => None,
        "/v1/openapi.json" | "/v1/actions" | "/v1/bridge" => Some(Role::Panel),
        path if path.starts_with("/v1/actions/") || path.starts_with("/v1/gui/") => {
            Some(Role::Panel)
        }
        _ => Some(Role::Operator),
    }
}

/// Whether the caller of a request may make it.
pub(super) fn check<B>(app: &App, peer: Peer, request: &Request<B>) -> Result<(), ApiError> {
    if peer != Peer::Tcp {
        return Ok(());
    }
    let Some(needed) = needed(request.uri().path()) else { return Ok(()) };
    let missing = |message: &str| {
        ApiError::new(StatusCode::UNAUTHORIZED, "auth.token", message)
            .with_hint(Some("send `Authorization: Bearer <token>`; the tokens are in the files panel.token and operator.token of the host's data directory"))
    };
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or_else(|| missing("over TCP a request needs a token"))?;
    let token = header
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| missing("the header `Authorization` is not `Bearer <token>`"))?;
    let role = app
        .tokens
        .as_ref()
        .and_then(|tokens| tokens.role(token.trim()))
        .ok_or_else(|| missing("the token is not one of this host's"))?;
    if role < needed {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "auth.role",
            "the panel's token may only call hooks and show pages",
        )
        .with_hint(Some("use the operator's token")));
    }
    Ok(())
}

/// The token of a header `Bearer <token>`; the case of the word does not matter.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_hooks_and_their_description_needs_the_operator() {
        assert_eq!(needed("/healthz"), None);
        assert_eq!(needed("/v1/actions/mailbox.create/before"), Some(Role::Panel));
        for path in [
            "/v1/extensions",
            "/v1/journal",
            "/metrics",
            "/v1/status",
            "/v1/store/export",
            "/v1/config",
            "/",
            "/v1/actionsX",
        ] {
            assert_eq!(needed(path), Some(Role::Operator), "{path}");
        }
    }

    #[test]
    fn tokens_are_made_once_and_readable_by_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        Tokens::open(directory.path()).unwrap();
        let path = directory.path().join("operator.token");
        let token = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let tokens = Tokens::open(directory.path()).unwrap();
        assert_eq!(tokens.role(token.trim()), Some(Role::Operator));
        assert_eq!(tokens.role("x"), None);
    }

    #[test]
    fn a_short_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("panel.token"), "1234").unwrap();
        assert!(
            Tokens::open(directory.path()).err().unwrap().to_string().contains("has 4 characters")
        );
    }
}
