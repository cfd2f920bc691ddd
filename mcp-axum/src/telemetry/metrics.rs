//! All metrics of the process, registered here and handed down; `/metrics` shows them.

mod audit;
mod catalog;
mod compiled;
mod config;
mod discovery;
mod endpoints;
mod memory;
mod plain;
mod process;
mod refusals;
mod register;
mod tasks;
mod upstreams;
mod webhooks;

use super::otlp::OtlpMetrics;
pub(crate) use audit::{AuditMetrics, OneAuditSink};
use bytes::Bytes;
use catalog::CatalogCollector;
use compiled::CompiledCollector;
pub(crate) use config::ConfigMetrics;
use discovery::DiscoveryCollector;
use endpoints::EndpointsCollector;
use mcp_common::{
    catalog::{Catalog, sync::SyncStatus},
    discovery::Board,
    tasks::Tasks,
};
use mcp_core::{
    engine::LaneMetrics,
    peer::Budget,
    policy::{ExternalMetrics, LimitMetrics, SharedMetrics},
    telemetry,
    tool::{Bases, ToolCompiler},
    upstream::Hub,
};
use memory::MemoryCollector;
use process::ProcessCollector;
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use refusals::Refusals;
pub(crate) use register::{OneRegistry, RegisterMetrics};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tasks::TasksCollector;
use tokio::sync::Mutex;
use upstreams::UpstreamsCollector;
pub(crate) use webhooks::{OneWebhook, WebhookMetrics};

/// Scrapers that come within this time get one text. It may be megabytes, and making it takes as long as many calls.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// A loop that is fine, one that others notice, one that is stuck.
const DELAYS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// The Prometheus text format 0.0.4.
    Plain,
}

/// One text in both formats.
struct Texts {
    open_metrics: Bytes,
    plain: Bytes,
}

impl Texts {
    fn of(&self, format: Format) -> Bytes {
        match format {
            Format::OpenMetrics => self.open_metrics.clone(),
            Format::Plain => self.plain.clone(),
        }
    }
}

/// The registry and what this crate counts itself.
pub struct Metrics {
    registry: Registry,
    /// The last texts and when they were made. The lock is held while the next ones are made, so that there is one at a time.
    texts: Mutex<Option<(Instant, Texts)>>,
    /// Open client connections.
    pub connections: Gauge,
    /// Client connections that were opened beyond `app.max_connections`.
    pub connections_refused: Counter,
    /// Requests that were not let in.
    pub(crate) refusals: Arc<Refusals>,
    /// What becomes of records of the audit log.
    pub(crate) audit: Arc<AuditMetrics>,
    /// What becomes of changes of the configuration.
    pub(crate) config: ConfigMetrics,
    /// What the policy service says.
    pub(crate) external: ExternalMetrics,
    /// Which limits refuse calls.
    pub(crate) limits: LimitMetrics,
    /// How calls were counted that count for all replicas.
    pub(crate) shared_limits: SharedMetrics,
    /// What becomes of events for webhooks.
    pub(crate) webhooks: WebhookMetrics,
    /// Where this gateway is registered itself.
    pub(crate) register: RegisterMetrics,
    /// Workers that do not come back to their loops now.
    pub workers_stuck: Gauge,
    /// 1 while the control plane does not.
    pub control_stuck: Gauge,
    /// How often that was so.
    pub stalls: Counter,
    /// Workers that were started in the place of such ones.
    pub workers_replaced: Counter,
    /// How late workers came back.
    pub worker_delays: Histogram,
}

impl Metrics {
    /// Everything that can be measured, and the part that `mcp-core` writes to.
    pub(crate) fn build(
        catalog: &Arc<Catalog<ToolCompiler>>,
        sync: &Arc<SyncStatus>,
        work: &LaneMetrics,
        budget: &Arc<Budget>,
        tasks: &Tasks,
        (hub, bases, board): (&Arc<Hub>, &Bases, &Arc<Board>),
        (otlp, max_series): (&OtlpMetrics, usize),
    ) -> (Self, telemetry::Metrics) {
        let mut all = Registry::default();
        all.register_collector(Box::new(ProcessCollector::now()));
        let registry = all.sub_registry_with_prefix("dynmcp");
        let core = telemetry::Metrics::register_for(registry, max_series);
        work.register(registry);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", build);
        let connections = Gauge::default();
        registry.register("connections", "Open client connections", connections.clone());
        let connections_refused = Counter::default();
        registry.register(
            "connections_refused",
            "Client connections that were one too many",
            connections_refused.clone(),
        );
        let refusals = Arc::new(Refusals::register(registry));
        let audit = Arc::new(AuditMetrics::register(registry));
        let config = ConfigMetrics::register(registry);
        otlp.register(registry);
        let external = ExternalMetrics::register(registry);
        let limits = LimitMetrics::register(registry);
        let shared_limits = SharedMetrics::register(registry);
        let webhooks = WebhookMetrics::register(registry);
        let register = RegisterMetrics::register(registry);
        let workers_stuck = Gauge::default();
        registry.register(
            "workers_stuck",
            "Workers that have not come back to their loops for watchdog.stuck_seconds",
            workers_stuck.clone(),
        );
        let control_stuck = Gauge::default();
        registry.register(
            "control_stuck",
            "1 while the control plane has not come back for that long",
            control_stuck.clone(),
        );
        let stalls = Counter::default();
        registry.register(
            "stalls",
            "How often a worker or the control plane was stuck",
            stalls.clone(),
        );
        let workers_replaced = Counter::default();
        registry.register(
            "workers_replaced",
            "Workers that were started in the place of stuck ones",
            workers_replaced.clone(),
        );
        let worker_delays = Histogram::new(DELAYS);
        registry.register(
            "worker_delay_seconds",
            "How late workers come back to their loops, looked at four times a second",
            worker_delays.clone(),
        );
        registry.register_collector(Box::new(MemoryCollector(budget.clone())));
        registry.register_collector(Box::new(CompiledCollector(catalog.compiler().shelf().clone())));
        registry.register_collector(Box::new(UpstreamsCollector(Arc::downgrade(hub))));
        registry.register_collector(Box::new(EndpointsCollector(Arc::downgrade(hub), bases.clone())));
        registry.register_collector(Box::new(DiscoveryCollector(board.clone())));
        registry.register_collector(Box::new(TasksCollector(tasks.clone())));
        registry.register_collector(Box::new(CatalogCollector {
            catalog: catalog.clone(),
            sync: sync.clone(),
        }));
        (
            Self {
                registry: all,
                texts: Mutex::default(),
                connections,
                connections_refused,
                refusals,
                audit,
                config,
                external,
                limits,
                shared_limits,
                webhooks,
                register,
                workers_stuck,
                control_stuck,
                stalls,
                workers_replaced,
                worker_delays,
            },
            core,
        )
    }

    /// The text of now, or of a moment ago. Clones share it, however many scrapers there are.
    pub async fn text(&self, format: Format) -> Result<Bytes, fmt::Error> {
        let mut last = self.texts.lock().await;
        if let Some((made, texts)) = &*last
            && made.elapsed() < GOOD_FOR
        {
            return Ok(texts.of(format));
        }
        let open_metrics = self.encode()?;
        let texts = Texts {
            plain: plain::plain(&open_metrics).into(),
            open_metrics: open_metrics.into(),
        };
        let text = texts.of(format);
        *last = Some((Instant::now(), texts));
        Ok(text)
    }

    /// The OpenMetrics text of now.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 << 10);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
