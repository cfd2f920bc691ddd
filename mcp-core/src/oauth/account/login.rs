//! How somebody logs in for an account, and how that is forgotten.

use super::{Account, Means, State};
use crate::oauth::{
    binding::Grant,
    discovery::Found,
    error::OAuthError,
    login::{LoginState, Logins, Pending, Presence, Registrant},
    pkce,
    registration::{Client, Registered},
    scopes,
    token::{self, Grounds},
};
use mcp_common::secret::Secret;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

impl Account {
    /// Begins a login: the address that somebody has to open. The login that there is stays as it is until this one has come to its end.
    pub(in crate::oauth) async fn begin_login(
        self: &Arc<Self>,
        means: &Arc<Means>,
        registrant: &Registrant,
        logins: &Logins,
    ) -> Result<String, OAuthError> {
        let found = self.find(means).await?;
        let mut scopes = self.scopes(means, &found);
        let offline = "offline_access".to_owned();
        if found.server.scopes_supported.contains(&offline) {
            scopes = scopes::union(&scopes, [offline]);
        }
        let presence = registrant.of(&means.upstream);
        let (client, registered) = self.client_for_login(means, &found, &presence).await?;
        let (verifier, challenge) = pkce::pair()?;
        let redirect = (verifier, presence.redirect_uri());
        let mut pending = Pending::new((self, means), (found, client), redirect, scopes);
        pending.registered = registered;
        let state = pkce::random()?;
        let address = pending.address(&state, &challenge)?;
        logins.begin(state, pending);
        Ok(address)
    }

    async fn client_for_login(
        self: &Arc<Self>,
        means: &Means,
        found: &Found,
        presence: &Presence,
    ) -> Result<(Client, Option<Registered>), OAuthError> {
        let server = &found.server;
        if let Some(given) = Client::given(&means.binding, &means.secrets, server)? {
            return Ok((given, None));
        }
        let known = {
            let state = self.state();
            let own = state.registered.as_ref().filter(|_| !state.is_unknown);
            let mut all = own.into_iter().chain(&state.offered);
            all.find(|known| known.fits(server, presence)).cloned()
        };
        if let Some(known) = known {
            return Ok((known.client(), Some(known)));
        }
        let document = presence.document();
        let document = document.filter(|_| server.client_id_metadata_document_supported);
        let registered = match document {
            Some(document) => Registered::by_document(server, presence, &document),
            None => Registered::make(&means.fetcher, server, presence).await?,
        };
        let client = registered.client();
        self.state().offered = Some(registered.clone());
        self.keep().await;
        Ok((client, Some(registered)))
    }

    /// Redeems the code of a login.
    pub(in crate::oauth) async fn finish_login(
        self: &Arc<Self>,
        pending: &Pending,
        code: &Secret,
    ) -> Result<(), OAuthError> {
        let _asking = self.asking.lock().await;
        let grounds = Grounds::Code {
            code,
            verifier: &pending.verifier,
            redirect_uri: &pending.redirect_uri,
        };
        let (means, found) = (&pending.means, &pending.found);
        let asking = token::ask(
            &means.fetcher,
            &means.binding,
            found,
            &pending.client,
            grounds,
            &[],
        );
        let granted = asking.await.inspect_err(|error| {
            if matches!(error, OAuthError::UnknownClient(_)) {
                self.state().does_not_know(pending.registered.as_ref());
            }
        })?;
        {
            let mut state = self.state();
            state.refresh = None;
            state.refusals = 0;
            state.issuer = Some(found.server.issuer.clone());
            state.found = Some(found.clone());
            state.registered = pending.registered.clone();
            state.offered = None;
            state.wanted.clear();
            let asked = granted.scopes.clone().unwrap_or_else(|| pending.scopes.clone());
            let asked = scopes::union(&pending.scopes, asked);
            state.take(granted, asked);
        }
        self.keep().await;
        Ok(())
    }

    /// Forgets the login, here; the authorization server is not told.
    pub(crate) async fn forget(self: &Arc<Self>) {
        let _asking = self.asking.lock().await;
        {
            let mut state = self.state();
            *state = State {
                challenge: std::mem::take(&mut state.challenge),
                ..State::default()
            };
        }
        self.keep().await;
    }

    /// Whether somebody can log in.
    pub(crate) fn takes_logins(&self) -> bool {
        self.grant == Grant::AuthorizationCode
    }

    pub(crate) fn login_state(&self) -> LoginState {
        let state = self.state();
        let token = state
            .token
            .as_ref()
            .filter(|token| Instant::now() < token.expires);
        let logged_in = token.is_some() || state.refresh.is_some();
        let is_login = self.grant == Grant::AuthorizationCode;
        LoginState {
            grant: match self.grant {
                Grant::ClientCredentials => "client_credentials",
                Grant::AuthorizationCode => "authorization_code",
            },
            logged_in,
            login_needed: is_login && (!logged_in || state.is_another_needed()),
            issuer: state.issuer.clone().filter(|issuer| !issuer.is_empty()),
            scopes: state.asked.clone(),
            expires_in: token.map(|token| token.expires.saturating_duration_since(Instant::now()).as_secs()),
        }
    }
}

impl State {
    /// The authorization server does not know this client: the next login is another one's.
    fn does_not_know(&mut self, client: Option<&Registered>) {
        let is_it = |known: &Registered| client.is_some_and(|client| client.client_id == known.client_id);
        self.is_unknown |= self.registered.as_ref().is_some_and(is_it);
        self.offered.take_if(|offered| is_it(offered));
    }

    /// Whether the login that there is does not do any more.
    fn is_another_needed(&self) -> bool {
        // A single new token that is refused says nothing yet.
        let patience = u32::from(self.refresh.is_some());
        let is_refused = self.refusals > patience && !self.is_proven.load(Ordering::Relaxed);
        !self.wanted.is_empty() || self.is_unknown || is_refused
    }
}
