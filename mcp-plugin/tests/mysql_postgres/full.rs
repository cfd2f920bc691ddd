//! A server without space: what does not fit is refused and says where, everything else goes on, and when somebody has
//! made room it is taken.

use super::store::{Store, on_both, put, try_put};
use mcp_common::{datasource::SourceError, key::Key, testsuite::Follower};
use std::time::{Duration, Instant};

on_both! {
    a_full_server_takes_nothing_and_loses_nothing
}

async fn a_full_server_takes_nothing_and_loses_nothing<S: Store>() {
    let mut store = S::cramped().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    let (small, large) = (Key::tool("small"), Key::tool("large"));
    let before = put(&*source, &small, "{}").await;
    follower.until(before).await;
    store.take_room().await;

    let document = incompressible(400_000);
    for _ in 0..2 {
        match try_put(&*source, &large, &document).await {
            Err(SourceError::Full(reason)) => assert!(
                reason.contains(store.address().split('/').next().unwrap())
                    && reason.contains("has no space left")
                    && reason.contains("free some"),
                "{reason}"
            ),
            other => panic!("{other:?}"),
        }
    }
    let load = source.load().await.unwrap();
    let records: Vec<_> = load
        .records
        .iter()
        .map(|record| (&record.key, record.revision))
        .collect();
    assert_eq!((load.revision, records), (before, vec![(&small, before)]));
    assert!(source.watch(before).await.is_ok());
    assert_eq!(source.history(&small, 9).await.unwrap().len(), 1);
    assert!(source.history(&large, 9).await.unwrap().is_empty());

    store.make_room().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let stored = loop {
        match try_put(&*source, &large, &document).await {
            Ok(revision) => break revision,
            // Space comes back in the background.
            Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(stored, before + 1);
    let mut follower = Follower::start(&*source).await;
    follower.until(stored).await;
    assert_eq!(follower.body(&large).unwrap(), document.as_bytes());
}

/// A JSON text of so many bytes in which nothing comes twice.
fn incompressible(size: usize) -> String {
    let mut state = 1_u64;
    let mut text = String::with_capacity(size);
    text.push('"');
    while text.len() < size - 1 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let index = usize::try_from(state >> 58).unwrap();
        text.push(char::from(
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[index],
        ));
    }
    text.push('"');
    text
}
