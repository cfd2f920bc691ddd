//! `jwt`: callers show a token that an identity provider signed. Which providers, and what of their tokens counts, stands in the
//! configuration; nobody has to be known here before.

mod crypto;
mod keys;
mod settings;
mod token;

use super::shown;
use async_trait::async_trait;
use http::HeaderMap;
use keys::{IssuerKeys, KeySet};
use mcp_common::{
    authenticator::{Arrival, Authenticator, Denied, Gathered, Grant, KeyRing, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings, Surroundings},
    secret::Secret,
    tasks::Ends,
};
use moka::sync::Cache;
pub(super) use settings::Issuer;
#[cfg(feature = "introspection")]
pub(super) use settings::one as issuer;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::SystemTime};
#[cfg(feature = "introspection")]
pub(super) use token::Claims;
use token::Unverified;
pub(super) use token::Verified;

/// The task that fetches keys.
const TASK: &str = "issuer_keys";
/// Tokens that are verified once and not for each request.
const KEPT: u64 = 20_000;

/// Recognises callers by tokens of identity providers.
pub struct Jwt {
    issuers: Vec<(Arc<Issuer>, Arc<IssuerKeys>)>,
    ring: Arc<dyn KeyRing>,
    verified: Cache<[u8; 32], Known>,
    /// The rights of roles that tokens bring together.
    gathered: Cache<Arc<[String]>, Gathered>,
}

/// A token that was verified with these keys.
#[derive(Clone)]
struct Known {
    issuer: usize,
    keys: Arc<KeySet>,
    token: Arc<Verified>,
    shown: Arc<Secret>,
}

impl Jwt {
    async fn verify(&self, shown: &str) -> Result<Known, Denied> {
        let id = Sha256::digest(shown).into();
        let is_current = |known: &Known| {
            let keys = self.issuers.get(known.issuer).and_then(|(_, keys)| keys.now());
            keys.is_some_and(|keys| Arc::ptr_eq(&keys, &known.keys))
        };
        if let Some(known) = self.verified.get(&id).filter(is_current) {
            return Ok(known);
        }
        let Unverified { header, issuer } = Unverified::read(shown)?;
        let found = self
            .issuers
            .iter()
            .enumerate()
            .find(|(_, (known, _))| known.url == issuer);
        let (number, (issuer, source)) = found
            .ok_or_else(|| Denied::Invalid("the token is of an issuer that is not known here".to_owned()))?;
        if !issuer.algorithms.contains(&header.alg) {
            let reason = format!("tokens of this issuer signed by {:?} are not taken", header.alg);
            return Err(Denied::Invalid(reason));
        }
        if !issuer.takes(header.typ.as_deref()) {
            let reason = "the token is not one that opens something here (`typ` of its header)";
            return Err(Denied::Invalid(reason.to_owned()));
        }
        let has_key = |keys: &KeySet| {
            keys.candidates(header.kid.as_deref(), header.alg)
                .next()
                .is_some()
        };
        let keys = match source.now().filter(|keys| has_key(keys)) {
            Some(keys) => keys,
            None => source.newer().await.ok_or_else(|| {
                Denied::Unavailable(format!(
                    "the keys of the issuer `{}` could not be fetched yet",
                    issuer.name
                ))
            })?,
        };
        let candidates = keys.candidates(header.kid.as_deref(), header.alg);
        let token = Arc::new(Verified::read(shown, &header, issuer, candidates)?);
        let known = Known {
            issuer: number,
            keys: keys.clone(),
            token,
            shown: Arc::new(shown.to_owned().into()),
        };
        self.verified.insert(id, known.clone());
        Ok(known)
    }

    fn rights(&self, roles: &Arc<[String]>) -> Gathered {
        if let Some(known) = self.gathered.get(roles).filter(|known| known.is_of(&*self.ring)) {
            return known;
        }
        let gathered = Gathered::of_roles(roles, &*self.ring);
        self.gathered.insert(roles.clone(), gathered.clone());
        gathered
    }
}

#[async_trait]
impl Authenticator for Jwt {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        self.recognise(Arrival {
            headers,
            resource: None,
            certificate: None,
        })
        .await
    }

    async fn recognise(&self, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        let text = |shown| std::str::from_utf8(shown).ok();
        if !shown::all(arrival.headers).filter_map(text).any(token::is_one) {
            return Err(Denied::Missing);
        }
        let shown = text(shown::key(arrival.headers)?).unwrap_or_default();
        let Known {
            issuer, token, shown, ..
        } = self.verify(shown).await?;
        let Some((issuer, _)) = self.issuers.get(issuer) else {
            return Err(Denied::Missing);
        };
        token.check(issuer, arrival.resource, SystemTime::now())?;
        let gathered = self.rights(&token.roles);
        Ok(Principal {
            subject: token.subject.clone(),
            admin: gathered.is_admin,
            attributes: Some(token.attributes.clone()),
            grant: Some(Arc::new(
                Grant::of_token(gathered, token.scopes.clone(), Some(token.end)).by(shown),
            )),
        })
    }

    fn issuers(&self) -> Vec<String> {
        self.issuers
            .iter()
            .map(|(issuer, _)| issuer.url.clone())
            .collect()
    }

    fn scopes(&self) -> Vec<String> {
        let mut scopes: Vec<String> = Vec::new();
        for scope in self
            .issuers
            .iter()
            .flat_map(|(issuer, _)| &issuer.required_scopes)
        {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }
}

/// Makes the authenticator `jwt` from the table `authenticator.jwt`.
#[derive(Default)]
pub struct JwtFactory;

#[mcp_common::authenticator("jwt")]
#[async_trait]
impl AuthenticatorFactory for JwtFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        settings::problems(settings)
    }

    async fn make(&self, _: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Err(PluginError::Start(
            "`jwt` needs a gateway whose roles it can read".to_owned(),
        ))
    }

    async fn make_within(
        &self,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Arc<dyn Authenticator>, PluginError> {
        // Whoever embeds a gateway may have one already.
        let _ = crypto::PROVIDER.install_default();
        let issuers = settings::issuers(settings)?.into_iter().map(|issuer| {
            let keys = IssuerKeys::new(issuer.clone(), gateway.http.clone());
            let kept = keys.clone();
            gateway
                .tasks
                .spawn(TASK, Ends::WhenTold, move || kept.clone().keep());
            (issuer, keys)
        });
        Ok(Arc::new(Jwt {
            issuers: issuers.collect(),
            ring: gateway.ring.clone(),
            verified: Cache::new(KEPT),
            gathered: Cache::new(KEPT),
        }))
    }
}
