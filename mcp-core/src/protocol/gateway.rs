//! What all workers share: views, streams, sessions, metrics.

#[cfg(test)]
mod tests;

use super::{
    Attended, Reply,
    abandoned::{Abandoned, AbandonedSettings},
    conversation::Talk,
    held_key::{Doorman, HeldKeys},
    idle_sessions::IdleSessions,
    list_changed::ListChanged,
    parked::Parked,
    session::Sessions,
    session_state::SessionState,
};
use crate::{
    policy::Policy,
    telemetry::Metrics,
    tool::ToolCompiler,
    via::{Loop, Via},
    view::{Inventories, ViewSettings, Views},
};
use http::HeaderMap;
use mcp_common::catalog::Catalog;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How the protocol is spoken.
#[derive(Clone, Debug)]
pub struct ProtocolSettings {
    /// How lists are answered.
    pub view: ViewSettings,
    /// Signs session ids; the same on all replicas, so that a session survives one.
    pub session_secret: [u8; 32],
    /// How long a session id is good.
    pub session_lifetime: Duration,
    /// How long a session may go unused; `None` for any time.
    pub session_idle: Option<Duration>,
    /// Open streams of list changes at the most.
    pub max_streams: u32,
    /// The same for one client.
    pub max_streams_per_client: u32,
    /// What goes on without its client.
    pub abandoned: AbandonedSettings,
    /// How loops are found; `None` for not at all.
    pub via: Option<Via>,
}

/// What a [`Gateway`] is made of.
pub struct GatewayParts {
    /// All definitions.
    pub catalog: Arc<Catalog<ToolCompiler>>,
    /// How the protocol is spoken.
    pub settings: ProtocolSettings,
    /// What other servers offer through instances.
    pub inventories: Arc<dyn Inventories>,
    /// Who may do what.
    pub policy: Policy,
    /// Registered by the owner of the registry.
    pub metrics: Metrics,
    /// Ends open streams.
    pub shutdown: CancellationToken,
}

/// Shared by all workers.
pub struct Gateway {
    /// Instances by id.
    pub views: Arc<Views>,
    /// Who may do what, at every door.
    pub policy: Policy,
    pub(super) list_changed: ListChanged,
    pub(super) sessions: Sessions,
    pub(super) session_state: SessionState,
    pub(super) idle_sessions: Arc<IdleSessions>,
    /// Calls that wait for answers of clients; `None` where the system gives no randomness, and nobody is asked.
    pub(super) parked: Option<Arc<Parked<Box<Talk>>>>,
    pub(super) metrics: Metrics,
    pub(super) max_streams: i64,
    pub(super) max_streams_per_client: u32,
    pub(super) via: Option<Via>,
    pub(super) keys: HeldKeys,
    abandoned: Arc<Abandoned>,
    pub(super) shutdown: CancellationToken,
}

impl Gateway {
    /// Listens to the catalog from now on.
    pub fn new(parts: GatewayParts) -> Arc<Self> {
        let GatewayParts {
            catalog,
            settings,
            inventories,
            policy,
            metrics,
            shutdown,
        } = parts;
        let views = Views::new(catalog.clone(), inventories, settings.view, metrics.clone());
        let views = Arc::new(views);
        let gateway = Arc::new(Self {
            list_changed: ListChanged::new(views.clone()),
            views,
            policy,
            session_state: SessionState::new(settings.session_lifetime),
            idle_sessions: Arc::new(IdleSessions::new(
                settings.session_idle,
                settings.session_lifetime,
            )),
            parked: Parked::new(),
            sessions: Sessions::new(settings.session_secret, settings.session_lifetime),
            abandoned: Abandoned::new(settings.abandoned, metrics.clone()),
            metrics,
            max_streams: settings.max_streams.into(),
            max_streams_per_client: settings.max_streams_per_client,
            via: settings.via,
            keys: HeldKeys::new(catalog.clone()),
            shutdown,
        });
        let listener = Arc::downgrade(&gateway);
        catalog.subscribe(Arc::new(move |applied| {
            let Some(gateway) = listener.upgrade() else { return };
            gateway.changed(&applied.instances);
            gateway.keys.instances_changed(&applied.instances);
            gateway.keys.changed(&applied.others);
        }));
        gateway
    }

    /// Called when these instances may look different: by the catalog, and by whoever owns the inventories after one of them
    /// changed. From the next request on they are rendered anew, and who listens to one is told of what really differs.
    pub fn changed<'a>(&self, instances: impl IntoIterator<Item = &'a Arc<str>>) {
        for instance in instances {
            let before = self.views.invalidate(instance);
            self.list_changed.note(instance, before);
        }
    }

    /// Called when those who let callers in are others: streams of whom this one does not let in any more end. Keys of the store are none of
    /// its business.
    pub fn guard_changed(&self, doorman: Arc<dyn Doorman>) {
        self.keys.guard_changed(doorman);
    }

    /// Whether a request with these headers did not come out of this gateway itself, nor through too many others.
    pub fn check_way(&self, headers: &HeaderMap) -> Result<(), Loop> {
        self.via.as_ref().map_or(Ok(()), |via| via.check(headers))
    }

    /// Waits for work that goes on within the bounds if nobody waits any more.
    pub fn attend(&self, work: JoinHandle<Reply>, client: Arc<str>) -> Attended {
        Attended::new(work, self.abandoned.clone(), client)
    }

    /// Announces list changes until shutdown, and ends sessions that nobody uses; runs on the control plane.
    pub async fn announce_changes(&self) {
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = self.list_changed.run() => {}
            () = self.end_idle_sessions() => {}
        }
    }

    async fn end_idle_sessions(&self) {
        let Some(pause) = self.idle_sessions.pause() else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(pause).await;
            for session in self.idle_sessions.take_over() {
                self.end_session(&session);
            }
        }
    }

    /// Ends a session: its id is unknown from now on.
    pub(super) fn end_session(&self, id: &str) {
        self.sessions.delete(id);
        self.session_state.end(id);
    }
}
