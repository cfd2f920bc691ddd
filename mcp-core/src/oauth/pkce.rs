//! What nobody guesses: the `state` of a login, and the proof that who redeems a code is who asked for it (RFC 7636).

use super::error::OAuthError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_common::secret::Secret;
use sha2::{Digest, Sha256};

/// 256 random bits as text.
pub(super) fn random() -> Result<String, OAuthError> {
    text::<32>()
}

/// 128 random bits as text, for addresses that people may have to type.
pub(super) fn random_short() -> Result<String, OAuthError> {
    text::<16>()
}

fn text<const BYTES: usize>() -> Result<String, OAuthError> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| OAuthError::Away(format!("there is no randomness: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The verifier, and what is shown of it beforehand (`S256`).
pub(super) fn pair() -> Result<(Secret, String), OAuthError> {
    let verifier = random()?;
    let challenge = challenge(&verifier);
    Ok((verifier.into(), challenge))
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_of_the_standard() {
        assert_eq!(
            super::challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
