//! What a process leaves behind, and how the next one starts from it.

use crate::fixture::{Compiler, catalog, instance, record, shown, tool};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp_common::{
    catalog::{
        Catalog, Remembered,
        sync::{self, Stopgap, SyncStatus},
    },
    datasource::{Batch, Changes, DataSource, HistoryEntry, Load, Record, SourceError, Write},
    key::{Key, Revision},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What a catalog leaves, as it is written to disk and read again.
fn left_by(catalog: &Catalog<Compiler>) -> Remembered {
    let snapshot = catalog.snapshot();
    let mut remembered = Remembered {
        revision: snapshot.revision,
        ..Remembered::default()
    };
    for kept in snapshot.kept() {
        let record = Record {
            key: kept.key,
            revision: kept.revision,
            updated_at: kept.updated_at,
            body: kept.document.to_json().into(),
        };
        match kept.is_waiting {
            true => remembered.waiting.push(record),
            false => remembered.served.push(record),
        }
    }
    remembered
}

fn load(revision: Revision, records: Vec<Record>) -> Load {
    Load {
        revision,
        records,
        ..Load::default()
    }
}

#[test]
fn the_last_good_version_survives_a_restart() {
    let before = catalog();
    let good = [
        record(Key::tool("t"), 1, tool("a", "one", &[])),
        record(Key::instance("i"), 2, instance(&["t"], &[])),
        record(Key::tool("u"), 3, tool("b", "gone", &[])),
    ];
    before.replace(load(3, good.to_vec()));
    let bad = vec![
        record(Key::tool("t"), 5, tool("a", "bad", &[])),
        record(Key::instance("i"), 6, r#"{"name": 7}"#),
    ];
    before.replace(load(6, bad.clone()));
    assert_eq!(shown(&before, "i"), ["a=one"]);

    let after = catalog();
    after.remember(left_by(&before));
    assert!(!after.loaded(), "nothing is served yet");
    after.replace(load(6, bad));
    assert!(after.loaded());
    assert_eq!(shown(&after, "i"), ["a=one"], "as before the restart");
    let snapshot = after.snapshot();
    for (key, serving) in [(Key::tool("t"), 1), (Key::instance("i"), 2)] {
        let entry = snapshot.quarantined(&key).unwrap();
        assert_eq!(entry.serving_revision, Some(serving), "{key}");
    }
    assert!(!snapshot.tools.contains_key("u"), "the load is the truth");
    // And with the repair everything is as if nothing had been.
    after.replace(load(
        7,
        vec![record(Key::tool("t"), 7, tool("a", "two", &[])), good[1].clone()],
    ));
    assert_eq!(shown(&after, "i"), ["a=two"]);
    assert!(after.snapshot().quarantine.is_empty());
}

#[test]
fn what_is_remembered_and_still_stored_is_not_compiled_again() {
    let before = catalog();
    let records = vec![record(Key::tool("t"), 1, tool("a", "one", &[]))];
    before.replace(load(1, records.clone()));
    let after = catalog();
    after.remember(left_by(&before));
    after.replace(load(9, records));
    assert_eq!(after.compiler().compiled.load(Ordering::Relaxed), 1);
    assert_eq!(after.snapshot().revision, 9);
}

/// A store that is away until it is told to come.
struct Away {
    is_there: AtomicBool,
    load: Load,
}

#[async_trait]
impl DataSource for Away {
    async fn load(&self) -> Result<Load, SourceError> {
        match self.is_there.load(Ordering::Relaxed) {
            true => Ok(self.load.clone()),
            false => Err(SourceError::Unavailable("away".into())),
        }
    }

    async fn watch(&self, _: Revision) -> Result<Changes, SourceError> {
        Ok(stream::pending::<Result<Batch, SourceError>>().boxed())
    }

    async fn put(&self, _: Write<'_>, _: Bytes) -> Result<Revision, SourceError> {
        Err(SourceError::Unavailable("away".into()))
    }

    async fn delete(&self, _: Write<'_>) -> Result<Option<Revision>, SourceError> {
        Err(SourceError::Unavailable("away".into()))
    }

    async fn history(&self, _: &Key, _: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Err(SourceError::Unavailable("away".into()))
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_a_catalog_serves_what_it_remembers_or_waits() {
    for serve in [true, false] {
        let before = catalog();
        before.replace(load(4, vec![record(Key::tool("t"), 1, tool("a", "one", &[]))]));
        let remembered = left_by(&before);
        let newer = vec![record(Key::tool("t"), 8, tool("a", "two", &[]))];
        let source = Arc::new(Away {
            is_there: AtomicBool::new(false),
            load: load(8, newer),
        });
        let (after, status) = (Arc::new(catalog()), Arc::new(SyncStatus::new()));
        let stopgap = Stopgap {
            remembered: Box::pin(async { Some(remembered) }),
            serve,
        };
        let running = tokio::spawn(sync::run_with(
            source.clone(),
            after.clone(),
            status.clone(),
            stopgap,
            std::future::pending(),
        ));
        if serve {
            until("the remembered is served", || after.loaded()).await;
            assert_eq!(&**after.snapshot().tools["t"].compiled, "one");
        } else {
            until("the store is asked twice", || status.last_error().is_some()).await;
            assert!(!after.loaded());
        }
        assert!(status.stale());
        source.is_there.store(true, Ordering::Relaxed);
        assert!(after.wait_for(8, Duration::from_secs(30)).await);
        until("the store is back", || !status.stale()).await;
        assert_eq!(&**after.snapshot().tools["t"].compiled, "two");
        assert!(after.loaded());
        running.abort();
    }
}
