//! Logins on disk, for the gateway's user alone: a login is to outlast a restart. What a gateway gets by itself is not kept, but for the name of the
//! authorization server that it believed first.

use super::{account::State, binding::Grant, discovery::Found, registration::Registered, token::Token};
use mcp_common::{private_file, secret::ExposeSecret};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A larger file is none of these.
const MOST_BYTES: u64 = 1 << 20;

/// The place of one account; nowhere, without a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(pub(super) Option<PathBuf>);

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    of: String,
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
        let file = self.0.as_ref()?;
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
            Ok(written) => (written.of == identity).then(|| written.into()),
            Err(reason) => {
                let file = file.display();
                tracing::warn!("the login `{file}` cannot be used ({reason}); somebody has to log in again");
                None
            }
        }
    }

    /// Takes the place of what was kept. What cannot be written is said.
    pub(super) fn put(&self, identity: &str, grant: Grant, state: &State) {
        let Some(file) = &self.0 else { return };
        let text = serde_json::to_vec(&Written::of(identity, grant, state)).unwrap_or_default();
        if let Err(error) = private_file::replace(file, &text) {
            let file = file.display();
            tracing::warn!(%error, "the login cannot be kept in `{file}`: after a restart somebody has to log in again");
        }
    }
}

impl Written {
    fn of(identity: &str, grant: Grant, state: &State) -> Self {
        let own = Self {
            of: identity.to_owned(),
            issuer: state.issuer.clone(),
            ..Self::default()
        };
        if grant == Grant::ClientCredentials {
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

fn since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
