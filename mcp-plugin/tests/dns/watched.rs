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
    let factory = Registry::discoveries().unwrap().get("dns").unwrap();
    let checked = factory.check("discovery[0]", settings);
    let made = factory.make("discovery[0]", settings, &gateway);
    assert_eq!(
        checked.is_empty(),
        made.is_ok(),
        "what is checked and what is made agree"
    );
    made.map_err(|error| error.to_string())
}

pub(super) async fn set(discovery: &mut Box<dyn Discovery>) -> Set {
    match discovery.look().await.unwrap() {
        Look::Set(set) => set,
        Look::Same => panic!("nothing is another one"),
    }
}

/// The endpoints of the only upstream.
pub(super) fn endpoints(set: &Set) -> Value {
    assert_eq!(set.upstreams.len(), 1, "{set:?}");
    assert_eq!(set.upstreams[0].id, "weather");
    set.upstreams[0].document.as_ref().unwrap()["endpoints"].clone()
}
