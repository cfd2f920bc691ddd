//! What becomes of records of the audit log.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Zero where there is no log.
#[derive(Debug, Default)]
pub(crate) struct AuditMetrics {
    /// Written.
    pub(crate) records: Counter,
    /// Lost, since there was no room for them.
    pub(crate) lost: Counter,
    /// 1 while nothing can be written.
    pub(crate) failing: Gauge,
}

impl AuditMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "audit_records",
            "Records written to the audit log",
            metrics.records.clone(),
        );
        registry.register(
            "audit_records_lost",
            "Records that the audit log had no room for",
            metrics.lost.clone(),
        );
        registry.register(
            "audit_failing",
            "1 while the audit log cannot be written",
            metrics.failing.clone(),
        );
        metrics
    }
}
