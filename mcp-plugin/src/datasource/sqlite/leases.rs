//! Entries that end, for all processes that have the file open.

use super::Sqlite;
use crate::datasource::change_log::{
    Migrations,
    leases::{POLL, Statements, missing, steps},
};
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::datasource::{Leases, SourceError};
use sqlx::{Sqlite as Database, SqliteConnection, pool::PoolConnection};
use std::time::Duration;

const STATEMENTS: Statements = Statements {
    make: "CREATE TABLE IF NOT EXISTS dynmcp_leases (
        name TEXT PRIMARY KEY, body TEXT NOT NULL, version INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
    purge: "DELETE FROM dynmcp_leases WHERE expires_at < CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)",
    all: "SELECT name, body, version FROM dynmcp_leases",
    mark: "SELECT COALESCE(sum(version), 0) + count(*) FROM dynmcp_leases",
    insert: "INSERT INTO dynmcp_leases (name, body, version, expires_at)
        VALUES (?, ?, CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER), CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + ?)
        ON CONFLICT (name) DO NOTHING",
    update: "UPDATE dynmcp_leases
        SET body = ?, version = version + 1, expires_at = CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER) + ?
        WHERE name = ? AND version = ?",
    remove: "DELETE FROM dynmcp_leases WHERE name = ? AND version = ?",
    find: "SELECT version FROM dynmcp_leases WHERE name = ?",
};

steps!(SqliteConnection);

impl Sqlite {
    /// A connection to a file that has the table.
    async fn leasing(&self) -> Result<PoolConnection<Database>, SourceError> {
        let pool = self.pool().await?;
        let mut connection = pool
            .acquire()
            .await
            .map_err(|error| self.place.source_error(&error))?;
        if self.migrations == Migrations::AtStart {
            make(&mut connection)
                .await
                .map_err(|error| self.place.source_error(&error))?;
        }
        Ok(connection)
    }

    fn leases_error(&self, error: &sqlx::Error) -> SourceError {
        match self.place.source_error(error) {
            SourceError::Broken(reason) if lacks_table(error) => SourceError::Broken(missing(&reason)),
            other => other,
        }
    }

    fn written(&self, written: Result<Written, sqlx::Error>) -> Result<u64, SourceError> {
        match written.map_err(|error| self.leases_error(&error))? {
            Written::Done(version) => Ok(version),
            Written::Conflict(current) => Err(SourceError::Conflict { current }),
        }
    }
}

/// Whether the table of entries that end is there.
pub(super) async fn has_table(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    match mark(connection).await {
        Ok(_) => Ok(true),
        Err(error) if lacks_table(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// SQLite has no code of its own for that.
fn lacks_table(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.message().starts_with("no such table"))
}

#[async_trait]
impl Leases for Sqlite {
    async fn all(&self) -> Result<LeaseSet, SourceError> {
        let mut connection = self.leasing().await?;
        all(&mut connection)
            .await
            .map_err(|error| self.leases_error(&error))
    }

    async fn write(
        &self,
        name: &str,
        body: Bytes,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<u64, SourceError> {
        let body = String::from_utf8_lossy(&body);
        let _turn = self.turn.lock().await;
        let mut connection = self.leasing().await?;
        self.written(write(&mut connection, name, &body, expected, lives).await)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), SourceError> {
        let _turn = self.turn.lock().await;
        let mut connection = self.leasing().await?;
        self.written(remove(&mut connection, name, expected).await)
            .map(drop)
    }

    async fn changed(&self, since: u64) -> Result<(), SourceError> {
        loop {
            tokio::time::sleep(POLL).await;
            let mut connection = self.leasing().await?;
            let now = mark(&mut connection)
                .await
                .map_err(|error| self.leases_error(&error))?;
            if now.unsigned_abs() != since {
                return Ok(());
            }
        }
    }
}
