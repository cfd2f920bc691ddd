//! How an upstream is doing.

use mcp_common::definition::upstream::UpstreamTransport;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A connection is being made, or a program started.
    Connecting,
    /// It can be called.
    Ready,
    /// It cannot be called; another attempt follows.
    Waiting,
    /// Its definition is gone or switched off.
    Stopped,
}

/// How an upstream is doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The time since when that is so.
    pub since: SystemTime,
    /// Attempts since it was ready last.
    pub attempts: u32,
    /// What went wrong last; `None` if nothing did since it is ready.
    pub last_error: Option<String>,
    /// The time of the next attempt.
    pub next_attempt: Option<Instant>,
    /// How its messages travel, as this connection found out; `None` without one.
    pub transport: Option<UpstreamTransport>,
    /// Messages and lines of this connection that belonged to nothing.
    pub strays: u64,
}

/// Written by the supervisor, read by everybody.
#[derive(Debug)]
pub(super) struct StatusCell(Mutex<Status>);

impl Default for StatusCell {
    fn default() -> Self {
        Self(Mutex::new(Status {
            state: State::Connecting,
            since: SystemTime::now(),
            attempts: 0,
            last_error: None,
            next_attempt: None,
            transport: None,
            strays: 0,
        }))
    }
}

impl StatusCell {
    fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Status {
        self.lock().clone()
    }

    pub(super) fn connecting(&self) {
        let mut status = self.lock();
        status.attempts = status.attempts.saturating_add(1);
        status.next_attempt = None;
        Self::enter(&mut status, State::Connecting);
    }

    pub(super) fn ready(&self) {
        let mut status = self.lock();
        status.attempts = 0;
        status.last_error = None;
        status.next_attempt = None;
        Self::enter(&mut status, State::Ready);
    }

    pub(super) fn waiting(&self, error: String, until: Instant) {
        let mut status = self.lock();
        status.last_error = Some(error);
        status.next_attempt = Some(until);
        Self::enter(&mut status, State::Waiting);
    }

    pub(super) fn stopped(&self) {
        Self::enter(&mut self.lock(), State::Stopped);
    }

    fn enter(status: &mut Status, state: State) {
        if status.state != state {
            status.state = state;
            status.since = SystemTime::now();
        }
    }
}
