//! Keys of the store for as long as somebody uses what they opened: a stream ends with its key, or with the roles that opened it.

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
    /// Sent when the document of a role changes or goes.
    roles: watch::Sender<()>,
}

/// Sent when the key's document changes or goes.
#[derive(Debug, Default)]
struct Changes(watch::Sender<()>);

/// A key that a stream was opened with.
#[derive(Default)]
pub(super) struct HeldKey {
    /// The place where changes of keys are heard of; `None` where the caller came in without a key of the store.
    changes: Option<(Arc<Lived<Changes>>, watch::Receiver<()>)>,
    /// Of roles, where they say something about it.
    roles: Option<watch::Receiver<()>>,
    end: Option<Instant>,
}

impl HeldKeys {
    pub(super) fn new(catalog: Arc<Catalog<ToolCompiler>>) -> Self {
        Self {
            catalog,
            changes: Home::default(),
            roles: watch::Sender::default(),
        }
    }

    /// The key from now on.
    pub(super) fn hold(&self, grant: Option<&Grant>) -> HeldKey {
        let Some(grant) = grant else {
            return HeldKey::default();
        };
        let mut changes = grant.key().map(|key| {
            let changes = self.changes.of(key);
            let hears = changes.0.subscribe();
            (changes, hears)
        });
        let mut roles = grant.depends_on_roles().then(|| self.roles.subscribe());
        // What changed since it was shown nobody heard of.
        if !grant.is_still(&*self.catalog) {
            if let Some((_, hears)) = &mut changes {
                hears.mark_changed();
            }
            if let Some(hears) = &mut roles {
                hears.mark_changed();
            }
        }
        let end = grant.end.map(|end| {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            // Timers do not reach further.
            Instant::now() + left.min(Duration::from_secs(365 * 24 * 60 * 60))
        });
        HeldKey { changes, roles, end }
    }

    /// Called after these definitions changed.
    pub(super) fn changed<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) {
        for key in keys {
            if key.kind == Kind::ROLE {
                self.roles.send_replace(());
            } else if key.kind == Kind::API_KEY
                && let Some(changes) = self.changes.find(&key.id)
            {
                changes.0.send_replace(());
            }
        }
    }
}

impl HeldKey {
    /// Returns when it is not what it was any more: it or a role changed, it was revoked or has ended.
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
        let role = async {
            match &mut self.roles {
                // The senders go when the gateway does.
                Some(hears) => drop(hears.changed().await),
                None => pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            () = changed => {}
            () = role => {}
        }
    }
}
