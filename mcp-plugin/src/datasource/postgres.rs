//! `postgres`: definitions in PostgreSQL (13 or later), shared by several gateways.
//!
//! Triggers put each change of the table `dynmcp_xds` into the log `dynmcp_changes`, whoever makes it, and NOTIFY the
//! gateways. A counter row gives out the revisions: its lock lasts until the writer commits, so revisions stand in the
//! order of commits and a reader can miss none. The schema and the rules of the log: `migrations/postgres`.

mod connect;
mod error;
mod existing;
mod libpq;
mod read;
mod schema;
mod watch;
mod write;

pub use super::change_log::{Migrations, Server};

use super::change_log::{Fault, Place, read_settings};
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    migration::{Migrate, Migration},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OnceCell, watch as signal};

const TABLE: &str = "data_source.postgres";

/// Definitions on a PostgreSQL server.
pub struct Postgres {
    place: Place,
    options: PgConnectOptions,
    pool: PgPool,
    poll: Duration,
    history: u32,
    migrations: Migrations,
    prepared: OnceCell<()>,
    /// Writers of this process queue here instead of on the server.
    turn: Mutex<()>,
    /// Tells this process' watchers even if no notification comes.
    written: signal::Sender<Revision>,
}

impl Postgres {
    /// Connects and brings the schema up to date. A server that cannot be reached is no error yet: each use tries again.
    pub async fn open(server: Server) -> Result<Self, PluginError> {
        let (options, place) = connect::options(&server)?;
        let source = Self {
            pool: connect::pool(&options, place.patience, server.pool),
            options,
            place,
            poll: server.poll,
            history: server.history,
            migrations: server.migrate,
            prepared: OnceCell::new(),
            turn: Mutex::new(()),
            written: signal::Sender::new(0),
        };
        match source.prepare().await {
            Ok(()) => {}
            Err(fault) if source.place.passes(&fault) => {
                tracing::warn!("{}; trying again", source.place.start_error(&fault));
            }
            Err(fault) => return Err(source.place.start_error(&fault)),
        }
        Ok(source)
    }

    /// The table `data_source.postgres`.
    pub fn settings(settings: &Settings) -> Result<Server, PluginError> {
        read_settings(
            TABLE,
            "postgres://user:password@host:5432/database",
            5_000,
            settings,
        )
    }

    /// Brings the schema up to date, whatever `server.migrate` says, or says what that would mean.
    pub async fn migrate(server: &Server, migrate: Migrate) -> Result<Migration, PluginError> {
        let (options, place) = connect::options(server)?;
        let migrated = schema::migrate(&options, place.patience, migrate).await;
        let migrated = migrated.map_err(|fault| place.command_error(&fault))?;
        Ok(migrated.report(place.to_string(), schema::VERSION))
    }

    async fn prepare(&self) -> Result<(), Fault> {
        let prepare = || schema::prepare(&self.options, self.place.patience, self.migrations, self.history);
        self.prepared.get_or_try_init(prepare).await.copied()
    }

    async fn ready(&self) -> Result<(), SourceError> {
        self.prepare()
            .await
            .map_err(|fault| self.place.source_error(fault))
    }
}

#[async_trait]
impl DataSource for Postgres {
    async fn load(&self) -> Result<Load, SourceError> {
        self.ready().await?;
        read::load(&self.pool, self.place.patience)
            .await
            .map_err(|error| self.place.source_error(error))
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.ready().await?;
        watch::start(
            &self.place,
            &self.options,
            self.poll,
            self.written.subscribe(),
            from,
        )
        .await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let writing = async {
            self.ready().await?;
            let _turn = self.turn.lock().await;
            write::put(&self.pool, &self.place, &write, &body).await
        };
        let revision = self.place.patience.writes(&self.place, writing).await?;
        self.written.send_replace(revision);
        Ok(revision)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        let writing = async {
            self.ready().await?;
            let _turn = self.turn.lock().await;
            write::delete(&self.pool, &self.place, &write).await
        };
        let revision = self.place.patience.writes(&self.place, writing).await?;
        if let Some(revision) = revision {
            self.written.send_replace(revision);
        }
        Ok(revision)
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        self.ready().await?;
        let history = read::history(&self.pool, key, limit, self.place.patience);
        self.place.ask(history).await
    }

    async fn disabled(&self) -> Result<u64, SourceError> {
        self.ready().await?;
        self.place
            .ask(read::disabled(&self.pool, self.place.patience))
            .await
    }
}

/// Makes the data source `postgres` from the table `data_source.postgres`.
#[derive(Default)]
pub struct PostgresFactory;

#[mcp_common::datasource("postgres")]
#[async_trait]
impl DataSourceFactory for PostgresFactory {
    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Postgres::open(Postgres::settings(settings)?).await?))
    }

    async fn migrate(&self, settings: &Settings, migrate: Migrate) -> Result<Option<Migration>, PluginError> {
        Postgres::migrate(&Postgres::settings(settings)?, migrate)
            .await
            .map(Some)
    }
}
