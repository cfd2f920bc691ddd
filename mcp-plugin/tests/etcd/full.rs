//! A server whose quota is used up: writes are refused and say why, everything else goes on, and when an administrator has
//! made room they work again.

use super::store;
use crate::servers::etcd::EtcdServer;
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_takes_nothing_and_loses_nothing() {
    let server = EtcdServer::start(&["--quota-backend-bytes=2000000"]);
    let source = store::open(&server.url()).await;
    let key = Key::tool("a");
    let body = "x".repeat(100_000);
    let mut stored = None;
    let refused = loop {
        match store::put(&source, &key, &body).await {
            Ok(revision) => stored = Some(revision),
            Err(error) => break error,
        }
        assert!(stored < Some(1_000), "it never fills up");
    };
    match refused {
        SourceError::Full(reason) => assert!(
            reason.contains(&server.url()) && reason.contains("etcdctl alarm disarm"),
            "{reason}"
        ),
        other => panic!("{other:?}"),
    }
    let other = store::put(&source, &Key::tool("b"), "{}").await;
    assert!(matches!(other, Err(SourceError::Full(_))), "{other:?}");
    let load = source.load().await.unwrap();
    let records: Vec<_> = load
        .records
        .iter()
        .map(|record| (&record.key, record.revision))
        .collect();
    assert_eq!(records, [(&key, stored.unwrap())]);
    assert!(source.watch(load.revision).await.is_ok());
    assert!(!source.history(&key, 50).await.unwrap().is_empty());

    server.etcdctl(&["del", "--prefix", "/dynmcp-history/"]);
    // The deletion has to be compacted too. Without `--physical` it answers before the pages are free, and there is nothing
    // yet to defragment.
    let deletion = format!("{}", load.revision + 1);
    server.etcdctl(&["compact", "--physical", &deletion]);
    server.etcdctl(&["defrag"]);
    server.etcdctl(&["alarm", "disarm"]);
    store::put(&source, &key, &body).await.unwrap();
}
