//! A gateway that says itself that it is there.

use crate::servers::etcd::EtcdServer;
use mcp_plugin::datasource::etcd::EtcdAnnouncement;
use serde_json::json;
use std::time::Duration;

fn announcement(server: &EtcdServer, ttl: u64) -> EtcdAnnouncement {
    EtcdAnnouncement::new(
        &json!({"endpoints": [server.url()]}),
        "mcp:desk".to_owned(),
        r#"{"name":"desk","url":"http://10.0.0.7/mcp/i"}"#.to_owned(),
        Duration::from_secs(ttl),
    )
    .map_err(|error| error.to_string())
    .unwrap()
}

fn value(server: &EtcdServer) -> String {
    server
        .etcdctl(&["get", "mcp:desk", "--print-value-only"])
        .trim()
        .to_owned()
}

#[tokio::test]
async fn a_key_is_there_for_as_long_as_somebody_renews_it() {
    let server = EtcdServer::start(&[]);
    let desk = announcement(&server, 3);
    desk.announce().await.unwrap();
    assert_eq!(value(&server), r#"{"name":"desk","url":"http://10.0.0.7/mcp/i"}"#);
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(desk.renew().await, Ok(true));
    }
    assert!(!value(&server).is_empty(), "longer than its lease");
    server.etcdctl(&["del", "mcp:desk"]);
    assert_eq!(desk.renew().await, Ok(false), "it has to be said again");
    desk.announce().await.unwrap();
    assert!(!value(&server).is_empty());
    desk.withdraw().await.unwrap();
    assert_eq!(value(&server), "");
    desk.withdraw().await.unwrap();

    // Nobody renews it: it goes by itself, and the next sign of life says so.
    desk.announce().await.unwrap();
    let mut waited = 0;
    while !value(&server).is_empty() {
        tokio::time::sleep(Duration::from_millis(500)).await;
        waited += 1;
        assert!(waited < 40, "it is still there");
    }
    assert_eq!(desk.renew().await, Ok(false));
}

#[tokio::test]
async fn a_cluster_that_is_away_is_said() {
    let server = EtcdServer::start(&[]);
    let desk = announcement(&server, 30);
    desk.announce().await.unwrap();
    server.stop();
    let error = desk.renew().await.unwrap_err();
    assert!(error.starts_with("etcd at http://127.0.0.1:"), "{error}");
}
