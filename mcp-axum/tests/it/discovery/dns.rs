//! `dns`, as far as the gateway. What becomes of which records stands in the tests of the plugin.

use super::{gateway, ids, listed, server, until};
use serde_json::json;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::net::UdpSocket;

/// Answers every question for A records with these addresses, and any other with nothing.
async fn name_server(addresses: Arc<Mutex<Vec<Ipv4Addr>>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut buffer).await {
            let name = buffer[12..].iter().position(|byte| *byte == 0).unwrap();
            let question = &buffer[12..12 + name + 5];
            let addresses = match question[name + 1..name + 3] {
                [0, 1] => addresses.lock().unwrap().clone(),
                _ => Vec::new(),
            };
            // Authoritative, one question, these answers.
            let mut answer = [
                &buffer[..2],
                &[0x85, 0, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0],
                question,
            ]
            .concat();
            for address in addresses {
                // The name of the question, A, IN, for a second, four bytes.
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
                answer.extend(address.octets());
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_name_is_an_upstream_whose_endpoints_come_and_go() {
    let far = server().await;
    let addresses = Arc::new(Mutex::new(vec![Ipv4Addr::LOCALHOST]));
    let asked = name_server(addresses.clone()).await.to_string();
    let table = json!([{"type": "dns", "id": "lab-weather", "query": "weather.example", "port": far.address().port(), "path": "/mcp/shop",
        "servers": [asked], "interval": 1}]);
    let app = gateway(&table).await;
    listed(&app, &["add_item", "get_item"]).await;
    let called = app.mcp("i").call("get_item", json!({"id": 7})).await;
    assert_eq!(called["structuredContent"]["path"], "/items/7", "{called}");
    addresses.lock().unwrap().push(Ipv4Addr::new(127, 0, 0, 2));
    let now = until("another replica is there", &app, |now| {
        now["upstreams"][0]["document"]["endpoints"]
            .as_array()
            .map(Vec::len)
            == Some(2)
    })
    .await;
    assert_eq!(ids(&now), ["lab-weather"]);
    // A zone that lost its records takes nothing away.
    addresses.lock().unwrap().clear();
    let now = until("it is refused", &app, |now| now["problem"].is_string()).await;
    assert!(now["problem"].as_str().unwrap().contains("allow_empty"), "{now}");
    assert_eq!(ids(&now), ["lab-weather"]);
}
