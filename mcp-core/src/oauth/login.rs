//! A login: the address that somebody opens, and what comes back from there. Each `state` is good once, for a while, at the gateway that made it.

use super::{
    account::{Account, Means},
    discovery::Found,
    error::OAuthError,
    fetch::plain,
    registration::{Client, Registered},
};
use mcp_common::secret::Secret;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use url::Url;

/// Beneath it is where browsers come back to, a place for each upstream.
pub const CALLBACK: &str = "/oauth/callback";
/// Beneath it are the gateway's documents about itself (OAuth Client ID Metadata Document), one for each upstream.
pub const CLIENT_DOCUMENTS: &str = "/oauth/client";

/// How long somebody may take to log in.
const PATIENCE: Duration = Duration::from_secs(600);
/// More logins are not waited for at once; the oldest ends.
const MOST: usize = 256;

/// By which URL browsers and authorization servers know the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrant {
    base: String,
}

/// The gateway as it is known for one upstream. No other upstream has this redirect URI: an authorization server that leads a browser to another one, which sends it
/// back with a code, has it come back where nobody waits for that code (RFC 9700 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    base: String,
    upstream: String,
}

/// How a login is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoginState {
    /// `client_credentials`, `authorization_code`, or `user` where it takes lists alone.
    pub grant: &'static str,
    /// Whether there is a token, or what one is got with.
    pub logged_in: bool,
    /// Whether somebody has to log in, again or for the first time.
    pub login_needed: bool,
    /// The authorization server that the token is of.
    pub issuer: Option<String>,
    /// The scopes that were asked for last.
    pub scopes: Vec<String>,
    /// The seconds for which the token is good.
    pub expires_in: Option<u64>,
}

/// What the authorization server sends a browser back with.
#[derive(Debug)]
pub enum Answered {
    /// It is redeemed for a token.
    Code(Secret),
    /// There is none.
    Error(String),
}

/// A login that somebody has begun.
pub(super) struct Pending {
    pub(super) account: Arc<Account>,
    pub(super) means: Arc<Means>,
    pub(super) found: Found,
    pub(super) client: Client,
    /// The same, where it made itself known.
    pub(super) registered: Option<Registered>,
    pub(super) verifier: Secret,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    /// The account whose client it is, where that is another one.
    pub(super) base: Option<Arc<Account>>,
    /// What tells the browser that has to come back; `None` where whoever comes back is good.
    pub(super) browser: Option<String>,
    begun: Instant,
}

/// All of them, by `state`.
#[derive(Default)]
pub(super) struct Logins(Mutex<HashMap<String, Pending>>);

impl Registrant {
    /// The gateway at this base URL.
    pub fn at(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// For this upstream.
    pub fn of(&self, upstream: &str) -> Presence {
        Presence {
            base: self.base.clone(),
            upstream: upstream.to_owned(),
        }
    }
}

impl Presence {
    /// Where browsers come back to.
    pub fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}/{}", self.base, self.upstream)
    }

    /// The URL of the document; authorization servers fetch it, so there has to be one that they can believe.
    pub(super) fn document(&self) -> Option<String> {
        self.base
            .starts_with("https://")
            .then(|| format!("{}{CLIENT_DOCUMENTS}/{}.json", self.base, self.upstream))
    }

    /// What the gateway says of itself.
    pub(super) fn metadata(&self) -> Value {
        // OpenID Connect Registration: http with the own machine is for native applications.
        let kind = if self.base.starts_with("https://") {
            "web"
        } else {
            "native"
        };
        json!({
            "client_name": "DynMCP",
            "redirect_uris": [self.redirect_uri()],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": kind,
        })
    }

    /// The document about the gateway; `None` where its URL could not be believed.
    pub fn client_document(&self) -> Option<Value> {
        let mut document = self.metadata();
        document["client_id"] = self.document()?.into();
        document["token_endpoint_auth_method"] = json!("none");
        Some(document)
    }
}

impl Pending {
    pub(super) fn new(
        (account, means): (&Arc<Account>, &Arc<Means>),
        (found, client): (Found, Client),
        (verifier, redirect_uri): (Secret, String),
        scopes: Vec<String>,
    ) -> Self {
        Self {
            account: account.clone(),
            means: means.clone(),
            found,
            client,
            registered: None,
            verifier,
            redirect_uri,
            scopes,
            base: None,
            browser: None,
            begun: Instant::now(),
        }
    }

    /// The address that somebody opens.
    pub(super) fn address(&self, state: &str, challenge: &str) -> Result<String, OAuthError> {
        use mcp_common::secret::ExposeSecret;
        let server = &self.found.server;
        let Some(endpoint) = &server.authorization_endpoint else {
            return Err(OAuthError::Refused(format!(
                "nobody can log in at `{}`: it has no authorization endpoint; does it take `oauth2_client_credentials`?",
                plain(&server.issuer)
            )));
        };
        if !server
            .code_challenge_methods_supported
            .iter()
            .any(|method| method == "S256")
        {
            return Err(OAuthError::Refused(format!(
                "nobody logs in at `{}`: its metadata do not say that it knows PKCE (`code_challenge_methods_supported` with S256), \
                 without which a code could be redeemed by somebody else",
                plain(&server.issuer)
            )));
        }
        self.means.fetcher.check("the authorization endpoint", endpoint)?;
        let mut url = Url::parse(endpoint)
            .map_err(|_| OAuthError::Refused(format!("`{}` is no URL", plain(endpoint))))?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", self.client.id.expose_secret())
                .append_pair("redirect_uri", &self.redirect_uri)
                .append_pair("state", state)
                .append_pair("code_challenge", challenge)
                .append_pair("code_challenge_method", "S256");
            if !self.scopes.is_empty() {
                query.append_pair("scope", &self.scopes.join(" "));
            }
            // OpenID Connect Core, section 11: otherwise nothing is given that lasts.
            if self.scopes.iter().any(|scope| scope == "offline_access") {
                query.append_pair("prompt", "consent");
            }
            if let Some(resource) = &self.found.resource {
                query.append_pair("resource", resource);
            }
        }
        Ok(url.into())
    }

    /// Whether what came back was brought by the browser that the login was begun in.
    pub(super) fn check_browser(&self, browser: Option<&str>) -> Result<(), OAuthError> {
        match &self.browser {
            Some(own) if browser != Some(own) => Err(OAuthError::Refused(
                "the login was begun in another browser, or nobody is signed in there any more: nothing was done with it"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the upstream's document is the one that the login was begun for.
    pub(super) fn check_document(&self, told: &str) -> Result<(), OAuthError> {
        let is_current = |account: &Arc<Account>| account.shelf.is_current();
        match is_current(&self.account) && self.base.as_ref().is_none_or(is_current) {
            true => Ok(()),
            false => Err(OAuthError::Refused(format!(
                "the upstream's document is another one since the login was begun: {told}; begin anew"
            ))),
        }
    }

    /// Whether what came back is of the authorization server that was asked (RFC 9207), to the letter.
    pub(super) fn check_issuer(&self, issuer: Option<&str>) -> Result<(), OAuthError> {
        let server = &self.found.server;
        match issuer {
            Some(issuer) if issuer == server.issuer => Ok(()),
            Some(issuer) => Err(OAuthError::Refused(format!(
                "the login was begun at `{}`, and what came back says that it is of `{}`: nothing was done with it",
                plain(&server.issuer),
                plain(issuer)
            ))),
            None if server.authorization_response_iss_parameter_supported => {
                Err(OAuthError::Refused(format!(
                    "what came back does not say that it is of `{}`, which always says so (`iss`): nothing was done with it",
                    plain(&server.issuer)
                )))
            }
            None => Ok(()),
        }
    }
}

impl Logins {
    /// Ends those of callers who are not there any more.
    pub(super) fn keep_callers(&self, is_there: &dyn Fn(&str) -> bool) {
        self.lock()
            .retain(|_, pending| pending.account.owner().is_none_or(|owner| is_there(&owner.id)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, state: String, pending: Pending) {
        let mut all = self.lock();
        // One of each caller for an upstream, so that nobody takes the places of others.
        let is_replaced = |before: &Pending| {
            let owner = |one: &Pending| one.account.owner().map(|owner| owner.id.clone());
            owner(before).is_some()
                && owner(before) == owner(&pending)
                && before.means.upstream == pending.means.upstream
        };
        all.retain(|_, before| before.begun.elapsed() < PATIENCE && !is_replaced(before));
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, pending)| pending.begun);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(state, pending);
    }

    /// The upstream of the login with this `state`.
    pub(super) fn upstream(&self, state: &str) -> Option<Arc<str>> {
        let all = self.lock();
        let pending = all
            .get(state)
            .filter(|pending| pending.begun.elapsed() < PATIENCE)?;
        Some(pending.means.upstream.clone())
    }

    /// It is not there for anybody afterwards.
    pub(super) fn take(&self, state: &str) -> Result<Pending, OAuthError> {
        let pending = self.lock().remove(state);
        pending
            .filter(|pending| pending.begun.elapsed() < PATIENCE)
            .ok_or_else(|| {
                OAuthError::Refused(
                    "this gateway waits for no such login: it is over, was begun more than 10 minutes ago, or at another replica; begin anew"
                        .to_owned(),
                )
            })
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} logins", self.lock().len())
    }
}
