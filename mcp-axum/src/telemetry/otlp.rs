//! OpenTelemetry's protocol: spans and metrics go to a collector, as protobuf over HTTP. Requests wait for nothing of it.

mod collector;
mod metrics;
mod spans;
mod wire;

use super::metrics::Metrics;
use crate::{
    runtime::tasks::OTLP,
    settings::{OtlpSettings, Settings},
};
use bytes::Bytes;
use collector::{ATTEMPTS, Collector};
use mcp_common::tasks::{Ends, Tasks};
use mcp_core::spans::{EndedSpan, Spans};
use prometheus_client::{metrics::counter::Counter, registry::Registry};
use prost::Message;
use std::{
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// Spans that wait; further ones are lost, and counted.
const MOST_WAITING: usize = 8 * 1024;
/// Spans in one message.
const BATCH: usize = 512;
/// How long a span waits for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How long a collector may take while the gateway ends.
const LAST_TIME: Duration = Duration::from_secs(2);

/// What becomes of what is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtlpMetrics {
    sent: Counter,
    lost: Counter,
    failures: Counter,
}

impl OtlpMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "otlp_spans_sent",
            "Spans that a collector has taken",
            self.sent.clone(),
        );
        registry.register(
            "otlp_spans_lost",
            "Spans that no collector has taken, or that there was no room for",
            self.lost.clone(),
        );
        registry.register(
            "otlp_failures",
            "Messages that a collector has not taken",
            self.failures.clone(),
        );
    }
}

/// Those who send. One for each gateway that has a collector.
pub(crate) struct Otlp {
    settings: OtlpSettings,
    collector: Collector,
    waiting: mpsc::Sender<EndedSpan>,
    /// Read by one task, which may be another one after a panic.
    queue: Mutex<mpsc::Receiver<EndedSpan>>,
    counted: OtlpMetrics,
    closed: CancellationToken,
    started: SystemTime,
    /// What all that is sent is about.
    resource: Arc<wire::Resource>,
}

/// Spans on their way.
struct Parcel {
    body: Bytes,
    spans: u64,
}

/// The way of spans out of requests.
#[derive(Debug)]
struct Queue {
    waiting: mpsc::Sender<EndedSpan>,
    lost: Counter,
    /// The first 64 bits of a trace are below this where it is heard of; `None`: all are.
    below: Option<u64>,
}

impl Spans for Queue {
    fn samples(&self, trace: &[u8; 16]) -> bool {
        let (_, last) = trace.split_at(8);
        let number = u64::from_be_bytes(last.try_into().unwrap_or_default());
        self.below.is_none_or(|below| number < below)
    }

    fn ended(&self, span: EndedSpan) {
        if self.waiting.try_send(span).is_err() {
            self.lost.inc();
        }
    }
}

impl Otlp {
    /// `None` where nobody is told. Nobody is asked before there is something to tell.
    pub(crate) fn open(settings: &Settings, counted: &OtlpMetrics) -> Option<Arc<Self>> {
        let settings = settings.otlp.clone();
        settings.endpoint.as_ref()?;
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        Some(Arc::new(Self {
            collector: Collector::new(&settings),
            waiting,
            queue: Mutex::new(queue),
            counted: counted.clone(),
            closed: CancellationToken::new(),
            started: SystemTime::now(),
            resource: Arc::new(spans::resource(&settings.service_name)),
            settings,
        }))
    }

    /// Who hears of spans, where they are sent.
    pub(crate) fn spans(&self) -> Option<Arc<dyn Spans>> {
        // A float has no greater one than u64::MAX, so that 1 is said apart.
        let below = (self.settings.sample < 1.0).then_some((self.settings.sample * u64::MAX as f64) as u64);
        self.settings.traces.then(|| -> Arc<dyn Spans> {
            Arc::new(Queue {
                waiting: self.waiting.clone(),
                lost: self.counted.lost.clone(),
                below,
            })
        })
    }

    /// Sends from now on.
    pub(crate) fn start(self: &Arc<Self>, tasks: &Tasks, metrics: &Arc<Metrics>) {
        let (otlp, metrics) = (self.clone(), Arc::downgrade(metrics));
        tasks.spawn(OTLP, Ends::ByItself, move || {
            let (otlp, metrics) = (otlp.clone(), metrics.clone());
            async move { otlp.run(&metrics).await }
        });
    }

    /// Nothing comes any more: what is there is sent.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    async fn run(&self, metrics: &Weak<Metrics>) {
        let mut queue = self.queue.lock().await;
        let every = Duration::from_secs(self.settings.metrics_seconds);
        let mut metrics_due = tokio::time::interval_at(Instant::now() + every, every);
        metrics_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let mut oldest: Option<Instant> = None;
        // What the end came across.
        let mut left = None;
        while left.is_none() {
            let room = BATCH - batch.len();
            let gathered = oldest.map(|oldest| oldest + GATHERING);
            tokio::select! {
                biased;
                () = self.closed.cancelled() => break,
                _ = metrics_due.tick() => tokio::select! {
                    () = self.closed.cancelled() => break,
                    () = self.send_metrics(metrics, ATTEMPTS) => {}
                },
                () = until(gathered) => {
                    left = self.send_unless_closed(&mut batch).await;
                    oldest = None;
                }
                _ = queue.recv_many(&mut batch, room) => {
                    oldest.get_or_insert_with(Instant::now);
                    if batch.len() >= BATCH {
                        left = self.send_unless_closed(&mut batch).await;
                        oldest = None;
                    }
                }
            }
        }
        // The last ones, to a collector that may be away: each once, and all of them by then.
        let deadline = Instant::now() + LAST_TIME;
        let last = async {
            loop {
                while left.is_none()
                    && batch.len() < BATCH
                    && let Ok(span) = queue.try_recv()
                {
                    batch.push(span);
                }
                if left.is_none() && batch.is_empty() {
                    break;
                }
                let parcel = left.get_or_insert_with(|| self.parcel(&mut batch));
                self.send(parcel, 1).await;
                left = None;
            }
            self.send_metrics(metrics, 1).await;
        };
        if tokio::time::timeout_at(deadline, last).await.is_err() {
            let mut lost = left.map_or(0, |parcel| parcel.spans) + batch.len() as u64;
            while queue.try_recv().is_ok() {
                lost += 1;
            }
            self.counted.lost.inc_by(lost);
            self.counted.failures.inc();
            tracing::warn!(spans = lost, "the collector has not taken everything by the end");
        }
    }

    fn parcel(&self, batch: &mut Vec<EndedSpan>) -> Parcel {
        let spans = batch.len() as u64;
        let message = spans::message(std::mem::take(batch), &self.resource);
        Parcel {
            body: message.encode_to_vec().into(),
            spans,
        }
    }

    /// What was not sent when the end came.
    async fn send_unless_closed(&self, batch: &mut Vec<EndedSpan>) -> Option<Parcel> {
        let parcel = self.parcel(batch);
        tokio::select! {
            biased;
            () = self.send(&parcel, ATTEMPTS) => None,
            () = self.closed.cancelled() => Some(parcel),
        }
    }

    async fn send(&self, parcel: &Parcel, attempts: u32) {
        let patience = self.settings.patience();
        let to = self.collector.traces.as_ref();
        let sent = self
            .collector
            .send(to, parcel.body.clone(), (patience, attempts))
            .await;
        match sent {
            Ok(refused) => {
                let refused = refused.min(parcel.spans);
                self.counted.sent.inc_by(parcel.spans - refused);
                self.counted.lost.inc_by(refused);
            }
            Err(()) => {
                self.counted.failures.inc();
                self.counted.lost.inc_by(parcel.spans);
            }
        }
    }

    async fn send_metrics(&self, metrics: &Weak<Metrics>, attempts: u32) {
        let Some(metrics) = metrics.upgrade().filter(|_| self.settings.metrics) else {
            return;
        };
        let (started, resource) = (self.started, self.resource.clone());
        // There may be many of them, and others work on this runtime.
        let written = tokio::task::spawn_blocking(move || {
            let text = metrics.encode().ok()?;
            let message = metrics::message(&text, (started, SystemTime::now()), &resource);
            Some(Bytes::from(message.encode_to_vec()))
        });
        let Ok(Some(body)) = written.await else { return };
        let to = self.collector.metrics.as_ref();
        let patience = (self.settings.patience(), attempts);
        // What was refused in part was not taken either.
        if self.collector.send(to, body, patience).await != Ok(0) {
            self.counted.failures.inc();
        }
    }
}

/// Never, where it is never.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
