//! What was written together arrives together.

use super::store;
use crate::servers::etcd::EtcdServer;
use mcp_common::datasource::{Change, DataSource};
use std::collections::BTreeMap;

fn revision(change: &Change) -> u64 {
    match change {
        Change::Put(record) => record.revision,
        Change::Delete { revision, .. } | Change::Readable { revision, .. } => *revision,
        Change::Unreadable(entry) => entry.revision,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_one_batch() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    store::raw_put(&server, "/dynmcp/tds/old", "{}");
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    server.etcdctl_with_input(
        &["txn"],
        "\nput /dynmcp/tds/new {}\nput /dynmcp/ids/i {}\ndel /dynmcp/tds/old\nput /dynmcp/odd {}\n\n\n",
    );
    let batch = store::next(&mut changes).await.unwrap();
    assert_eq!(batch.changes.len(), 4);
    assert!(
        batch
            .changes
            .iter()
            .all(|change| revision(change) == load.revision + 1)
    );
    assert_eq!(batch.revision, load.revision + 1);
}

/// So much at once that etcd cuts its answer into fragments, in the middle of transactions.
#[tokio::test(flavor = "multi_thread")]
async fn fragments_are_put_together() {
    const TRANSACTIONS: usize = 12;
    const KEYS: usize = 5;
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    let load = source.load().await.unwrap();
    for number in 0..TRANSACTIONS {
        let body = "x".repeat(200_000 + number * 7_000);
        let put = |key| format!("put /dynmcp/tds/t{number}-{key} {body}\n");
        let puts: String = (0..KEYS).map(put).collect();
        server.etcdctl_with_input(&["txn"], &format!("\n{puts}\n\n"));
    }
    let mut changes = source.watch(load.revision).await.unwrap();
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let mut batches = 0;
    while seen.len() < TRANSACTIONS {
        let batch = store::next(&mut changes).await.unwrap();
        batches += 1;
        for change in &batch.changes {
            let revision = revision(change);
            *seen.entry(revision).or_default() += 1;
            assert!(revision <= batch.revision);
        }
        let whole = seen.values().all(|count| *count == KEYS);
        assert!(
            whole,
            "a batch up to {} has a part of a transaction: {seen:?}",
            batch.revision
        );
    }
    assert!(batches > 1, "etcd did not cut its answer, so this shows nothing");
}
