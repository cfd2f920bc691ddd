//! `memory`: definitions live as long as the process; for tests, demos and embedding.

use super::ledger::{Ledger, Numbering};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings, Table},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::watch;

/// Definitions in memory.
pub struct Memory {
    state: Arc<Mutex<Ledger>>,
    written: watch::Sender<Revision>,
}

impl Memory {
    /// An empty store that keeps so many revisions of each key.
    pub fn new(history: usize) -> Self {
        Self {
            state: Arc::new(Mutex::new(Ledger::new(history, Numbering::Count))),
            written: watch::Sender::new(0),
        }
    }

    fn write<T>(&self, write: impl FnOnce(&mut Ledger) -> Result<T, SourceError>) -> Result<T, SourceError> {
        let mut state = lock(&self.state);
        let answer = write(&mut state)?;
        // Still under the lock: watchers are told in the order of revisions.
        self.written.send_replace(state.revision());
        Ok(answer)
    }
}

/// A writer that panicked left the state whole: every write is one step after its checks.
fn lock(state: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl DataSource for Memory {
    async fn load(&self) -> Result<Load, SourceError> {
        Ok(lock(&self.state).load())
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        let written = self.written.subscribe();
        lock(&self.state).changes_after(from)?;
        let watcher = (Arc::clone(&self.state), written, from);
        let changes = stream::try_unfold(watcher, |(state, mut written, seen)| async move {
            // Ends when the source is dropped.
            if written.wait_for(|revision| *revision > seen).await.is_err() {
                return Ok(None);
            }
            let batch = lock(&state).changes_after(seen)?;
            let seen = batch.revision;
            Ok(Some((batch, (state, written, seen))))
        });
        Ok(changes.boxed())
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.write(|ledger| {
            ledger.expect(&write)?;
            Ok(ledger.append(write.key, Some(write.principal), SystemTime::now(), Some(body)))
        })
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.write(|ledger| {
            let stored = ledger.expect(&write)?;
            Ok(stored.map(|_| ledger.append(write.key, Some(write.principal), SystemTime::now(), None)))
        })
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(lock(&self.state).history(key, limit))
    }
}

/// Makes the data source `memory` from the table `data_source.memory`.
#[derive(Default)]
pub struct MemoryFactory;

fn history(settings: &Settings) -> Result<usize, PluginError> {
    Table::new("data_source.memory", settings, &["history"])?.number("history", 1..=10_000, 50)
}

#[mcp_common::datasource("memory")]
#[async_trait]
impl DataSourceFactory for MemoryFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        history(settings).err().into_iter().collect()
    }

    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Memory::new(history(settings)?)))
    }
}
