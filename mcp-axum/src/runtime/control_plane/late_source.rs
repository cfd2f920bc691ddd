//! A data source that could not be opened at the start: the gateway goes on without it and opens it when it can.

use crate::runtime::tasks::OPEN_SOURCE;
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Leases, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings},
    tasks::Tasks,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinHandle};

/// A start does not wait longer for a data source.
const PATIENCE: Duration = Duration::from_secs(5);

type Opened = Result<Arc<dyn DataSource>, PluginError>;

/// Opens the source, or returns one that will be. The error is one that trying again would not help.
pub(super) async fn open(
    factory: Box<dyn DataSourceFactory>,
    settings: Settings,
    tasks: &Tasks,
) -> Result<Arc<dyn DataSource>, PluginError> {
    let opening = Opening {
        factory: factory.into(),
        settings,
        tasks: tasks.clone(),
    };
    // A task of its own, because what is slow (a migration, a resolver) must not be broken off halfway.
    let mut attempt = opening.start();
    let unfinished = match tokio::time::timeout(PATIENCE, &mut attempt).await {
        Ok(done) => match flat(done) {
            Err(PluginError::Unavailable(reason)) => {
                tracing::warn!(reason, "the data source cannot be reached; trying on");
                None
            }
            done => return done,
        },
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            tracing::warn!("the data source is not open after {seconds} s; going on without it until it is");
            Some(attempt)
        }
    };
    Ok(Arc::new(LateSource {
        opening,
        attempt: Mutex::new(unfinished),
        opened: OnceLock::new(),
    }))
}

struct Opening {
    factory: Arc<dyn DataSourceFactory>,
    settings: Settings,
    tasks: Tasks,
}

impl Opening {
    fn start(&self) -> JoinHandle<Opened> {
        let (factory, settings) = (self.factory.clone(), self.settings.clone());
        self.tasks
            .once(OPEN_SOURCE, async move { factory.open(&settings).await })
    }
}

struct LateSource {
    opening: Opening,
    /// One at a time.
    attempt: Mutex<Option<JoinHandle<Opened>>>,
    opened: OnceLock<Arc<dyn DataSource>>,
}

impl LateSource {
    /// The source, if it is open. Nobody but the loader tries to open it.
    fn opened(&self) -> Result<&Arc<dyn DataSource>, SourceError> {
        let not_yet = || SourceError::Unavailable("it is not open yet".to_owned());
        self.opened.get().ok_or_else(not_yet)
    }

    async fn open(&self) -> Result<&Arc<dyn DataSource>, SourceError> {
        if let Some(source) = self.opened.get() {
            return Ok(source);
        }
        let mut attempt = self.attempt.lock().await;
        // Stays where it is until it is done, also if nobody waits any more.
        let running = attempt.get_or_insert_with(|| self.opening.start());
        let done = running.await;
        *attempt = None;
        match flat(done) {
            Ok(source) => Ok(self.opened.get_or_init(|| source)),
            Err(PluginError::Unavailable(reason)) => Err(SourceError::Unavailable(reason)),
            Err(error) => Err(SourceError::Broken(error.to_string())),
        }
    }
}

fn flat(done: Result<Opened, tokio::task::JoinError>) -> Opened {
    done.unwrap_or_else(|error| {
        Err(PluginError::Start(format!(
            "the data source's plugin failed: {error}"
        )))
    })
}

#[async_trait]
impl DataSource for LateSource {
    async fn load(&self) -> Result<Load, SourceError> {
        self.open().await?.load().await
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.opened()?.watch(from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.opened()?.put(write, body).await
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.opened()?.delete(write).await
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        self.opened()?.history(key, limit).await
    }

    async fn disabled(&self) -> Result<u64, SourceError> {
        self.opened()?.disabled().await
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.opened.get()?.leases()
    }
}
