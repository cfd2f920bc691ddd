//! The change log bounds itself and says when somebody asks for what is gone.

use super::file::{File, contents, put, run};
use futures_util::StreamExt;
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
    testsuite::Follower,
};
use mcp_plugin::datasource::sqlite::{Sqlite, SqliteSettings};
use serde_json::json;

#[tokio::test]
async fn a_key_keeps_as_many_revisions_as_configured_whoever_writes() {
    let file = File::new();
    let settings = SqliteSettings {
        history: 3,
        ..file.settings()
    };
    let source = Sqlite::open(settings).await.unwrap();
    let mut follower = Follower::start(&source).await;
    let (key, other) = (Key::tool("a"), Key::tool("b"));
    put(&source, &other, "{}").await;
    let mut last = 0;
    for number in 0..10 {
        last = put(&source, &key, &number.to_string()).await;
    }
    let revisions: Vec<_> = source
        .history(&key, 99)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.revision)
        .collect();
    assert_eq!(revisions, [last, last - 1, last - 2]);
    let pipeline = file.pipeline().await;
    for _ in 0..5 {
        run(
            &pipeline,
            "UPDATE dynmcp_xds SET xds_json = xds_json || '1' WHERE key = 'a'",
        )
        .await;
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM dynmcp_changes")
        .fetch_one(&pipeline)
        .await
        .unwrap();
    assert_eq!(rows, 3 + 1);
    follower.until(last + 5).await;
    assert_eq!(follower.body(&key), Some(&b"911111"[..]));
    assert!(follower.body(&other).is_some());
    // From the very beginning nothing but superseded changes is missing.
    let from_start = source.watch(0).await;
    assert!(from_start.is_ok());
}

#[tokio::test]
async fn a_forgotten_deletion_makes_those_behind_it_load_again() {
    let file = File::new();
    let source = file.open().await;
    run(
        &file.pipeline().await,
        "UPDATE dynmcp_store SET value = 5 WHERE name = 'horizon'",
    )
    .await;
    let before = put(&source, &Key::tool("gone"), "{}").await;
    let mut asleep = source.watch(before).await.unwrap();
    let mut live = Follower::start(&source).await;
    run(&file.pipeline().await, "DELETE FROM dynmcp_xds").await;
    let deleted = before + 1;
    for number in 0..4 {
        put(&source, &Key::tool("kept"), &number.to_string()).await;
    }
    live.until(deleted + 4).await;
    assert!(source.watch(before).await.is_ok(), "not yet forgotten");
    let last = put(&source, &Key::tool("kept"), "5").await;
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
    assert_eq!(contents(&source).await, ["TDS kept=5"]);
}

#[tokio::test]
async fn a_consumer_ahead_of_the_file_loads_again() {
    let file = File::new();
    let source = file.open().await;
    let newest = put(&source, &Key::tool("a"), "{}").await;
    // An older backup was put in the file's place.
    let lost = source.watch(newest + 1).await.err();
    assert!(matches!(lost, Some(SourceError::HistoryLost { .. })), "{lost:?}");
}

#[test]
fn settings_may_come_from_the_environment() {
    let read = |settings| SqliteSettings::read(&settings).map_err(|error| error.to_string());
    let settings = read(json!({"path": "x.db", "poll_ms": "250", "history": "7"})).unwrap();
    assert_eq!((settings.poll.as_millis(), settings.history), (250, 7));
    assert_eq!(read(json!(null)).unwrap().path.to_str(), Some("data/dynmcp.db"));
    assert!(
        read(json!({"history": 0}))
            .unwrap_err()
            .starts_with("data_source.sqlite.history: ")
    );
    assert!(
        read(json!({"path": ""}))
            .unwrap_err()
            .starts_with("data_source.sqlite.path: ")
    );
    assert!(
        read(json!({"file": "x"}))
            .unwrap_err()
            .starts_with("data_source.sqlite.file: no such setting")
    );
}

#[tokio::test]
async fn a_sleeping_consumer_does_not_let_the_write_ahead_log_grow() {
    let file = File::new();
    let source = file.open().await;
    let mut follower = Follower::start(&source).await;
    let last = put(&source, &Key::tool("a"), "{}").await;
    follower.until(last).await;
    let pipeline = file.pipeline().await;
    let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&pipeline)
        .await;
    let (kept_from_it, _, _): (i64, i64, i64) = checkpoint.unwrap();
    assert_eq!(kept_from_it, 0, "somebody still reads");
}
