//! A network that loses everything and tells nobody.

use super::store;
use crate::servers::{etcd::EtcdServer, proxy::Proxy};
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use mcp_plugin::datasource::etcd::Etcd;
use serde_json::json;
use std::time::{Duration, Instant};

/// Generous: a few of the timeouts below, and a slow machine.
const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn silence_at_any_point_ends_in_time_and_leaves_nothing_half_done() {
    let server = EtcdServer::start(&["--grpc-keepalive-min-time=100ms"]);
    futures_util::future::join_all((1..60).step_by(4).map(|point| silence_after(&server, point))).await;
}

async fn silence_after(server: &EtcdServer, point: u32) {
    let proxy = Proxy::to(server.port()).await;
    proxy.silence_after(point);
    let settings = json!({
        "keepalive_ms": 1_000,
        "timeout_ms": 2_000,
        "prefix": format!("/t{point}/"),
        "history_prefix": format!("/t{point}-history/"),
    });
    let source = store::open_with(&proxy.url(), &settings).await;
    until_silent(&source).await;

    // New connections work, and nothing waits for those that were lost.
    proxy.forget();
    let (before, after) = (Key::tool("a"), Key::tool("b"));
    let deadline = Instant::now() + BOUND;
    while let Err(error) = store::put(&source, &after, "{}").await {
        assert!(
            Instant::now() < deadline && matches!(error, SourceError::Unavailable(_)),
            "{error:?}"
        );
    }
    let load = source.load().await.unwrap();
    let stored = load.records.iter().find(|record| record.key == before);
    let history = source.history(&before, 100).await.unwrap();
    let newest = history
        .first()
        .filter(|entry| entry.body.is_some())
        .map(|entry| entry.revision);
    assert_eq!(
        stored.map(|record| record.revision),
        newest,
        "after {point} answers"
    );
    assert!(
        history
            .iter()
            .all(|entry| entry.principal.as_deref() == Some("anna")),
        "a write without its author, after {point} answers: {history:?}"
    );
}

/// Loads, watches, writes, until the network falls silent, and a little longer.
async fn until_silent(source: &Etcd) {
    let key = Key::tool("a");
    let mut failures = 0;
    for round in 0..100 {
        let asked = async {
            let load = source.load().await?;
            let mut changes = source.watch(load.revision).await?;
            store::put(source, &key, &format!("{{\"round\": {round}}}")).await?;
            store::next(&mut changes).await?;
            let write = Write {
                key: &key,
                expected: Expected::Any,
                principal: "anna",
            };
            source.delete(write).await?;
            Ok(())
        };
        match tokio::time::timeout(BOUND * 2, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(SourceError::Unavailable(_) | SourceError::InDoubt(_))) => failures += 1,
            Ok(Err(error)) => panic!("{error:?}"),
            Err(_) => panic!("waits for ever"),
        }
        if failures == 3 {
            return;
        }
    }
    panic!("the network never fell silent");
}
