//! What is kept of sessions in this process, beside what their ids say: all of it is about requests that are open here,
//! or can be lost without harm (`docs/adr/0019-relays-need-affinity.md`).

use crate::relay::{LogLevel, OpenCalls, Pending};
use moka::sync::Cache;
use std::{sync::Arc, time::Duration};

/// Sessions whose level is remembered at the most.
const MAX_LEVELS: u64 = 100_000;

/// Open requests in both directions, and the level that each client wants.
pub(super) struct SessionState {
    /// Requests of clients.
    pub(super) open_calls: Arc<OpenCalls>,
    /// Requests to clients; `None` where the system gives no randomness, and nobody is asked.
    pub(super) pending: Option<Arc<Pending>>,
    levels: Cache<Arc<str>, LogLevel>,
}

impl SessionState {
    pub(super) fn new(lifetime: Duration) -> Self {
        let levels = Cache::builder()
            .max_capacity(MAX_LEVELS)
            .time_to_live(lifetime)
            .build();
        Self {
            open_calls: Arc::default(),
            pending: Pending::new(),
            levels,
        }
    }

    /// `logging/setLevel`.
    pub(super) fn set_level(&self, session: &Arc<str>, level: LogLevel) {
        self.levels.insert(session.clone(), level);
    }

    pub(super) fn level(&self, session: &str) -> Option<LogLevel> {
        self.levels.get(session)
    }
}
