//! Opens the file: directory, connection options, schema.

use super::{error, schema};
use mcp_common::plugin::PluginError;
use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long to wait for another process' write.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Loads, histories and one write at a time; each connection is a thread.
const CONNECTIONS: u32 = 4;

/// The file, for connections and for error texts.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .journal_mode(SqliteJournalMode::Wal)
            // A write that was answered must survive a power cut; NORMAL would only promise that the file stays sound.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(false)
            .disable_statement_logging()
    }
}

/// Connects and brings the schema up to date, making what is missing.
pub(super) async fn open(place: &Place, history: u32) -> Result<SqlitePool, PluginError> {
    if let Some(directory) = place.path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| place.bad_directory(directory, &error))?;
    }
    let deadline = Instant::now() + BUSY;
    loop {
        match try_open(place, history).await {
            Ok(pool) => return Ok(pool),
            // Two gateways that make the same file at once: the busy timeout does not cover the switch to WAL, nor a
            // migration that the other one finished first.
            Err(fault) if error::passes(&fault) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(fault) => return Err(place.start_error(&fault)),
        }
    }
}

async fn try_open(place: &Place, history: u32) -> Result<SqlitePool, error::Fault> {
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY)
        .test_before_acquire(false)
        .connect_with(place.options().create_if_missing(true))
        .await?;
    let prepared = schema::prepare(&pool, history).await;
    if prepared.is_err() {
        pool.close().await;
    }
    prepared.map(|()| pool)
}
