//! Entries that are sent to the group.

use super::watched::{discovery, found, try_discovery};
use mcp_common::discovery::Look;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// A group that no other test uses, and somebody who speaks there.
fn speaker() -> (String, impl Fn(&[u8])) {
    let free = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let group = format!("239.255.0.1:{free}");
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let to: SocketAddr = group.parse().unwrap();
    let say = move |text: &[u8]| assert_eq!(socket.send_to(text, &to.into()).unwrap(), text.len());
    (group, say)
}

fn table(group: &str) -> Value {
    json!({"only": "group", "group": group, "interface": "127.0.0.1"})
}

#[tokio::test]
async fn what_is_announced_holds_for_its_time() {
    let (group, say) = speaker();
    let mut heard = discovery(&table(&group));
    found(&mut heard, &[]).await;
    for noise in [
        &b"hello"[..],
        b"[]",
        b"{}",
        br#"{"name": "x", "ttl": "long"}"#,
        &[0xff; 2_000],
    ] {
        say(noise);
    }
    say(
        json!({"name": "Weather", "url": "http://10.0.0.7/mcp", "tags": ["a"], "ttl": 600})
            .to_string()
            .as_bytes(),
    );
    say(json!({"name": "brief", "url": "http://10.0.0.8/mcp", "ttl": 1})
        .to_string()
        .as_bytes());
    let documents = found(&mut heard, &["weather", "brief"]).await;
    assert_eq!(
        (&documents[0]["url"], &documents[0]["tags"]),
        (&json!("http://10.0.0.7/mcp"), &json!(["a"]))
    );
    found(&mut heard, &["weather"]).await;
    assert!(matches!(heard.look().await.unwrap(), Look::Same));
    say(json!({"name": "Weather", "ttl": 0}).to_string().as_bytes());
    found(&mut heard, &[]).await;
}

#[tokio::test]
async fn two_gateways_of_one_machine_hear_the_same() {
    let (group, say) = speaker();
    let (mut one, mut other) = (discovery(&table(&group)), discovery(&table(&group)));
    found(&mut one, &[]).await;
    found(&mut other, &[]).await;
    say(json!({"name": "a", "url": "http://10.0.0.7/mcp"})
        .to_string()
        .as_bytes());
    found(&mut one, &["a"]).await;
    found(&mut other, &["a"]).await;
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (table, expected) in [
        (
            json!({"group": "10.0.0.1:5000"}),
            "discovery[0].group: expected an IPv4 multicast address",
        ),
        (
            json!({"group": "239.255.0.1"}),
            "discovery[0].group: expected an IPv4 multicast address",
        ),
        (json!({"only": "both"}), "discovery[0].only: expected"),
        (
            json!({"interface": "eth0"}),
            "discovery[0].interface: expected an IPv4 address",
        ),
        (json!({"service": "a..b"}), "discovery[0].service: is no name"),
        (json!({"ttl": 0}), "discovery[0].ttl: expected a whole number"),
        (json!({"groups": []}), "discovery[0].groups: no such setting"),
    ] {
        let error = try_discovery(&table).err().expect("is taken");
        assert!(error.starts_with(expected), "{error}");
    }
}
