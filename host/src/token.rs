//! Texts that nobody can guess, and what is kept of one: its digest, since comparing digests tells nothing by its time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The digest of a token.
pub type Digest = [u8; 32];

/// A new token: 32 random bytes in base64url, 43 characters. Fails if the system has no random bytes.
pub fn random() -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a token.
pub fn digest(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_another_and_stands_in_an_address_as_it_is() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(digest(&one), digest(&other));
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}
