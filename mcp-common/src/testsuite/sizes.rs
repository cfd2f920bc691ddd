//! Many documents, and one that is too large.

use super::{Follower, Harness, store, stored};
use crate::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Ten thousand documents are all loaded, and all reach who watches, however many pages or batches that takes.
pub async fn ten_thousand_documents<H: Harness>() {
    const DOCUMENTS: usize = 10_000;
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let document = |number: usize| {
        // Of different sizes, some of them large.
        let length = 100 + number % 7 * 100 + if number.is_multiple_of(250) { 100_000 } else { 0 };
        let body = format!("{{\"x\":\"{}\"}}", "x".repeat(length));
        (Key::tool(format!("t{number}")), body)
    };
    let documents: Vec<_> = (0..DOCUMENTS).map(document).collect();
    if !harness.raw_many(&documents).await {
        put_all(&source, documents).await;
    }
    let last = store(&*source, &Key::tool("last"), "{}").await;
    follower.until(last).await;
    let load = harness.connect().await.load().await.expect("load");
    assert_eq!(load.records.len(), DOCUMENTS + 1);
    assert_eq!(follower.state.len(), DOCUMENTS + 1);
    for record in load.records {
        assert!(
            follower.state.get(&record.key) == Some(&(record.revision, record.body)),
            "{} is another one in the watch than in the load",
            record.key
        );
    }
}

async fn put_all(source: &Arc<dyn DataSource>, documents: Vec<(Key, String)>) {
    const WRITERS: usize = 8;
    let mut writers = JoinSet::new();
    for part in documents.chunks(documents.len().div_ceil(WRITERS)) {
        let (source, part) = (source.clone(), part.to_vec());
        writers.spawn(async move {
            for (key, body) in part {
                store(&*source, &key, body).await;
            }
        });
    }
    writers.join_all().await;
}

/// Too large says so, with both sizes, and changes nothing; the largest is taken.
pub async fn too_large<H: Harness>() {
    let harness = H::fresh().await;
    let Some(largest) = harness.largest() else {
        return super::not_applicable::<H>("too_large");
    };
    let source = harness.connect().await;
    let key = Key::tool("a");
    let first = store(&*source, &key, "{}").await;
    let body = Bytes::from(vec![b' '; largest + 1]);
    let write = Write {
        key: &key,
        expected: Expected::Any,
        principal: "suite",
    };
    match source.put(write, body.clone()).await {
        Err(SourceError::TooLarge { size, limit }) => assert!(size == body.len() && limit < size),
        other => panic!("expected too large, got {other:?}"),
    }
    assert_eq!(
        stored(&*source, &key).await.map(|record| record.revision),
        Some(first)
    );
    let revision = store(&*source, &key, body.slice(1..)).await;
    let record = stored(&*source, &key).await.expect("stored");
    assert!(record.revision == revision && record.body.len() == largest);
    let past = source.history(&key, 10).await.expect("history");
    let sizes: Vec<_> = past
        .iter()
        .map(|entry| entry.body.as_ref().map(Bytes::len))
        .collect();
    assert_eq!(sizes, [Some(largest), Some(2)]);
}
