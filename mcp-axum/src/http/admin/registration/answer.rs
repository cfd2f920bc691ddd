//! What is answered, as clients of registries read it.

use crate::{app::App, timestamp::rfc3339};
use mcp_common::discovery::{Entry, Registration};
use mcp_core::upstream::State as Connection;
use serde::Serialize;

/// One server.
#[derive(Serialize)]
pub(super) struct ServerState {
    #[serde(flatten)]
    registration: Registration,
    /// The upstream's id.
    id: String,
    registered_at: String,
    pub(super) last_seen: String,
    /// `active`, or `stale` when it was not heard of in time.
    status: &'static str,
    /// Whether the gateway can call it; absent while it is no upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
}

/// Those that are wanted.
#[derive(Serialize)]
pub(super) struct Discovered {
    pub(super) servers: Vec<ServerState>,
    pub(super) count: usize,
}

/// How the registry is doing.
#[derive(Serialize)]
pub(super) struct Summary {
    pub(super) status: &'static str,
    pub(super) servers: usize,
    pub(super) active: usize,
    pub(super) stale: usize,
    pub(super) stale_after: u64,
    /// Whether other replicas of the gateway have them, too.
    pub(super) shared: bool,
    pub(super) uptime_seconds: u64,
}

impl ServerState {
    pub(super) fn of(app: &App, entry: Entry) -> Self {
        Self {
            connection: app.hub.status(&entry.id).map(|status| status.state),
            registration: entry.registration,
            id: entry.id,
            registered_at: rfc3339(entry.registered_at),
            last_seen: rfc3339(entry.last_seen),
            status: if entry.is_stale { "stale" } else { "active" },
        }
    }
}
