//! A and AAAA records.

use super::{
    name_server::NameServer,
    watched::{discovery, endpoints, set},
};
use hickory_resolver::proto::rr::{RData, RecordType};
use serde_json::json;

#[tokio::test]
async fn all_addresses_of_both_kinds_are_endpoints_at_the_port() {
    let server = NameServer::start().await;
    let name = "weather.example.";
    let addresses = ["10.0.0.8", "10.0.0.7"].map(|address| RData::A(address.parse().unwrap()));
    server.set(name, RecordType::A, 60, addresses.into());
    let wide = RData::AAAA("2001:db8::7".parse().unwrap());
    server.set(name, RecordType::AAAA, 60, vec![wide]);
    let table = json!({"id": "weather", "query": "weather.example", "port": 8001, "path": "/v1", "servers": [server.address.to_string()],
        "upstream": {"protocol": "http"}});
    let found = set(&mut discovery(&table)).await;
    assert_eq!(
        endpoints(&found),
        json!([
            {"url": "http://10.0.0.7:8001/v1"},
            {"url": "http://10.0.0.8:8001/v1"},
            {"url": "http://[2001:db8::7]:8001/v1"},
        ])
    );
    assert_eq!(found.upstreams[0].document.as_ref().unwrap()["protocol"], "http");
}
