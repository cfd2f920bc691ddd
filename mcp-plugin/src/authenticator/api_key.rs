//! `api_key`: callers show a key that is listed in the configuration, by itself or by its hash.
//!
//! A gateway key is a random secret, not a password that people choose, so one round of SHA-256 is enough to store it.

mod configured;

use super::shown;
use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings},
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The fewest characters of a key that stands in the configuration. Nothing slows guessing down but the length of what is
/// guessed: 16 random characters of an alphabet of 64 are 96 bits.
pub const MIN_KEY_LENGTH: usize = 16;

/// Refuses a key that is too short, with what to do about it. Says nothing of the key but its length.
pub fn check_length(key: &str) -> Result<(), String> {
    if key.len() >= MIN_KEY_LENGTH {
        return Ok(());
    }
    Err(format!(
        "has {} characters, a key needs {MIN_KEY_LENGTH} or more; `dynmcp hash-key --generate` makes one",
        key.len()
    ))
}

/// A key as it is kept: SHA-256, so that neither memory nor configuration needs the key itself.
type KeyDigest = [u8; 32];

pub(super) fn digest(key: &[u8]) -> KeyDigest {
    Sha256::digest(key).into()
}

/// The stored form of a key: what `authenticator.api_key.keys` takes as `hash` (SHA-256, lower-case hexadecimal).
pub fn hash(key: &str) -> String {
    digest(key.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Recognises callers by their key.
pub struct ApiKey {
    keys: Vec<(KeyDigest, Principal)>,
}

impl ApiKey {
    /// Compares with every key and always in full, so that the time taken says nothing about the keys.
    fn find(&self, shown: &KeyDigest) -> Option<&Principal> {
        let mut found = Choice::from(0);
        let mut position = 0_u64;
        for (index, (key, _)) in (0_u64..).zip(&self.keys) {
            let same = key.ct_eq(shown);
            position.conditional_assign(&index, same);
            found |= same;
        }
        if !bool::from(found) {
            return None;
        }
        self.keys
            .get(usize::try_from(position).ok()?)
            .map(|(_, principal)| principal)
    }
}

#[async_trait]
impl Authenticator for ApiKey {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        let shown = shown::key(headers)?;
        self.find(&digest(shown))
            .cloned()
            .ok_or_else(|| Denied::Invalid(shown::UNKNOWN.to_owned()))
    }
}

/// Makes the authenticator `api_key` from the table `authenticator.api_key`.
#[derive(Default)]
pub struct ApiKeyFactory;

#[mcp_common::authenticator("api_key")]
#[async_trait]
impl AuthenticatorFactory for ApiKeyFactory {
    /// The gateway may still add a key.
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        configured::problems(settings)
    }

    async fn make(&self, settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Ok(Arc::new(ApiKey {
            keys: configured::keys(settings)?,
        }))
    }
}

#[cfg(test)]
mod tests;
