//! History beyond the contract: bounded, and with what was written past the gateway.

use super::store;
use crate::servers::etcd::EtcdServer;
use mcp_common::{datasource::DataSource, key::Key};
use serde_json::json;

fn keys(server: &EtcdServer) -> usize {
    let keys = server.etcdctl(&["get", "--prefix", "--keys-only", "/dynmcp-history/"]);
    keys.lines().filter(|line| !line.is_empty()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_as_wanted_are_kept() {
    let server = EtcdServer::start(&[]);
    let source = store::open_with(&server.url(), &json!({ "history": 3 })).await;
    let (key, neighbour) = (Key::tool("a"), Key::tool("a/b"));
    let first = store::put(&source, &neighbour, "{}").await.unwrap();
    let mut revisions = Vec::new();
    for number in 0..8 {
        revisions.push(
            store::put(&source, &key, &format!("{{\"n\":{number}}}"))
                .await
                .unwrap(),
        );
    }
    let past = source.history(&key, 100).await.unwrap();
    let kept: Vec<_> = past.iter().map(|entry| entry.revision).collect();
    assert_eq!(kept, [revisions[7], revisions[6], revisions[5]]);
    assert!(
        past.iter()
            .all(|entry| entry.at.is_some() && entry.principal.as_deref() == Some("anna"))
    );
    assert_eq!(keys(&server), 4);
    assert_eq!(source.history(&neighbour, 9).await.unwrap()[0].revision, first);

    // Documents that stand apart go with their entries.
    let large = "x".repeat(900_000);
    for _ in 0..5 {
        store::put(&source, &key, &large).await.unwrap();
    }
    let past = source.history(&key, 100).await.unwrap();
    assert!(
        past.len() == 3
            && past
                .iter()
                .all(|entry| entry.body.as_deref() == Some(large.as_bytes()))
    );
    assert!(keys(&server) <= 7 + 1, "{}", keys(&server));
    store::put(&source, &key, "{}").await.unwrap();
    store::put(&source, &key, "{}").await.unwrap();
    store::put(&source, &key, "{}").await.unwrap();
    assert_eq!(keys(&server), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_past_the_gateway_are_shown_while_etcd_has_them() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    let key = Key::tool("a");
    store::raw_put(&server, "/dynmcp/tds/a", "{\"n\":1}");
    store::put(&source, &key, "{\"n\":2}").await.unwrap();
    store::raw_put(&server, "/dynmcp/tds/a", "{\"n\":3}");
    store::raw_put(&server, "/dynmcp/tds/a", "{\"n\":4}");
    let shown = async |limit| {
        let past = source.history(&key, limit).await.unwrap();
        let line = |entry: mcp_common::datasource::HistoryEntry| {
            let body = String::from_utf8(entry.body.unwrap().to_vec()).unwrap();
            (body, entry.principal.is_some())
        };
        past.into_iter().map(line).collect::<Vec<_>>()
    };
    let line = |number: u32, signed: bool| (format!("{{\"n\":{number}}}"), signed);
    assert_eq!(
        shown(9).await,
        [line(4, false), line(3, false), line(2, true), line(1, false)]
    );
    assert_eq!(shown(2).await, [line(4, false), line(3, false)]);

    let revision = source.load().await.unwrap().revision;
    server.etcdctl(&["compact", &revision.to_string()]);
    assert_eq!(shown(9).await, [line(4, false), line(2, true)]);
}
