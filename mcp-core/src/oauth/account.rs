//! What the gateway has of one server's authorization: its token, and how it gets the next one. It outlives connections; whoever needs a token
//! while one is asked for waits for that one.

mod login;
mod state;

use super::{
    binding::{Binding, Grant, Purpose},
    challenge::Challenge,
    discovery::{Found, discover},
    error::OAuthError,
    fetch::{Fetcher, plain},
    kept::{Owner, Shelf},
    registration::{Client, Registered},
    scopes,
    token::{self, Grounds},
};
use crate::secrets::Secrets;
use http::HeaderValue;
pub(crate) use login::Told;
use mcp_common::secret::{ExposeSecret, Secret};
use state::PAUSE;
pub(crate) use state::REFUSED;
pub(super) use state::State;
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};

/// What asking is done with; another one for each version of the document.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) upstream: Arc<str>,
    /// The server, as a URL of HTTP.
    pub(crate) url: String,
    pub(crate) binding: Binding,
    pub(crate) fetcher: Fetcher,
    pub(crate) secrets: Secrets,
}

/// The token of one request.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) header: HeaderValue,
    is_proven: Arc<AtomicBool>,
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The gateway's, for everything.
    Gateway,
    /// The gateway's, for lists: calls are made with those of callers.
    Lists,
    /// A caller's, for the calls of this caller.
    Caller(Owner),
    /// What the token of a caller is exchanged for.
    Token(Subject),
}

/// The token of a caller; it is one token that counts, whoever shows it.
#[derive(Clone)]
pub(super) struct Subject(pub(super) Arc<Secret>);

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Subject {}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject")
    }
}

/// See above.
pub(crate) struct Account {
    /// What it is for.
    pub(super) purpose: Purpose,
    /// No other one has it while the gateway runs.
    pub(super) number: u64,
    pub(super) whose: Whose,
    pub(super) grant: Grant,
    state: Mutex<State>,
    /// Held by whoever asks.
    asking: Arc<tokio::sync::Mutex<()>>,
    pub(super) shelf: Shelf,
}

impl Shown {
    /// The server has taken it.
    pub(crate) fn prove(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account")
    }
}

impl Account {
    /// The gateway's own, with what is kept of it; without anything, with what is known of `before`.
    pub(super) fn new(
        number: u64,
        purpose: Purpose,
        kind: (Whose, Grant),
        shelf: Shelf,
        before: Option<State>,
    ) -> Arc<Self> {
        let state = shelf.find(&purpose).or(before).unwrap_or_default();
        Self::with(number, purpose, kind, shelf, state)
    }

    /// A caller's, of which this is known.
    pub(super) fn of_caller(
        number: u64,
        purpose: Purpose,
        owner: Owner,
        shelf: Shelf,
        state: State,
    ) -> Arc<Self> {
        let kind = (Whose::Caller(owner), Grant::AuthorizationCode);
        Self::with(number, purpose, kind, shelf, state)
    }

    /// What this token is exchanged for.
    pub(super) fn of_token(number: u64, purpose: Purpose, token: Arc<Secret>) -> Arc<Self> {
        let kind = (Whose::Token(Subject(token)), Grant::Exchange);
        Self::with(number, purpose, kind, Shelf::at(None), State::default())
    }

    fn with(
        number: u64,
        purpose: Purpose,
        (whose, grant): (Whose, Grant),
        shelf: Shelf,
        state: State,
    ) -> Arc<Self> {
        Arc::new(Self {
            purpose,
            number,
            whose,
            grant,
            state: Mutex::new(state),
            asking: Arc::default(),
            shelf,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of it where tokens are asked for with something else: whom it believes, and as whom it is known there.
    pub(super) fn without_tokens(&self) -> State {
        self.state().without_tokens()
    }

    /// What the next request is sent with; `None` where the server has to say first what it wants.
    pub(crate) async fn shown(self: &Arc<Self>, means: &Arc<Means>) -> Result<Option<Shown>, OAuthError> {
        let (shown, is_old) = {
            let state = self.state();
            let shown = state.shown();
            if shown.is_none() && !self.knows_where(&state, means) {
                return Ok(None);
            }
            let is_old = state
                .token
                .as_ref()
                .is_some_and(|token| Instant::now() >= token.renew);
            (
                shown,
                is_old && state.has_failed().is_none() && self.knows_where(&state, means),
            )
        };
        if let Some(shown) = shown {
            // Nobody waits for the next one while the old one still does.
            if is_old && let Ok(asking) = self.asking.clone().try_lock_owned() {
                self.begin_asking(means, asking, None);
            }
            return Ok(Some(shown));
        }
        let asking = self.asking.clone().lock_owned().await;
        if let Some(shown) = self.state().shown() {
            return Ok(Some(shown));
        }
        self.ask(means, asking, None).await.map(Some)
    }

    /// The next token, after the server has refused a request with `refused`, or without any.
    pub(crate) async fn renewed(
        self: &Arc<Self>,
        means: &Arc<Means>,
        refused: Option<&Shown>,
        challenge: Challenge,
    ) -> Result<Shown, OAuthError> {
        let asking = self.asking.clone().lock_owned().await;
        {
            let mut state = self.state();
            let is_another = |shown: &Shown| refused.is_none_or(|refused| refused.header != shown.header);
            if let Some(shown) = state.shown().filter(is_another) {
                return Ok(shown);
            }
            if challenge != Challenge::default() {
                state.challenge = challenge;
            }
            if refused.is_some() && state.token.is_some() {
                self.is_refused(&mut state);
            }
            if self.grant != Grant::AuthorizationCode {
                // Another authorization server may be the one now.
                state.found = None;
            }
        }
        self.ask(means, asking, None).await
    }

    /// The server has refused a token that was got for this very request.
    pub(crate) fn refused(&self, shown: &Shown) {
        let mut state = self.state();
        if state.shown().is_some_and(|now| now.header == shown.header) {
            self.is_refused(&mut state);
        }
    }

    /// The token is not shown again, unless there is nothing that another one is got with: the server may be wrong for a while.
    fn is_refused(&self, state: &mut State) {
        state.refused();
        if self.grant == Grant::AuthorizationCode && state.refresh.is_none() {
            (state.is_proven, state.refusals) = (Arc::default(), state.refusals.max(1));
        } else {
            state.token = None;
        }
    }

    /// A token for more than the one has that was `shown`, after the server said that it wants more.
    pub(crate) async fn widened(
        self: &Arc<Self>,
        means: &Arc<Means>,
        shown: Option<&Shown>,
        challenge: Challenge,
    ) -> Result<Shown, OAuthError> {
        let asking = self.asking.clone().lock_owned().await;
        let all = {
            let mut state = self.state();
            let is_another = |now: &Shown| shown.is_none_or(|shown| shown.header != now.header);
            if let Some(now) = state.shown().filter(is_another) {
                return Ok(now);
            }
            let all = scopes::union(&state.asked, challenge.scopes.clone());
            let list = || plain(&challenge.scopes.join(" "));
            if all == state.asked {
                return Err(OAuthError::Refused(format!(
                    "the server wants the scopes `{}` for this, and refuses although the token was asked for with them",
                    list()
                )));
            }
            if !means.binding.scopes.is_empty() {
                return Err(OAuthError::Refused(format!(
                    "the server wants the scopes `{}` for this, and `auth.scopes` does not have all of them",
                    list()
                )));
            }
            if self.grant == Grant::AuthorizationCode {
                let text = format!(
                    "the server wants the scopes `{}` for this, which nobody has granted: {}",
                    list(),
                    self.how(&means.upstream)
                );
                state.wanted = all;
                return Err(OAuthError::LoginNeeded(text));
            }
            all
        };
        self.ask(means, asking, Some(all)).await
    }

    /// Whether a token can be asked for before the server says anything.
    fn knows_where(&self, state: &State, means: &Means) -> bool {
        match self.grant {
            // Lists may be for everybody.
            Grant::ClientCredentials if self.whose == Whose::Lists => state.found.is_some(),
            Grant::ClientCredentials => state.found.is_some() || means.binding.token_url.is_some(),
            // Nothing is sent in nobody's name.
            Grant::Exchange => true,
            Grant::AuthorizationCode => state.found.is_some() && state.refresh.is_some(),
        }
    }

    async fn ask(
        self: &Arc<Self>,
        means: &Arc<Means>,
        asking: OwnedMutexGuard<()>,
        scopes: Option<Vec<String>>,
    ) -> Result<Shown, OAuthError> {
        if let Some(error) = self.state().has_failed() {
            return Err(error);
        }
        let broken = |_| OAuthError::Away("asking for a token ended without a result".to_owned());
        self.begin_asking(means, asking, scopes).await.map_err(broken)?
    }

    /// In a task of its own: a call that gives up earlier should not leave the others without an answer.
    fn begin_asking(
        self: &Arc<Self>,
        means: &Arc<Means>,
        asking: OwnedMutexGuard<()>,
        scopes: Option<Vec<String>>,
    ) -> JoinHandle<Result<Shown, OAuthError>> {
        let (account, means) = (self.clone(), means.clone());
        tokio::spawn(async move {
            let _asking = asking;
            let got = match account.grant {
                Grant::ClientCredentials | Grant::Exchange => account.by_itself(&means, scopes).await,
                Grant::AuthorizationCode => account.by_refreshing(&means).await,
            };
            if let Err(error) = &got {
                account.state().failed = Some((Instant::now() + PAUSE, error.clone()));
            }
            account.keep().await;
            got
        })
    }

    async fn by_itself(&self, means: &Means, scopes: Option<Vec<String>>) -> Result<Shown, OAuthError> {
        let known = self.state().found.clone();
        let found = match known {
            Some(found) => found,
            None => self.find(means).await?,
        };
        let client = Client::given(&means.binding, &means.secrets, &found.server)?;
        let client = client.ok_or_else(|| OAuthError::Secret("auth.client_id: is missing".to_owned()))?;
        let scopes = scopes.unwrap_or_else(|| self.scopes(means, &found));
        let grounds = match &self.whose {
            Whose::Token(Subject(token)) => Grounds::Exchange(token),
            Whose::Gateway | Whose::Lists | Whose::Caller(_) => Grounds::Client,
        };
        let asking = token::ask(&means.fetcher, &means.binding, &found, &client, grounds, &scopes);
        let granted = asking.await.map_err(|error| match &self.whose {
            Whose::Token(_) => error.after("the caller's token is not exchanged for one of this server: "),
            _ => error,
        })?;
        let mut state = self.state();
        state.issuer = Some(found.server.issuer.clone());
        state.found = Some(found);
        state.take(granted, scopes);
        shown(&state)
    }

    async fn by_refreshing(&self, means: &Means) -> Result<Shown, OAuthError> {
        let (refresh, found, registered, asked) = {
            let state = self.state();
            let (refresh, found) = (state.refresh.clone(), state.found.clone());
            (refresh, found, state.registered.clone(), state.asked.clone())
        };
        let (Some(refresh), Some(found)) = (refresh, found) else {
            return Err(OAuthError::LoginNeeded(format!(
                "the server wants somebody to log in: {}",
                self.how(&means.upstream)
            )));
        };
        let client = self.client_of(means, &found, registered.as_ref())?;
        let grounds = Grounds::Refresh(&refresh);
        match token::ask(&means.fetcher, &means.binding, &found, &client, grounds, &asked).await {
            Ok(granted) => {
                let mut state = self.state();
                state.take(granted, asked);
                shown(&state)
            }
            Err(OAuthError::Forgotten(text)) => {
                self.state().refresh = None;
                Err(OAuthError::LoginNeeded(format!(
                    "the login is over ({text}): {}",
                    self.how(&means.upstream)
                )))
            }
            // It may be known again; until then the next login is another client's. What the document names, the operator mends.
            Err(OAuthError::UnknownClient(text))
                if registered.is_some() && means.binding.client_id.is_none() =>
            {
                self.state().is_unknown = true;
                Err(OAuthError::LoginNeeded(format!(
                    "the client is not known any more ({text}): {}",
                    self.how(&means.upstream)
                )))
            }
            Err(error) => Err(error),
        }
    }

    /// The client that a token of this server was asked for as.
    fn client_of(
        &self,
        means: &Means,
        found: &Found,
        registered: Option<&Registered>,
    ) -> Result<Client, OAuthError> {
        if let Some(given) = Client::given(&means.binding, &means.secrets, &found.server)? {
            return Ok(given);
        }
        let registered = registered.filter(|registered| registered.issuer == found.server.issuer);
        registered.map(Registered::client).ok_or_else(|| {
            OAuthError::LoginNeeded(format!(
                "the client is not known any more: {}",
                self.how(&means.upstream)
            ))
        })
    }

    /// Where tokens come from, unless it is somebody else than before who would be shown the client's secret.
    async fn find(&self, means: &Means) -> Result<Found, OAuthError> {
        let (challenge, before) = {
            let state = self.state();
            (state.challenge.clone(), state.issuer.clone())
        };
        let binding = &means.binding;
        let found = discover(&means.fetcher, binding, &means.url, &challenge, before.as_deref()).await?;
        let is_given = binding.client_id.is_some();
        let before = before.filter(|before| is_given && *before != found.server.issuer);
        match before {
            None => Ok(found),
            Some(before) => Err(OAuthError::Refused(format!(
                "the server names another authorization server than before, `{new}` and not `{before}`, and the client's \
                 credentials are not shown to it; if that is meant, write `auth.issuer: {new}`",
                new = plain(&found.server.issuer),
            ))),
        }
    }

    /// What is asked for: what the document says; what the server said last, with what was asked for before; or all there is.
    fn scopes(&self, means: &Means, found: &Found) -> Vec<String> {
        if !means.binding.scopes.is_empty() {
            return means.binding.scopes.clone();
        }
        let state = self.state();
        let before = if state.wanted.is_empty() {
            &state.asked
        } else {
            &state.wanted
        };
        let named = scopes::union(before, state.challenge.scopes.clone());
        match named.is_empty() {
            true => found.scopes.clone(),
            false => named,
        }
    }

    /// What is known when it is written is kept, in whichever order it is asked for.
    async fn keep(self: &Arc<Self>) {
        let account = self.clone();
        // A panic in it is in the log.
        let _ = tokio::task::spawn_blocking(move || account.shelf.put(&account)).await;
    }

    /// The caller whose it is.
    pub(super) fn owner(&self) -> Option<&Owner> {
        match &self.whose {
            Whose::Caller(owner) => Some(owner),
            Whose::Gateway | Whose::Lists | Whose::Token(_) => None,
        }
    }

    /// What somebody has to do.
    fn how(&self, upstream: &str) -> String {
        match self.whose {
            Whose::Caller(_) => "connect the account anew".to_owned(),
            Whose::Lists | Whose::Gateway | Whose::Token(_) => format!(
                "`dynmcp upstreams login {upstream}`, or `POST /admin/uds/{upstream}/login`, gives the address to open"
            ),
        }
    }
}

fn shown(state: &State) -> Result<Shown, OAuthError> {
    state.shown().ok_or_else(|| {
        OAuthError::Refused("the authorization server gave a token that is over already".to_owned())
    })
}
