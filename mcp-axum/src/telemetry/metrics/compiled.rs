//! The tools that are kept compiled, read when somebody asks.

use mcp_core::tool::Shelf;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

#[derive(Debug)]
pub(super) struct CompiledCollector(pub(super) Arc<Shelf>);

impl Collector for CompiledCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(shelf) = self;
        let gauges = [
            (
                "compiled_tools",
                "Tools that are kept compiled",
                shelf.tools() as u64,
            ),
            (
                "compiled_bytes",
                "Memory of the tools that are kept compiled, about",
                shelf.bytes(),
            ),
            (
                "compiled_limit_bytes",
                "Memory that tools may take that are kept compiled (app.compiled_memory)",
                shelf.limit(),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let counters = [
            (
                "compiled_evicted",
                "Compiled tools that gave way to others, because there was no memory for all",
                shelf.evicted(),
            ),
            (
                "compiled_again",
                "How often a tool was compiled again because it was listed or called",
                shelf.compiled_again(),
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}
