//! SRV records.

use super::{
    name_server::{NameServer, service},
    watched::{discovery, endpoints, set},
};
use hickory_resolver::proto::rr::RecordType::SRV;
use mcp_common::discovery::Look;
use serde_json::json;
use std::time::{Duration, Instant};

const NAME: &str = "_mcp._tcp.weather.example.";

#[tokio::test]
async fn services_are_endpoints_of_one_upstream_with_tiers_and_weights() {
    let server = NameServer::start().await;
    server.set(
        NAME,
        SRV,
        300,
        vec![
            service(10, 60, 8443, "b.weather.example."),
            service(10, 20, 8443, "a.weather.example."),
            service(20, 0, 443, "standby.weather.example."),
        ],
    );
    let table = json!({"id": "weather", "query": NAME, "servers": [server.address.to_string()], "scheme": "https",
        "upstream": {"balance": {"algorithm": "weighted_random"}}});
    let mut dns = discovery(&table);
    let found = set(&mut dns).await;
    assert_eq!(
        endpoints(&found),
        json!([
            {"url": "https://a.weather.example:8443/mcp", "weight": 20, "priority": 10},
            {"url": "https://b.weather.example:8443/mcp", "weight": 60, "priority": 10},
            {"url": "https://standby.weather.example:443/mcp", "weight": 1, "priority": 20},
        ])
    );
    let document = found.upstreams[0].document.as_ref().unwrap();
    assert_eq!(document["balance"], json!({"algorithm": "weighted_random"}));
    assert!(matches!(dns.look().await.unwrap(), Look::Same));
    assert_eq!(server.asked().0, 1, "what holds is not asked for again");
}

#[tokio::test]
async fn records_are_asked_for_again_when_their_time_is_over() {
    let server = NameServer::start().await;
    server.set(NAME, SRV, 2, vec![service(0, 1, 1, "a.example.")]);
    let table = json!({"id": "weather", "query": NAME, "servers": [server.address.to_string()]});
    let mut dns = discovery(&table);
    set(&mut dns).await;
    server.set(NAME, SRV, 2, vec![service(0, 1, 2, "b.example.")]);
    let start = Instant::now();
    tokio::time::timeout(Duration::from_secs(10), dns.changed())
        .await
        .unwrap();
    assert!(start.elapsed() > Duration::from_millis(500), "not before");
    assert_eq!(
        endpoints(&set(&mut dns).await),
        json!([{"url": "http://b.example:2/mcp", "weight": 1}])
    );
}

#[tokio::test]
async fn more_than_a_datagram_is_asked_for_by_tcp() {
    let server = NameServer::start().await;
    let many = (1..=40).map(|number| service(0, 5, number, "replica-with-a-long-name.weather.example."));
    server.set(NAME, SRV, 300, many.collect());
    let table = json!({"id": "weather", "query": NAME, "servers": [server.address.to_string()]});
    let found = set(&mut discovery(&table)).await;
    assert_eq!(endpoints(&found).as_array().unwrap().len(), 40);
    assert!(server.asked().1 > 0, "{:?}", server.asked());
}
