//! What let a caller in, for as long as somebody uses what it opened: a stream ends with its key, with the roles that opened it, when its instance
//! lets in others, and when those who let callers in are others who would not.

mod doorman;

use super::Exchange;
use crate::{
    live::{Home, Lived},
    tool::ToolCompiler,
};
use doorman::{AtDoor, Door};
pub use doorman::{Caller, Doorman};
use mcp_common::{
    catalog::Catalog,
    definition::{InstanceDefinition, instance::InstanceAuth},
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
    instances: Home<Changes>,
    /// Sent when the document of a role changes or goes.
    roles: watch::Sender<()>,
    /// Who lets callers in, once that has changed.
    door: watch::Sender<Door>,
}

/// Sent when the document of the key, or of the instance, changes or goes.
#[derive(Debug, Default)]
struct Changes(watch::Sender<()>);

/// A document, and how its changes are heard of.
type Heard = (Arc<Lived<Changes>>, watch::Receiver<()>);

/// What a stream was opened with.
pub(super) struct HeldKey {
    /// The place where changes of keys are heard of; `None` where the caller came in without a key of the store.
    changes: Option<Heard>,
    /// Of roles, where they say something about it.
    roles: Option<watch::Receiver<()>>,
    end: Option<Instant>,
    /// Whom the configuration lets in; `None` for keys of the store, and where everybody is let in.
    guard: Option<AtDoor>,
    instance: HeldInstance,
}

/// An instance that lets in the same callers.
struct HeldInstance {
    heard: Heard,
    definition: Arc<InstanceDefinition>,
    catalog: Arc<Catalog<ToolCompiler>>,
}

impl HeldKeys {
    pub(super) fn new(catalog: Arc<Catalog<ToolCompiler>>) -> Self {
        Self {
            catalog,
            changes: Home::default(),
            instances: Home::default(),
            roles: watch::Sender::default(),
            door: watch::Sender::default(),
        }
    }

    /// What let this caller in, from now on.
    pub(super) fn hold(&self, exchange: &Exchange<'_>) -> HeldKey {
        let definition = &exchange.view.entry.definition;
        let grant = exchange.principal.grant.as_deref();
        let key = grant.and_then(|grant| grant.key());
        let mut changes = key.map(|key| heard(&self.changes, key));
        let depends_on_roles = grant.is_some_and(|grant| grant.depends_on_roles());
        let mut roles = depends_on_roles.then(|| self.roles.subscribe());
        // What changed since it was shown nobody heard of.
        if grant.is_some_and(|grant| !grant.is_still(&*self.catalog)) {
            if let Some((_, hears)) = &mut changes {
                hears.mark_changed();
            }
            if let Some(hears) = &mut roles {
                hears.mark_changed();
            }
        }
        let end = grant.and_then(|grant| grant.end).map(|end| {
            let left = end.duration_since(SystemTime::now()).unwrap_or_default();
            // Timers do not reach further.
            Instant::now() + left.min(Duration::from_secs(365 * 24 * 60 * 60))
        });
        let is_guarded = key.is_none() && definition.auth != InstanceAuth::None;
        let mut instance = HeldInstance {
            heard: heard(&self.instances, &definition.id),
            definition: definition.clone(),
            catalog: self.catalog.clone(),
        };
        instance.heard.1.mark_changed();
        HeldKey {
            changes,
            roles,
            end,
            guard: is_guarded.then(|| AtDoor::new(exchange, self.door.subscribe())),
            instance,
        }
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

    /// Called after these instances changed.
    pub(super) fn instances_changed<'a>(&self, ids: impl IntoIterator<Item = &'a Arc<str>>) {
        for changes in ids.into_iter().filter_map(|id| self.instances.find(id)) {
            changes.0.send_replace(());
        }
    }

    /// Called after those who let callers in changed.
    pub(super) fn guard_changed(&self, doorman: Arc<dyn Doorman>) {
        self.door.send_replace(Some(doorman));
    }
}

/// Hears of the document of this id from now on.
fn heard(home: &Home<Changes>, id: &Arc<str>) -> Heard {
    let changes = home.of(id);
    let hears = changes.0.subscribe();
    (changes, hears)
}

impl HeldInstance {
    /// Returns when it lets in others. That it is gone is heard of elsewhere.
    async fn lets_in_others(&mut self) {
        loop {
            // The sender is held, so that an error cannot be.
            let _ = self.heard.1.changed().await;
            let now = self
                .catalog
                .snapshot()
                .instances
                .get(&self.definition.id)
                .cloned();
            let is_other = now.is_some_and(|now| {
                let (now, before) = (&now.definition, &self.definition);
                now.auth != before.auth || now.access != before.access
            });
            if is_other {
                return;
            }
        }
    }
}

impl HeldKey {
    /// Returns when it is not what it was any more: it or a role changed, it was revoked or has ended, or it opens this no more.
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
        let shut_out = async {
            match &mut self.guard {
                Some(guard) => guard.is_shut_out().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = end => {}
            () = changed => {}
            () = role => {}
            () = shut_out => {}
            () = self.instance.lets_in_others() => {}
        }
    }
}
