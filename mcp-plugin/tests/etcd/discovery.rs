//! Servers that write themselves with a lease are found, and gone with it.

use crate::servers::etcd::EtcdServer;
use async_trait::async_trait;
use mcp_common::{
    discovery::{Discovery, Fetched, Look, NotSeen, Page, Pages, Set, Surroundings},
    plugin::Registry,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

struct NoPages;

#[async_trait]
impl Pages for NoPages {
    async fn get(&self, _: Page<'_>) -> Result<Fetched, String> {
        Err("nothing is got".to_owned())
    }
}

fn discovery(settings: &Value) -> Box<dyn Discovery> {
    let gateway = Surroundings {
        pages: Arc::new(NoPages),
        max_bytes: 10_000,
        max_servers: 1_000,
        interval: Duration::from_secs(30),
    };
    let registry = Registry::discoveries().unwrap();
    registry
        .get("etcd")
        .unwrap()
        .make("discovery[0]", settings, &gateway)
        .unwrap()
}

async fn set(discovery: &mut Box<dyn Discovery>) -> Set {
    match discovery.look().await.unwrap() {
        Look::Set(set) => set,
        Look::Same => panic!("nothing is another one"),
    }
}

async fn told(discovery: &mut Box<dyn Discovery>) {
    tokio::time::timeout(Duration::from_secs(30), discovery.changed())
        .await
        .expect("a change is told");
}

fn ids(set: &Set) -> Vec<&str> {
    set.upstreams.iter().map(|one| &*one.id).collect()
}

#[tokio::test]
async fn a_server_comes_with_its_key_and_goes_with_its_lease() {
    let server = EtcdServer::start(&[]);
    let mut etcd = discovery(&json!({"endpoints": [server.url()], "registry_ttl_seconds": 30}));
    assert!(set(&mut etcd).await.upstreams.is_empty());
    let lease = server.etcdctl(&["lease", "grant", "2"]);
    let lease = lease.split_whitespace().nth(1).unwrap().to_owned();
    let value =
        json!({"url": "http://10.0.0.7:8001/mcp", "capabilities": ["routing"], "tags": ["a"]}).to_string();
    server.etcdctl(&["put", "mcp:weather", &value, &format!("--lease={lease}")]);
    told(&mut etcd).await;
    let found = set(&mut etcd).await;
    assert_eq!(ids(&found), ["weather"]);
    let document = found.upstreams[0].document.as_ref().unwrap();
    assert_eq!(
        (&document["url"], &document["capabilities"]),
        (&json!("http://10.0.0.7:8001/mcp"), &json!(["routing"]))
    );
    assert!(matches!(etcd.look().await.unwrap(), Look::Same));
    // Nobody keeps it alive.
    told(&mut etcd).await;
    assert!(set(&mut etcd).await.upstreams.is_empty());
}

#[tokio::test]
async fn what_is_wrong_costs_itself_alone_and_a_store_that_is_away_is_said() {
    let server = EtcdServer::start(&[]);
    for (key, value) in [
        ("mcp:plain", "http://10.0.0.8/mcp"),
        (
            "mcp:other",
            r#"{"name": "Other Name", "endpoint": "http://10.0.0.9/mcp"}"#,
        ),
        ("mcp:bad", "{"),
        ("mcp:number", "3"),
        ("mcp:nowhere", "{}"),
        ("else", "http://10.0.0.8/mcp"),
    ] {
        server.etcdctl(&["put", key, value]);
    }
    let mut etcd = discovery(&json!({"endpoints": [server.url()], "timeout_ms": 500}));
    let found = set(&mut etcd).await;
    assert_eq!(ids(&found), ["bad", "nowhere", "number", "other-name", "plain"]);
    let good: Vec<bool> = found.upstreams.iter().map(|one| one.document.is_ok()).collect();
    assert_eq!(good, [false, false, false, true, true]);
    server.etcdctl(&["put", "mcp:large", &"x".repeat(10_001)]);
    assert!(matches!(etcd.look().await, Err(NotSeen::Broken(reason)) if reason.contains("max_bytes")));
    server.stop();
    assert!(matches!(etcd.look().await, Err(NotSeen::Away(_))));
}
