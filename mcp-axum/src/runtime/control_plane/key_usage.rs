//! When keys were used, kept on the gateway's own disk from one start to the next: never in a request, and written only when something was used.
//!
//! It is a cache like the snapshot beside it: what is wrong with it is said and costs nothing else.

use super::snapshot;
use crate::settings::Settings;
use mcp_common::{catalog::Catalog, key::Key, private_file};
use mcp_core::{
    policy::{KeyUsage, KeyUse},
    tool::ToolCompiler,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

const FILE: &str = "key-usage.json";

/// Between two writings.
const PACE: Duration = Duration::from_secs(60);

/// Where it is kept; nowhere, where the data source forgets on purpose.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

/// What stands in the file. Times are milliseconds after 1970.
#[derive(Serialize, Deserialize)]
struct Kept {
    since: u64,
    keys: BTreeMap<Arc<str>, Use>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Use {
    requests: u64,
    last_used: u64,
}

impl Place {
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        snapshot::folder(settings).map(|folder| Self(folder.join(FILE)))
    }

    /// Lets the process that begins know what the one before has seen.
    pub(super) fn recall(&self, usage: &KeyUsage) {
        let kept = match self.read() {
            Ok(Some(kept)) => kept,
            Ok(None) => return,
            Err(error) => {
                let file = self.0.display();
                tracing::warn!(%error, "when keys were used cannot be read from `{file}`; it is counted anew");
                return;
            }
        };
        let since = time(kept.since);
        let known = kept.keys.into_iter().map(|(key, known)| {
            let known = KeyUse {
                since,
                requests: known.requests,
                last_used_at: Some(time(known.last_used)),
            };
            (key, known)
        });
        usage.remember(since, known);
    }

    fn read(&self) -> io::Result<Option<Kept>> {
        match std::fs::read(&self.0) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, usage: &KeyUsage, catalog: &Catalog<ToolCompiler>) -> io::Result<()> {
        let snapshot = catalog.snapshot();
        // Before it is known which keys there are, none of them is forgotten.
        let is_there =
            |key: &str| !snapshot.is_loaded() || snapshot.stored_revision(&Key::api_key(key)).is_some();
        let used = usage.all().into_iter().filter(|(key, _)| is_there(key));
        let kept = Kept {
            since: millis(usage.since()),
            keys: used
                .map(|(key, used)| {
                    let last_used = used.last_used_at.map_or(0, millis);
                    let requests = used.requests;
                    (key, Use { requests, last_used })
                })
                .collect(),
        };
        private_file::replace(&self.0, &serde_json::to_vec(&kept)?)
    }
}

/// What is kept of a key, for a command beside the gateway, or without one.
pub(crate) fn kept(settings: &Settings, key: &str) -> Option<KeyUse> {
    let kept = Place::of(settings)?.read().ok()??;
    let known = kept.keys.get(key)?;
    Some(KeyUse {
        since: time(kept.since),
        requests: known.requests,
        last_used_at: Some(time(known.last_used)),
    })
}

/// Runs until the gateway drains, and then keeps what is not kept yet.
pub(super) async fn keep(
    place: Place,
    usage: Arc<KeyUsage>,
    catalog: Arc<Catalog<ToolCompiler>>,
    draining: CancellationToken,
) {
    let mut has_failed = false;
    loop {
        let is_end = tokio::time::timeout(PACE, draining.cancelled()).await.is_ok();
        if usage.take_news() {
            let (own, used, keys) = (place.clone(), usage.clone(), catalog.clone());
            let written = tokio::task::spawn_blocking(move || own.write(&used, &keys)).await;
            let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
            match written {
                Ok(()) if has_failed => {
                    has_failed = false;
                    tracing::info!("when keys were used can be written again");
                }
                Ok(()) => {}
                Err(error) => {
                    usage.is_still_news();
                    if !std::mem::replace(&mut has_failed, true) {
                        let file = place.0.display();
                        tracing::warn!(%error, "when keys were used cannot be written to `{file}`; it is tried again every minute");
                    }
                }
            }
        }
        if is_end {
            return;
        }
    }
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> SystemTime {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
    at.unwrap_or(UNIX_EPOCH)
}
