//! How the data source is doing, for `/admin/status`, `/readyz?strict` and metrics.

use crate::datasource::SourceError;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// Written by [`run`](super::run), read by whoever wants to know.
#[derive(Debug, Default)]
pub struct SyncStatus {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    connected: bool,
    /// Whether everything was loaded from the source once.
    loaded: bool,
    /// Loss was announced and not taken back.
    lost: bool,
    last_contact: Option<SystemTime>,
    last_error: Option<String>,
}

impl SyncStatus {
    /// A status that is not connected, and never was.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes are arriving, as far as one can know.
    pub fn connected(&self) -> bool {
        self.state().connected
    }

    /// What is served came from the source, and not from a stopgap.
    pub fn has_loaded(&self) -> bool {
        self.state().loaded
    }

    /// What is served may be behind the store.
    pub fn stale(&self) -> bool {
        !self.connected()
    }

    /// When the source last answered; while connected that is no older than its last change.
    pub fn last_contact(&self) -> Option<SystemTime> {
        self.state().last_contact
    }

    /// The last thing that went wrong, kept after it is over.
    pub fn last_error(&self) -> Option<String> {
        self.state().last_error.clone()
    }

    /// How long nothing was heard of a lost source; zero while connected, `None` if it was never there.
    pub fn lag(&self) -> Option<Duration> {
        let state = self.state();
        if state.connected {
            return Some(Duration::ZERO);
        }
        state
            .last_contact
            .map(|contact| contact.elapsed().unwrap_or_default())
    }

    pub(super) fn loaded(&self) {
        self.state().loaded = true;
    }

    pub(super) fn working(&self) {
        let mut state = self.state();
        state.connected = true;
        state.last_contact = Some(SystemTime::now());
        if std::mem::take(&mut state.lost) {
            tracing::info!("the data source is back");
        }
    }

    pub(super) fn failed(&self, error: &SourceError) {
        let mut state = self.state();
        if std::mem::take(&mut state.connected) {
            state.last_contact = Some(SystemTime::now());
        }
        state.last_error = Some(error.to_string());
        if !std::mem::replace(&mut state.lost, true) {
            tracing::warn!(%error, "the data source is lost; serving what is here, trying again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
