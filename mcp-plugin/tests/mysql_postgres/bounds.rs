//! The change log bounds itself and says when somebody asks for what is gone.

use super::store::{Store, contents, on_both, put};
use futures_util::StreamExt;
use mcp_common::{datasource::SourceError, key::Key, testsuite::Follower};
use mcp_plugin::datasource::mysql::Server;

on_both! {
    a_key_keeps_as_many_revisions_as_configured_whoever_writes
    a_forgotten_deletion_makes_those_behind_it_load_again
    a_consumer_ahead_of_the_store_loads_again
}

async fn a_key_keeps_as_many_revisions_as_configured_whoever_writes<S: Store>() {
    let store = S::fresh().await;
    let settings = Server {
        history: 3,
        ..store.settings()
    };
    let source = S::open_with(settings).await.unwrap();
    let mut follower = Follower::start(&*source).await;
    let (key, other) = (Key::tool("a"), Key::tool("b"));
    put(&*source, &other, "{}").await;
    let mut last = 0;
    for number in 0..10 {
        last = put(&*source, &key, &number.to_string()).await;
    }
    let past = source.history(&key, 99).await.unwrap();
    let revisions: Vec<_> = past.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions, [last, last - 1, last - 2]);
    for number in 0..5 {
        store
            .run(&format!(
                "UPDATE dynmcp_xds SET xds_json = 'raw {number}' WHERE `key` = 'a'"
            ))
            .await;
    }
    assert_eq!(store.number("SELECT COUNT(*) FROM dynmcp_changes").await, 3 + 1);
    follower.until(last + 5).await;
    assert_eq!(follower.body(&key), Some(&b"raw 4"[..]));
    assert!(follower.body(&other).is_some());
    // From the very beginning nothing but superseded changes is missing.
    assert!(source.watch(0).await.is_ok());
}

async fn a_forgotten_deletion_makes_those_behind_it_load_again<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    store
        .run("UPDATE dynmcp_store SET value = 5 WHERE name = 'horizon'")
        .await;
    let before = put(&*source, &Key::tool("gone"), "{}").await;
    let mut asleep = source.watch(before).await.unwrap();
    let mut live = Follower::start(&*source).await;
    store.run("DELETE FROM dynmcp_xds").await;
    let deleted = before + 1;
    for number in 0..4 {
        put(&*source, &Key::tool("kept"), &number.to_string()).await;
    }
    live.until(deleted + 4).await;
    assert!(source.watch(before).await.is_ok(), "not yet forgotten");
    let last = put(&*source, &Key::tool("kept"), "5").await;
    let lost = source.watch(before).await.err();
    assert!(
        matches!(lost, Some(SourceError::HistoryLost { from }) if from == before),
        "{lost:?}"
    );
    let woken = asleep.next().await.unwrap();
    assert!(
        matches!(woken, Err(SourceError::HistoryLost { from }) if from == before),
        "{woken:?}"
    );
    assert!(source.watch(deleted).await.is_ok());
    live.until(last).await;
    assert_eq!(live.state.len(), 1);
    assert!(source.history(&Key::tool("gone"), 9).await.unwrap().is_empty());
    assert_eq!(contents(&*source).await, ["TDS kept=5"]);
}

async fn a_consumer_ahead_of_the_store_loads_again<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let newest = put(&*source, &Key::tool("a"), "{}").await;
    // An older backup was restored.
    let lost = source.watch(newest + 1).await.err();
    assert!(matches!(lost, Some(SourceError::HistoryLost { .. })), "{lost:?}");
    let mut running = source.watch(newest).await.unwrap();
    store.run("UPDATE dynmcp_revision SET revision = 0").await;
    let woken = running.next().await.unwrap();
    assert!(matches!(woken, Err(SourceError::HistoryLost { .. })), "{woken:?}");
}
