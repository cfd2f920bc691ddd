//! Replicas on a store that keeps entries in memory.

mod order;

use super::*;
use crate::{
    datasource::{Changes, HistoryEntry, LeaseSet, Leased, Load, Write},
    discovery::{Registered, Registration, RegistrySettings},
    key::{Key, Revision},
};
use async_trait::async_trait;
use serde_json::json;
use std::sync::atomic::AtomicBool;

/// Bodies and their versions, by name.
type Stored = BTreeMap<String, (Bytes, u64)>;

#[derive(Default)]
struct Store {
    entries: Mutex<Stored>,
    last: AtomicU64,
    is_away: AtomicBool,
}

impl Store {
    fn entries(&self) -> Result<MutexGuard<'_, Stored>, SourceError> {
        match self.is_away.load(Ordering::Acquire) {
            true => Err(SourceError::Unavailable("it is away".to_owned())),
            false => Ok(self.entries.lock().unwrap()),
        }
    }
}

#[async_trait]
impl Leases for Store {
    async fn all(&self) -> Result<LeaseSet, SourceError> {
        let entries = self.entries()?;
        let entries = entries.iter().map(|(name, (body, version))| Leased {
            name: name.clone(),
            body: body.clone(),
            version: *version,
        });
        Ok(LeaseSet {
            entries: entries.collect(),
            mark: self.last.load(Ordering::Acquire),
        })
    }

    async fn write(
        &self,
        name: &str,
        body: Bytes,
        expected: Option<u64>,
        _: Duration,
    ) -> Result<u64, SourceError> {
        let mut entries = self.entries()?;
        let current = entries.get(name).map(|(_, version)| *version);
        if current != expected {
            return Err(SourceError::Conflict { current });
        }
        let version = self.last.fetch_add(1, Ordering::AcqRel) + 1;
        entries.insert(name.to_owned(), (body, version));
        Ok(version)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), SourceError> {
        let mut entries = self.entries()?;
        match entries.get(name).map(|(_, version)| *version) {
            None => Ok(()),
            Some(current) if current == expected => {
                self.last.fetch_add(1, Ordering::AcqRel);
                entries.remove(name);
                Ok(())
            }
            current => Err(SourceError::Conflict { current }),
        }
    }

    async fn changed(&self, _: u64) -> Result<(), SourceError> {
        std::future::pending().await
    }
}

#[async_trait]
impl DataSource for Store {
    async fn load(&self) -> Result<Load, SourceError> {
        unreachable!("no definitions are read")
    }

    async fn watch(&self, _: Revision) -> Result<Changes, SourceError> {
        unreachable!("no definitions are read")
    }

    async fn put(&self, _: Write<'_>, _: Bytes) -> Result<Revision, SourceError> {
        unreachable!("no definitions are written")
    }

    async fn delete(&self, _: Write<'_>) -> Result<Option<Revision>, SourceError> {
        unreachable!("no definitions are written")
    }

    async fn history(&self, _: &Key, _: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        unreachable!("no definitions are read")
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

fn replica(store: &Arc<Store>, stale_after: Duration) -> Registry {
    let settings = RegistrySettings {
        stale_after,
        forget_after: Duration::from_secs(600),
        most: 10,
        most_per_owner: 10,
        file: None,
    };
    Registry::open(settings).shared_through(store.clone())
}

fn pair(store: &Arc<Store>) -> (Registry, Registry) {
    let long = Duration::from_secs(600);
    (replica(store, long), replica(store, long))
}

fn owner(name: &str) -> Arc<str> {
    name.into()
}

fn enter(registry: &Registry, name: &str, url: &str, by: &str) -> Result<Registered, NotRegistered> {
    let said: Registration = serde_json::from_value(json!({"name": name, "url": url})).unwrap();
    registry.register(said, &owner(by), false, |_, _| Ok(()))
}

fn url(registry: &Registry, name: &str) -> Option<String> {
    registry.find(name).map(|entry| entry.registration.url)
}

#[tokio::test]
async fn what_one_is_told_all_know() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    enter(&one, "a", "http://a/1", "x").unwrap();
    one.settle("a", &owner("x")).await.unwrap();
    other.exchange().await.unwrap();
    assert_eq!(url(&other, "a").as_deref(), Some("http://a/1"));
    assert_eq!(other.find("a").unwrap().owner, owner("x"));
    // It goes on at any of them.
    other.heartbeat("a", &owner("x"), false).unwrap();
    enter(&other, "a", "http://a/2", "x").unwrap();
    other.exchange().await.unwrap();
    one.exchange().await.unwrap();
    assert_eq!(url(&one, "a").as_deref(), Some("http://a/2"));
    other.unregister("a", &owner("x"), false).unwrap();
    other.exchange().await.unwrap();
    one.exchange().await.unwrap();
    assert!(one.find("a").is_none());
    // One that was not there meanwhile learns it, too.
    assert!(replica(&store, Duration::from_secs(1)).exchange().await.is_ok());
    assert!(store.entries().unwrap().is_empty());
}

#[tokio::test]
async fn of_two_at_once_one_has_the_name() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    one.exchange().await.unwrap();
    other.exchange().await.unwrap();
    enter(&one, "a", "http://one", "x").unwrap();
    enter(&other, "a", "http://other", "y").unwrap();
    one.settle("a", &owner("x")).await.unwrap();
    let refused = other.settle("a", &owner("y")).await.unwrap_err();
    assert!(matches!(refused, NotRegistered::Taken(_)), "{refused:?}");
    assert_eq!(url(&other, "a").as_deref(), Some("http://one"));
    // Of one owner what came last holds.
    enter(&one, "a", "http://one/2", "x").unwrap();
    enter(&other, "a", "http://other/2", "x").unwrap();
    one.settle("a", &owner("x")).await.unwrap();
    other.settle("a", &owner("x")).await.unwrap();
    one.exchange().await.unwrap();
    assert_eq!(url(&one, "a").as_deref(), Some("http://other/2"));
    // Whoever leaves is gone, although another replica has heard of it since.
    one.entries().get_mut("a").unwrap().in_store.written = None;
    one.heartbeat("a", &owner("x"), false).unwrap();
    one.exchange().await.unwrap();
    other.unregister("a", &owner("x"), false).unwrap();
    other.exchange().await.unwrap();
    assert!(store.entries().unwrap().is_empty() && other.find("a").is_none());
}

#[tokio::test]
async fn a_lease_ends_at_all_of_them_also_where_nobody_was_told() {
    let store = Arc::<Store>::default();
    let brief = Duration::from_millis(300);
    let (one, other) = (replica(&store, brief), replica(&store, brief));
    enter(&one, "a", "http://a", "x").unwrap();
    one.settle("a", &owner("x")).await.unwrap();
    other.exchange().await.unwrap();
    assert!(!other.find("a").unwrap().is_stale);
    // The one that was told is not there any more.
    drop(one);
    tokio::time::sleep(brief + other.renewal()).await;
    assert!(other.find("a").unwrap().is_stale);
    other.exchange().await.unwrap();
    let late = replica(&store, brief);
    late.exchange().await.unwrap();
    assert!(
        late.find("a").unwrap().is_stale,
        "nobody has to wait for that once more"
    );
    late.heartbeat("a", &owner("x"), false).unwrap();
    late.exchange().await.unwrap();
    other.exchange().await.unwrap();
    assert!(!other.find("a").unwrap().is_stale);
}

#[tokio::test]
async fn a_store_that_is_away_refuses_nobody_and_learns_it_later() {
    let store = Arc::<Store>::default();
    let (one, other) = pair(&store);
    enter(&one, "old", "http://old", "x").unwrap();
    one.settle("old", &owner("x")).await.unwrap();
    store.is_away.store(true, Ordering::Release);
    enter(&one, "a", "http://a", "x").unwrap();
    one.settle("a", &owner("x")).await.unwrap();
    one.unregister("old", &owner("x"), false).unwrap();
    let problem = one.exchange().await.unwrap_err();
    assert!(
        problem.contains("this replica's alone for now") && problem.contains("it is away"),
        "{problem}"
    );
    store.is_away.store(false, Ordering::Release);
    one.exchange().await.unwrap();
    other.exchange().await.unwrap();
    assert_eq!(
        (url(&other, "a").as_deref(), other.find("old").is_some()),
        (Some("http://a"), false)
    );
    // A store that lost everything is told of whoever lives.
    store.entries().unwrap().clear();
    one.entries().get_mut("a").unwrap().in_store.written = None;
    one.heartbeat("a", &owner("x"), false).unwrap();
    one.exchange().await.unwrap();
    assert!(store.entries().unwrap().contains_key("a"));
}

#[test]
fn heartbeats_are_not_written_one_by_one() {
    let store = Arc::<Store>::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (one, _) = pair(&store);
        enter(&one, "a", "http://a", "x").unwrap();
        one.settle("a", &owner("x")).await.unwrap();
        let before = store.last.load(Ordering::Acquire);
        for _ in 0..100 {
            one.heartbeat("a", &owner("x"), false).unwrap();
            one.exchange().await.unwrap();
        }
        assert_eq!(store.last.load(Ordering::Acquire), before);
    });
}
