//! What becomes of changes of the configuration.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigMetrics {
    /// It was read again and could be used.
    pub(crate) reloads: Counter,
    /// It was read again and could not.
    pub(crate) errors: Counter,
    /// Keys that wait for a restart.
    pub(crate) waiting: Gauge,
}

impl ConfigMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "config_reload",
            "How often the configuration was read again and came into effect",
            metrics.reloads.clone(),
        );
        registry.register(
            "config_reload_errors",
            "How often it could not, so that the one before stays in effect",
            metrics.errors.clone(),
        );
        registry.register(
            "config_restart_required",
            "Keys of the configuration that come into effect with the next start",
            metrics.waiting.clone(),
        );
        metrics
    }
}
