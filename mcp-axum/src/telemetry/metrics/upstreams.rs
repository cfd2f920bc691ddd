//! How upstreams are doing, read when somebody asks.

use mcp_core::upstream::{Hub, ProgramCounts, State};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// The hub is not kept alive by whoever measures it.
#[derive(Debug)]
pub(super) struct UpstreamsCollector(pub(super) Weak<Hub>);

impl Collector for UpstreamsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(hub) = self.0.upgrade() else {
            return Ok(());
        };
        let ids = hub.ids();
        let ready = |id: &Arc<str>| {
            let is_ready = hub.status(id).is_some_and(|status| status.state == State::Ready);
            usize::from(is_ready)
        };
        let tools = |id: &Arc<str>| {
            let inventory = hub.offer(id).and_then(|offer| offer.inventory);
            inventory.map_or(0, |inventory| inventory.tools.len())
        };
        let drifted = |id: &Arc<str>| hub.drifted(id);
        type Gauge<'a> = (&'static str, &'static str, &'a dyn Fn(&Arc<str>) -> usize);
        let gauges: [Gauge<'_>; 3] = [
            ("upstream_ready", "1 while the upstream can be called", &ready),
            (
                "upstream_tools",
                "Tools in the last inventory of the upstream",
                &tools,
            ),
            (
                "upstream_drifted_tools",
                "Tools of an upstream with a pin that are not as they were approved",
                &drifted,
            ),
        ];
        for (name, help, value) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for id in &ids {
                let gauge = ConstGauge::new(i64::try_from(value(id)).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&[("upstream", &**id)])?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "upstream_retries",
            "Calls of an MCP server that were made again, in another session or at another endpoint",
            None,
            MetricType::Counter,
        )?;
        for id in &ids {
            let counter = ConstCounter::new(hub.retries(id).unwrap_or_default());
            counter.encode(family.encode_family(&[("upstream", &**id)])?)?;
        }
        encode_programs(&hub, &ids, encoder)
    }
}

/// Of upstreams that are programs alone.
fn encode_programs(hub: &Hub, ids: &[Arc<str>], mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
    let programs: Vec<(&Arc<str>, ProgramCounts)> = ids
        .iter()
        .filter_map(|id| Some((id, hub.programs(id)?)))
        .collect();
    let mut family = encoder.encode_descriptor(
        "upstream_programs",
        "Programs of the upstream that run now, those of single callers included",
        None,
        MetricType::Gauge,
    )?;
    for (id, counts) in &programs {
        let gauge = ConstGauge::new(i64::try_from(counts.running).unwrap_or(i64::MAX));
        gauge.encode(family.encode_family(&[("upstream", &***id)])?)?;
    }
    let mut family = encoder.encode_descriptor(
        "upstream_program_restarts",
        "How often the program that callers of the upstream share was started again, whatever it ended by",
        None,
        MetricType::Counter,
    )?;
    for (id, counts) in &programs {
        let counter = ConstCounter::new(counts.restarts);
        counter.encode(family.encode_family(&[("upstream", &***id)])?)?;
    }
    Ok(())
}
