//! `sqlite`: definitions in one SQLite file, nothing else needed. Every process of the machine may write it.
//!
//! Triggers put each change of the table `dynmcp_xds` into the log `dynmcp_changes`, whoever makes it. SQLite lets one
//! writer in at a time, so the log's revisions stand in the order of commits and a reader can miss none.
//! The schema and the rules of the log: `migrations/sqlite`.

mod adapt;
mod connect;
mod error;
mod identity;
mod leases;
mod read;
mod row;
mod schema;
mod watch;
mod write;

pub use super::change_log::Migrations;

use async_trait::async_trait;
use bytes::Bytes;
use connect::Place;
use identity::Opened;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Leases, Load, SourceError, Write},
    key::{Key, Revision},
    migration::{Migrate, Migration},
    plugin::{DataSourceFactory, PluginError, Settings, Table},
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, watch as signal};

const TABLE: &str = "data_source.sqlite";

/// Definitions in a SQLite file.
pub struct Sqlite {
    place: Place,
    history: u32,
    migrations: Migrations,
    poll: Duration,
    opened: Mutex<Opened>,
    /// The file was replaced and nobody has loaded the new one yet.
    must_load: AtomicBool,
    /// Writers of this process queue here instead of in SQLite's busy loop.
    turn: Mutex<()>,
    /// Tells this process' watchers at once.
    written: signal::Sender<Revision>,
}

impl Sqlite {
    /// Opens the file, making it and its directory if missing.
    pub async fn open(settings: SqliteSettings) -> Result<Self, PluginError> {
        let place = Place::new(settings.path);
        let pool = connect::open(&place, settings.migrate, settings.history).await?;
        let identity = place
            .identity()
            .map_err(|error| PluginError::Start(error.to_string()))?;
        Ok(Self {
            place,
            history: settings.history,
            migrations: settings.migrate,
            poll: settings.poll,
            opened: Mutex::new(Opened { pool, identity }),
            must_load: AtomicBool::new(false),
            turn: Mutex::new(()),
            written: signal::Sender::new(0),
        })
    }

    /// Brings the file's schema up to date, whatever `settings.migrate` says, or says what that would mean.
    pub async fn migrate(settings: SqliteSettings, migrate: Migrate) -> Result<Migration, PluginError> {
        let place = Place::new(settings.path);
        let migrated = connect::migrate(&place, migrate).await?;
        Ok(migrated.report(place.to_string(), schema::VERSION))
    }
}

/// The table `data_source.sqlite`.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The file.
    pub path: PathBuf,
    /// How often to look for other processes' writes.
    pub poll: Duration,
    /// How many revisions of a key are kept.
    pub history: u32,
    /// Who makes the file and its tables.
    pub migrate: Migrations,
}

impl SqliteSettings {
    /// Reads the table; everything has a default.
    pub fn read(settings: &Settings) -> Result<Self, PluginError> {
        let table = Table::new(TABLE, settings, &["path", "poll_ms", "history", "migrate"])?;
        Ok(Self {
            path: table.text("path")?.unwrap_or("data/dynmcp.db").into(),
            poll: Duration::from_millis(table.number("poll_ms", 10..=10_000, 100)?),
            history: table.number("history", 1..=10_000, 50)?,
            migrate: Migrations::read(&table)?,
        })
    }

    /// Whether the file can be written, or could be made.
    fn check(&self) -> Result<(), PluginError> {
        let path = &self.path;
        let could = if path.is_dir() {
            Err(std::io::Error::other("it is a folder"))
        } else {
            mcp_common::private_file::could_be_written(path)
        };
        could.map_err(|error| PluginError::Setting {
            key: "data_source.sqlite.path".to_owned(),
            reason: format!(
                "`{}` cannot be written ({error}); give this user the right to, or set another path",
                path.display()
            ),
        })
    }
}

#[async_trait]
impl DataSource for Sqlite {
    async fn load(&self) -> Result<Load, SourceError> {
        let pool = self.pool().await?;
        // Before reading, so that a file which is replaced meanwhile asks for another load.
        self.must_load.store(false, Ordering::Release);
        read::load(&pool)
            .await
            .map_err(|error| self.place.source_error(&error))
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.pool().await?;
        if self.must_load.load(Ordering::Acquire) {
            return Err(SourceError::HistoryLost { from });
        }
        watch::start(&self.place, self.poll, self.written.subscribe(), from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let _turn = self.turn.lock().await;
        let revision = write::put(&self.pool().await?, &self.place, &write, &body).await?;
        self.written.send_replace(revision);
        Ok(revision)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        let _turn = self.turn.lock().await;
        let revision = write::delete(&self.pool().await?, &self.place, &write).await?;
        if let Some(revision) = revision {
            self.written.send_replace(revision);
        }
        Ok(revision)
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        read::history(&self.pool().await?, key, limit)
            .await
            .map_err(|error| self.place.source_error(&error))
    }

    async fn disabled(&self) -> Result<u64, SourceError> {
        read::disabled(&self.pool().await?)
            .await
            .map_err(|error| self.place.source_error(&error))
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

/// Makes the data source `sqlite` from the table `data_source.sqlite`.
#[derive(Default)]
pub struct SqliteFactory;

#[mcp_common::datasource("sqlite")]
#[async_trait]
impl DataSourceFactory for SqliteFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        SqliteSettings::read(settings)
            .and_then(|read| read.check())
            .err()
            .into_iter()
            .collect()
    }

    fn exists(&self, settings: &Settings) -> Result<bool, PluginError> {
        Ok(SqliteSettings::read(settings)?.path.exists())
    }

    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Sqlite::open(SqliteSettings::read(settings)?).await?))
    }

    async fn migrate(&self, settings: &Settings, migrate: Migrate) -> Result<Option<Migration>, PluginError> {
        Sqlite::migrate(SqliteSettings::read(settings)?, migrate)
            .await
            .map(Some)
    }
}
