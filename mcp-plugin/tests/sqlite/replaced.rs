//! Somebody puts another file under the path while the gateway runs.

use super::file::{File, contents, put};
use futures_util::StreamExt;
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use std::time::Duration;

/// What a stream says that has nothing to tell but an error.
async fn error_of(changes: &mut mcp_common::datasource::Changes) -> SourceError {
    let next = tokio::time::timeout(Duration::from_secs(30), changes.next());
    next.await
        .expect("the stream noticed nothing")
        .expect("the stream ended")
        .expect_err("a batch came")
}

#[tokio::test]
async fn a_restored_backup_is_loaded_and_written() {
    let (file, backup) = (File::new(), File::new());
    let source = file.open().await;
    let before = put(&source, &Key::tool("a"), "\"old\"").await;
    // As far as the other one, so that only the file tells them apart.
    let restored = backup.open().await;
    put(&restored, &Key::tool("b"), "\"restored\"").await;
    drop(restored);
    let pipeline = backup.pipeline().await;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&pipeline)
        .await
        .unwrap();
    pipeline.close().await;

    let mut changes = source.watch(before).await.unwrap();
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", file.path().display())).unwrap();
    }
    std::fs::rename(backup.path(), file.path()).unwrap();
    assert!(matches!(
        error_of(&mut changes).await,
        SourceError::HistoryLost { .. }
    ));
    assert!(matches!(
        source.watch(before).await.err(),
        Some(SourceError::HistoryLost { .. })
    ));
    assert_eq!(contents(&source).await, ["TDS b=\"restored\""]);
    assert!(source.watch(before).await.is_ok());

    put(&source, &Key::tool("c"), "1").await;
    drop(source);
    assert_eq!(
        contents(&file.open().await).await,
        ["TDS b=\"restored\"", "TDS c=1"],
        "it went into the new file"
    );
}

#[tokio::test]
async fn a_file_that_is_gone_takes_nothing_and_is_not_made_anew() {
    let file = File::new();
    let source = file.open().await;
    let key = Key::tool("a");
    let revision = put(&source, &key, "{}").await;
    let mut changes = source.watch(revision).await.unwrap();
    std::fs::remove_file(file.path()).unwrap();

    let error = error_of(&mut changes).await.to_string();
    assert!(error.contains("dynmcp.db` is gone; put it back"), "{error}");
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "test",
    };
    let refused = source.put(write, "{}".into()).await;
    assert!(matches!(refused, Err(SourceError::Unavailable(_))), "{refused:?}");
    assert!(matches!(source.load().await, Err(SourceError::Unavailable(_))));
    assert!(!file.path().exists());
}
