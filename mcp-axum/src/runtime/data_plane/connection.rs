//! What is known about a connection while it is open: whether a request is in progress on it, and what its client owes us.

use crate::app::{Phase, Readiness};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What a client has to take or to send in a second, on the average, after the time that it may do nothing at all.
pub(super) const LEAST_RATE: u64 = 16 << 10;

/// Requests of one connection. Written by the worker's own thread only, hence relaxed everywhere.
///
/// It is the one thing that a request clones from its connection, so what a request needs at its end is in here: a
/// reference count that all workers share would bounce between their CPUs.
#[derive(Debug)]
pub(super) struct Usage {
    readiness: Readiness,
    in_progress: AtomicU32,
    begun: AtomicU32,
    /// Bytes.
    written: AtomicU64,
    /// Something of a request was read whose head is not complete.
    is_reading_head: AtomicBool,
    /// The system takes nothing more: the client does not read.
    is_blocked: AtomicBool,
    /// How many sweeps have seen it idle, one after the other.
    idle_sweeps: AtomicU32,
    /// How long a client may do nothing.
    patience: Duration,
    /// Large pieces of answers that are not written yet, and all of HTTP/2, whose client opens a window for each one.
    owed: Mutex<Owed>,
}

#[derive(Debug, Default)]
struct Owed {
    next: u64,
    /// When each of them has to be gone.
    until: BTreeMap<u64, Instant>,
}

/// A piece of an answer that is not written yet.
#[derive(Debug)]
pub(super) struct Debt {
    usage: Arc<Usage>,
    number: u64,
}

impl Usage {
    pub(super) fn new(readiness: Readiness, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            readiness,
            in_progress: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            written: AtomicU64::new(0),
            is_reading_head: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            idle_sweeps: AtomicU32::new(0),
            patience,
            owed: Mutex::default(),
        })
    }

    pub(super) fn begin(self: &Arc<Self>) -> InProgress {
        self.is_reading_head.store(false, Ordering::Relaxed);
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        InProgress(self.clone())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_progress.load(Ordering::Relaxed) == 0
    }

    /// Something came through the socket that may be the beginning of a request's head.
    pub(super) fn read(&self) {
        if self.is_idle() {
            self.is_reading_head.store(true, Ordering::Relaxed);
        }
    }

    /// What comes is no head of HTTP/1.
    pub(super) fn no_head(&self) {
        self.is_reading_head.store(false, Ordering::Relaxed);
    }

    /// Whether a head has begun that is not complete.
    pub(super) fn is_reading_head(&self) -> bool {
        self.is_reading_head.load(Ordering::Relaxed)
    }

    /// Notes that so many bytes left through the socket.
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
        self.is_blocked.store(false, Ordering::Relaxed);
    }

    /// The socket takes nothing more.
    pub(super) fn blocked(&self) {
        self.is_blocked.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    /// How many requests and bytes to the socket there have been; two equal readings mean that nothing happened in
    /// between. hyper is done with an answer as soon as it has its last piece, long before a slow client has.
    pub(super) fn activity(&self) -> (u32, u64) {
        (
            self.begun.load(Ordering::Relaxed),
            self.written.load(Ordering::Relaxed),
        )
    }

    /// A sweep has looked; the connection has been idle for so many of them.
    pub(super) fn swept(&self, idle: u32) {
        self.idle_sweeps.store(idle, Ordering::Relaxed);
    }

    pub(super) fn idle_sweeps(&self) -> u32 {
        self.idle_sweeps.load(Ordering::Relaxed)
    }

    /// Nobody waits for anything on it: it may be closed like any connection that is kept open in case it is needed.
    pub(super) fn is_spare(&self) -> bool {
        self.is_idle() && !self.is_reading_head() && self.owes_nothing()
    }

    /// The client has to take so many bytes.
    pub(super) fn owe(self: &Arc<Self>, bytes: u64) -> Debt {
        let until = Instant::now() + self.patience + Duration::from_secs(bytes / LEAST_RATE);
        let mut owed = self.owed();
        let number = owed.next;
        owed.next += 1;
        owed.until.insert(number, until);
        Debt {
            usage: self.clone(),
            number,
        }
    }

    /// Whether there is something that the client should have taken by now.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.owed().until.values().any(|until| *until <= now)
    }

    /// Whether the client has nothing to take.
    pub(super) fn owes_nothing(&self) -> bool {
        self.owed().until.is_empty()
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.usage.owed().until.remove(&self.number);
    }
}

/// One request, from its head to the last byte of its answer.
pub(super) struct InProgress(Arc<Usage>);

impl InProgress {
    /// Where the gateway is in its life now.
    pub(super) fn phase(&self) -> Phase {
        self.0.readiness.phase()
    }

    pub(super) fn usage(&self) -> &Arc<Usage> {
        &self.0
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}
