use async_trait::async_trait;
use mcp_common::{datasource::DataSource, testsuite::Harness};
use mcp_plugin::datasource::memory::Memory;
use std::sync::Arc;

struct InMemory(Arc<Memory>);

#[async_trait]
impl Harness for InMemory {
    const NOT_APPLICABLE: &'static [(&'static str, &'static str)] = &[
        (
            "changes_are_forgotten",
            "nothing outside can make it forget; the unit tests of its ledger try what follows",
        ),
        ("connection_is_cut", "there is no connection"),
        ("server_restarts", "there is no server"),
        ("slow_store", "there is nothing to wait for"),
        ("too_large", "memory has no bound of its own"),
    ];

    async fn fresh() -> Self {
        Self(Arc::new(Memory::new(50)))
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        self.0.clone()
    }
}

mcp_common::datasource_contract!(InMemory);
