//! The discovery as a gateway has it.

use async_trait::async_trait;
use mcp_common::{
    discovery::{Discovery, Fetched, Look, Page, Pages, Set, Surroundings},
    plugin::Registry,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

struct NoPages;

#[async_trait]
impl Pages for NoPages {
    async fn get(&self, _: Page<'_>) -> Result<Fetched, String> {
        Err("nothing is got".to_owned())
    }
}

pub(super) fn discovery(settings: &Value) -> Box<dyn Discovery> {
    try_discovery(settings).unwrap()
}

pub(super) fn try_discovery(settings: &Value) -> Result<Box<dyn Discovery>, String> {
    let gateway = Surroundings {
        pages: Arc::new(NoPages),
        max_bytes: 10_000,
        max_servers: 1_000,
        interval: Duration::from_secs(30),
    };
    let factory = Registry::discoveries().unwrap().get("multicast").unwrap();
    let checked = factory.check("discovery[0]", settings);
    let made = factory.make("discovery[0]", settings, &gateway);
    assert_eq!(
        checked.is_empty(),
        made.is_ok(),
        "what is checked and what is made agree"
    );
    made.map_err(|error| error.to_string())
}

/// Looks until exactly these upstreams are there; their documents.
pub(super) async fn found(discovery: &mut Box<dyn Discovery>, ids: &[&str]) -> Vec<Value> {
    let looking = async {
        loop {
            if let Look::Set(Set { upstreams, .. }) = discovery.look().await.unwrap() {
                let now: Vec<&str> = upstreams.iter().map(|one| &*one.id).collect();
                if now == ids {
                    return upstreams.into_iter().map(|one| one.document.unwrap()).collect();
                }
            }
            discovery.changed().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking)
        .await
        .unwrap()
}
