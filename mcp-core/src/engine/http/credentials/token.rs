//! Access tokens, RFC 6749 section 4.4: kept until they expire, renewed ahead, asked for once however many calls wait.

mod endpoint;
#[cfg(test)]
mod tests;

use crate::{
    engine::{failure::Failure, http::client::Upstream, result::Outcome},
    secrets::Secrets,
    tool::{TokenSource, Transport},
};
use endpoint::ask;
use http::HeaderValue;
use mcp_common::definition::tool::{ClientAuth, ClientCredentials, MaybeSecret, SecretReference};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle};

/// The time for which nobody asks again after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// A token endpoint that does not answer is given up after this time, however long the calls may take that wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tokens of all tools. Clones share them, so that all data-plane workers together ask once.
#[derive(Clone)]
pub struct Tokens {
    slots: Arc<Mutex<HashMap<Identity, Arc<Slot>>>>,
    patience: Duration,
}

impl Default for Tokens {
    fn default() -> Self {
        Self::within(PATIENCE)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// Tools that ask for the same share the token.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    url: String,
    client_id: MaybeSecret,
    client_secret: SecretReference,
    scopes: Vec<String>,
    audience: Option<String>,
    client_auth: ClientAuth,
    /// What one definition believes is no proof for another one.
    transport: Option<Arc<Transport>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Held by the one that asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Instant, Failure)>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    renew: Instant,
    expires: Instant,
}

/// The token of one request.
#[derive(Clone)]
pub(crate) struct UsedToken {
    pub(super) header: HeaderValue,
    slot: Arc<Slot>,
}

impl fmt::Debug for UsedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsedToken")
    }
}

impl UsedToken {
    /// The upstream does not take it: the next one is asked for.
    pub(crate) fn discard(&self) {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .token
            .as_ref()
            .is_some_and(|token| token.header == self.header)
        {
            state.token = None;
        }
    }
}

impl Slot {
    /// The token if it is good, and whether it is time for a new one.
    fn current(&self) -> Result<Option<(HeaderValue, bool)>, Failure> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let failed = state.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE);
        if let Some(token) = state.token.as_ref().filter(|token| now < token.expires) {
            let is_old = now >= token.renew && failed.is_none();
            return Ok(Some((token.header.clone(), is_old)));
        }
        match failed {
            Some((_, failure)) => Err(failure.clone()),
            None => Ok(None),
        }
    }

    fn keep(&self, asked: Result<Token, Failure>) -> Result<HeaderValue, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(token) => {
                let header = token.header.clone();
                *state = State {
                    token: Some(token),
                    failed: None,
                };
                Ok(header)
            }
            Err(failure) => {
                state.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }
}

impl Tokens {
    /// None yet; a token endpoint that does not answer is given up after this time.
    pub fn within(patience: Duration) -> Self {
        Self {
            slots: Arc::default(),
            patience,
        }
    }

    pub(super) async fn token(
        &self,
        source: &TokenSource,
        secrets: &Secrets,
        upstream: &Upstream,
    ) -> Result<UsedToken, Failure> {
        let slot = self.slot(source);
        let used = |header| UsedToken {
            header,
            slot: slot.clone(),
        };
        if let Some((header, is_old)) = slot.current()? {
            // Nobody waits for the next one while the old one still does.
            if is_old && let Ok(asking) = slot.asking.clone().try_lock_owned() {
                self.begin(&slot, asking, source, secrets, upstream);
            }
            return Ok(used(header));
        }
        let asking = slot.asking.clone().lock_owned().await;
        if let Some((header, _)) = slot.current()? {
            return Ok(used(header));
        }
        let asked = self.begin(&slot, asking, source, secrets, upstream).await;
        let broken = |_| Failure::new(Outcome::Refused, "Asking for a token ended without a result.");
        asked.map_err(broken)?.map(used)
    }

    /// In a task of its own, since a call that gives up earlier, or is given up, should not leave the others without an
    /// answer.
    fn begin(
        &self,
        slot: &Arc<Slot>,
        asking: OwnedMutexGuard<()>,
        source: &TokenSource,
        secrets: &Secrets,
        upstream: &Upstream,
    ) -> JoinHandle<Result<HeaderValue, Failure>> {
        let patience = self.patience;
        let (slot, source) = (slot.clone(), source.clone());
        let (secrets, upstream) = (secrets.clone(), upstream.clone());
        tokio::spawn(async move {
            let _asking = asking;
            slot.keep(ask(&source, &secrets, &upstream, patience).await)
        })
    }

    fn slot(&self, source: &TokenSource) -> Arc<Slot> {
        let ClientCredentials {
            client_id,
            client_secret,
            scopes,
            audience,
            client_auth,
            ..
        } = &source.binding;
        let identity = Identity {
            url: source.url.to_string(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scopes: scopes.clone(),
            audience: audience.clone(),
            client_auth: *client_auth,
            transport: source.transport.clone(),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(identity).or_default().clone()
    }
}
