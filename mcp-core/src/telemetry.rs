//! Metrics of the data plane, registered top-down: whoever owns the registry hands it in.

use crate::engine::Outcome;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::sync::OnceLock;

/// Buckets from half a millisecond to half a minute: upstream APIs live in between.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Buckets for results: what a model reads at once, up to what is cut.
const SIZES: [f64; 7] = [1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 8e6];

/// The labels of a tool of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ToolLabels {
    /// The instance's id. Not `instance`, which Prometheus itself puts on everything that it scrapes.
    pub mcp_instance: String,
    /// Name of the tool in that instance.
    pub tool: String,
}

/// How calls of a tool ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    mcp_instance: String,
    tool: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: &'static str,
    result: &'static str,
}

/// All metrics of the data plane; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    durations: Family<ToolLabels, Histogram, fn() -> Histogram>,
    outcomes: Family<OutcomeLabels, Counter>,
    sizes: Family<ToolLabels, Histogram, fn() -> Histogram>,
    requests: Family<MethodLabels, Counter>,
    mismatches: Family<ToolLabels, Counter>,
    /// Calls that wait for an upstream.
    pub upstream_in_flight: Gauge,
    /// Open streams of list changes.
    pub streams: Gauge,
    /// Requests that go on without their client.
    pub abandoned: Gauge,
    /// The abandoned requests that were cancelled.
    pub abandoned_cancelled: Counter,
    /// Requests that their clients cancelled.
    pub cancelled: Counter,
    /// Instances that were rendered, each once per change that touches it.
    pub views_built: Counter,
}

impl Metrics {
    /// Registers under `dynmcp_…`; the caller adds the prefix to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            outcomes: Family::default(),
            sizes: Family::new_with_constructor(|| Histogram::new(SIZES)),
            requests: Family::default(),
            mismatches: Family::default(),
            upstream_in_flight: Gauge::default(),
            streams: Gauge::default(),
            abandoned: Gauge::default(),
            abandoned_cancelled: Counter::default(),
            cancelled: Counter::default(),
            views_built: Counter::default(),
        };
        let durations = "Duration of tools/call in seconds, upstream included";
        registry.register("tool_call_duration_seconds", durations, metrics.durations.clone());
        registry.register("tool_calls", "Tool calls by outcome", metrics.outcomes.clone());
        registry.register(
            "tool_result_bytes",
            "Size of tool results, content and structured content together",
            metrics.sizes.clone(),
        );
        registry.register(
            "mcp_requests",
            "MCP messages by method and result",
            metrics.requests.clone(),
        );
        registry.register(
            "tool_output_mismatches",
            "Answers that were not what the tool's output_schema promises",
            metrics.mismatches.clone(),
        );
        let in_flight = "Calls that wait for an upstream now";
        registry.register(
            "upstream_in_flight",
            in_flight,
            metrics.upstream_in_flight.clone(),
        );
        registry.register("streams", "Open streams of list changes", metrics.streams.clone());
        registry.register(
            "abandoned_requests",
            "Requests of older revisions that go on without their client now",
            metrics.abandoned.clone(),
        );
        registry.register(
            "abandoned_requests_cancelled",
            "Requests of older revisions that were cancelled after their client went away",
            metrics.abandoned_cancelled.clone(),
        );
        registry.register(
            "cancelled_requests",
            "Requests of older revisions that their client cancelled with a notification",
            metrics.cancelled.clone(),
        );
        let built = "Instances rendered for serving, each once per change that touches it";
        registry.register("views_built", built, metrics.views_built.clone());
        metrics
    }

    /// The instruments of one tool. They are not shown before its first call: of very many tools most are never called.
    pub(crate) fn tool(&self, instance: &str, tool: &str) -> ToolMetrics {
        let labels = ToolLabels {
            mcp_instance: instance.to_owned(),
            tool: tool.to_owned(),
        };
        ToolMetrics {
            used: OnceLock::new(),
            durations: self.durations.clone(),
            outcomes: self.outcomes.clone(),
            sizes: self.sizes.clone(),
            mismatches: self.mismatches.clone(),
            labels,
        }
    }

    /// A tool that left an instance leaves its series too.
    pub(crate) fn forget(&self, instance: &str, tool: &str) {
        let labels = ToolLabels {
            mcp_instance: instance.to_owned(),
            tool: tool.to_owned(),
        };
        self.durations.remove(&labels);
        self.sizes.remove(&labels);
        self.mismatches.remove(&labels);
        for outcome in Outcome::ALL {
            let labels = OutcomeLabels {
                mcp_instance: instance.to_owned(),
                tool: tool.to_owned(),
                outcome: outcome.as_str(),
            };
            self.outcomes.remove(&labels);
        }
    }

    /// Counts one message. Both texts come from fixed sets.
    pub(crate) fn request(&self, method: &'static str, result: &'static str) {
        self.requests
            .get_or_create(&MethodLabels { method, result })
            .inc();
    }
}

/// The instruments of one tool in one instance.
pub(crate) struct ToolMetrics {
    /// Looked up at the first call.
    used: OnceLock<Used>,
    durations: Family<ToolLabels, Histogram, fn() -> Histogram>,
    outcomes: Family<OutcomeLabels, Counter>,
    sizes: Family<ToolLabels, Histogram, fn() -> Histogram>,
    mismatches: Family<ToolLabels, Counter>,
    labels: ToolLabels,
}

/// What every call counts.
struct Used {
    duration: Histogram,
    size: Histogram,
    ok: Counter,
}

impl ToolMetrics {
    /// Counts an answer that its schema does not allow, and writes it down.
    pub(crate) fn mismatch(&self, places: &str) {
        let ToolLabels {
            mcp_instance: instance,
            tool,
        } = &self.labels;
        tracing::warn!(
            instance,
            tool,
            places,
            "the answer is not what output_schema promises"
        );
        self.mismatches.get_or_create(&self.labels).inc();
    }

    /// Counts a call: how it ended, how long it took, and how large its result is.
    pub(crate) fn record(&self, outcome: Outcome, seconds: f64, bytes: usize) {
        let used = self.used.get_or_init(|| Used {
            duration: self.durations.get_or_create_owned(&self.labels),
            size: self.sizes.get_or_create_owned(&self.labels),
            ok: self.outcomes.get_or_create_owned(&self.outcome(Outcome::Ok)),
        });
        used.duration.observe(seconds);
        used.size.observe(bytes as f64);
        if outcome == Outcome::Ok {
            used.ok.inc();
        } else {
            self.outcomes.get_or_create(&self.outcome(outcome)).inc();
        }
    }

    fn outcome(&self, outcome: Outcome) -> OutcomeLabels {
        let ToolLabels { mcp_instance, tool } = self.labels.clone();
        OutcomeLabels {
            mcp_instance,
            tool,
            outcome: outcome.as_str(),
        }
    }
}
