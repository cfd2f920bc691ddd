use crate::fixture::{Compiler, catalog, put, record, tool};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp_common::{
    catalog::sync::{self, SyncStatus},
    datasource::{Batch, Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Answers from a script and writes down what it was asked.
#[derive(Default)]
struct Scripted {
    loads: Mutex<VecDeque<Result<Load, SourceError>>>,
    watches: Mutex<VecDeque<Vec<Result<Batch, SourceError>>>>,
    asked: Mutex<Vec<String>>,
}

fn away() -> SourceError {
    SourceError::Unavailable("away".into())
}

#[async_trait]
impl DataSource for Scripted {
    async fn load(&self) -> Result<Load, SourceError> {
        self.asked.lock().unwrap().push("load".into());
        self.loads
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| Err(away()))
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.asked.lock().unwrap().push(format!("watch {from}"));
        match self.watches.lock().unwrap().pop_front() {
            Some(script) => Ok(stream::iter(script).boxed()),
            None => Ok(stream::pending().boxed()),
        }
    }

    async fn put(&self, _: Write<'_>, _: Bytes) -> Result<Revision, SourceError> {
        Err(away())
    }

    async fn delete(&self, _: Write<'_>) -> Result<Option<Revision>, SourceError> {
        Err(away())
    }

    async fn history(&self, _: &Key, _: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Err(away())
    }
}

#[tokio::test]
async fn trouble_is_waited_out_and_nothing_is_missed() {
    let load = |revision| {
        let records = vec![record(
            Key::tool("t"),
            revision,
            tool("a", &revision.to_string(), &[]),
        )];
        Ok(Load {
            revision,
            records,
            ..Load::default()
        })
    };
    let source = Arc::new(Scripted::default());
    source
        .loads
        .lock()
        .unwrap()
        .extend([Err(away()), load(5), load(20)]);
    source.watches.lock().unwrap().extend([
        vec![Ok(put(Key::tool("u"), 6, tool("b", "six", &[]))), Err(away())],
        vec![Ok(put(Key::tool("v"), 7, tool("c", "seven", &[])))],
        vec![Err(SourceError::HistoryLost { from: 7 })],
        vec![
            Ok(Batch {
                revision: 21,
                changes: Vec::new(),
            }),
            Err(away()),
        ],
    ]);
    let catalog: Arc<mcp_common::catalog::Catalog<Compiler>> = Arc::new(catalog());
    let status = Arc::new(SyncStatus::new());
    assert!(status.stale() && status.lag().is_none());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let running = tokio::spawn(sync::run(
        source.clone(),
        catalog.clone(),
        status.clone(),
        shutdown,
    ));
    assert!(catalog.wait_for(21, Duration::from_secs(30)).await);
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while source.asked.lock().unwrap().last().unwrap() != "watch 21" || !status.connected() {
        assert!(
            std::time::Instant::now() < deadline,
            "{:?} {status:?}",
            source.asked.lock().unwrap()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = source.asked.lock().unwrap().clone();
    assert_eq!(
        asked,
        [
            "load", "load", "watch 5", "watch 6", "watch 7", "load", "watch 20", "watch 21"
        ]
    );
    let snapshot = catalog.snapshot();
    assert_eq!(
        snapshot.tools.keys().map(|id| &**id).collect::<Vec<_>>(),
        ["t"],
        "the load is the truth"
    );
    assert!(catalog.loaded() && !status.stale() && status.last_contact().is_some());
    assert_eq!(status.lag(), Some(Duration::ZERO));
    assert_eq!(
        status.last_error().as_deref(),
        Some("the data source is unavailable: away")
    );
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), running)
        .await
        .unwrap()
        .unwrap();
}
