//! Has records written beside requests: what gathers in a moment is written together, and what could not be written is tried again.

use super::{
    buffer::{Buffer, Event, Item},
    checkpoint::Signer,
    sinks::Written as Progress,
    writer::{Writer, Written},
};
use crate::telemetry::metrics::AuditMetrics;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

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
    checkpoints: Option<Mutex<Checkpoints>>,
    /// Who sends records elsewhere.
    told: watch::Sender<Progress>,
}

/// The end of the chain, signed from time to time.
pub(super) struct Checkpoints {
    signer: Signer,
    file: PathBuf,
    pace: Duration,
    /// When the last one was made, and of which record.
    last: Option<(Instant, u64)>,
    /// Said once, until it works again.
    has_failed: bool,
}

struct State {
    /// Said once, until it works again.
    has_failed: bool,
    told_of_refusals: Instant,
}

impl Keeper {
    pub(super) fn new(
        buffer: Arc<Buffer>,
        metrics: Arc<AuditMetrics>,
        (writer, told): (Writer, watch::Sender<Progress>),
        checkpoints: Option<Checkpoints>,
    ) -> Arc<Self> {
        Arc::new(Self {
            buffer,
            metrics,
            writer: Mutex::new(Some(writer)),
            state: Mutex::new(State {
                has_failed: false,
                told_of_refusals: Instant::now(),
            }),
            checkpoints: checkpoints.map(Mutex::new),
            told,
        })
    }

    /// Runs until the log is closed and everything is written that can be.
    pub(super) async fn run(self: Arc<Self>) {
        let closed = self.buffer.closed.clone();
        let pace = self
            .locked_checkpoints()
            .map_or(REFUSALS, |all| all.pace.min(REFUSALS));
        loop {
            let is_failing = self.state().has_failed;
            let is_end = tokio::select! {
                biased;
                () = closed.cancelled() => true,
                () = self.buffer.arrived() => false,
                () = sleep(RETRY), if is_failing => false,
                () = sleep(pace) => false,
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
        let is_written = written.is_ok();
        self.say(written, open);
        if is_end {
            // The system may not say so, and the log ends all the same.
            let _ = open.sync();
        }
        if let Some(mut checkpoints) = self.locked_checkpoints().filter(|_| is_written) {
            checkpoints.sign(open, is_end);
        }
        if is_end {
            let (waiting, head) = (open.waiting(), open.head());
            if waiting > 0 {
                self.metrics.lost.inc_by(waiting);
                tracing::error!(records = waiting, "the audit log ends without its last records");
            }
            tracing::info!(seq = head.seq, hash = head.hash, "the audit log ends here");
            // Whoever comes next may write there.
            *writer = None;
        }
        self.told.send_modify(|told| {
            told.turns += 1;
            told.is_over = is_end;
        });
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

    fn locked_checkpoints(&self) -> Option<std::sync::MutexGuard<'_, Checkpoints>> {
        let checkpoints = self.checkpoints.as_ref()?;
        Some(checkpoints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpoints {
    pub(super) fn new(signer: Signer, file: PathBuf, pace: Duration) -> Self {
        Self {
            signer,
            file,
            pace,
            last: None,
            has_failed: false,
        }
    }

    /// Signs the last record that is written, if it is time for that.
    fn sign(&mut self, log: &Writer, is_end: bool) {
        let head = log.head();
        let is_known = self.last.is_some_and(|(_, seq)| seq == head.seq);
        let is_time = self.last.is_none_or(|(at, _)| at.elapsed() >= self.pace);
        if head.seq == 0 || is_known || !(is_time || is_end) {
            return;
        }
        let file = self.file.display();
        // First what is signed: a checkpoint of records that a loss of power takes along would say that somebody cut them off.
        match log.sync().and_then(|()| self.signer.sign(head, &self.file)) {
            Ok(()) => {
                self.last = Some((Instant::now(), head.seq));
                if std::mem::take(&mut self.has_failed) {
                    tracing::info!("checkpoints of the audit log can be written again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::error!(%error, "the checkpoint of the audit log cannot be written to `{file}`; it is tried again");
                }
            }
        }
    }
}
