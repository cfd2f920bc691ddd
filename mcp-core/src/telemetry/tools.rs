//! What is counted of calls, by tools of instances.

use super::pairs::Pairs;
use crate::engine::{Asked, Outcome};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Buckets from half a millisecond to half a minute: upstream APIs live in between.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// Buckets for results: what a model reads at once, up to what is cut.
const SIZES: [f64; 7] = [1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 8e6];

type Histograms = Family<ToolLabels, Histogram, fn() -> Histogram>;

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
struct OutcomeLabels {
    mcp_instance: String,
    tool: String,
    outcome: &'static str,
}

impl ToolLabels {
    pub(super) fn new(instance: &str, tool: &str) -> Self {
        Self {
            mcp_instance: instance.to_owned(),
            tool: tool.to_owned(),
        }
    }

    fn with(&self, outcome: Outcome) -> OutcomeLabels {
        let Self { mcp_instance, tool } = self.clone();
        OutcomeLabels {
            mcp_instance,
            tool,
            outcome: outcome.as_str(),
        }
    }
}

/// All that is counted by tools.
pub(super) struct Tools {
    durations: Histograms,
    upstream: Histograms,
    retries: Family<ToolLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    sizes: Histograms,
    mismatches: Family<ToolLabels, Counter>,
    pairs: Pairs,
}

impl Tools {
    pub(super) fn register(registry: &mut Registry, most: usize) -> Self {
        let tools = Self {
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            upstream: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            retries: Family::default(),
            outcomes: Family::default(),
            sizes: Family::new_with_constructor(|| Histogram::new(SIZES)),
            mismatches: Family::default(),
            pairs: Pairs::at_most(most),
        };
        let durations = "Duration of tools/call in seconds, upstream included";
        registry.register("tool_call_duration_seconds", durations, tools.durations.clone());
        registry.register(
            "tool_upstream_duration_seconds",
            "The part of tool_call_duration_seconds from sending to the whole answer of the upstream: its queue, connection, redirects and retries included",
            tools.upstream.clone(),
        );
        registry.register(
            "tool_retries",
            "Requests of HTTP tools that were sent again, to the same endpoint or to another one",
            tools.retries.clone(),
        );
        registry.register("tool_calls", "Tool calls by outcome", tools.outcomes.clone());
        registry.register(
            "tool_result_bytes",
            "Size of tool results, content and structured content together",
            tools.sizes.clone(),
        );
        registry.register(
            "tool_output_mismatches",
            "Answers that were not what the tool's output_schema promises",
            tools.mismatches.clone(),
        );
        tools
    }

    pub(super) fn forget(&self, instance: &str, tool: &str) {
        let labels = ToolLabels::new(instance, tool);
        if !self.pairs.forget(&labels) {
            return;
        }
        self.durations.remove(&labels);
        self.upstream.remove(&labels);
        self.retries.remove(&labels);
        self.sizes.remove(&labels);
        self.mismatches.remove(&labels);
        for outcome in Outcome::ALL {
            self.outcomes.remove(&labels.with(outcome));
        }
    }
}

/// The instruments of one tool in one instance.
pub(crate) struct ToolMetrics {
    /// Looked up at the first call.
    used: OnceLock<Used>,
    tools: Arc<Tools>,
    labels: ToolLabels,
}

/// What every call counts.
struct Used {
    /// Under which it is counted.
    labels: ToolLabels,
    duration: Histogram,
    size: Histogram,
    ok: Counter,
    /// Not there where nobody is asked.
    upstream: OnceLock<Histogram>,
    /// Not there where nothing is sent again.
    retries: OnceLock<Counter>,
}

impl ToolMetrics {
    pub(super) fn new(tools: Arc<Tools>, labels: ToolLabels) -> Self {
        Self {
            used: OnceLock::new(),
            tools,
            labels,
        }
    }

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
        self.tools.mismatches.get_or_create(&self.used().labels).inc();
    }

    /// Counts a call: how it ended, how long it took, and how large its result is.
    pub(crate) fn record(&self, outcome: Outcome, seconds: f64, bytes: usize) {
        let used = self.used();
        used.duration.observe(seconds);
        used.size.observe(bytes as f64);
        if outcome == Outcome::Ok {
            used.ok.inc();
        } else {
            let labels = used.labels.with(outcome);
            self.tools.outcomes.get_or_create(&labels).inc();
        }
    }

    /// How long the upstream of a call took.
    pub(crate) fn upstream(&self, took: Duration) {
        let used = self.used();
        let upstream = used
            .upstream
            .get_or_init(|| self.tools.upstream.get_or_create_owned(&used.labels));
        upstream.observe(took.as_secs_f64());
    }

    /// What asking took, and how often it was done again.
    pub(crate) fn asked(&self, asked: Asked) {
        self.upstream(asked.took);
        let used = self.used();
        // It is there before the first retry, so that this is an increase.
        let retries = used
            .retries
            .get_or_init(|| self.tools.retries.get_or_create_owned(&used.labels));
        retries.inc_by(asked.retries.into());
    }

    fn used(&self) -> &Used {
        self.used.get_or_init(|| {
            let labels = self.tools.pairs.labels(&self.labels);
            Used {
                duration: self.tools.durations.get_or_create_owned(&labels),
                size: self.tools.sizes.get_or_create_owned(&labels),
                ok: self.tools.outcomes.get_or_create_owned(&labels.with(Outcome::Ok)),
                upstream: OnceLock::new(),
                retries: OnceLock::new(),
                labels,
            }
        })
    }
}
