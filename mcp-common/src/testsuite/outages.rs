//! What must hold when the store, or the way to it, has trouble.

use super::{Follower, Harness, store};
use crate::{datasource::SourceError, key::Key};
use futures_util::StreamExt;

/// A consumer that is behind what the store still knows is told so, and a load brings it up to date.
pub async fn changes_are_forgotten<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    store(&*source, &Key::tool("stays"), "{}").await;
    store(&*source, &Key::tool("goes"), "{}").await;
    let mut follower = Follower::start(&*source).await;
    super::remove(&*source, &Key::tool("goes")).await;
    for number in 0..20 {
        store(&*source, &Key::tool("comes"), format!("{{\"n\":{number}}}")).await;
    }
    let behind = follower.revision;
    if !harness.forget_changes().await {
        return super::not_applicable::<H>("changes_are_forgotten");
    }
    let error = match source.watch(behind).await {
        Err(error) => error,
        Ok(mut changes) => match changes.next().await {
            Some(Err(error)) => error,
            other => panic!("expected an error, got {other:?}"),
        },
    };
    assert!(
        matches!(error, SourceError::HistoryLost { from } if from == behind),
        "{error}"
    );
    // The connected follower either had them all before, or loads again; it ends in the same state.
    let last = store(&*source, &Key::tool("later"), "{}").await;
    follower.until_in_spite_of_errors(&*source, last).await;
    let keys: Vec<_> = follower.state.keys().map(|key| &*key.id).collect();
    assert_eq!(keys, ["comes", "later", "stays"]);
}

/// A watch whose connection breaks says so, and goes on from where it was.
pub async fn connection_is_cut<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let first = store(&*source, &Key::tool("before"), "{}").await;
    follower.until(first).await;
    for round in 0..3 {
        if !harness.cut_connections().await {
            return super::not_applicable::<H>("connection_is_cut");
        }
        let key = Key::tool(format!("after{round}"));
        let last = persistently(async || store_or_error(&*source, &key).await).await;
        let errors = follower.until_in_spite_of_errors(&*source, last).await;
        assert!(noticed::<H>(&errors), "the watch did not notice");
        assert!(follower.body(&key).is_some());
    }
    assert_eq!(follower.state.len(), 4);
}

/// A store that was away is used again as soon as it is back, and what was in it is still there.
pub async fn server_restarts<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let first = store(&*source, &Key::tool("before"), "{}").await;
    let mut follower = Follower::start(&*source).await;
    if !harness.restart().await {
        return super::not_applicable::<H>("server_restarts");
    }
    let key = Key::tool("after");
    let last = persistently(async || store_or_error(&*source, &key).await).await;
    assert!(last > first);
    let errors = follower.until_in_spite_of_errors(&*source, last).await;
    let forgot = errors
        .iter()
        .any(|error| matches!(error, SourceError::HistoryLost { .. }));
    assert!(noticed::<H>(&errors) && !forgot, "{errors:?}");
    assert_eq!(follower.state.len(), 2);
}

/// A slow store is a slow store, not a broken one.
pub async fn slow_store<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    for number in 0..300 {
        store(
            &*source,
            &Key::tool(format!("t{number}")),
            "{\"x\":1}".repeat(100),
        )
        .await;
    }
    if !harness.slow_down().await {
        return super::not_applicable::<H>("slow_store");
    }
    let source = harness.connect().await;
    let mut follower = Follower::start(&*source).await;
    let last = store(&*source, &Key::tool("late"), "{}").await;
    follower.until(last).await;
    assert_eq!(follower.state.len(), 301);
}

fn noticed<H: Harness>(errors: &[SourceError]) -> bool {
    !errors.is_empty() || !H::KEEPS_A_CONNECTION
}

async fn store_or_error(
    source: &dyn crate::datasource::DataSource,
    key: &Key,
) -> Result<crate::key::Revision, SourceError> {
    let expected = crate::datasource::Expected::Any;
    let write = crate::datasource::Write {
        key,
        expected,
        principal: "suite",
    };
    source.put(write, "{}".into()).await
}

/// The first success; meanwhile the store may only say that it is unavailable, or that nobody knows.
async fn persistently<T>(attempt: impl AsyncFn() -> Result<T, SourceError>) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(SourceError::Unavailable(reason) | SourceError::InDoubt(reason)) => {
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "still unavailable: {reason}"
                );
            }
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
