//! The contract of all data sources.

use crate::definition_service::{Service, definitions::LARGEST, relay::Relay};
use async_trait::async_trait;
use custom_plugin::http_source::HttpSource;
use mcp_common::{
    datasource::DataSource,
    key::Key,
    testsuite::{Harness, Raw},
};
use std::{sync::Arc, time::Duration};

/// The gateways reach the service through the relay; the platform team sits at its side.
struct AtService {
    service: Service,
    relay: Relay,
}

fn name(key: &Key) -> (String, String) {
    (key.kind.path_segment().to_owned(), key.id.to_string())
}

#[async_trait]
impl Harness for AtService {
    // Every poll is a request of its own.
    const KEEPS_A_CONNECTION: bool = false;

    async fn fresh() -> Self {
        let service = Service::start().await;
        let relay = Relay::to(service.port).await;
        Self { service, relay }
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        let settings = self.service.settings(self.relay.port);
        Arc::new(HttpSource::open(&settings).await.unwrap())
    }

    async fn raw(&self, write: Raw<'_>) -> bool {
        let mut definitions = self.service.definitions();
        match write {
            Raw::Put { key, body } => drop(definitions.put(name(key), None, body)),
            Raw::Delete(key) => assert!(definitions.delete(&name(key), None).is_some()),
            Raw::Rename { from, to } => definitions.rename(&name(from), name(to)),
            Raw::Unreadable => drop(definitions.put(("zds".to_owned(), "x".to_owned()), None, "{}")),
        }
        true
    }

    async fn raw_many(&self, documents: &[(Key, String)]) -> bool {
        let mut definitions = self.service.definitions();
        for (key, body) in documents {
            definitions.put(name(key), None, body);
        }
        true
    }

    async fn forget_changes(&self) -> bool {
        self.service.definitions().forget();
        true
    }

    async fn cut_connections(&self) -> bool {
        self.relay.cut();
        true
    }

    async fn restart(&self) -> bool {
        self.service.restart().await;
        true
    }

    async fn slow_down(&self) -> bool {
        *self.service.shared.delay.lock().unwrap() = Duration::from_millis(50);
        true
    }

    fn largest(&self) -> Option<usize> {
        Some(LARGEST)
    }
}

mcp_common::datasource_contract!(AtService);
