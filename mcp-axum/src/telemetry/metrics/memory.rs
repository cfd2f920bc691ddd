//! The memory of what is in flight, read when somebody asks.

use mcp_core::peer::Budget;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

#[derive(Debug)]
pub(super) struct MemoryCollector(pub(super) Arc<Budget>);

impl Collector for MemoryCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let gauges = [
            (
                "memory_in_flight_bytes",
                "Memory of bodies and answers in flight",
                self.0.used(),
            ),
            (
                "memory_budget_bytes",
                "Memory that bodies and answers in flight may take (app.memory_budget)",
                self.0.limit(),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let help = "How often there was no memory for a body or an answer";
        let refused = ConstCounter::new(self.0.refused());
        refused.encode(encoder.encode_descriptor("memory_refused", help, None, MetricType::Counter)?)
    }
}
