//! Transactions that run at the same time.

use super::store::{Store, contents, on_both, put};
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
    testsuite::Follower,
};
use std::{sync::Arc, time::Duration};

on_both! {
    transactions_that_commit_in_another_order_lose_nothing
    a_transaction_that_stays_open_is_named
    raw_and_gateway_writers_of_the_same_rows_all_get_through
    of_two_writers_with_one_expectation_one_wins
}

async fn transactions_that_commit_in_another_order_lose_nothing<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    let (mut first, mut second) = (store.pipeline().await, store.pipeline().await);
    // The first one begins and inserts first, and commits last.
    first
        .run("BEGIN; INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('first', 'TDS', '1')")
        .await;
    let waiting = tokio::spawn(async move {
        second
            .run("BEGIN; INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('second', 'TDS', '2'); COMMIT")
            .await;
    });
    // Whether the second one waits or has committed, a consumer that looks now must not step over the first one.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let between = source.load().await.unwrap();
    first.run("COMMIT").await;
    waiting.await.unwrap();
    let end = source.load().await.unwrap().revision;
    follower.until(end).await;
    assert_eq!(follower.state.len(), 2);
    let mut resumed = Follower::start(&*source).await;
    resumed.revision = between.revision;
    resumed.state.clear();
    let mut resumed = resumed.resume(&*source).await;
    resumed.until(end).await;
    assert_eq!(resumed.state.len() + between.records.len(), 2);
}

async fn a_transaction_that_stays_open_is_named<S: Store>() {
    let store = S::fresh().await;
    let source = store.open().await;
    put(&*source, &Key::tool("a"), "1").await;
    let mut forgotten = store.pipeline().await;
    forgotten.run("BEGIN; UPDATE dynmcp_xds SET xds_json = '2'").await;
    let key = Key::tool("a");
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "test",
    };
    let refused = source.put(write, "3".into()).await.unwrap_err();
    assert!(matches!(refused, SourceError::Unavailable(_)), "{refused:?}");
    assert!(
        refused
            .to_string()
            .contains("another transaction holds the table; end it"),
        "{refused}"
    );
    assert_eq!(contents(&*source).await, ["TDS a=1"], "readers do not wait");
    forgotten.run("ROLLBACK").await;
    put(&*source, &Key::tool("a"), "4").await;
}

async fn raw_and_gateway_writers_of_the_same_rows_all_get_through<S: Store>() {
    const ROUNDS: usize = 40;
    let store = S::fresh().await;
    let source = store.open().await;
    for id in ["a", "b", "c"] {
        put(&*source, &Key::tool(id), "0").await;
    }
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let mut raw = store.pipeline().await;
        writers.spawn(async move {
            for round in 0..ROUNDS {
                // The server may choose the raw writer as the victim of a deadlock, who then does it again.
                while raw
                    .try_run(&format!("UPDATE dynmcp_xds SET xds_json = 'raw {round}'"))
                    .await
                    .is_err()
                {}
            }
        });
        let source: Arc<dyn DataSource> = store.open().await;
        writers.spawn(async move {
            for round in 0..ROUNDS {
                for id in ["c", "b", "a", "d"] {
                    put(&*source, &Key::tool(id), &format!("gateway {round}")).await;
                }
            }
        });
    }
    writers.join_all().await;
    assert_eq!(contents(&*source).await.len(), 4);
}

async fn of_two_writers_with_one_expectation_one_wins<S: Store>() {
    let store = S::fresh().await;
    let (one, two) = (store.open().await, store.open().await);
    let key = Key::tool("a");
    let mut expected = Expected::Absent;
    for round in 0..20 {
        let write = || Write {
            key: &key,
            expected,
            principal: "test",
        };
        let (first, second) = tokio::join!(one.put(write(), "1".into()), two.put(write(), "2".into()));
        let won: Vec<_> = [&first, &second].into_iter().flatten().copied().collect();
        assert_eq!(won.len(), 1, "round {round}: {first:?} {second:?}");
        let lost = [first, second].into_iter().find_map(Result::err);
        assert!(
            matches!(lost, Some(SourceError::Conflict { current }) if current == Some(won[0])),
            "{lost:?}"
        );
        expected = Expected::Revision(won[0]);
    }
}
