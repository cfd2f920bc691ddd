//! Connections that break, servers that stop.

use super::store::{Store, contents, on_both, put, try_put};
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::{Key, Revision},
    testsuite::Follower,
};
use std::time::{Duration, Instant};

on_both! {
    a_cut_connection_costs_no_change
    a_restarted_server_is_used_again
    a_gateway_may_start_before_its_server
}

/// Tries again while the source is unavailable.
async fn put_until_it_works(source: &dyn DataSource, key: &Key, body: &str) -> Revision {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match try_put(source, key, body).await {
            Ok(revision) => return revision,
            Err(SourceError::Unavailable(reason)) => assert!(Instant::now() < deadline, "{reason}"),
            Err(error) => panic!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What a consumer does: goes on from what it knows.
async fn follow_from(source: &dyn DataSource, from: Revision, to: Revision) -> usize {
    use futures_util::StreamExt;
    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut seen, mut count) = (from, 0);
    while seen < to {
        assert!(Instant::now() < deadline, "at {seen}");
        let mut changes = match source.watch(seen).await {
            Ok(changes) => changes,
            Err(SourceError::Unavailable(_) | SourceError::InDoubt(_)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Err(error) => panic!("{error:?}"),
        };
        while seen < to {
            match changes.next().await.unwrap() {
                Ok(batch) => {
                    seen = batch.revision;
                    count += batch.changes.len();
                }
                Err(SourceError::Unavailable(_) | SourceError::InDoubt(_)) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    count
}

async fn a_cut_connection_costs_no_change<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let start = put(&*source, &Key::tool("a"), "{}").await;
    let following = {
        let source = source.clone();
        tokio::spawn(async move { follow_from(&*source, start, start + 30).await })
    };
    for number in 0..30 {
        if number % 10 == 5 {
            store.cut().await;
        }
        let key = format!("t{number}");
        let insert =
            format!("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('{key}', 'TDS', '{{}}')");
        store.run(&insert).await;
    }
    assert_eq!(following.await.unwrap(), 30);
    put_until_it_works(&*source, &Key::tool("b"), "{}").await;
    assert_eq!(contents(&*source).await.len(), 32);
}

async fn a_restarted_server_is_used_again<S: Store>() {
    let mut store = S::alone().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    let before = put(&*source, &Key::tool("before"), "{}").await;
    follower.until(before).await;
    let following = {
        let source = source.clone();
        tokio::spawn(async move { follow_from(&*source, before, before + 2).await })
    };
    store.kill();
    let key = Key::tool("meanwhile");
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "test",
    };
    let refused = source.put(write, "{}".into()).await;
    assert!(matches!(refused, Err(SourceError::Unavailable(_))), "{refused:?}");
    assert!(matches!(source.load().await, Err(SourceError::Unavailable(_))));
    store.start_again().await;
    store
        .run("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('raw', 'TDS', '{}')")
        .await;
    put_until_it_works(&*source, &Key::tool("after"), "{}").await;
    assert_eq!(following.await.unwrap(), 2);
    assert_eq!(
        contents(&*source).await,
        ["TDS after={}", "TDS before={}", "TDS raw={}"]
    );
}

async fn a_gateway_may_start_before_its_server<S: Store>() {
    let mut store = S::alone().await;
    store.kill();
    let source = store.open().await;
    let refused = source.load().await;
    assert!(
        matches!(&refused, Err(SourceError::Unavailable(reason)) if reason.contains("cannot be reached")),
        "{refused:?}"
    );
    store.start_again().await;
    put_until_it_works(&*source, &Key::tool("a"), "{}").await;
    assert_eq!(contents(&*source).await, ["TDS a={}"]);
}
