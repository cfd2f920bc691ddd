//! What becomes of records of the audit log.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
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
    /// By where they go besides the files.
    sent: Family<OfSink, Counter>,
    missed: Family<OfSink, Counter>,
    sinks_failing: Family<OfSink, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSink {
    sink: &'static str,
}

/// What becomes of records on their way to one place.
#[derive(Clone, Debug)]
pub(crate) struct OneAuditSink {
    /// Sent.
    pub(crate) records: Counter,
    /// In no file any more when they were to be sent.
    pub(crate) missed: Counter,
    /// 1 while nothing can be sent.
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
        registry.register(
            "audit_sink_records",
            "Records of the audit log that were sent there",
            metrics.sent.clone(),
        );
        registry.register(
            "audit_sink_records_missed",
            "Records of the audit log whose files were removed before they were sent there",
            metrics.missed.clone(),
        );
        registry.register(
            "audit_sink_failing",
            "1 while no records of the audit log can be sent there",
            metrics.sinks_failing.clone(),
        );
        metrics
    }

    /// Those of one place.
    pub(crate) fn of_sink(&self, sink: &'static str) -> OneAuditSink {
        let of = OfSink { sink };
        OneAuditSink {
            records: self.sent.get_or_create(&of).clone(),
            missed: self.missed.get_or_create(&of).clone(),
            failing: self.sinks_failing.get_or_create(&of).clone(),
        }
    }
}
