//! Data sources that fail.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Batch, Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use std::sync::Arc;

/// What a driver might say; no caller may read it.
pub(super) const INTERNALS: &str = "connect to db7.internal as root/hunter2";

/// Fails as it is told to: by the id that is written.
struct Faulty;

fn fault(id: &str) -> Result<Revision, SourceError> {
    match id {
        "unavailable" => Err(SourceError::Unavailable(INTERNALS.to_owned())),
        "in-doubt" => Err(SourceError::InDoubt(INTERNALS.to_owned())),
        "broken" => Err(SourceError::Broken(INTERNALS.to_owned())),
        "full" => Err(SourceError::Full(INTERNALS.to_owned())),
        "read-only" => Err(SourceError::ReadOnly("it is a folder of files".to_owned())),
        "large" => Err(SourceError::TooLarge { size: 20, limit: 10 }),
        "panic" => panic!("{INTERNALS}"),
        // Stored, but no change ever arrives.
        _ => Ok(99),
    }
}

#[async_trait]
impl DataSource for Faulty {
    async fn load(&self) -> Result<Load, SourceError> {
        Ok(Load::default())
    }

    async fn watch(&self, _from: Revision) -> Result<Changes, SourceError> {
        Ok(stream::pending::<Result<Batch, SourceError>>().boxed())
    }

    async fn put(&self, write: Write<'_>, _body: Bytes) -> Result<Revision, SourceError> {
        fault(&write.key.id)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        fault(&write.key.id).map(Some)
    }

    async fn history(&self, key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        fault(&key.id).map(|_| Vec::new())
    }
}

/// Registered like any plugin.
#[derive(Default)]
struct FaultyFactory;

#[mcp_common::datasource("faulty")]
#[async_trait]
impl DataSourceFactory for FaultyFactory {
    async fn open(&self, _settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Faulty))
    }
}

/// A source that never finishes loading.
struct Loading;

#[async_trait]
impl DataSource for Loading {
    async fn load(&self) -> Result<Load, SourceError> {
        std::future::pending().await
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        Err(SourceError::HistoryLost { from })
    }

    async fn put(&self, write: Write<'_>, _body: Bytes) -> Result<Revision, SourceError> {
        panic!("{} written before anything was loaded", write.key)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        panic!("{} deleted before anything was loaded", write.key)
    }

    async fn history(&self, _key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(Vec::new())
    }
}

#[derive(Default)]
struct LoadingFactory;

#[mcp_common::datasource("loading")]
#[async_trait]
impl DataSourceFactory for LoadingFactory {
    async fn open(&self, _settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Loading))
    }
}
