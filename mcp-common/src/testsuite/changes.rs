//! What consumers see of single changes, by the gateway and past it.

use super::{Follower, Harness, Raw, remove, store, stored};
use crate::key::Key;

/// The newest body counts, and every put is a change, even with the same body.
pub async fn update<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let key = Key::tool("a");
    let first = store(&*source, &key, "{\"x\":1}").await;
    let mut follower = Follower::start(&*source).await;
    let second = store(&*source, &key, "{\"x\":2}").await;
    let third = store(&*source, &key, "{\"x\":2}").await;
    assert!(first < second && second < third);
    follower.until(third).await;
    assert_eq!(follower.state.get(&key), Some(&(third, "{\"x\":2}".into())));
    if harness
        .raw(Raw::Put {
            key: &key,
            body: "{\"x\":3}",
        })
        .await
    {
        follower
            .until_that(|f| f.body(&key) == Some(b"{\"x\":3}"), "the raw update")
            .await;
        assert!(stored(&*source, &key).await.expect("stored").revision > third);
    }
}

/// The old id is gone, the new one has the document.
pub async fn rename<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let (from, to) = (Key::tool("old"), Key::tool("new"));
    store(&*source, &from, "{\"x\":1}").await;
    let mut follower = Follower::start(&*source).await;
    if !harness.raw(Raw::Rename { from: &from, to: &to }).await {
        store(&*source, &to, "{\"x\":1}").await;
        remove(&*source, &from).await;
    }
    let renamed = |f: &Follower| f.body(&from).is_none() && f.body(&to) == Some(b"{\"x\":1}");
    follower.until_that(renamed, "the rename").await;
    assert_eq!(stored(&*source, &from).await, None);
    assert!(stored(&*source, &to).await.is_some());
}

/// A deletion reaches consumers, and the key can be used again.
pub async fn delete<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let (key, other) = (Key::tool("a"), Key::tool("b"));
    store(&*source, &key, "{}").await;
    store(&*source, &other, "{}").await;
    let mut follower = Follower::start(&*source).await;
    let deleted = remove(&*source, &key).await.expect("it was there");
    follower.until(deleted).await;
    assert_eq!(follower.state.keys().collect::<Vec<_>>(), [&other]);
    assert_eq!(stored(&*source, &key).await, None);
    let again = store(&*source, &key, "{\"x\":2}").await;
    follower.until(again).await;
    assert_eq!(follower.body(&key), Some(&b"{\"x\":2}"[..]));
    if harness.raw(Raw::Delete(&key)).await {
        follower
            .until_that(|f| f.body(&key).is_none(), "the raw deletion")
            .await;
        assert_eq!(stored(&*source, &key).await, None);
    }
}

/// A thousand changes arrive completely.
pub async fn burst_of_1000<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*harness.connect().await).await;
    let mut last = 0;
    for number in 0..1_000 {
        // 900 keys, so that some are replaced within the burst.
        last = store(
            &*source,
            &Key::tool(format!("t{}", number % 900)),
            format!("{{\"n\":{number}}}"),
        )
        .await;
    }
    follower.until(last).await;
    assert_eq!(follower.state.len(), 900);
    for number in 100..1_000 {
        let key = Key::tool(format!("t{}", number % 900));
        assert_eq!(
            follower.body(&key),
            Some(format!("{{\"n\":{number}}}").as_bytes())
        );
    }
}

/// What is not JSON is handed on as it is; what names no kind is reported. Neither ends the load or the stream.
pub async fn bad_record<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let (bad, empty, good) = (Key::tool("bad"), Key::tool("empty"), Key::tool("good"));
    for (key, body) in [(&bad, "{\"x\":"), (&empty, "")] {
        if !harness.raw(Raw::Put { key, body }).await {
            store(&*source, key, body.to_owned()).await;
        }
    }
    let has_unreadable = harness.raw(Raw::Unreadable).await;
    let last = store(&*source, &good, "{}").await;
    follower.until(last).await;
    assert_eq!(follower.body(&bad), Some(&b"{\"x\":"[..]));
    assert_eq!(follower.body(&empty), Some(&b""[..]));
    assert_eq!(follower.body(&good), Some(&b"{}"[..]));
    assert_eq!(follower.unreadable.len(), usize::from(has_unreadable));
    let load = source.load().await.expect("load");
    assert_eq!((load.records.len(), load.unreadable), (3, follower.unreadable));
}

/// A tool and an instance with one id are two records.
pub async fn tool_and_instance_share_an_id<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let (tool, instance) = (Key::tool("same"), Key::instance("same"));
    store(&*source, &tool, "{\"kind\":\"tool\"}").await;
    store(&*source, &instance, "{\"kind\":\"instance\"}").await;
    let last = remove(&*source, &tool).await.expect("it was there");
    follower.until(last).await;
    assert_eq!(follower.state.keys().collect::<Vec<_>>(), [&instance]);
    assert_eq!(follower.body(&instance), Some(&b"{\"kind\":\"instance\"}"[..]));
}
