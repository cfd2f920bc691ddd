//! Keys of the store: each is a definition, and what changes there holds from the next request on.

use super::{api_key::digest, shown};
use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, KeyRing, Principal},
    definition::api_key::{ApiKeyStatus, Timestamp, Token},
};
use std::{sync::Arc, time::SystemTime};
use subtle::ConstantTimeEq;

/// Recognises callers by the keys of the store. What is shown and is none of these may be known to the authenticator after
/// it.
pub struct StoredKeys {
    ring: Arc<dyn KeyRing>,
}

impl StoredKeys {
    /// An authenticator for these keys.
    pub fn new(ring: Arc<dyn KeyRing>) -> Self {
        Self { ring }
    }

    fn recognise(&self, shown: &[u8], now: SystemTime) -> Result<Principal, Denied> {
        let token = Token::parse(shown).ok_or(Denied::Missing)?;
        let (key, revision) = self.ring.key(token.id).ok_or(Denied::Missing)?;
        let shown = digest(shown);
        let mut known = key
            .secrets
            .iter()
            .filter(|secret| bool::from(secret.sha256.0.ct_eq(&shown)));
        // From here on only its holder reads what is wrong with it.
        let secret = known
            .next()
            .ok_or_else(|| Denied::Invalid(shown::UNKNOWN.to_owned()))?;
        if key.status == ApiKeyStatus::Inactive {
            return Err(Denied::Invalid(format!("the key `{}` is not active", key.id)));
        }
        let end = key.end_of(secret);
        if let Some(end) = end.filter(|end| *end <= now) {
            let reason = format!("the key `{}` ended at {}", key.id, Timestamp(end));
            return Err(Denied::Invalid(reason));
        }
        Ok(key.principal(revision, end))
    }
}

#[async_trait]
impl Authenticator for StoredKeys {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        // Two headers of which none is such a key may well belong to another authenticator.
        if !shown::all(headers).any(|shown| Token::parse(shown).is_some()) {
            return Err(Denied::Missing);
        }
        self.recognise(shown::key(headers)?, SystemTime::now())
    }
}

#[cfg(test)]
mod tests;
