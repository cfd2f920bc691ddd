//! Logins on disk, sealed and for the gateway's user alone: a login is to outlast a restart. What a gateway gets by itself is not kept, but for the
//! name of the authorization server that it believed first.

use super::{
    account::State, binding::Grant, discovery::Found, registration::Registered, seal::Seal, token::Token,
};
use mcp_common::{private_file, secret::ExposeSecret};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A larger file is none of these.
const MOST_BYTES: u64 = 1 << 20;

/// The place of one account; nowhere, without a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(pub(super) Option<(PathBuf, Seal)>);

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
    /// The caller whose it is; the gateway's own has none.
    owner: Option<Owner>,
    issuer: Option<String>,
    scopes: Vec<String>,
    found: Option<Found>,
    client: Option<WrittenClient>,
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
    /// What is kept of this account; another one's is not.
    pub(super) fn find(&self, identity: &str) -> Option<State> {
        let written = self.read()?;
        (written.of == identity && written.owner.is_none()).then(|| written.into())
    }

    /// A caller's account, whatever it is of: its identity, whose it is, and what is known.
    pub(super) fn find_owned(&self) -> Option<(String, Owner, State)> {
        let mut written = self.read()?;
        let owner = written.owner.take()?;
        Some((written.of.clone(), owner, written.into()))
    }

    fn read(&self) -> Option<Written> {
        let (file, seal) = self.0.as_ref()?;
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
    pub(super) fn put(&self, identity: &str, grant: Grant, owner: Option<&Owner>, state: &State) {
        let Some((file, seal)) = &self.0 else { return };
        let text = serde_json::to_vec(&Written::of(identity, grant, owner, state)).unwrap_or_default();
        let sealed = seal.close(&name(file), text);
        let written =
            sealed.and_then(|sealed| private_file::replace(file, &sealed).map_err(|error| error.to_string()));
        if let Err(error) = written {
            let file = file.display();
            tracing::warn!(%error, "the login cannot be kept in `{file}`: after a restart somebody has to log in again");
        }
    }

    /// Whether both are one place.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let file = |shelf: &Self| shelf.0.as_ref().map(|(file, _)| file.clone());
        file(self) == file(other)
    }

    /// Nothing is kept any more.
    pub(super) fn clear(&self) {
        let Some((file, _)) = &self.0 else { return };
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let file = file.display();
                tracing::error!(%error, "the login `{file}` cannot be taken away: delete the file");
            }
            _ => {}
        }
    }
}

/// What a file is sealed for.
fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

impl Written {
    fn of(identity: &str, grant: Grant, owner: Option<&Owner>, state: &State) -> Self {
        let own = Self {
            of: identity.to_owned(),
            owner: owner.cloned(),
            issuer: state.issuer.clone(),
            ..Self::default()
        };
        if grant != Grant::AuthorizationCode {
            return own;
        }
        let token = state.token.as_ref();
        let left = token.map(|token| token.expires.saturating_duration_since(Instant::now()));
        let expires_at = left.map_or(0, |left| since_1970() + left.as_secs());
        Self {
            scopes: state.asked.clone(),
            found: state.found.clone(),
            client: state.registered.as_ref().map(|client| WrittenClient {
                issuer: client.issuer.clone(),
                redirect_uri: client.redirect_uri.clone(),
                client_id: client.client_id.clone(),
                client_secret: client
                    .client_secret
                    .as_ref()
                    .map(|secret| secret.expose_secret().to_owned()),
                method: client.method.clone(),
                until: client.until,
            }),
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

impl From<Written> for State {
    fn from(written: Written) -> Self {
        let left = Duration::from_secs(written.expires_at.saturating_sub(since_1970()));
        let token = written.access_token.filter(|_| !left.is_zero());
        let state = Self {
            token: token.and_then(|token| Token::new(token.into(), Instant::now(), left).ok()),
            refresh: written.refresh_token.map(Into::into),
            found: written.found,
            registered: written.client.map(|client| Registered {
                issuer: client.issuer,
                redirect_uri: client.redirect_uri,
                client_id: client.client_id,
                client_secret: client.client_secret.map(Into::into),
                method: client.method,
                until: client.until,
            }),
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
