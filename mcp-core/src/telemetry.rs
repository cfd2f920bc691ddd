//! Metrics of the data plane, registered top-down: whoever owns the registry hands it in.

mod pairs;
#[cfg(test)]
mod tests;
mod tool;
mod tools;

pub use pairs::OTHER;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::Arc;
pub(crate) use tool::ToolMetrics;
pub use tools::ToolLabels;
use tools::Tools;

/// Pairs of instance and tool that have series of their own, where nobody says otherwise.
pub const USUAL_PAIRS: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    method: &'static str,
    result: &'static str,
}

/// All metrics of the data plane; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    tools: Arc<Tools>,
    requests: Family<MethodLabels, Counter>,
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
        Self::register_for(registry, USUAL_PAIRS)
    }

    /// The same where so many pairs of instance and tool have series of their own; what is beyond is counted as [`OTHER`].
    pub fn register_for(registry: &mut Registry, most_pairs: usize) -> Self {
        let metrics = Self {
            tools: Arc::new(Tools::register(registry, most_pairs)),
            requests: Family::default(),
            upstream_in_flight: Gauge::default(),
            streams: Gauge::default(),
            abandoned: Gauge::default(),
            abandoned_cancelled: Counter::default(),
            cancelled: Counter::default(),
            views_built: Counter::default(),
        };
        registry.register(
            "mcp_requests",
            "MCP messages by method and result",
            metrics.requests.clone(),
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
        ToolMetrics::new(self.tools.clone(), ToolLabels::new(instance, tool))
    }

    /// Whether any tool of this instance has series of its own.
    pub(crate) fn has_any_of(&self, instance: &str) -> bool {
        self.tools.has_any_of(instance)
    }

    /// Tools that do not stay in an instance leave their series, too.
    pub(crate) fn keep(&self, instance: &str, stays: impl Fn(&str) -> bool) {
        self.tools.keep(instance, stays);
    }

    /// Counts one message. Both texts come from fixed sets.
    pub(crate) fn request(&self, method: &'static str, result: &'static str) {
        self.requests
            .get_or_create(&MethodLabels { method, result })
            .inc();
    }
}
