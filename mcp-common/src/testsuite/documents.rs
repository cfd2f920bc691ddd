//! Documents and ids come back as they went in; the past is kept.

use super::{Follower, Harness, remove, store, stored};
use crate::{
    datasource::{Expected, Write},
    key::Key,
};
use bytes::Bytes;

/// Newest first, with deletions and who did it, at most as many as asked for.
pub async fn history<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let (key, other) = (Key::tool("a"), Key::tool("b"));
    let write = |principal| Write {
        key: &key,
        expected: Expected::Any,
        principal,
    };
    let first = source.put(write("anna"), "{\"x\":1}".into()).await.expect("put");
    store(&*source, &other, "{}").await;
    let second = source.put(write("ben"), "{\"x\":2}".into()).await.expect("put");
    let third = source
        .delete(write("anna"))
        .await
        .expect("delete")
        .expect("it was there");

    let past = source.history(&key, 10).await.expect("history");
    let entries: Vec<_> = past
        .iter()
        .map(|e| (e.revision, e.principal.as_deref(), e.body.clone()))
        .collect();
    let expected = [
        (third, Some("anna"), None),
        (second, Some("ben"), Some(Bytes::from("{\"x\":2}"))),
        (first, Some("anna"), Some(Bytes::from("{\"x\":1}"))),
    ];
    assert_eq!(entries, expected);
    let newest = source.history(&key, 1).await.expect("history");
    assert_eq!(
        newest.iter().map(|entry| entry.revision).collect::<Vec<_>>(),
        [third]
    );
    assert!(
        source
            .history(&Key::instance("a"), 10)
            .await
            .expect("history")
            .is_empty()
    );
}

/// A megabyte is no problem.
pub async fn large_document<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let key = Key::tool("large");
    let body = Bytes::from(format!("{{\"x\":\"{}\"}}", "ä€😀x".repeat(100_000)));
    let revision = store(&*source, &key, body.clone()).await;
    follower.until(revision).await;
    assert!(
        follower.body(&key) == Some(&body[..]),
        "the stream cut the document"
    );
    assert!(
        stored(&*source, &key)
            .await
            .is_some_and(|record| record.body == body),
        "the load cut the document"
    );
}

/// Ids are any text; letters that look alike, or differ in case only, are different ids.
pub async fn unicode_ids<H: Harness>() {
    const IDS: [&str; 10] = [
        "wetter",
        "Wetter",
        "grüße",
        "gru\u{308}ße",
        "天气",
        "😀",
        "a b",
        "a'b\"c%_",
        "a/b",
        "é",
    ];
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let mut last = 0;
    for id in IDS {
        last = store(&*source, &Key::tool(id), format!("{{\"id\":\"{}\"}}", id.len())).await;
    }
    follower.until(last).await;
    assert_eq!(follower.state.len(), IDS.len());
    for id in IDS {
        let key = Key::tool(id);
        let body = format!("{{\"id\":\"{}\"}}", id.len());
        assert_eq!(follower.body(&key), Some(body.as_bytes()), "{id}");
        assert_eq!(source.history(&key, 9).await.expect("history").len(), 1, "{id}");
        assert!(remove(&*source, &key).await.is_some(), "{id}");
    }
    assert!(source.load().await.expect("load").records.is_empty());
}

/// Member order, number spelling and white space are the author's.
pub async fn values_come_back_as_written<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let key = Key::tool("a");
    let body =
        "{ \"z\": 1.10,\n\t\"a\": 123456789012345678901234567890, \"n\": null, \"u\": \"\\u0000 ü\" }\n";
    store(&*source, &key, body).await;
    assert_eq!(
        stored(&*source, &key).await.map(|record| record.body),
        Some(body.into())
    );
}
