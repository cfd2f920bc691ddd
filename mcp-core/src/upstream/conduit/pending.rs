//! Who waits for which answer.

use crate::{
    relay,
    upstream::{asked::GOES_ON, error::UpstreamError},
};
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::oneshot;

/// The result, as the server wrote it.
pub(super) type Answer = Result<Bytes, UpstreamError>;

/// All requests that are under way.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: Mutex<HashMap<u64, Waiting>>,
    /// When the last request was given up that the server may still work on.
    given_up: Mutex<Option<Instant>>,
}

/// One request whose answer is waited for.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) line: Option<relay::Line>,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, id: u64, waiting: Waiting) {
        self.lock().insert(id, waiting);
    }

    /// Nobody waits any more; `false` where the answer was there.
    pub(super) fn give_up(&self, id: u64) -> bool {
        let was_waiting = self.lock().remove(&id).is_some();
        if was_waiting {
            *self.given_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        was_waiting
    }

    /// The client of a request, or of the only one that has a client. Nobody's where it may belong to a request that was given
    /// up: a server goes on for a while, and what it says then is not for the next client.
    pub(super) fn line_of(&self, id: Option<u64>) -> Option<relay::Line> {
        let waiting = self.lock();
        match id {
            Some(id) => waiting.get(&id)?.line.clone(),
            None => {
                let given_up = *self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
                if given_up.is_some_and(|at| at.elapsed() < GOES_ON) {
                    return None;
                }
                let mut lines = waiting.values().filter_map(|one| one.line.as_ref());
                let only = lines.next()?;
                lines.next().is_none().then(|| only.clone())
            }
        }
    }

    /// Whether somebody waited for it.
    pub(super) fn settle(&self, id: u64, answer: Answer) -> bool {
        let waiting = self.lock().remove(&id);
        waiting.is_some_and(|waiting| waiting.answer.send(answer).is_ok())
    }

    /// Nothing comes any more.
    pub(super) fn end(&self, reason: &str) {
        for (_, waiting) in self.lock().drain() {
            let _ = waiting.answer.send(Err(UpstreamError::Ended(reason.to_owned())));
        }
    }
}
