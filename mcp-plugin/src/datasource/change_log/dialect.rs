//! What one database server does otherwise than another.

use super::{
    Existing, Fault, Migrated, Patience, Place, Refused, Server, Write,
    follow::Log,
    leases::Written,
    row::{Past, Row},
};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use mcp_common::{
    datasource::{LeaseSet, SourceError},
    key::{Key, Revision},
    plugin::PluginError,
};
use sqlx::{Database, Pool, Transaction};
use std::time::Duration;
use tokio::sync::watch as signal;

/// A connection to the server of this dialect.
pub(crate) type ConnectionOf<D> = <<D as Dialect>::Database as Database>::Connection;

/// How one connects to it.
pub(crate) type OptionsOf<D> = <ConnectionOf<D> as sqlx::Connection>::Options;

/// The SQL of one kind of server, and what its driver wants.
#[async_trait]
pub(crate) trait Dialect: Sized + Send + Sync + 'static {
    type Database: Database;
    type Log: Log;

    /// `data_source.<name>`.
    const TABLE: &'static str;
    /// A URL as it has to be written.
    const URL: &'static str;
    /// How often to look for changes, if nothing else is said.
    const POLL_MS: u64;
    /// The version of the schema that this program makes and reads.
    const VERSION: i64;
    /// The files of the migrations.
    const STEPS: &'static [&'static str];

    fn options(server: &Server) -> Result<(OptionsOf<Self>, Place), PluginError>;

    fn pool(options: &OptionsOf<Self>, patience: Patience, connections: u32) -> Pool<Self::Database>;

    /// A connection of one's own.
    async fn connect(
        options: &OptionsOf<Self>,
        patience: Patience,
    ) -> Result<ConnectionOf<Self>, sqlx::Error>;

    /// The version of the schema that is there, if it is complete.
    async fn version(connection: &mut ConnectionOf<Self>) -> Result<Option<i64>, Fault>;

    /// The table of definitions that was there before; refuses one that cannot be taken over.
    async fn existing(connection: &mut ConnectionOf<Self>) -> Result<Option<Existing>, Fault>;

    /// Brings the schema up to date. One gateway does it, the others wait.
    async fn apply(connection: &mut ConnectionOf<Self>) -> Result<Migrated, Fault>;

    /// Sets how many revisions of a key are kept, and finds out how large a document may be, in bytes.
    async fn begin(connection: &mut ConnectionOf<Self>, history: u32) -> Result<usize, sqlx::Error>;

    /// A transaction that sees one state of the database.
    async fn snapshot(
        connection: &mut ConnectionOf<Self>,
    ) -> Result<Transaction<'_, Self::Database>, sqlx::Error>;

    /// The revision of the newest commit.
    async fn newest(connection: &mut ConnectionOf<Self>) -> Result<Revision, sqlx::Error>;

    /// The newest change of each active row.
    fn active(connection: &mut ConnectionOf<Self>) -> BoxStream<'_, Result<Row, sqlx::Error>>;

    /// The number of rows whose `status` keeps them from being served.
    async fn disabled(connection: &mut ConnectionOf<Self>) -> Result<i64, sqlx::Error>;

    /// The newest changes of a key.
    async fn past(
        connection: &mut ConnectionOf<Self>,
        key: &Key,
        limit: i64,
    ) -> Result<Vec<Past>, sqlx::Error>;

    /// The log, for a watch.
    async fn log(
        place: &Place,
        options: &OptionsOf<Self>,
        poll: Duration,
        written: signal::Receiver<Revision>,
    ) -> Result<Self::Log, SourceError>;

    /// Checks the expectation and writes, in one transaction.
    async fn put(
        connection: &mut ConnectionOf<Self>,
        write: &Write<'_>,
        text: &str,
    ) -> Result<Revision, Refused>;

    /// Checks the expectation and deletes, in one transaction; `None` where there was nothing.
    async fn delete(
        connection: &mut ConnectionOf<Self>,
        write: &Write<'_>,
    ) -> Result<Option<Revision>, Refused>;

    /// Makes the table of entries that end, where it is missing.
    async fn make_leases(connection: &mut ConnectionOf<Self>) -> Result<(), sqlx::Error>;

    /// All of its entries.
    async fn leases(connection: &mut ConnectionOf<Self>) -> Result<LeaseSet, sqlx::Error>;

    /// Another number after each write of an entry.
    async fn leases_mark(connection: &mut ConnectionOf<Self>) -> Result<i64, sqlx::Error>;

    /// Writes an entry of this version.
    async fn write_lease(
        connection: &mut ConnectionOf<Self>,
        name: &str,
        body: &str,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<Written, sqlx::Error>;

    /// Takes an entry of this version away.
    async fn remove_lease(
        connection: &mut ConnectionOf<Self>,
        name: &str,
        expected: u64,
    ) -> Result<Written, sqlx::Error>;
}
