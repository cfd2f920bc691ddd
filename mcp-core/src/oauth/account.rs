//! What the gateway has of one server's authorization: its token, and how it gets the next one. It outlives connections; whoever needs a token
//! while one is asked for waits for that one.

mod login;

use super::{
    binding::{Binding, Grant},
    challenge::Challenge,
    discovery::{Found, discover},
    error::OAuthError,
    fetch::{Fetcher, plain},
    kept::{Owner, Shelf},
    registration::{Client, Registered},
    scopes,
    token::{self, Granted, Grounds, Token},
};
use crate::secrets::Secrets;
use http::HeaderValue;
pub(crate) use login::Told;
use mcp_common::secret::{ExposeSecret, Secret};
use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};

/// The time for which nobody asks again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// What it is for, in a digest.
    pub(super) identity: String,
    /// No other one has it while the gateway runs.
    pub(super) number: u64,
    pub(super) whose: Whose,
    grant: Grant,
    /// It was given back: nothing of it is kept any more.
    is_over: AtomicBool,
    state: Mutex<State>,
    /// Held by whoever asks.
    asking: Arc<tokio::sync::Mutex<()>>,
    shelf: Shelf,
}

/// What is known.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) token: Option<Token>,
    /// Whether the server has taken the token.
    pub(super) is_proven: Arc<AtomicBool>,
    pub(super) refresh: Option<Secret>,
    /// Where the token is from.
    pub(super) found: Option<Found>,
    pub(super) registered: Option<Registered>,
    /// The authorization server that was believed first.
    pub(super) issuer: Option<String>,
    /// The scopes that were asked for last.
    pub(super) asked: Vec<String>,
    /// The scopes of the next login, where the server wants more than were asked for.
    pub(super) wanted: Vec<String>,
    pub(super) challenge: Challenge,
    pub(super) failed: Option<(Instant, OAuthError)>,
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

impl State {
    fn shown(&self) -> Option<Shown> {
        let token = self
            .token
            .as_ref()
            .filter(|token| Instant::now() < token.expires)?;
        Some(Shown {
            header: token.header.clone(),
            is_proven: self.is_proven.clone(),
        })
    }

    fn has_failed(&self) -> Option<OAuthError> {
        let failed = self.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE);
        failed.map(|(_, error)| error.clone())
    }

    fn take(&mut self, granted: Granted, asked: Vec<String>) {
        self.token = Some(granted.token);
        self.is_proven = Arc::default();
        self.refresh = granted.refresh.or_else(|| self.refresh.take());
        self.asked = asked;
        self.failed = None;
    }
}

impl Account {
    /// The gateway's own, with what is kept of it.
    pub(super) fn new(number: u64, identity: String, whose: Whose, grant: Grant, shelf: Shelf) -> Arc<Self> {
        let state = shelf.find(&identity).unwrap_or_default();
        Self::with(number, identity, (whose, grant), shelf, state)
    }

    /// A caller's, of which this is known.
    pub(super) fn of_caller(
        number: u64,
        identity: String,
        owner: Owner,
        shelf: Shelf,
        state: State,
    ) -> Arc<Self> {
        let kind = (Whose::Caller(owner), Grant::AuthorizationCode);
        Self::with(number, identity, kind, shelf, state)
    }

    /// What this token is exchanged for.
    pub(super) fn of_token(number: u64, identity: String, token: Arc<Secret>, state: State) -> Arc<Self> {
        let kind = (Whose::Token(Subject(token)), Grant::Exchange);
        Self::with(number, identity, kind, Shelf::default(), state)
    }

    fn with(
        number: u64,
        identity: String,
        (whose, grant): (Whose, Grant),
        shelf: Shelf,
        state: State,
    ) -> Arc<Self> {
        Arc::new(Self {
            identity,
            number,
            whose,
            grant,
            is_over: AtomicBool::new(false),
            state: Mutex::new(state),
            asking: Arc::default(),
            shelf,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
            if state.token.take().is_some() && !state.is_proven.load(Ordering::Relaxed) {
                // What was just got is of no use, and neither is what it was got with.
                state.refresh = None;
            }
            if self.grant != Grant::AuthorizationCode {
                // Another authorization server may be the one now.
                state.found = None;
            }
        }
        self.ask(means, asking, None).await
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
                account.state().failed = Some((Instant::now(), error.clone()));
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
                let mut state = self.state();
                (state.refresh, state.registered) = (None, None);
                Err(OAuthError::LoginNeeded(format!(
                    "the login is over ({text}): {}",
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

    async fn keep(&self) {
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let (state, grant) = (self.state().clone(), self.grant);
        let (shelf, identity, owner) = (self.shelf.clone(), self.identity.clone(), self.owner().cloned());
        let keeping = move || shelf.put(&identity, grant, owner.as_ref(), &state);
        // A panic in it is in the log.
        let _ = tokio::task::spawn_blocking(keeping).await;
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
