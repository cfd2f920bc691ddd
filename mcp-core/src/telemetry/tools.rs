//! What is counted of calls, by tools of instances.

use super::{
    pairs::{OTHER, Pairs},
    tool::Used,
};
use crate::engine::Outcome;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::sync::OnceLock;

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
pub(super) struct OutcomeLabels {
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

    pub(super) fn other() -> Self {
        Self::new(OTHER, OTHER)
    }

    pub(super) fn with(&self, outcome: Outcome) -> OutcomeLabels {
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
    pub(super) durations: Histograms,
    pub(super) upstream: Histograms,
    pub(super) retries: Family<ToolLabels, Counter>,
    pub(super) outcomes: Family<OutcomeLabels, Counter>,
    pub(super) sizes: Histograms,
    pub(super) mismatches: Family<ToolLabels, Counter>,
    pub(super) pairs: Pairs,
    other: OnceLock<Used>,
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
            other: OnceLock::new(),
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

    /// Whether any tool of this instance has series of its own.
    pub(super) fn has_any_of(&self, instance: &str) -> bool {
        self.pairs.lock().has_any_of(instance)
    }

    /// Those of tools that do not stay in an instance go.
    pub(super) fn keep(&self, instance: &str, stays: impl Fn(&str) -> bool) {
        self.pairs.keep(instance, stays, |labels| {
            self.durations.remove(labels);
            self.upstream.remove(labels);
            self.retries.remove(labels);
            self.sizes.remove(labels);
            self.mismatches.remove(labels);
            for outcome in Outcome::ALL {
                self.outcomes.remove(&labels.with(outcome));
            }
        });
    }

    /// Does this unless these labels' pair is gone: series of it would stay for ever.
    pub(super) fn while_named<R>(&self, labels: &ToolLabels, make: impl FnOnce() -> R) -> Option<R> {
        if *labels == ToolLabels::other() {
            return Some(make());
        }
        let named = self.pairs.lock();
        named.has(labels).then(make)
    }

    /// What stands for all that have no series of their own.
    pub(super) fn other(&self) -> &Used {
        self.other.get_or_init(|| Used::of(self, ToolLabels::other()))
    }
}
