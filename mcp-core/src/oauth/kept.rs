//! Logins on disk, for the gateway's user alone: a login is to outlast a restart. What a gateway gets by itself is not kept, but for the name of the
//! authorization server that it believed first.

use super::{
    account::{Account, State},
    binding::Grant,
    discovery::Found,
    registration::Registered,
    token::Token,
};
use mcp_common::{private_file, secret::ExposeSecret};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A larger file is none of these.
const MOST_BYTES: u64 = 1 << 20;

/// The place of one account; nowhere, without a file.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    file: Option<PathBuf>,
    /// Whether the account is still the one of its server. Held while something is written.
    is_current: Arc<Mutex<bool>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    of: String,
    terms: String,
    issuer: Option<String>,
    scopes: Vec<String>,
    found: Option<Found>,
    client: Option<WrittenClient>,
    /// Of logins that were begun.
    next_client: Option<WrittenClient>,
    access_token: Option<String>,
    /// Seconds since 1970.
    expires_at: u64,
    refresh_token: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenClient {
    issuer: String,
    redirect_uri: String,
    client_id: String,
    client_secret: Option<String>,
    method: String,
    until: Option<u64>,
}

impl Shelf {
    pub(super) fn at(file: Option<PathBuf>) -> Self {
        Self {
            file,
            is_current: Arc::new(Mutex::new(true)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is got for the account is of any use.
    pub(super) fn is_current(&self) -> bool {
        *self.lock()
    }

    /// Another account has its place, or none: nothing is written there any more when this is done.
    pub(super) fn give_up(&self) {
        *self.lock() = false;
    }

    /// What is kept of this account; another one's is not, and of one that asked for its tokens with something else what holds whatever that is.
    pub(super) fn find(&self, identity: &str, terms: &str) -> Option<State> {
        let file = self.file.as_deref()?;
        let read = match fs::metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Ok(found) if found.len() > MOST_BYTES => Err("it is too large".to_owned()),
            _ => fs::read(file).map_err(|error| error.to_string()),
        };
        // What a parser says of it may repeat some of it.
        let parsed = read.and_then(|text| {
            serde_json::from_slice::<Written>(&text).map_err(|_| "it is not as it was written".to_owned())
        });
        match parsed {
            Ok(written) if written.of != identity => None,
            Ok(written) => {
                let is_same = written.terms == terms;
                let state = State::from(written);
                Some(if is_same { state } else { state.without_tokens() })
            }
            Err(reason) => {
                let file = file.display();
                tracing::warn!("the login `{file}` cannot be used ({reason}); somebody has to log in again");
                None
            }
        }
    }

    /// Takes the place of what was kept. What cannot be written is said.
    pub(super) fn put(&self, account: &Account) {
        let Some(file) = self.file.as_deref() else { return };
        let is_current = self.lock();
        if !*is_current {
            return;
        }
        // Looked at while nobody else writes: what is written last is what was known last.
        let text = serde_json::to_vec(&Written::of(account, &account.state())).unwrap_or_default();
        if let Err(error) = private_file::replace(file, &text) {
            let file = file.display();
            tracing::warn!(%error, "the login cannot be kept in `{file}`: after a restart somebody has to log in again");
        }
    }
}

impl Written {
    fn of(account: &Account, state: &State) -> Self {
        let own = Self {
            of: account.identity.clone(),
            terms: account.terms.clone(),
            issuer: state.issuer.clone(),
            ..Self::default()
        };
        if account.grant == Grant::ClientCredentials {
            return own;
        }
        let token = state.token.as_ref();
        let left = token.map(|token| token.expires.saturating_duration_since(Instant::now()));
        let expires_at = left.map_or(0, |left| since_1970() + left.as_secs());
        Self {
            scopes: state.asked.clone(),
            found: state.found.clone(),
            client: state.registered.as_ref().map(Into::into),
            next_client: state.offered.as_ref().map(Into::into),
            access_token: token.map(|token| token.access.expose_secret().to_owned()),
            expires_at,
            refresh_token: state
                .refresh
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            ..own
        }
    }
}

impl From<&Registered> for WrittenClient {
    fn from(client: &Registered) -> Self {
        let secret = client.client_secret.as_ref();
        Self {
            issuer: client.issuer.clone(),
            redirect_uri: client.redirect_uri.clone(),
            client_id: client.client_id.clone(),
            client_secret: secret.map(|secret| secret.expose_secret().to_owned()),
            method: client.method.clone(),
            until: client.until,
        }
    }
}

impl From<WrittenClient> for Registered {
    fn from(client: WrittenClient) -> Self {
        Self {
            issuer: client.issuer,
            redirect_uri: client.redirect_uri,
            client_id: client.client_id,
            client_secret: client.client_secret.map(Into::into),
            method: client.method,
            until: client.until,
        }
    }
}

impl From<Written> for State {
    fn from(written: Written) -> Self {
        let left = Duration::from_secs(written.expires_at.saturating_sub(since_1970()));
        let token = written.access_token.filter(|_| !left.is_zero());
        let state = Self {
            token: token.and_then(|token| Token::new(token.into(), Instant::now(), left).ok()),
            refresh: written.refresh_token.map(Into::into),
            found: written.found,
            registered: written.client.map(Into::into),
            offered: written.next_client.map(Into::into),
            issuer: written.issuer,
            asked: written.scopes,
            ..Self::default()
        };
        // It was good before the restart.
        state.is_proven.store(true, std::sync::atomic::Ordering::Relaxed);
        state
    }
}

fn since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
