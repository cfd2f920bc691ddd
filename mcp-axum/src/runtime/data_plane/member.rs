//! One worker, seen from outside: connections wait here until it takes them.

use super::Accepted;
use crate::runtime::watchdog::Vital;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// A worker that has been silent for so long gets no connections while another one is there.
const LATE: Duration = Duration::from_secs(1);

/// Shared by the worker and those who give it work.
pub(super) struct Member {
    vital: Arc<Vital>,
    mailbox: Mutex<Mailbox>,
    arrived: Notify,
    /// Connections handed over and not closed yet.
    open: AtomicUsize,
}

#[derive(Default)]
struct Mailbox {
    waiting: VecDeque<Accepted>,
    is_closed: bool,
}

impl Member {
    pub(super) fn new(vital: Arc<Vital>) -> Self {
        Self {
            vital,
            mailbox: Mutex::default(),
            arrived: Notify::new(),
            open: AtomicUsize::new(0),
        }
    }

    /// Open connections.
    pub(super) fn load(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn silence(&self) -> Duration {
        self.vital.silence()
    }

    pub(super) fn is_late(&self) -> bool {
        self.silence() >= LATE
    }

    /// What the worker is doing, for people.
    pub(super) fn describe(&self) -> String {
        format!("{} (doing: {})", self.vital.name(), self.vital.doing())
    }

    /// Comes back from a worker that has ended.
    pub(super) fn give(&self, accepted: Accepted) -> Result<(), Accepted> {
        let mut mailbox = self.lock();
        if mailbox.is_closed {
            return Err(accepted);
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        mailbox.waiting.push_back(accepted);
        drop(mailbox);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next connection to serve. Only one may wait for it.
    pub(super) async fn next(&self) -> Accepted {
        loop {
            if let Some(accepted) = self.lock().waiting.pop_front() {
                return accepted;
            }
            self.arrived.notified().await;
        }
    }

    /// Takes back the connections that it has not begun to serve.
    pub(super) fn take_back(&self) -> Vec<Accepted> {
        let waiting: Vec<_> = self.lock().waiting.drain(..).collect();
        self.open.fetch_sub(waiting.len(), Ordering::Relaxed);
        waiting
    }

    /// One that was given is closed.
    pub(super) fn closed_one(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Closes the door: nothing more is served; what waits is lost.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        drop(self.take_back());
    }

    fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
