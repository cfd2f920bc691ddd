//! The port behind which "who is calling?" is answered.

mod attributes;
mod client_certificate;
mod common_limits;
mod grant;
mod key_ring;
mod narrowing;
mod placed_limits;
mod rights;

pub use attributes::Attributes;
pub use client_certificate::ClientCertificate;
pub use common_limits::CommonLimits;
pub use grant::Grant;
pub use key_ring::{KeyRing, RoleVersion, StoredRole};
pub use narrowing::Narrowing;
pub use placed_limits::{LimitScope, PlacedLimits};
pub use rights::{Decision, Gathered, Placed, Rights};

use async_trait::async_trait;
use http::HeaderMap;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The name of nobody in particular.
const ANONYMOUS: &str = "anonymous";

/// How identities of holders of keys begin. No name of anybody who came in otherwise begins so: before a colon there are none with blanks.
const OF_KEY: &str = "key ";

/// The id of the key of the store by which somebody is told from others ([`Principal::identity`]); `None` of whoever came in otherwise.
pub fn key_of(identity: &str) -> Option<&str> {
    identity.strip_prefix(OF_KEY)
}

/// Who is calling, after authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Stable identity, used in history and logs; never a credential.
    pub subject: Arc<str>,
    /// May do everything, in `/admin` as well.
    pub admin: bool,
    /// What else is known of the caller; shared, since a principal is cloned for every request. `None`: nothing.
    pub attributes: Option<Arc<Attributes>>,
    /// The key of the store that the caller has shown, and what it opens. `None`: the caller came in otherwise, and may use
    /// every instance.
    pub grant: Option<Arc<Grant>>,
}

impl Principal {
    /// Somebody of whom nothing but the name is known, without the right to use `/admin`.
    pub fn named(subject: impl Into<Arc<str>>) -> Self {
        Self {
            subject: subject.into(),
            admin: false,
            attributes: None,
            grant: None,
        }
    }

    /// Somebody who has these roles and nothing else.
    pub fn with_roles(name: &Arc<str>, gathered: Gathered) -> Self {
        Self {
            admin: gathered.is_admin,
            grant: Some(Arc::new(Grant::of_token(gathered, Arc::default(), None))),
            ..Self::named(name.clone())
        }
    }

    /// Whoever reaches an anonymous instance or a gateway without authentication.
    pub fn anonymous() -> Self {
        Self::named(ANONYMOUS)
    }

    /// The name of the caller; `None` for nobody in particular.
    pub fn known_subject(&self) -> Option<&str> {
        (*self.subject != *ANONYMOUS).then_some(&*self.subject)
    }

    /// What tells the caller from all others, for what is kept of each: names of keys of the store are anybody's, their ids are not. `None` for
    /// nobody in particular.
    pub fn identity(&self) -> Option<Arc<str>> {
        self.known_subject()?;
        let key = self.grant.as_ref().and_then(|grant| grant.key());
        Some(key.map_or_else(|| self.subject.clone(), |id| format!("{OF_KEY}{id}").into()))
    }

    /// What the caller may do; `None` for everything that the door allows.
    pub fn rights(&self) -> Option<&Arc<Rights>> {
        self.grant.as_deref().map(Grant::rights)
    }

    /// Whether the caller may do this in `/admin`: `admin/tds/write`.
    pub fn may(&self, action: &str) -> bool {
        self.admin || self.rights().is_some_and(|rights| rights.admin(action).is_some())
    }

    /// `principal.roles` of templates, in the order in which the authenticator gave them.
    pub fn roles(&self) -> &[String] {
        self.attributes.as_deref().map_or(&[], |known| &known.roles)
    }

    /// Whether a role is the caller's: named by the key or token, or inherited by one that is.
    pub fn has_role(&self, role: &str) -> bool {
        let inherits = |grant: &Arc<Grant>| grant.names_role(role);
        self.roles().iter().any(|own| own == role) || self.grant.as_ref().is_some_and(inherits)
    }

    /// The scopes of the caller's token; none of whoever came in otherwise.
    pub fn scopes(&self) -> &[String] {
        self.grant.as_deref().map_or(&[], Grant::scopes)
    }

    /// The claim of that name.
    pub fn claim(&self, name: &str) -> Option<&RawValue> {
        self.attributes.as_deref()?.claims.get(name).map(|raw| &**raw)
    }
}

/// Why nobody got in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The request carries nothing that this authenticator understands; the next one may.
    #[error("no credentials: send `Authorization: Bearer KEY` or `x-api-key: KEY`")]
    Missing,
    /// It carries a credential that is wrong; nobody else is asked.
    #[error("{0}")]
    Invalid(String),
    /// It is good, but not for this: these scopes are needed. Becomes HTTP 403.
    #[error("the token does not have the scopes that are needed: {}", .0.join(" "))]
    Scopes(Vec<String>),
    /// The authenticator cannot decide now (its key server is away). Becomes HTTP 503.
    #[error("authentication is unavailable: {0}")]
    Unavailable(String),
}

/// What a caller comes with, before anything else of the request is read.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The URI by which tokens name what the caller wants to use (RFC 8707): that of an instance. `None` for `/admin`, and where the
    /// gateway does not know its own name.
    pub resource: Option<&'a str>,
    /// The certificate that the client showed in the handshake of TLS, where it did and an authority of the configuration signed it.
    pub certificate: Option<&'a ClientCertificate>,
}

/// Recognises callers. Asked on every request, before anything else is read: keep it cheap.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who sent these headers.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied>;

    /// The same, where it matters what the caller wants to use.
    async fn recognise(&self, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        self.authenticate(arrival.headers).await
    }

    /// Where callers get tokens that this authenticator takes: issuers of OAuth 2.0, as clients look for them (RFC 9728).
    fn issuers(&self) -> Vec<String> {
        Vec::new()
    }

    /// The scopes that such a token needs.
    fn scopes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The `WWW-Authenticate` challenge of a 401, RFC 9110 section 11.6.1.
    fn challenge(&self) -> String {
        "Bearer".to_owned()
    }

    /// `true` where everybody is let in; announced at start.
    fn open(&self) -> bool {
        false
    }
}
