//! A SQLite file that is away while another file, `<path>.down`, exists.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use mcp_plugin::datasource::sqlite::{Migrations, Sqlite, SqliteSettings};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

struct Flaky {
    inner: Sqlite,
    down: PathBuf,
}

/// Named `<path>.panics`: while it is there, the method whose name it holds panics.
pub(super) fn panics(path: &Path) -> PathBuf {
    path.with_extension("panics")
}

/// What a driver might say; no caller may read it.
pub(super) const INTERNALS: &str = "connect to db7.internal as root";

pub(super) fn down(path: &Path) -> PathBuf {
    path.with_extension("down")
}

/// The file, for those who write it past the gateway.
pub(super) async fn file(path: &Path) -> Sqlite {
    let settings = SqliteSettings {
        path: path.to_owned(),
        poll: Duration::from_millis(10),
        history: 50,
        migrate: Migrations::AtStart,
    };
    Sqlite::open(settings).await.unwrap()
}

impl Flaky {
    fn is_there(&self) -> Result<&Sqlite, SourceError> {
        is_there(&self.down).map(|()| &self.inner)
    }

    fn panic_if_arranged(&self, method: &str) {
        panic_if_arranged(&panics(&self.down), method);
    }
}

fn is_there(down: &Path) -> Result<(), SourceError> {
    match down.exists() {
        true => Err(SourceError::Unavailable(INTERNALS.to_owned())),
        false => Ok(()),
    }
}

fn panic_if_arranged(file: &Path, method: &str) {
    let arranged = std::fs::read_to_string(file).unwrap_or_default();
    assert!(arranged != method, "{INTERNALS}");
}

#[async_trait]
impl DataSource for Flaky {
    async fn load(&self) -> Result<Load, SourceError> {
        self.panic_if_arranged("load");
        self.is_there()?.load().await
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        let changes = self.is_there()?.watch(from).await?;
        self.panic_if_arranged("watch");
        let down = self.down.clone();
        // Like a connection that breaks.
        let broken = async move {
            while is_there(&down).is_ok() {
                panic_if_arranged(&panics(&down), "changes");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(SourceError::Unavailable(INTERNALS.to_owned()))
        };
        Ok(futures_util::stream::select(changes, futures_util::stream::once(broken)).boxed())
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.is_there()?.put(write, body).await
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.is_there()?.delete(write).await
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        self.is_there()?.history(key, limit).await
    }
}

/// Registered like any plugin.
#[derive(Default)]
struct FlakyFactory;

#[mcp_common::datasource("flaky")]
#[async_trait]
impl DataSourceFactory for FlakyFactory {
    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        let path = PathBuf::from(settings["path"].as_str().unwrap());
        let down = down(&path);
        panic_if_arranged(&panics(&path), "open");
        match is_there(&down) {
            // A driver that connects when it is opened.
            Err(error) if settings["eager"] == "true" => Err(PluginError::Unavailable(error.to_string())),
            _ => Ok(Arc::new(Flaky {
                inner: file(&path).await,
                down,
            })),
        }
    }
}
