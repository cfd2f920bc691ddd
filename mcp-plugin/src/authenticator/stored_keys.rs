//! Keys of the store: each is a definition, and what changes there holds from the next request on.

mod short_tokens;

use super::{api_key::digest, shown};
use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Gathered, KeyRing, Principal},
    definition::{
        ApiKeyDefinition,
        api_key::{ApiKeyStatus, Digest, KeySecret, Timestamp, Token},
    },
    key::Revision,
};
use moka::sync::Cache;
pub use short_tokens::{ShortToken, ShortTokens};
use std::{sync::Arc, time::SystemTime};
use subtle::ConstantTimeEq;

/// Recognises callers by the keys of the store. What is shown and is none of these may be known to the authenticator after
/// it.
pub struct StoredKeys {
    ring: Arc<dyn KeyRing>,
    /// What stands for a key for some minutes, where that is to be had.
    tokens: Option<ShortTokens>,
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
            tokens: None,
            gathered: Cache::new(KEPT),
        }
    }

    /// The same, taking tokens that stand for keys.
    pub fn with_tokens(self, tokens: ShortTokens) -> Self {
        Self {
            tokens: Some(tokens),
            ..self
        }
    }

    /// A token that stands for the key that is shown; `None` for what is no key of the store.
    pub fn exchange(&self, shown: &str, now: SystemTime) -> Result<Option<(ShortToken, Principal)>, Denied> {
        let Some(tokens) = &self.tokens else {
            return Ok(None);
        };
        let principal = match self.recognise(shown.as_bytes(), now) {
            Err(Denied::Missing) => return Ok(None),
            recognised => recognised?,
        };
        let grant = principal.grant.as_deref();
        let Some((key, end)) = grant.and_then(|grant| Some((grant.key()?, grant.end))) else {
            return Ok(None);
        };
        let token = tokens.issue(key, &Digest(digest(shown.as_bytes())), end, now);
        Ok(Some((token, principal)))
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
        let secret = known
            .next()
            .ok_or_else(|| Denied::Invalid(shown::UNKNOWN.to_owned()))?;
        self.holder(&key, revision, secret, now)
    }

    /// The same for a token that stands for a key.
    fn recognise_token(
        &self,
        tokens: &ShortTokens,
        shown: &[u8],
        now: SystemTime,
    ) -> Result<Principal, Denied> {
        let unknown = || Denied::Invalid("the token is not one of this gateway, or not any more".to_owned());
        let claims = tokens.read(shown).ok_or_else(unknown)?;
        if claims.end() <= now {
            return Err(Denied::Invalid(
                "the token has ended; get another one with the key".to_owned(),
            ));
        }
        let (key, revision) = self.ring.key(&claims.sub).ok_or_else(unknown)?;
        let mut known = key.secrets.iter().filter(|secret| claims.is_of(&secret.sha256));
        let mut principal = self.holder(&key, revision, known.next().ok_or_else(unknown)?, now)?;
        if let Some(grant) = &mut principal.grant {
            *grant = Arc::new(grant.ending_by(claims.end()));
        }
        Ok(principal)
    }

    /// From here on only the key's holder reads what is wrong with it.
    fn holder(
        &self,
        key: &Arc<ApiKeyDefinition>,
        revision: Revision,
        secret: &KeySecret,
        now: SystemTime,
    ) -> Result<Principal, Denied> {
        if key.status == ApiKeyStatus::Inactive {
            return Err(Denied::Invalid(format!("the key `{}` is not active", key.id)));
        }
        let end = key.end_of(secret);
        if let Some(end) = end.filter(|end| *end <= now) {
            let reason = format!("the key `{}` ended at {}", key.id, Timestamp(end));
            return Err(Denied::Invalid(reason));
        }
        Ok(key.principal(self.rights(key, revision), revision, end))
    }
}

#[async_trait]
impl Authenticator for StoredKeys {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        if let Some(tokens) = &self.tokens
            && shown::all(headers).any(|shown| tokens.is_one(shown))
        {
            return self.recognise_token(tokens, shown::key(headers)?, SystemTime::now());
        }
        // Two headers of which none is such a key may well belong to another authenticator.
        if !shown::all(headers).any(|shown| Token::parse(shown).is_some()) {
            return Err(Denied::Missing);
        }
        self.recognise(shown::key(headers)?, SystemTime::now())
    }
}

#[cfg(test)]
mod tests;
