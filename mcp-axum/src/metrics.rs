//! All metrics of the process, registered here and handed down; `/metrics` shows them.

mod catalog;

use catalog::CatalogCollector;
use mcp_common::catalog::{Catalog, sync::SyncStatus};
use mcp_core::{telemetry, tool::ToolCompiler};
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};
use std::{fmt, sync::Arc};

/// The registry and what this crate counts itself.
pub struct Metrics {
    registry: Registry,
    /// Open client connections.
    pub connections: Gauge,
    /// Client connections that were opened beyond `app.max_connections`.
    pub connections_refused: Counter,
}

impl Metrics {
    /// Everything that can be measured, and the part that `mcp-core` writes to.
    pub fn build(catalog: &Arc<Catalog<ToolCompiler>>, sync: &Arc<SyncStatus>) -> (Self, telemetry::Metrics) {
        let mut registry = Registry::with_prefix("dynmcp");
        let core = telemetry::Metrics::register(&mut registry);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", build);
        let connections = Gauge::default();
        registry.register("connections", "Open client connections", connections.clone());
        let connections_refused = Counter::default();
        registry.register(
            "connections_refused",
            "Client connections that were one too many",
            connections_refused.clone(),
        );
        registry.register_collector(Box::new(CatalogCollector {
            catalog: catalog.clone(),
            sync: sync.clone(),
        }));
        (
            Self {
                registry,
                connections,
                connections_refused,
            },
            core,
        )
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 << 10);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
