//! Has records written beside requests: what gathers in a moment is written together, and what could not be written is tried again.

use super::{
    buffer::{Buffer, Event, Item},
    writer::{Writer, Written},
};
use crate::telemetry::metrics::AuditMetrics;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// How long records gather before they are written together.
const GATHER: Duration = Duration::from_millis(50);
/// Before the next attempt after one that failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often refusals that have no record of their own are told of.
const REFUSALS: Duration = Duration::from_secs(60);

/// What a task that is started again goes on with.
pub(super) struct Keeper {
    pub(super) buffer: Arc<Buffer>,
    pub(super) metrics: Arc<AuditMetrics>,
    /// `None` when the log has ended.
    writer: Mutex<Option<Writer>>,
    state: Mutex<State>,
}

struct State {
    /// Said once, until it works again.
    has_failed: bool,
    told_of_refusals: Instant,
}

impl Keeper {
    pub(super) fn new(buffer: Arc<Buffer>, metrics: Arc<AuditMetrics>, writer: Writer) -> Arc<Self> {
        Arc::new(Self {
            buffer,
            metrics,
            writer: Mutex::new(Some(writer)),
            state: Mutex::new(State {
                has_failed: false,
                told_of_refusals: Instant::now(),
            }),
        })
    }

    /// Runs until the log is closed and everything is written that can be.
    pub(super) async fn run(self: Arc<Self>) {
        let closed = self.buffer.closed.clone();
        loop {
            let is_failing = self.state().has_failed;
            let is_end = tokio::select! {
                biased;
                () = closed.cancelled() => true,
                () = self.buffer.arrived() => false,
                () = sleep(RETRY), if is_failing => false,
                () = sleep(REFUSALS) => false,
            };
            if !is_end {
                let _ = timeout(GATHER, closed.cancelled()).await;
            }
            let keeper = self.clone();
            let turn = tokio::task::spawn_blocking(move || keeper.turn(is_end)).await;
            if let Err(panicked) = turn
                && panicked.is_panic()
            {
                std::panic::resume_unwind(panicked.into_panic());
            }
            if is_end {
                return;
            }
        }
    }

    fn turn(&self, is_end: bool) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = writer.as_mut() else { return };
        let with_refusals = is_end || self.state().told_of_refusals.elapsed() >= REFUSALS;
        if with_refusals {
            self.state().told_of_refusals = Instant::now();
        }
        open.take_in(self.buffer.take(with_refusals));
        if is_end {
            open.take_in(vec![Item::Event(Event::Stop)]);
        }
        let written = self.write_all(open);
        self.say(written, open);
        if is_end {
            open.sync();
            let (waiting, head) = (open.waiting(), open.head());
            if waiting > 0 {
                self.metrics.lost.inc_by(waiting);
                tracing::error!(records = waiting, "the audit log ends without its last records");
            }
            tracing::info!(seq = head.seq, hash = head.hash, "the audit log ends here");
            // Whoever comes next may write there.
            *writer = None;
        }
    }

    fn write_all(&self, writer: &mut Writer) -> io::Result<()> {
        while !writer.is_done() {
            let Written { records, room } = writer.write()?;
            self.metrics.records.inc_by(records);
            self.buffer.written(room);
        }
        Ok(())
    }

    fn say(&self, written: io::Result<()>, writer: &Writer) {
        let mut state = self.state();
        let had_failed = std::mem::replace(&mut state.has_failed, written.is_err());
        drop(state);
        self.metrics.failing.set(i64::from(written.is_err()));
        match written {
            Err(error) if !had_failed => tracing::error!(
                %error,
                waiting = writer.waiting(),
                "the audit log cannot be written; records wait in memory (audit.buffer) and are tried again every second: free some \
                 space, or give this user the right to write there (audit.dir)"
            ),
            Ok(()) if had_failed => tracing::info!("the audit log can be written again"),
            _ => {}
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
