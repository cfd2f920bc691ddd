//! What is kept of sessions in this process, beside what their ids say: all of it is about requests that are open here,
//! or can be lost without harm (`docs/adr/0019-relays-and-replicas.md`).

use crate::relay::{LogLevel, OpenCalls, Pending, Updates, Watch};
use moka::{policy::EvictionPolicy, sync::Cache};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Sessions whose level is remembered at the most.
const MAX_LEVELS: u64 = 100_000;

/// Bytes of the names of clients, with those of their sessions. Who is not among them has the name of its program in the log.
const MAX_NAMES: u64 = 8 << 20;
/// What a cache needs for an entry beside its texts.
const ENTRY: usize = 128;

/// Sessions whose subscriptions are kept at the most.
const MAX_WATCHING: u64 = 10_000;
/// Subscriptions of one session, or of one stream, at the most.
pub(super) const MAX_WATCHES: usize = 1_000;
/// Bytes of the URI of each at the most: they are held for as long as the session.
pub(super) const MAX_WATCHED_URI: usize = 8 << 10;

/// What a session wants to hear of: changes wait here until its stream tells them.
#[derive(Default)]
pub(super) struct Watches {
    pub(super) updates: Arc<Updates>,
    held: Mutex<HashMap<Box<str>, Watch>>,
}

impl Watches {
    /// Whether there may be one more.
    pub(super) fn has_room(&self, uri: &str) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.len() < MAX_WATCHES || held.contains_key(uri)
    }

    /// `false` where others took the room meanwhile.
    pub(super) fn hold(&self, uri: &str, watch: Watch) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = held.len() < MAX_WATCHES || held.contains_key(uri);
        // What is not held ends here, after the lock is given back.
        let _ended = match has_room {
            true => held.insert(uri.into(), watch),
            false => Some(watch),
        };
        drop(held);
        has_room
    }

    /// Ends all but those of these URIs.
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let ended: Vec<_> = held.extract_if(|uri, _| !keep(uri)).collect();
        // They end after the lock is given back.
        drop(held);
        drop(ended);
    }

    pub(super) fn release(&self, uri: &str) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(uri);
    }
}

/// Open requests in both directions, what each client calls itself, and the level that it wants.
pub(super) struct SessionState {
    /// Requests of clients.
    pub(super) open_calls: Arc<OpenCalls>,
    /// Requests to clients; `None` where the system gives no randomness, and nobody is asked.
    pub(super) pending: Option<Arc<Pending>>,
    levels: Cache<Arc<str>, LogLevel>,
    clients: Cache<Arc<str>, Arc<str>>,
    watches: Cache<Arc<str>, Arc<Watches>>,
}

impl SessionState {
    pub(super) fn new(lifetime: Duration) -> Self {
        let levels = Cache::builder()
            .max_capacity(MAX_LEVELS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(lifetime)
            .build();
        Self {
            open_calls: Arc::default(),
            pending: Pending::new(),
            levels,
            clients: Cache::builder()
                .weigher(|session: &Arc<str>, name: &Arc<str>| {
                    u32::try_from(session.len() + name.len() + ENTRY).unwrap_or(u32::MAX)
                })
                .max_capacity(MAX_NAMES)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(lifetime)
                .build(),
            watches: Cache::builder()
                .max_capacity(MAX_WATCHING)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(lifetime)
                .build(),
        }
    }

    /// The subscriptions of a session.
    pub(super) fn watches(&self, session: &Arc<str>) -> Arc<Watches> {
        self.watches.get_with(session.clone(), Arc::default)
    }

    /// Forgets a session that is over.
    pub(super) fn end(&self, session: &str) {
        self.levels.invalidate(session);
        self.clients.invalidate(session);
        self.watches.invalidate(session);
        // The cache would keep what is removed, and with it the subscriptions, until somebody asks for something.
        self.watches.run_pending_tasks();
    }

    /// What the client of a session calls itself.
    pub(super) fn set_client(&self, session: Arc<str>, name: Arc<str>) {
        self.clients.insert(session, name);
    }

    pub(super) fn client(&self, session: &str) -> Option<Arc<str>> {
        self.clients.get(session)
    }

    /// `logging/setLevel`.
    pub(super) fn set_level(&self, session: &Arc<str>, level: LogLevel) {
        self.levels.insert(session.clone(), level);
    }

    pub(super) fn level(&self, session: &str) -> Option<LogLevel> {
        self.levels.get(session)
    }
}
