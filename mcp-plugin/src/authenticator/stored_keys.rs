//! Keys of the store: each is a definition, and what changes there holds from the next request on.

use super::{api_key::digest, shown};
use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Gathered, KeyRing, Principal},
    definition::{
        ApiKeyDefinition,
        api_key::{ApiKeyStatus, Timestamp, Token},
    },
    key::Revision,
};
use moka::sync::Cache;
use std::{sync::Arc, time::SystemTime};
use subtle::ConstantTimeEq;

/// Recognises callers by the keys of the store. What is shown and is none of these may be known to the authenticator after
/// it.
pub struct StoredKeys {
    ring: Arc<dyn KeyRing>,
    /// What keys were found to open, by their ids, and the revision of each key.
    gathered: Cache<Arc<str>, (Revision, Gathered)>,
}

/// Keys whose rights are kept; those of others are gathered again for each request.
const KEPT: u64 = 20_000;

impl StoredKeys {
    /// An authenticator for these keys.
    pub fn new(ring: Arc<dyn KeyRing>) -> Self {
        Self {
            ring,
            gathered: Cache::new(KEPT),
        }
    }

    /// What a key opens, as its roles are now.
    fn rights(&self, key: &ApiKeyDefinition, revision: Revision) -> Gathered {
        let is_still = |known: &(Revision, Gathered)| known.0 == revision && known.1.is_of(&*self.ring);
        if let Some(known) = self.gathered.get(&key.id).filter(is_still) {
            return known.1;
        }
        let gathered = Gathered::of(key, &*self.ring);
        self.gathered.insert(key.id.clone(), (revision, gathered.clone()));
        gathered
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
        Ok(key.principal(self.rights(&key, revision), revision, end))
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
