use async_trait::async_trait;
use mcp_common::{datasource::DataSource, testsuite::Harness};
use mcp_plugin::datasource::memory::Memory;
use std::sync::Arc;

struct InMemory(Arc<Memory>);

#[async_trait]
impl Harness for InMemory {
    async fn fresh() -> Self {
        Self(Arc::new(Memory::new(50)))
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        self.0.clone()
    }
}

mcp_common::datasource_contract!(InMemory);
