//! Logins on disk, sealed and for the gateway's user alone: a login is to outlast a restart. What a gateway gets by itself is not kept, but for the
//! name of the authorization server that it believed first.

use super::{
    account::{Account, State},
    binding::{Grant, Purpose},
    discovery::Found,
    registration::Registered,
    seal::Seal,
    token::Token,
};
use mcp_common::{private_file, secret::ExposeSecret};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A larger file is none of these.
const MOST_BYTES: u64 = 1 << 20;

/// The place of one account; nowhere, without a file.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    place: Option<(PathBuf, Seal)>,
    /// Held while something is written or taken away.
    standing: Arc<Mutex<Standing>>,
}

/// Whether the account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Kept,
    /// It was given back, or another one is the caller's: it is kept again with its next login.
    Ended,
    /// It is of what its upstream is not any more.
    GivenUp,
}

/// Whose account something is kept of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    /// What tells them apart.
    pub(super) id: Arc<str>,
    /// Their name, for people.
    pub(super) name: Arc<str>,
    /// The upstream, and its URL of HTTP.
    pub(super) upstream: Arc<str>,
    pub(super) url: String,
    /// When they connected it, in seconds since 1970.
    pub(super) since: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    of: String,
    terms: String,
    /// The caller whose it is; the gateway's own has none.
    owner: Option<Owner>,
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
    pub(super) fn at(place: Option<(PathBuf, Seal)>) -> Self {
        Self {
            place,
            standing: Arc::new(Mutex::new(Standing::Kept)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is got for the account is of any use.
    pub(super) fn is_current(&self) -> bool {
        *self.lock() != Standing::GivenUp
    }

    /// Another account has its place, or none: nothing is written there any more when this is done.
    pub(super) fn give_up(&self) {
        *self.lock() = Standing::GivenUp;
    }

    /// Somebody has logged in for it, perhaps again.
    pub(super) fn take_up(&self) {
        let mut standing = self.lock();
        if *standing == Standing::Ended {
            *standing = Standing::Kept;
        }
    }

    /// Nothing is kept any more.
    pub(super) fn clear(&self) {
        self.end(true);
    }

    /// The account of the other place is the caller's now, which may be the same place.
    pub(super) fn give_way_to(&self, other: &Self) {
        let file = |shelf: &Self| shelf.place.as_ref().map(|(file, _)| file.clone());
        self.end(file(self) != file(other));
    }

    fn end(&self, takes_away: bool) {
        let mut standing = self.lock();
        if *standing == Standing::GivenUp {
            return;
        }
        *standing = Standing::Ended;
        let Some((file, _)) = self.place.as_ref().filter(|_| takes_away) else {
            return;
        };
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let file = file.display();
                tracing::error!(%error, "the login `{file}` cannot be taken away: delete the file");
            }
            _ => {}
        }
    }

    /// What is kept of the gateway's own account; another one's is not, and of one that asked for its tokens with something else what holds whatever that is.
    pub(super) fn find(&self, purpose: &Purpose) -> Option<State> {
        let written = self.read()?;
        if written.of != purpose.identity || written.owner.is_some() {
            return None;
        }
        let is_same = written.terms == purpose.terms;
        let state = State::from(written);
        Some(if is_same { state } else { state.without_tokens() })
    }

    /// A caller's account, whatever it is of: what for, whose it is, and what is known.
    pub(super) fn find_owned(&self) -> Option<(Purpose, Owner, State)> {
        let mut written = self.read()?;
        let mut owner = written.owner.take()?;
        // Whatever a damaged file says.
        owner.since = owner.since.min(since_1970());
        let purpose = Purpose {
            identity: written.of.clone(),
            terms: written.terms.clone(),
        };
        Some((purpose, owner, written.into()))
    }

    fn read(&self) -> Option<Written> {
        let (file, seal) = self.place.as_ref()?;
        let read = match fs::metadata(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Ok(found) if found.len() > MOST_BYTES => Err("it is too large".to_owned()),
            _ => fs::read(file).map_err(|error| error.to_string()),
        };
        let opened = read.and_then(|sealed| seal.open(&name(file), &sealed));
        // What a parser says of it may repeat some of it.
        let parsed = opened.and_then(|text| {
            serde_json::from_slice(&text).map_err(|_| "it is not as it was written".to_owned())
        });
        parsed
            .inspect_err(|reason| {
                let file = file.display();
                tracing::warn!("the login `{file}` cannot be used ({reason}); somebody has to log in again");
            })
            .ok()
    }

    /// Takes the place of what was kept. What cannot be written is said.
    pub(super) fn put(&self, account: &Account) {
        let Some((file, seal)) = &self.place else { return };
        let standing = self.lock();
        if *standing != Standing::Kept {
            return;
        }
        // Looked at while nobody else writes: what is written last is what was known last.
        let text = serde_json::to_vec(&Written::of(account, &account.state())).unwrap_or_default();
        let sealed = seal.close(&name(file), text);
        let written =
            sealed.and_then(|sealed| private_file::replace(file, &sealed).map_err(|error| error.to_string()));
        if let Err(error) = written {
            let file = file.display();
            tracing::warn!(%error, "the login cannot be kept in `{file}`: after a restart somebody has to log in again");
        }
    }
}

/// What a file is sealed for.
fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

impl Written {
    fn of(account: &Account, state: &State) -> Self {
        let own = Self {
            of: account.purpose.identity.clone(),
            terms: account.purpose.terms.clone(),
            owner: account.owner().cloned(),
            issuer: state.issuer.clone(),
            ..Self::default()
        };
        if account.grant != Grant::AuthorizationCode {
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

pub(super) fn since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
