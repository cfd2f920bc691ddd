//! How somebody logs in for an account, and how it is given back.

use super::{Account, Means, State, Whose};
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

/// What the authorization server was told of an account that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It has revoked what it gave (RFC 7009).
    Revoked,
    /// Nothing: there was no token, or it has no endpoint for that.
    Nothing,
    /// It was to be told, and why it does not know.
    Not(String),
}

impl Account {
    /// Begins a login: the address that somebody has to open. The login that there is stays as it is until this one has come to its end. The client
    /// is the one of `base`, where that is another account; only this `browser`, if any is named, ends it.
    pub(in crate::oauth) async fn begin_login(
        self: &Arc<Self>,
        means: &Arc<Means>,
        (base, browser): (Option<&Arc<Self>>, Option<String>),
        registrant: &Registrant,
        logins: &Logins,
    ) -> Result<String, OAuthError> {
        if let Some(base) = base {
            self.learn_from(base);
            self.tell_of_client(base);
        }
        let found = self.find(means).await?;
        let mut scopes = self.scopes(means, &found);
        let offline = "offline_access".to_owned();
        if found.server.scopes_supported.contains(&offline) {
            scopes = scopes::union(&scopes, [offline]);
        }
        let home = base.unwrap_or(self);
        let presence = registrant.of(&means.upstream);
        let (client, registered) = home.client_for_login(means, &found, &presence).await?;
        let (verifier, challenge) = pkce::pair()?;
        let redirect = (verifier, presence.redirect_uri());
        let mut pending = Pending::new((self, means), (found, client), redirect, scopes);
        (pending.registered, pending.base, pending.browser) = (registered, base.cloned(), browser);
        let state = pkce::random()?;
        let address = pending.address(&state, &challenge)?;
        logins.begin(state, pending);
        Ok(address)
    }

    /// What is known of a server from its lists holds for calls too.
    pub(in crate::oauth) fn learn_from(&self, base: &Self) {
        let (challenge, issuer) = {
            let known = base.state();
            (known.challenge.clone(), known.issuer.clone())
        };
        let mut state = self.state();
        if state.challenge == Default::default() {
            state.challenge = challenge;
        }
        state.issuer = state.issuer.take().or(issuer);
    }

    /// If the authorization server has said of this account's client that it does not know it, the other one's logins are not begun with it either.
    fn tell_of_client(&self, base: &Self) {
        let unknown = {
            let state = self.state();
            state.registered.clone().filter(|_| state.is_unknown)
        };
        if unknown.is_some() {
            base.state().does_not_know(unknown.as_ref());
        }
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
                let home = pending.base.as_ref().unwrap_or(self);
                home.state().does_not_know(pending.registered.as_ref());
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
        self.shelf.take_up();
        self.keep().await;
        if let Some(base) = &pending.base {
            let is_first = {
                let mut known = base.state();
                let is_first = known.issuer.is_none();
                known.issuer.get_or_insert_with(|| found.server.issuer.clone());
                is_first
            };
            if is_first {
                base.keep().await;
            }
        }
        Ok(())
    }

    /// Gives back what was got by a login: it is forgotten here at once, and then the authorization server is told, where it wants to be.
    pub(crate) async fn forget(self: &Arc<Self>, means: Option<&Means>) -> Told {
        let before = {
            let _asking = self.asking.lock().await;
            let before = {
                let mut state = self.state();
                let after = State {
                    challenge: state.challenge.clone(),
                    ..State::default()
                };
                std::mem::replace(&mut *state, after)
            };
            if self.owner().is_some() {
                let shelf = self.shelf.clone();
                // A panic in it is in the log.
                let _ = tokio::task::spawn_blocking(move || shelf.clear()).await;
            } else {
                self.keep().await;
            }
            before
        };
        match means {
            Some(means) => self.revoke(means, before).await,
            None => Told::Nothing,
        }
    }

    /// Another one is the caller's now: nothing of this one is kept.
    pub(in crate::oauth) async fn give_way_to(&self, other: &Arc<Self>) {
        let (shelf, others) = (self.shelf.clone(), other.shelf.clone());
        // A panic in it is in the log.
        let _ = tokio::task::spawn_blocking(move || shelf.give_way_to(&others)).await;
        // It may have been written over while both were there.
        other.keep().await;
    }

    /// The token that others are got with is told first: what was got with it goes with it, says RFC 7009, if the server knows how.
    async fn revoke(&self, means: &Means, before: State) -> Told {
        let Some(found) = before.found else {
            return Told::Nothing;
        };
        if found.server.revocation_endpoint.is_none() {
            return Told::Nothing;
        }
        let client = match self.client_of(means, &found, before.registered.as_ref()) {
            Ok(client) => client,
            Err(error) => return Told::Not(error.to_string()),
        };
        let now = Instant::now();
        let access = before.token.filter(|token| now < token.expires);
        let tokens = [
            before.refresh.map(|token| (token, "refresh_token")),
            access.map(|token| (token.access, "access_token")),
        ];
        let mut told = Told::Nothing;
        for (token, kind) in tokens.into_iter().flatten() {
            match token::revoke(&means.fetcher, &found, &client, (&token, kind)).await {
                Ok(()) => told = Told::Revoked,
                // What can be revoked is: others end by themselves, soon.
                Err(_) if told == Told::Revoked => {}
                Err(error) => told = Told::Not(error.to_string()),
            }
        }
        told
    }

    /// Whether somebody can log in.
    pub(crate) fn takes_logins(&self) -> bool {
        self.grant == Grant::AuthorizationCode
    }

    /// Whether there is a token, or what one is got with.
    pub(in crate::oauth) fn is_logged_in(&self) -> bool {
        let state = self.state();
        let is_good = |token: &token::Token| Instant::now() < token.expires;
        state.refresh.is_some() || state.token.as_ref().is_some_and(is_good)
    }

    /// Whether calls are made with it that were answered that somebody has to log in.
    pub(crate) fn is_of_caller(&self) -> bool {
        self.owner().is_some()
    }

    /// What tells it from all others of this gateway, also from earlier ones of the same caller.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn login_state(&self) -> LoginState {
        let logged_in = self.is_logged_in();
        let state = self.state();
        let token = state
            .token
            .as_ref()
            .filter(|token| Instant::now() < token.expires);
        let is_login = self.grant == Grant::AuthorizationCode;
        // Whose lists are for everybody need not be logged in to.
        let is_asked_for = self.whose != Whose::Lists || state.challenge != Default::default();
        LoginState {
            grant: match (self.grant, &self.whose) {
                (Grant::ClientCredentials | Grant::Exchange, _) => "client_credentials",
                (Grant::AuthorizationCode, Whose::Lists) => "user",
                (Grant::AuthorizationCode, _) => "authorization_code",
            },
            logged_in,
            login_needed: is_login && ((!logged_in && is_asked_for) || state.is_another_needed()),
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
