//! What holds for a watch as a whole.

use super::{Follower, Harness, remove, store};
use crate::key::Key;
use tokio::task::JoinSet;

/// A consumer whose connection broke misses nothing of what happened meanwhile.
pub async fn reconnect<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    store(&*source, &Key::tool("stays"), "{}").await;
    store(&*source, &Key::tool("goes"), "{}").await;
    let follower = Follower::start(&*source).await;
    remove(&*source, &Key::tool("goes")).await;
    let last = store(&*source, &Key::tool("comes"), "{}").await;
    drop(source);

    let source = harness.connect().await;
    let mut follower = follower.resume(&*source).await;
    follower.until(last).await;
    let keys: Vec<_> = follower.state.keys().collect();
    assert_eq!(keys, [&Key::tool("comes"), &Key::tool("stays")]);
    // And the new stream lives.
    let last = store(&*source, &Key::tool("later"), "{}").await;
    follower.until(last).await;
    assert!(follower.body(&Key::tool("later")).is_some());
}

/// From any revision on, a consumer arrives at the same state.
pub async fn resume_from_a_revision<H: Harness>() {
    let harness = H::fresh().await;
    let source = harness.connect().await;
    let mut followers = Vec::new();
    let mut last = 0;
    for number in 0..30_u32 {
        followers.push(Follower::start(&*source).await);
        let key = Key::tool(format!("t{}", number % 7));
        last = match number % 5 {
            3 => remove(&*source, &key).await.unwrap_or(last),
            _ => store(&*source, &key, format!("{{\"n\":{number}}}")).await,
        };
    }
    let expected = Follower::start(&*source).await.state;
    for follower in followers {
        let mut follower = follower.resume(&*source).await;
        let from = follower.revision;
        follower.until(last).await;
        assert_eq!(follower.state, expected, "resumed from {from}");
    }
}

/// A consumer takes nothing away from another one.
pub async fn two_consumers<H: Harness>() {
    let harness = H::fresh().await;
    let (one, two) = (harness.connect().await, harness.connect().await);
    let mut first = Follower::start(&*one).await;
    let mut second = Follower::start(&*one).await;
    let mut third = Follower::start(&*two).await;
    let mut last = 0;
    for number in 0..50 {
        let source = if number % 2 == 0 { &one } else { &two };
        last = store(&**source, &Key::tool(format!("t{number}")), "{}").await;
        if number == 20 {
            first.until(last).await;
        }
    }
    for follower in [&mut first, &mut second, &mut third] {
        follower.until(last).await;
        assert_eq!(follower.state.len(), 50);
    }
    assert_eq!(first.state, second.state);
    assert_eq!(second.state, third.state);
}

/// With many writers at once revisions still come in order, none twice, none missing.
pub async fn order_by_revision<H: Harness>() {
    let harness = H::fresh().await;
    let mut follower = Follower::start(&*harness.connect().await).await;
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let source = harness.connect().await;
        writers.spawn(async move {
            let mut revisions = Vec::new();
            for number in 0..25 {
                // Every key is written once, so that no change is superseded and may be left out.
                revisions.push(store(&*source, &Key::tool(format!("w{writer}-{number}")), "{}").await);
            }
            revisions
        });
    }
    let mut written: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    written.sort_unstable();
    follower.until(written.last().copied().unwrap_or_default()).await;
    assert_eq!(follower.seen, written);
}

/// Whoever loads in the middle of the writing and watches from there ends where the writers end.
pub async fn load_and_watch_without_gap<H: Harness>() {
    let harness = H::fresh().await;
    let mut writers = JoinSet::new();
    for writer in 0..3 {
        let source = harness.connect().await;
        writers.spawn(async move {
            for number in 0..40 {
                let key = Key::tool(format!("t{}", (number + writer * 13) % 17));
                if number % 4 == 3 {
                    remove(&*source, &key).await;
                } else {
                    store(&*source, &key, format!("{{\"w\":{writer},\"n\":{number}}}")).await;
                }
            }
        });
    }
    let source = harness.connect().await;
    let mut followers = Vec::new();
    while !writers.is_empty() {
        followers.push(Follower::start(&*source).await);
        writers.try_join_next().transpose().expect("a writer failed");
    }
    let end = store(&*source, &Key::tool("end"), "{}").await;
    let expected = Follower::start(&*source).await.state;
    for mut follower in followers {
        let from = follower.revision;
        follower.until(end).await;
        assert_eq!(follower.state, expected, "loaded at {from}");
    }
}
