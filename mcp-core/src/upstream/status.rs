//! How an upstream is doing.

use crate::fleet::Outage;
use mcp_common::{
    definition::{UpstreamDefinition, upstream::UpstreamTransport},
    events::Events,
};
use serde_json::json;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    /// It cannot be called; another attempt follows, or (`auto_connect: false`) is made when somebody asks for it.
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

impl Status {
    /// Nobody has asked yet for a connection that is made only when somebody does (`auto_connect: false`).
    pub fn rests(&self, definition: &UpstreamDefinition) -> bool {
        let has_not_tried = self.attempts == 0 && self.next_attempt.is_none() && self.last_error.is_none();
        !definition.auto_connect && has_not_tried && self.state != State::Ready
    }

    /// The same where no endpoint is used: a connection may not have noticed yet, or need none of its own to be there.
    pub(super) fn with_outage(self, outage: Option<Outage>) -> Self {
        match outage {
            Some(outage) if self.state == State::Ready => Self {
                state: State::Waiting,
                since: outage.since.map_or(self.since, |since| since.max(self.since)),
                last_error: Some(outage.error),
                next_attempt: outage.retry_in.map(|wait| Instant::now() + wait),
                ..self
            },
            _ => self,
        }
    }
}

/// Written by the supervisor, read by everybody.
#[derive(Debug)]
pub(super) struct StatusCell {
    status: Mutex<Status>,
    /// What was told last.
    told: Mutex<State>,
    id: Arc<str>,
    events: Events,
}

impl StatusCell {
    /// Of an upstream; changes are told there.
    pub(super) fn telling(id: Arc<str>, events: Events) -> Self {
        let status = Status {
            state: State::Connecting,
            since: SystemTime::now(),
            attempts: 0,
            last_error: None,
            next_attempt: None,
            transport: None,
            strays: 0,
        };
        Self {
            status: Mutex::new(status),
            told: Mutex::new(State::Connecting),
            id,
            events,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Status {
        self.lock().clone()
    }

    pub(super) fn connecting(&self) {
        let mut status = self.lock();
        status.attempts = status.attempts.saturating_add(1);
        status.next_attempt = None;
        self.enter(&mut status, State::Connecting);
    }

    pub(super) fn ready(&self) {
        let mut status = self.lock();
        status.attempts = 0;
        status.last_error = None;
        status.next_attempt = None;
        self.enter(&mut status, State::Ready);
    }

    pub(super) fn waiting(&self, error: String, until: Instant) {
        let mut status = self.lock();
        status.last_error = Some(error);
        status.next_attempt = Some(until);
        self.enter(&mut status, State::Waiting);
    }

    /// It is connected when somebody asks for it.
    pub(super) fn resting(&self) {
        let mut status = self.lock();
        status.last_error = None;
        status.next_attempt = None;
        self.enter(&mut status, State::Waiting);
    }

    pub(super) fn stopped(&self) {
        self.enter(&mut self.lock(), State::Stopped);
    }

    fn enter(&self, status: &mut Status, state: State) {
        if status.state != state {
            status.state = state;
            status.since = SystemTime::now();
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, is_another_attempt) = (*told, (*told, state) == (State::Waiting, State::Connecting));
        if old != state && !is_another_attempt {
            *told = state;
            let members = json!({"upstream": self.id, "old": old, "new": state, "error": status.last_error});
            self.events.tell("upstream.status_changed", members);
        }
    }
}
