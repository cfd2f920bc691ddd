//! How discoveries are doing, read when somebody asks.

use mcp_common::discovery::{Board, SourceReport};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

/// What they have found.
#[derive(Debug)]
pub(super) struct DiscoveryCollector(pub(super) Arc<Board>);

impl Collector for DiscoveryCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let reports = self.0.reports();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        type Gauge<'a> = (&'static str, &'static str, &'a dyn Fn(&SourceReport) -> i64);
        let gauges: [Gauge<'_>; 3] = [
            (
                "discovery_upstreams",
                "Upstreams that a discovery has found",
                &|report| count(report.upstreams.len()),
            ),
            (
                "discovery_skipped",
                "Entries of the last set of a discovery that cannot be used",
                &|report| count(report.skipped.len()),
            ),
            (
                "discovery_failing",
                "1 while a discovery sees nothing, or refuses what it sees",
                &|report| i64::from(report.problem.is_some()),
            ),
        ];
        for (name, help, value) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for report in &reports {
                let gauge = ConstGauge::new(value(report));
                gauge.encode(family.encode_family(&[("discovery", &*report.name)])?)?;
            }
        }
        type Count = fn(&SourceReport) -> u64;
        let counters: [(&str, &str, Count); 2] = [
            ("discovery_looks", "How often a discovery looked", |report| {
                report.looks
            }),
            (
                "discovery_failures",
                "How often a discovery saw nothing, or refused what it saw",
                |report| report.failures,
            ),
        ];
        for (name, help, value) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for report in &reports {
                let counter = ConstCounter::new(value(report));
                counter.encode(family.encode_family(&[("discovery", &*report.name)])?)?;
            }
        }
        Ok(())
    }
}
