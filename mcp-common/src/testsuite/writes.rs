//! Loading and writing.

use super::{Follower, Harness, remove, store, stored};
use crate::{
    datasource::{Expected, SourceError, Write},
    key::{Key, Revision},
};
use std::collections::BTreeSet;

/// An empty store loads as empty; a filled one with everything, also through another connection.
pub async fn initial_load<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let empty = source.load().await.expect("load");
    assert!(empty.records.is_empty() && empty.unreadable.is_empty());
    let first = store(&*source, &Key::tool("a"), "{}").await;
    let second = store(&*source, &Key::instance("b"), "{\"x\":1}").await;
    assert!(empty.revision < first && first < second);

    let load = harness.connect().await.load().await.expect("load");
    assert_eq!(load.revision, second);
    let keys: BTreeSet<_> = load
        .records
        .iter()
        .map(|record| (record.key.clone(), record.revision))
        .collect();
    assert_eq!(
        keys,
        BTreeSet::from([(Key::tool("a"), first), (Key::instance("b"), second)])
    );
}

/// A put is loadable when it returns, and a consumer sees it.
pub async fn put<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let key = Key::tool("a");
    let revision = store(&*source, &key, "{\"x\":1}").await;
    let record = stored(&*source, &key).await.expect("stored");
    assert_eq!((record.revision, &*record.body), (revision, &b"{\"x\":1}"[..]));
    follower.until(revision).await;
    assert_eq!(follower.state.get(&key), Some(&(revision, "{\"x\":1}".into())));
}

/// Deleting what is not there says so and changes nothing.
pub async fn delete_of_missing<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let key = Key::tool("a");
    assert_eq!(remove(&*source, &key).await, None);
    let put = store(&*source, &key, "{}").await;
    let deleted = remove(&*source, &key).await;
    assert!(deleted > Some(put));
    assert_eq!(remove(&*source, &key).await, None);
    assert_eq!(Some(source.load().await.expect("load").revision), deleted);
}

/// Compare-and-swap: a write whose expectation does not hold stores nothing and names what is there.
pub async fn expectations<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let key = Key::tool("a");
    let put = async |expected| {
        source
            .put(
                Write {
                    key: &key,
                    expected,
                    principal: "suite",
                },
                "{}".into(),
            )
            .await
            .map_err(current)
    };
    let delete = async |expected| {
        source
            .delete(Write {
                key: &key,
                expected,
                principal: "suite",
            })
            .await
            .map_err(current)
    };
    assert_eq!(put(Expected::Revision(1)).await, Err(None));
    let first = put(Expected::Absent).await.expect("absent");
    assert_eq!(put(Expected::Absent).await, Err(Some(first)));
    let second = put(Expected::Revision(first)).await.expect("the stored revision");
    assert_eq!(put(Expected::Revision(first)).await, Err(Some(second)));
    assert_eq!(delete(Expected::Revision(first)).await, Err(Some(second)));
    assert_eq!(
        source.load().await.expect("load").revision,
        second,
        "a refused write is no change"
    );
    assert!(delete(Expected::Revision(second)).await.expect("delete") > Some(second));
    assert_eq!(
        put(Expected::Revision(second)).await,
        Err(None),
        "a deleted record is absent"
    );
    assert!(put(Expected::Absent).await.expect("absent again") > second);
}

/// Many writers that read, add one and write back: none of the additions is lost.
pub async fn lost_updates_are_impossible<H: Harness>() {
    const WRITERS: usize = 4;
    const ADDITIONS: usize = 10;
    let harness = H::fresh().await;
    let key = Key::tool("counter");
    store(&*harness.connect().await, &key, "0").await;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (source, key) = (harness.connect().await, key.clone());
        writers.spawn(async move {
            let mut added = 0;
            while added < ADDITIONS {
                let record = stored(&*source, &key).await.expect("stored");
                let count: usize = String::from_utf8_lossy(&record.body).parse().expect("a number");
                let expected = Expected::Revision(record.revision);
                let write = Write {
                    key: &key,
                    expected,
                    principal: "suite",
                };
                match source.put(write, (count + 1).to_string().into()).await {
                    Ok(_) => added += 1,
                    Err(SourceError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    writers.join_all().await;
    let record = stored(&*harness.connect().await, &key).await.expect("stored");
    assert_eq!(record.body, (WRITERS * ADDITIONS).to_string());
}

/// Two gateways that write one key without looking: every write counts, in one order that everybody sees.
pub async fn two_writers_on_one_key<H: Harness>() {
    const WRITES: usize = 20;
    let harness = H::fresh().await;
    let key = Key::tool("contested");
    let mut follower = Follower::start(&*harness.connect().await).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..2 {
        let (source, key) = (harness.connect().await, key.clone());
        writers.spawn(async move {
            let mut written = Vec::new();
            for number in 0..WRITES {
                let body = format!("{{\"w\":{writer},\"n\":{number}}}");
                written.push((store(&*source, &key, body.clone()).await, body));
            }
            written
        });
    }
    let mut written: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    written.sort();
    let revisions: BTreeSet<_> = written.iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions.len(), 2 * WRITES, "two writes have one revision");
    let (last, body) = written.last().expect("writes");
    follower.until(*last).await;
    assert_eq!(follower.body(&key), Some(body.as_bytes()));
    let source = harness.connect().await;
    assert_eq!(
        stored(&*source, &key).await.map(|record| record.revision),
        Some(*last)
    );
    // As many as every source keeps.
    let past = source.history(&key, 10).await.expect("history");
    let past: Vec<_> = past.iter().map(|entry| entry.revision).collect();
    let expected: Vec<_> = revisions.into_iter().rev().take(10).collect();
    assert_eq!(past, expected, "the history has other writes than were made");
}

fn current(error: SourceError) -> Option<Revision> {
    match error {
        SourceError::Conflict { current } => current,
        other => panic!("expected a conflict, got: {other}"),
    }
}
