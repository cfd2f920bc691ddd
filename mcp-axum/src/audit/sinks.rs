//! Where records go besides the files. Each place has a task of its own that reads what the files have: one that is away holds up nobody, and gets
//! later what it has missed, as long as the files are kept.

mod follow;
mod stdout;
mod syslog;
mod webhook;

pub(crate) use syslog::SyslogPlace;

use super::AuditError;
use crate::{
    app::App,
    runtime::tasks::AUDIT_SINK,
    settings::Settings,
    telemetry::metrics::{AuditMetrics, OneAuditSink},
};
use follow::{Batch, Follower};
use mcp_common::{
    backoff::Backoff,
    private_file,
    tasks::{Ends, Tasks},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::sleep};

/// The first wait before records are sent again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long all that is left may take while the gateway ends.
const LAST_TIME: Duration = Duration::from_secs(2);

/// How far the files are written. Every change says that there is more, or that nothing comes any more.
pub(super) type Progress = watch::Receiver<Written>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) turns: u64,
    pub(super) is_over: bool,
}

/// All places of one gateway.
pub(super) struct Sinks {
    wanted: Vec<Wanted>,
    progress: Progress,
    metrics: Arc<AuditMetrics>,
    folder: PathBuf,
}

/// One place, and the next record that it gets.
#[derive(Clone)]
struct Wanted {
    kind: Kind,
    next: Arc<AtomicU64>,
    /// Where that is kept from one start to the next.
    kept: Option<PathBuf>,
}

#[derive(Clone)]
enum Kind {
    Stdout,
    Syslog(SyslogPlace),
    Webhook,
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Syslog(_) => "syslog",
            Self::Webhook => "webhook",
        }
    }
}

impl Sinks {
    /// Those of the configuration. `first` is the record with which this process begins.
    pub(super) fn of(
        settings: &Settings,
        (folder, first): (&Path, u64),
        progress: Progress,
        metrics: &Arc<AuditMetrics>,
    ) -> Result<Self, AuditError> {
        let sinks = &settings.audit.sinks;
        let place = sinks.syslog.as_deref().map(SyslogPlace::read).transpose();
        let place = place.map_err(|reason| AuditError::Setting {
            key: "audit.sinks.syslog",
            reason,
        })?;
        let stdout = sinks.stdout.then_some(Kind::Stdout);
        let webhook = sinks.webhook.is_wanted().then_some(Kind::Webhook);
        let kinds = stdout.into_iter().chain(place.map(Kind::Syslog)).chain(webhook);
        let wanted = kinds.map(|kind| {
            let has_memory = !matches!(kind, Kind::Stdout);
            let kept = has_memory.then(|| folder.join(format!("{}.position", kind.name())));
            let next = kept.as_deref().and_then(position);
            if let Some(next) = next.filter(|next| *next > first) {
                tracing::error!(
                    sink = kind.name(),
                    next,
                    first,
                    "the audit log ends before what was sent already, so that its end is gone; what is written from now on is sent"
                );
            }
            let next = next.filter(|next| *next <= first).unwrap_or(first);
            Wanted {
                kind,
                next: Arc::new(next.into()),
                kept,
            }
        });
        Ok(Self {
            wanted: wanted.collect(),
            progress,
            metrics: metrics.clone(),
            folder: folder.to_owned(),
        })
    }

    pub(super) fn start(&self, tasks: &Tasks, configured: &watch::Receiver<Arc<App>>) {
        for wanted in &self.wanted {
            let (wanted, folder) = (wanted.clone(), self.folder.clone());
            let (progress, configured) = (self.progress.clone(), configured.clone());
            let metrics = self.metrics.of_sink(wanted.kind.name());
            tasks.spawn(AUDIT_SINK, Ends::ByItself, move || {
                let sending = Sending {
                    follower: Some(Follower::new(folder.clone(), wanted.next.load(Ordering::Relaxed))),
                    wanted: wanted.clone(),
                    progress: progress.clone(),
                    metrics: metrics.clone(),
                    sink: Sink::of(&wanted.kind, configured.clone()),
                };
                sending.run()
            });
        }
    }
}

/// What is kept of a place; one that cannot be read begins with this process.
fn position(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

enum Sink {
    Stdout,
    Syslog(syslog::Syslog),
    Webhook(webhook::Webhook),
}

impl Sink {
    fn of(kind: &Kind, configured: watch::Receiver<Arc<App>>) -> Self {
        match kind {
            Kind::Stdout => Self::Stdout,
            Kind::Syslog(place) => Self::Syslog(syslog::Syslog::new(place.clone())),
            Kind::Webhook => Self::Webhook(webhook::Webhook(configured)),
        }
    }

    /// All of it, or what was sent is sent again.
    async fn send(&mut self, batch: &Arc<Batch>) -> Result<(), String> {
        match self {
            Self::Stdout => stdout::send(batch.clone()).await,
            Self::Syslog(syslog) => syslog.send(batch).await,
            Self::Webhook(webhook) => webhook.send(batch).await,
        }
    }
}

struct Sending {
    wanted: Wanted,
    /// Away while it reads.
    follower: Option<Follower>,
    progress: Progress,
    metrics: OneAuditSink,
    sink: Sink,
}

impl Sending {
    async fn run(mut self) {
        let mut progress = self.progress.clone();
        let over = async move {
            // Nobody writes any more either where the other side is gone.
            let _ = progress.wait_for(|written| written.is_over).await;
            sleep(LAST_TIME).await;
        };
        let name = self.wanted.kind.name();
        tokio::select! {
            () = self.send_all() => {}
            () = over => tracing::warn!(sink = name, "the gateway ends before the last records of the audit log are sent"),
        }
    }

    async fn send_all(&mut self) {
        let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut has_failed = false;
        loop {
            // Before it is read: what comes meanwhile is looked at again.
            let is_over = self.progress.borrow_and_update().is_over;
            let sent = match self.read().await {
                Ok(batch) if batch.is_empty() => {
                    if is_over || self.progress.changed().await.is_err() {
                        return;
                    }
                    continue;
                }
                Ok(batch) => self.send(Arc::new(batch), &mut waits, &mut has_failed).await,
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = sent {
                let sink = self.wanted.kind.name();
                tracing::warn!(sink, error, "the files of the audit log cannot be read");
                sleep(waits.next_wait()).await;
            }
        }
    }

    async fn read(&mut self) -> io::Result<Batch> {
        let next = self.wanted.next.load(Ordering::Relaxed);
        let Some(mut follower) = self.follower.take() else {
            return Err(io::Error::other("nobody reads it"));
        };
        let read = tokio::task::spawn_blocking(move || {
            let batch = follower.batch_from(next);
            (follower, batch)
        });
        let (follower, batch) = read.await.map_err(io::Error::other)?;
        self.follower = Some(follower);
        batch
    }

    /// Until it is sent.
    async fn send(
        &mut self,
        batch: Arc<Batch>,
        waits: &mut Backoff,
        has_failed: &mut bool,
    ) -> Result<(), String> {
        let sink = self.wanted.kind.name();
        if batch.missed > 0 {
            self.metrics.missed.inc_by(batch.missed);
            let records = batch.missed;
            tracing::error!(
                sink,
                records,
                "files of the audit log were removed before their records were sent"
            );
        }
        while let Err(error) = self.sink.send(&batch).await {
            self.metrics.failing.set(1);
            if !std::mem::replace(has_failed, true) {
                tracing::warn!(
                    sink,
                    error,
                    "records of the audit log cannot be sent; they stay in the files and are sent later"
                );
            }
            sleep(waits.next_wait()).await;
        }
        self.metrics.failing.set(0);
        self.metrics.records.inc_by(batch.lines.len() as u64);
        waits.reset();
        if std::mem::take(has_failed) {
            tracing::info!(sink, "records of the audit log are sent again");
        }
        self.wanted.next.store(batch.next, Ordering::Relaxed);
        if let Some(file) = self.wanted.kept.clone() {
            let text = batch.next.to_string();
            let kept = tokio::task::spawn_blocking(move || private_file::replace(&file, text.as_bytes()));
            if let Ok(Err(error)) = kept.await {
                tracing::warn!(sink, %error, "how far records were sent cannot be kept: some may be sent twice");
            }
        }
        Ok(())
    }
}
