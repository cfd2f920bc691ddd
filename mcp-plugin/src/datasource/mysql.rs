//! `mysql`: definitions in MySQL (8.0.29 or later) or MariaDB (10.5 or later), shared by several gateways.
//!
//! Triggers put each change of the table `dynmcp_xds` into the log `dynmcp_changes`, whoever makes it. A counter row
//! gives out the revisions: its lock lasts until the writer commits, so revisions stand in the order of commits and a
//! reader can miss none. The schema and the rules of the log: `migrations/mysql`.

mod adapt;
mod column;
mod connect;
mod error;
mod leases;
mod read;
mod schema;
mod watch;
mod write;

pub use super::change_log::{Migrations, Server};

use super::change_log::{
    ChangeLogSource, ConnectionOf, Dialect, Existing, Fault, Migrated, OptionsOf, Patience, Place, Refused,
    leases::Written,
    row::{Past, Row},
};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use mcp_common::{
    datasource::{DataSource, LeaseSet, SourceError, Write},
    key::{Key, Revision},
    migration::{Migrate, Migration},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use sqlx::{Pool, Transaction};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch as signal;

const TABLE: &str = "data_source.mysql";

/// Definitions on a MySQL or MariaDB server.
pub struct Mysql;

impl Mysql {
    /// Connects and brings the schema up to date. A server that cannot be reached is no error yet: each use tries again.
    pub async fn open(server: Server) -> Result<impl DataSource, PluginError> {
        ChangeLogSource::<Self>::open(server).await
    }

    /// The table `data_source.mysql`.
    pub fn settings(settings: &Settings) -> Result<Server, PluginError> {
        ChangeLogSource::<Self>::settings(settings)
    }

    /// Brings the schema up to date, whatever `server.migrate` says, or says what that would mean.
    pub async fn migrate(server: &Server, migrate: Migrate) -> Result<Migration, PluginError> {
        ChangeLogSource::<Self>::migrate(server, migrate).await
    }
}

#[async_trait]
impl Dialect for Mysql {
    type Database = sqlx::MySql;
    type Log = watch::Polled;

    const TABLE: &'static str = TABLE;
    const URL: &'static str = "mysql://user:password@host:3306/database";
    const POLL_MS: u64 = 500;
    const VERSION: i64 = 1;
    const STEPS: &'static [&'static str] = &schema::STEPS;

    fn options(server: &Server) -> Result<(OptionsOf<Self>, Place), PluginError> {
        connect::options(server)
    }

    fn pool(options: &OptionsOf<Self>, patience: Patience, connections: u32) -> Pool<Self::Database> {
        connect::pool(options, patience, connections)
    }

    async fn connect(
        options: &OptionsOf<Self>,
        patience: Patience,
    ) -> Result<ConnectionOf<Self>, sqlx::Error> {
        connect::connect(options, patience).await
    }

    async fn version(connection: &mut ConnectionOf<Self>) -> Result<Option<i64>, Fault> {
        schema::version(connection).await
    }

    async fn existing(connection: &mut ConnectionOf<Self>) -> Result<Option<Existing>, Fault> {
        adapt::existing(connection).await
    }

    async fn apply(connection: &mut ConnectionOf<Self>) -> Result<Migrated, Fault> {
        schema::apply(connection).await
    }

    async fn begin(connection: &mut ConnectionOf<Self>, history: u32) -> Result<usize, sqlx::Error> {
        schema::begin(connection, history).await
    }

    async fn snapshot(
        connection: &mut ConnectionOf<Self>,
    ) -> Result<Transaction<'_, Self::Database>, sqlx::Error> {
        read::snapshot(connection).await
    }

    async fn newest(connection: &mut ConnectionOf<Self>) -> Result<Revision, sqlx::Error> {
        read::newest(connection).await
    }

    fn active(connection: &mut ConnectionOf<Self>) -> BoxStream<'_, Result<Row, sqlx::Error>> {
        read::active(connection)
    }

    async fn disabled(connection: &mut ConnectionOf<Self>) -> Result<i64, sqlx::Error> {
        read::disabled(connection).await
    }

    async fn past(
        connection: &mut ConnectionOf<Self>,
        key: &Key,
        limit: i64,
    ) -> Result<Vec<Past>, sqlx::Error> {
        read::past(connection, key, limit).await
    }

    async fn log(
        place: &Place,
        options: &OptionsOf<Self>,
        poll: Duration,
        written: signal::Receiver<Revision>,
    ) -> Result<Self::Log, SourceError> {
        watch::log(place, options, poll, written).await
    }

    async fn put(
        connection: &mut ConnectionOf<Self>,
        write: &Write<'_>,
        text: &str,
    ) -> Result<Revision, Refused> {
        write::put(connection, write, text).await
    }

    async fn delete(
        connection: &mut ConnectionOf<Self>,
        write: &Write<'_>,
    ) -> Result<Option<Revision>, Refused> {
        write::delete(connection, write).await
    }

    async fn make_leases(connection: &mut ConnectionOf<Self>) -> Result<(), sqlx::Error> {
        leases::make(connection).await
    }

    async fn leases(connection: &mut ConnectionOf<Self>) -> Result<LeaseSet, sqlx::Error> {
        leases::all(connection).await
    }

    async fn leases_mark(connection: &mut ConnectionOf<Self>) -> Result<i64, sqlx::Error> {
        leases::mark(connection).await
    }

    async fn write_lease(
        connection: &mut ConnectionOf<Self>,
        name: &str,
        body: &str,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<Written, sqlx::Error> {
        leases::write(connection, name, body, expected, lives).await
    }

    async fn remove_lease(
        connection: &mut ConnectionOf<Self>,
        name: &str,
        expected: u64,
    ) -> Result<Written, sqlx::Error> {
        leases::remove(connection, name, expected).await
    }
}

/// Makes the data source `mysql` from the table `data_source.mysql`.
#[derive(Default)]
pub struct MysqlFactory;

#[mcp_common::datasource("mysql")]
#[async_trait]
impl DataSourceFactory for MysqlFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        ChangeLogSource::<Mysql>::check(settings)
    }

    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Mysql::open(Mysql::settings(settings)?).await?))
    }

    async fn migrate(&self, settings: &Settings, migrate: Migrate) -> Result<Option<Migration>, PluginError> {
        Mysql::migrate(&Mysql::settings(settings)?, migrate)
            .await
            .map(Some)
    }
}
