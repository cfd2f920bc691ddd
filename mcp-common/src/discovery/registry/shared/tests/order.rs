//! What holds where two replicas, or a replica and its past, say different things.

use super::*;
use crate::discovery::{Announcements, Discovery, Look};

const BRIEF: Duration = Duration::from_millis(600);

/// A heartbeat that is written, whenever the last one was.
fn beat(registry: &Registry, name: &str) {
    registry.entries().get_mut(name).unwrap().in_store.written = None;
    registry.heartbeat(name, &owner("x"), false).unwrap();
}

async fn registered(registry: &Registry, name: &str, url: &str) {
    enter(registry, name, url, "x").unwrap();
    registry.settle(name, &owner("x")).await.unwrap();
}

fn with_file(store: &Arc<Store>, folder: &tempfile::TempDir) -> Registry {
    let settings = RegistrySettings {
        stale_after: Duration::from_secs(600),
        forget_after: Duration::from_secs(600),
        most: 10,
        most_per_owner: 10,
        file: Some(folder.path().join("registrations.json")),
    };
    Registry::open(settings).shared_through(store.clone())
}

#[tokio::test]
async fn a_replica_that_heard_nothing_ends_no_lease_of_a_server_that_lives() {
    // What comes first: its own look, or somebody who asks it.
    for is_asked_first in [false, true] {
        let store = Arc::<Store>::default();
        let (one, other) = (replica(&store, BRIEF), Arc::new(replica(&store, BRIEF)));
        registered(&one, "a", "http://a").await;
        other.exchange().await.unwrap();
        let start = Instant::now();
        while start.elapsed() < BRIEF * 2 {
            beat(&one, "a");
            one.exchange().await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        if is_asked_first {
            assert!(other.find("a").unwrap().is_stale, "it cannot know better");
        }
        let Look::Set(set) = Announcements::new(other.clone()).look().await.unwrap() else {
            panic!("it is its first look")
        };
        let found: Vec<_> = set.upstreams.iter().map(|one| &*one.id).collect();
        assert_eq!(found, ["a"], "asked first: {is_asked_first}");
        one.exchange().await.unwrap();
        assert!(!one.find("a").unwrap().is_stale);
    }
}

#[tokio::test]
async fn what_was_just_said_holds_against_an_older_entry_of_a_store_that_opens_late() {
    let (store, folder) = (Arc::<Store>::default(), tempfile::tempdir().unwrap());
    let before = with_file(&store, &folder);
    registered(&before, "a", "http://old").await;
    registered(&before, "file", "http://file").await;
    before.keep().unwrap();
    drop(before);
    let other = replica(&store, Duration::from_secs(600));
    registered(&other, "a", "http://older").await;
    registered(&other, "new", "http://older").await;
    registered(&other, "file", "http://newer").await;

    store.is_away.store(true, Ordering::Release);
    let again = with_file(&store, &folder);
    assert!(again.exchange().await.is_err());
    for name in ["a", "new"] {
        enter(&again, name, "http://new", "x").unwrap();
    }
    store.is_away.store(false, Ordering::Release);
    again.exchange().await.unwrap();
    other.exchange().await.unwrap();
    for replica in [&again, &other] {
        let urls = ["a", "new", "file"].map(|name| url(replica, name).unwrap());
        assert_eq!(
            urls,
            ["http://new", "http://new", "http://newer"],
            "what only stands in a file is old"
        );
    }
}

#[tokio::test]
async fn a_removal_that_waited_takes_away_nothing_that_came_after_it() {
    for (by, is_kept) in [("x", true), ("y", true), ("x", false)] {
        let store = Arc::<Store>::default();
        let (one, other) = pair(&store);
        registered(&one, "a", "http://a").await;
        other.exchange().await.unwrap();
        if !is_kept {
            // Somebody else heard of it before it left.
            beat(&other, "a");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        store.is_away.store(true, Ordering::Release);
        one.unregister("a", &owner("x"), false).unwrap();
        assert!(one.exchange().await.is_err());
        store.is_away.store(false, Ordering::Release);
        if is_kept {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let other_admin = by == "y";
            if other_admin {
                other.unregister("a", &owner("x"), false).unwrap();
                other.exchange().await.unwrap();
            }
            enter(&other, "a", "http://new", by).unwrap();
        }
        other.exchange().await.unwrap();
        one.exchange().await.unwrap();
        other.exchange().await.unwrap();
        let expected = is_kept.then_some("http://new");
        for replica in [&one, &other] {
            assert_eq!(url(replica, "a").as_deref(), expected, "{by} {is_kept}");
        }
    }
}

#[tokio::test]
async fn two_names_of_one_id_are_one_place_at_all_replicas() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    one.exchange().await.unwrap();
    other.exchange().await.unwrap();
    enter(&one, "a b", "http://one", "x").unwrap();
    enter(&other, "a-b", "http://other", "x").unwrap();
    one.settle("a b", &owner("x")).await.unwrap();
    let refused = other.settle("a-b", &owner("x")).await.unwrap_err();
    assert_eq!(
        refused,
        NotRegistered::Taken("name: its id `a-b` is that of the server `a b`".to_owned())
    );
    one.exchange().await.unwrap();
    for replica in [&one, &other] {
        let all: Vec<_> = replica
            .all()
            .into_iter()
            .map(|entry| entry.registration.name)
            .collect();
        assert_eq!(all, ["a b"]);
        assert!(replica.find("a-b").is_none());
        assert!(matches!(
            replica.heartbeat("a-b", &owner("x"), false),
            Err(NotRegistered::Unknown(_))
        ));
    }
    let listed: Vec<_> = store.entries().unwrap().keys().cloned().collect();
    assert_eq!(listed, ["a-b"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_written_over_by_whoever_registers() {
    for is_known in [false, true] {
        let store = Arc::<Store>::default();
        let (one, other) = pair(&store);
        if is_known {
            registered(&one, "a", "http://a").await;
            other.exchange().await.unwrap();
        }
        store
            .entries()
            .unwrap()
            .insert("a".to_owned(), ("of a later version".into(), 77));
        for _ in 0..3 {
            one.exchange().await.unwrap();
        }
        assert_eq!(one.find("a").is_some(), is_known, "what was read before stays");
        registered(&one, "a", "http://new").await;
        assert!(one.exchange().await.is_ok());
        other.exchange().await.unwrap();
        assert_eq!(url(&other, "a").as_deref(), Some("http://new"));
    }
}

#[tokio::test]
async fn a_server_that_comes_back_while_it_is_written_is_written_again() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    registered(&one, "a", "http://1").await;
    // It goes and comes again as somebody else between what is read of it here and the store's answer.
    let change = |registry: &Registry| registry.entries()["a"].in_store.change;
    let first = change(&one);
    one.unregister("a", &owner("x"), false).unwrap();
    enter(&one, "a", "http://2", "x").unwrap();
    assert!(change(&one) > first, "no change is taken for another one");
    one.exchange().await.unwrap();
    other.exchange().await.unwrap();
    assert_eq!(url(&other, "a").as_deref(), Some("http://2"));
}

#[tokio::test]
async fn who_left_does_not_come_back_by_a_heartbeat_that_was_before() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    registered(&one, "a", "http://a").await;
    other.exchange().await.unwrap();
    beat(&other, "a");
    // It is there still when the replica looks, and gone when that writes.
    tokio::time::sleep(MOMENT * 2).await;
    other.catch_up().await;
    one.unregister("a", &owner("x"), false).unwrap();
    one.exchange().await.unwrap();
    other.exchange().await.unwrap();
    one.exchange().await.unwrap();
    assert!(one.find("a").is_none() && other.find("a").is_none());
    assert!(store.entries().unwrap().is_empty());
}
