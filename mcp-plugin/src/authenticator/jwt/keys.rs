//! The public keys of one issuer: fetched beside requests, again from time to time and for a key that nobody knows, and kept while the
//! issuer is away.

use super::settings::Issuer;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use mcp_common::plugin::Fetch;
use serde::Deserialize;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// How old keys may be before they are fetched again.
const FRESH: Duration = Duration::from_secs(600);
/// After an attempt that failed; longer after each, up to a minute.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// So many fetches for keys that nobody knows in so much time, whoever asks for how many.
const MOST_AGAIN: u32 = 3;
const AGAIN: Duration = Duration::from_secs(30);
/// How long an attempt may take, and a request waits for one.
const PATIENCE: Duration = Duration::from_secs(5);
/// In bytes.
const LONGEST_DOCUMENT: usize = 1 << 20;
/// More are no keys of an issuer.
const MOST_KEYS: usize = 200;

/// Keys that were fetched together.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

/// The keys of an issuer, as they were fetched last.
pub(super) struct IssuerKeys {
    issuer: Arc<Issuer>,
    http: Arc<dyn Fetch>,
    state: watch::Sender<State>,
    wanted: Notify,
    /// The fetches that requests wanted since then.
    again: Mutex<(Instant, u32)>,
}

#[derive(Clone, Default)]
pub(super) struct State {
    /// `None` until they could be fetched.
    pub(super) keys: Option<Arc<KeySet>>,
    /// The last attempt.
    attempted: Option<Instant>,
}

impl KeySet {
    /// Those that may have signed such a token.
    pub(super) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        let fits = move |key: &&Key| {
            (id.is_none() || key.id.as_deref() == id)
                && key.key.family() == algorithm.family()
                && key.algorithm.is_none_or(|its| its == algorithm)
        };
        self.0.iter().filter(fits).map(|key| &key.key)
    }

    fn read(document: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let Document { keys } =
            serde_json::from_slice(document).map_err(|error| format!("this is no set of keys: {error}"))?;
        // What is of another kind, or for something else, is not for us.
        let keys = keys
            .into_iter()
            .take(MOST_KEYS)
            .filter_map(|key| Key::read(key).ok().flatten());
        let keys: Vec<Key> = keys.collect();
        match keys.is_empty() {
            true => Err("it has no key that signatures are verified with".to_owned()),
            false => Ok(Self(keys)),
        }
    }
}

impl Key {
    fn read(key: Value) -> serde_json::Result<Option<Self>> {
        let jwk: Jwk = serde_json::from_value(key)?;
        let is_for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|key| {
            // A secret that everybody can read is none.
            is_for_signatures && key.family() != AlgorithmFamily::Hmac
        });
        let algorithm = jwk
            .common
            .key_algorithm
            .map(|algorithm| algorithm.to_string().parse());
        Ok(key.map(|key| Self {
            id: jwk.common.key_id.clone(),
            algorithm: algorithm.and_then(Result::ok),
            key,
        }))
    }
}

impl IssuerKeys {
    pub(super) fn new(issuer: Arc<Issuer>, http: Arc<dyn Fetch>) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            http,
            state: watch::Sender::default(),
            wanted: Notify::new(),
            again: Mutex::new((Instant::now(), 0)),
        })
    }

    /// What is known now.
    pub(super) fn now(&self) -> Option<Arc<KeySet>> {
        self.state.borrow().keys.clone()
    }

    /// What is known after another attempt, if it is not too early for one. Who asks meanwhile waits for the same.
    pub(super) async fn newer(&self) -> Option<Arc<KeySet>> {
        let mut states = self.state.subscribe();
        let before = states.borrow_and_update().attempted;
        if before.is_none() || self.may_ask_again() {
            // What is under way from the start on is enough.
            if before.is_some() {
                self.wanted.notify_one();
            }
            let attempted = states.wait_for(|state| state.attempted != before);
            let _ = timeout(PATIENCE, attempted).await;
        }
        self.now()
    }

    fn may_ask_again(&self) -> bool {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        if again.0.elapsed() >= AGAIN {
            *again = (Instant::now(), 0);
        }
        again.1 += 1;
        again.1 <= MOST_AGAIN
    }

    /// Fetches, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut retry = RETRY;
        let mut has_failed = false;
        loop {
            let fetched = timeout(PATIENCE, self.fetch()).await;
            let fetched =
                fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            let wait = match fetched {
                Ok(keys) => {
                    if std::mem::take(&mut has_failed) {
                        tracing::info!(
                            issuer = self.issuer.url,
                            "the keys of the issuer can be fetched again"
                        );
                    }
                    let keys = Arc::new(keys);
                    self.state.send_modify(|state| state.keys = Some(keys));
                    retry = RETRY;
                    FRESH
                }
                Err(reason) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        tracing::warn!(
                            issuer = self.issuer.url,
                            reason,
                            "the keys of the issuer cannot be fetched; those that are known are kept"
                        );
                    }
                    let wait = retry;
                    retry = (retry * 2).min(LONGEST_RETRY);
                    wait
                }
            };
            self.state
                .send_modify(|state| state.attempted = Some(Instant::now()));
            let _ = timeout(wait, self.wanted.notified()).await;
        }
    }

    async fn fetch(&self) -> Result<KeySet, String> {
        let url = match &self.issuer.jwks_uri {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let document = self.http.get(&url, LONGEST_DOCUMENT).await?;
        KeySet::read(&document).map_err(|reason| format!("{url}: {reason}"))
    }

    /// Where its metadata say that they are (OpenID Connect Discovery 1.0, section 4).
    async fn discover(&self) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let issuer = &self.issuer.url;
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let document = self.http.get(&url, LONGEST_DOCUMENT).await?;
        let metadata: Metadata = serde_json::from_slice(&document)
            .map_err(|error| format!("{url}: these are no metadata of an issuer: {error}"))?;
        if metadata.issuer != *issuer {
            return Err(format!(
                "{url}: these are the metadata of `{}`; `issuer` has to be that, to the letter",
                metadata.issuer
            ));
        }
        match crate::trustworthy::is_trustworthy(&metadata.jwks_uri) {
            true => Ok(metadata.jwks_uri),
            false => Err(format!("{url}: `jwks_uri` is not https: `{}`", metadata.jwks_uri)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_key_for_signatures_is_left_out() {
        let rsa = r#"{"kty":"RSA","kid":"a","use":"sig","alg":"RS256","n":"AQAB","e":"AQAB"}"#;
        let encrypts = r#"{"kty":"RSA","kid":"b","use":"enc","n":"AQAB","e":"AQAB"}"#;
        let secret = r#"{"kty":"oct","kid":"c","k":"AQAB"}"#;
        let unknown = r#"{"kty":"PQ","kid":"d"}"#;
        let set = |keys: &[&str]| KeySet::read(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes());
        let known = set(&[rsa, encrypts, secret, unknown]).unwrap_or_default();
        let count = |id, algorithm| known.candidates(id, algorithm).count();
        assert_eq!(known.0.len(), 1);
        assert_eq!(count(Some("a"), Algorithm::RS256), 1);
        assert_eq!(count(None, Algorithm::RS256), 1);
        // It says what it is for.
        assert_eq!(count(Some("a"), Algorithm::PS256), 0);
        assert_eq!(count(Some("b"), Algorithm::RS256), 0);
        assert_eq!(count(Some("c"), Algorithm::HS256), 0);
        assert!(set(&[secret]).is_err() && KeySet::read(b"[]").is_err());
    }
}
