//! Names without records, servers that do not answer, and settings that cannot be meant.

use super::{
    name_server::{NameServer, service},
    watched::{discovery, endpoints, set, try_discovery},
};
use hickory_resolver::proto::{
    op::ResponseCode,
    rr::{Name, RData, RecordType, rdata::SRV},
};
use mcp_common::discovery::{Look, NotSeen};
use serde_json::json;
use tokio::net::UdpSocket;

const NAME: &str = "_mcp._tcp.weather.example.";

#[tokio::test]
async fn no_records_are_an_empty_list_and_no_answer_is_none() {
    let server = NameServer::start().await;
    let table =
        json!({"id": "weather", "query": NAME, "servers": [server.address.to_string()], "timeout": 2});
    let mut dns = discovery(&table);
    assert!(set(&mut dns).await.upstreams.is_empty(), "there is no such name");
    server.refuse(Some(ResponseCode::ServFail));
    let away = dns.look().await.unwrap_err();
    assert!(
        matches!(&away, NotSeen::Away(reason) if reason.contains("`_mcp._tcp.weather.example.` cannot be looked up")),
        "{away:?}"
    );
    server.refuse(None);
    // "Decidedly not available" (RFC 2782).
    server.set(NAME, RecordType::SRV, 0, vec![service(0, 0, 0, ".")]);
    assert!(matches!(dns.look().await.unwrap(), Look::Same));
    server.set(NAME, RecordType::SRV, 0, vec![service(0, 1, 8001, "a.example.")]);
    assert_eq!(
        endpoints(&set(&mut dns).await),
        json!([{"url": "http://a.example:8001/mcp", "weight": 1}])
    );
}

#[tokio::test]
async fn a_server_that_is_silent_costs_no_more_than_the_time_that_is_given() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let table = json!({"id": "weather", "query": NAME, "servers": [silent.local_addr().unwrap().to_string()], "timeout": 1});
    let mut dns = discovery(&table);
    let looked = tokio::time::timeout(std::time::Duration::from_secs(10), dns.look())
        .await
        .unwrap();
    assert!(matches!(looked, Err(NotSeen::Away(_))), "{looked:?}");
}

#[tokio::test]
async fn a_target_that_is_no_host_is_left_out_with_a_note() {
    let server = NameServer::start().await;
    // Names have any bytes at all.
    let hostile = Name::from_labels([&b"user@a"[..], b"example"]).unwrap();
    let hostile = RData::SRV(SRV::new(0, 1, 80, hostile));
    let records = vec![hostile, service(0, 1, 80, "b.example.")];
    server.set(NAME, RecordType::SRV, 60, records);
    let table = json!({"id": "weather", "query": NAME, "servers": [server.address.to_string()]});
    let found = set(&mut discovery(&table)).await;
    assert_eq!(
        endpoints(&found),
        json!([{"url": "http://b.example:80/mcp", "weight": 1}])
    );
    assert!(
        found.notes[0].contains("neither a name nor an address"),
        "{:?}",
        found.notes
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (table, expected) in [
        (json!({"query": NAME}), "discovery[0].id: is missing"),
        (
            json!({"id": "A b", "query": NAME}),
            "discovery[0].id: must have 1 to 32",
        ),
        (json!({"id": "a"}), "discovery[0].query: is missing"),
        (
            json!({"id": "a", "query": "a..b"}),
            "discovery[0].query: is no name",
        ),
        (
            json!({"id": "a", "query": "weather.example"}),
            "discovery[0].port: is missing",
        ),
        (
            json!({"id": "a", "query": NAME, "servers": ["ns.example"]}),
            "discovery[0].servers: `ns.example` is no address",
        ),
        (
            json!({"id": "a", "query": NAME, "name_server": "x"}),
            "discovery[0].name_server: no such setting",
        ),
    ] {
        let error = try_discovery(&table).err().expect("is taken");
        assert!(error.starts_with(expected), "{error}");
    }
}
