//! Keys of the store for as long as somebody uses what they opened: a stream ends with its key.

use crate::{
    live::{Home, Lived},
    tool::ToolCompiler,
};
use mcp_common::{
    authenticator::Grant,
    catalog::Catalog,
    key::{Key, Kind},
};
use std::{
    future::pending,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::watch, time::Instant};

/// The keys that streams were opened with.
pub(super) struct HeldKeys {
    catalog: Arc<Catalog<ToolCompiler>>,
    changes: Home<Changes>,
}

/// Sent when the key's document changes or goes.
#[derive(Debug, Default)]
struct Changes(watch::Sender<()>);

/// A key that a stream was opened with.
#[derive(Default)]
pub(super) struct HeldKey {
    /// The place where changes of keys are heard of; `None` where the caller came in without a key of the store.
    changes: Option<(Arc<Lived<Changes>>, watch::Receiver<()>)>,
    end: Option<Instant>,
}

impl HeldKeys {
    pub(super) fn new(catalog: Arc<Catalog<ToolCompiler>>) -> Self {
        Self {
            catalog,
            changes: Home::default(),
        }
    }

    /// The key from now on.
    pub(super) fn hold(&self, grant: Option<&Grant>) -> HeldKey {
        let Some(grant) = grant else {
            return HeldKey::default();
        };
        let changes = self.changes.of(grant.key());
        let mut hears = changes.0.subscribe();
        // What changed since it was shown nobody heard of.
        if !self.is_still(grant) {
            hears.mark_changed();
        }
        let end = grant.end.map(|end| {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            // Timers do not reach further.
            Instant::now() + left.min(Duration::from_secs(365 * 24 * 60 * 60))
        });
        HeldKey {
            changes: Some((changes, hears)),
            end,
        }
    }

    fn is_still(&self, grant: &Grant) -> bool {
        let snapshot = self.catalog.snapshot();
        let keys = snapshot.documents(Kind::API_KEY);
        keys.and_then(|keys| keys.get(grant.key()))
            .is_some_and(|entry| entry.revision == grant.revision)
    }

    /// Called after these definitions changed.
    pub(super) fn changed<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) {
        for key in keys.into_iter().filter(|key| key.kind == Kind::API_KEY) {
            if let Some(changes) = self.changes.find(&key.id) {
                changes.0.send_replace(());
            }
        }
    }
}

impl HeldKey {
    /// Returns when it is not what it was any more: it changed, was revoked or has ended.
    pub(super) async fn is_over(&mut self) {
        let end = async {
            match self.end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => pending().await,
            }
        };
        let changed = async {
            match &mut self.changes {
                // The sender is held, so that an error cannot be.
                Some((_, hears)) => drop(hears.changed().await),
                None => pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            () = changed => {}
        }
    }
}
