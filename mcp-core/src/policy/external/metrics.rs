//! What somebody outside said about calls, and how long it took.

use super::Verdict;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

/// On the same machine, and as far away as is waited for.
const BUCKETS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct ExternalMetrics {
    decisions: Family<Labels, Counter>,
    durations: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    verdict: &'static str,
    source: &'static str,
}

impl Default for ExternalMetrics {
    fn default() -> Self {
        Self {
            decisions: Family::default(),
            durations: Histogram::new(BUCKETS),
        }
    }
}

impl ExternalMetrics {
    /// Registers under `dynmcp_…`; the caller adds the prefix to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "external_decisions",
            "Calls about which the policy service was asked, by what came of it and whether its answer was a remembered one",
            metrics.decisions.clone(),
        );
        registry.register(
            "external_decision_seconds",
            "How long the policy service was waited for",
            metrics.durations.clone(),
        );
        metrics
    }

    pub(super) fn count(&self, verdict: Verdict, source: &'static str) {
        let verdict = verdict.as_str();
        self.decisions.get_or_create(&Labels { verdict, source }).inc();
    }

    pub(super) fn took(&self, time: Duration) {
        self.durations.observe(time.as_secs_f64());
    }
}
