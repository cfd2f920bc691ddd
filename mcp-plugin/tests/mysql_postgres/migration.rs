//! Several gateways that start at once, and migrations that broke off.

use super::store::{Store, contents, on_both, put};
use mcp_common::key::Key;

on_both! {
    many_gateways_may_make_the_tables_at_once
    raw_writes_during_the_migration_are_not_lost
    a_newer_schema_is_left_alone
    a_table_of_something_else_is_left_alone
}

async fn many_gateways_may_make_the_tables_at_once<S: Store>() {
    let store = S::fresh().await;
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        opening.spawn(S::open_with(store.settings()));
    }
    let opened: Vec<_> = opening.join_all().await.into_iter().map(Result::unwrap).collect();
    put(&*opened[0], &Key::tool("a"), "{}").await;
    for source in &opened {
        assert_eq!(contents(&**source).await, ["TDS a={}"]);
    }
}

async fn raw_writes_during_the_migration_are_not_lost<S: Store>() {
    let store = S::fresh().await;
    store
        .run(
            "CREATE TABLE dynmcp_xds (id BIGINT PRIMARY KEY, `key` VARCHAR(255) NOT NULL, xds_type VARCHAR(32) NOT NULL,
                xds_json TEXT NOT NULL, status INT NOT NULL DEFAULT 1)",
        )
        .await;
    let mut writer = store.pipeline().await;
    let writing = tokio::spawn(async move {
        for number in 0..300 {
            let insert = format!(
                "INSERT INTO dynmcp_xds (id, `key`, xds_type, xds_json) VALUES ({number}, 't{number}', 'TDS', '1')"
            );
            // An ALTER may end it; then again.
            while writer.try_run(&insert).await.is_err() {}
            let update = format!("UPDATE dynmcp_xds SET xds_json = '2' WHERE `key` = 't{number}'");
            while writer.try_run(&update).await.is_err() {}
        }
    });
    let source = store.open().await;
    writing.await.unwrap();
    let contents = contents(&*source).await;
    assert_eq!(contents.len(), 300);
    assert!(contents.iter().all(|entry| entry.ends_with("=2")), "{contents:?}");
}

async fn a_newer_schema_is_left_alone<S: Store>() {
    let store = S::fresh().await;
    drop(store.open().await);
    store
        .run("UPDATE dynmcp_store SET value = 99 WHERE name = 'version'")
        .await;
    let error = S::refusal(store.settings()).await;
    assert!(
        error.contains("was written by a newer version of DynMCP (schema 99); start that one"),
        "{error}"
    );
}

async fn a_table_of_something_else_is_left_alone<S: Store>() {
    let store = S::fresh().await;
    store
        .run("CREATE TABLE dynmcp_xds (id INT, name VARCHAR(9))")
        .await;
    let error = S::refusal(store.settings()).await;
    assert!(
        error.contains("its table dynmcp_xds has no column `key`"),
        "{error}"
    );
}
