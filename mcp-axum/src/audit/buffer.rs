//! Records in memory until they are written: a call copies its own in under a short lock and goes on.

use super::entry::Entry;
use crate::telemetry::metrics::AuditMetrics;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What is to be written, in this order.
#[derive(Debug)]
pub(super) enum Item {
    Entry(Box<Entry>),
    Event(Event),
}

/// What happened to the log itself.
#[derive(Debug)]
pub(super) enum Event {
    /// A process begins to write here; the last line of the one before has so many bytes, and is none.
    Start { torn: Option<u64> },
    /// The process ends as it should.
    Stop,
    /// So many records were lost from then on, since there was no room for them.
    Gap { lost: u64, since: SystemTime },
    /// So many more requests without a good key were refused.
    Refusals { count: u64 },
    /// The files up to this record are removed, as `audit.max_files` has it.
    Removed { through: u64 },
}

/// The records of one gateway that are not written yet.
pub(super) struct Buffer {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// In bytes.
    most: usize,
    metrics: Arc<AuditMetrics>,
    /// The gateway ends: what is there is written, and nothing comes any more.
    pub(super) closed: CancellationToken,
}

#[derive(Default)]
#[expect(
    clippy::vec_box,
    reason = "what is moved under the lock is small, and goes on as it is"
)]
struct Waiting {
    entries: Vec<Box<Entry>>,
    /// Of the entries, of what is being written, and of what is promised.
    bytes: usize,
    lost: u64,
    lost_since: Option<SystemTime>,
    refusals: u64,
}

/// Room for a record that will come.
pub(super) struct Room {
    buffer: Arc<Buffer>,
    bytes: usize,
}

impl Buffer {
    pub(super) fn new(most: usize, metrics: Arc<AuditMetrics>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            most,
            metrics,
            closed: CancellationToken::new(),
        })
    }

    /// Takes a record; it is lost and counted where there is no room.
    pub(super) fn push(&self, entry: Box<Entry>) {
        let size = entry.size();
        let mut waiting = self.lock();
        if waiting.bytes + size > self.most {
            waiting.lost += 1;
            waiting.lost_since.get_or_insert(entry.at);
            drop(waiting);
            self.metrics.lost.inc();
            return;
        }
        self.take_in(waiting, entry, size);
    }

    /// Room for a record of that size, if there is any.
    pub(super) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Room> {
        let mut waiting = self.lock();
        if waiting.bytes + bytes > self.most {
            return None;
        }
        waiting.bytes += bytes;
        Some(Room {
            buffer: self.clone(),
            bytes,
        })
    }

    /// Counts a refusal that has no record of its own.
    pub(super) fn count_refusal(&self) {
        self.lock().refusals += 1;
    }

    /// Waits until there is something to write.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// What has come since the last time, and what did not find room.
    pub(super) fn take(&self, with_refusals: bool) -> Vec<Item> {
        let mut waiting = self.lock();
        let entries = mem::take(&mut waiting.entries);
        let lost = mem::take(&mut waiting.lost);
        let since = waiting.lost_since.take().unwrap_or_else(SystemTime::now);
        let count = match with_refusals {
            true => mem::take(&mut waiting.refusals),
            false => 0,
        };
        drop(waiting);
        let mut items: Vec<Item> = entries.into_iter().map(Item::Entry).collect();
        items.extend((lost > 0).then_some(Item::Event(Event::Gap { lost, since })));
        items.extend((count > 0).then_some(Item::Event(Event::Refusals { count })));
        items
    }

    /// Gives back the room of what was written.
    pub(super) fn written(&self, bytes: usize) {
        let mut waiting = self.lock();
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
    }

    fn take_in(&self, mut waiting: MutexGuard<'_, Waiting>, entry: Box<Entry>, size: usize) {
        waiting.bytes += size;
        waiting.entries.push(entry);
        let is_first = waiting.entries.len() == 1;
        drop(waiting);
        if is_first {
            self.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Puts the record there.
    pub(super) fn fill(mut self, entry: Box<Entry>) {
        let size = entry.size();
        let mut waiting = self.buffer.lock();
        waiting.bytes = waiting.bytes.saturating_sub(mem::take(&mut self.bytes));
        self.buffer.take_in(waiting, entry, size);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.buffer.written(self.bytes);
        }
    }
}
