//! How calls were counted that count for all replicas, and how long that took.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::time::Duration;

/// On the same machine, and as far away as is waited for.
const BUCKETS: [f64; 8] = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25];

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct SharedMetrics {
    away: Gauge,
    calls: Family<Labels, Counter>,
    durations: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// What became of a call that has limits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// All replicas together let it in.
    Admitted,
    /// They did not.
    Refused,
    /// This replica counted it for itself.
    Alone,
}

impl Default for SharedMetrics {
    fn default() -> Self {
        Self {
            away: Gauge::default(),
            calls: Family::default(),
            durations: Histogram::new(BUCKETS),
        }
    }
}

impl SharedMetrics {
    /// Registers under `dynmcp_…`; the caller adds the prefix to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "shared_limits_away",
            "1 while limits that replicas should count together are counted by this one alone",
            metrics.away.clone(),
        );
        registry.register(
            "shared_limits_calls",
            "Calls with limits that replicas should count together, by what came of it; `alone`: this replica counted for itself",
            metrics.calls.clone(),
        );
        registry.register(
            "shared_limits_seconds",
            "How long calls waited for being counted together",
            metrics.durations.clone(),
        );
        metrics
    }

    pub(super) fn is_away(&self, away: bool) {
        self.away.set(i64::from(away));
    }

    pub(super) fn count(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Admitted => "admitted",
            Outcome::Refused => "refused",
            Outcome::Alone => "alone",
        };
        self.calls.get_or_create(&Labels { outcome }).inc();
    }

    pub(super) fn took(&self, time: Duration) {
        self.durations.observe(time.as_secs_f64());
    }
}
