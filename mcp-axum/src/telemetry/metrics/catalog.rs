//! What the catalog holds, read when somebody asks.

use mcp_common::catalog::{Catalog, sync::SyncStatus};
use mcp_core::tool::ToolCompiler;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use std::{fmt, sync::Arc};

pub(super) struct CatalogCollector {
    pub(super) catalog: Arc<Catalog<ToolCompiler>>,
    pub(super) sync: Arc<SyncStatus>,
}

impl Collector for CatalogCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.catalog.snapshot();
        let stale = u64::from(self.sync.stale());
        let gauges = [
            (
                "catalog_revision",
                "Revision of the definitions being served",
                snapshot.revision,
            ),
            (
                "catalog_tools",
                "Tool definitions being served",
                snapshot.tools.len() as u64,
            ),
            (
                "catalog_instances",
                "Instance definitions being served",
                snapshot.instances.len() as u64,
            ),
            (
                "catalog_quarantined",
                "Definitions that cannot be used",
                snapshot.unusable_count() as u64,
            ),
            ("source_stale", "1 while the data source is away", stale),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for CatalogCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CatalogCollector")
    }
}
