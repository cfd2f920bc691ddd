//! Follows the change log: at once for this process' writes, by a cheap poll for everybody else's.

use super::{connect, read};
use crate::datasource::change_log::{
    Fault, Place,
    follow::Log,
    row::{self, Row},
};
use async_trait::async_trait;
use mcp_common::{datasource::SourceError, key::Revision};
use sqlx::{MySqlConnection, mysql::MySqlConnectOptions};
use std::time::Duration;
use tokio::sync::watch as signal;

pub(super) async fn log(
    place: &Place,
    options: &MySqlConnectOptions,
    poll: Duration,
    written: signal::Receiver<Revision>,
) -> Result<Polled, SourceError> {
    // A connection of its own, which no burst of writes can keep from polling.
    let connection = connect::connect(options, place.patience)
        .await
        .map_err(|error| place.source_error(error))?;
    Ok(Polled {
        connection,
        written,
        poll,
        next: poll,
    })
}

pub(crate) struct Polled {
    connection: MySqlConnection,
    written: signal::Receiver<Revision>,
    /// The longest wait.
    poll: Duration,
    /// The next wait: changes seldom come alone, so after one it is short and grows while it stays quiet.
    next: Duration,
}

/// How much sooner to ask after a change.
const HASTE: u32 = 8;

#[async_trait]
impl Log for Polled {
    async fn newest(&mut self) -> Result<Revision, sqlx::Error> {
        read::newest(&mut self.connection).await
    }

    async fn after(&mut self, seen: Revision, most: i64) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as(
            "SELECT revision, CAST(xds_type AS BINARY), CAST(`key` AS BINARY), body, changed_at FROM dynmcp_changes
             WHERE revision > ? ORDER BY revision LIMIT ?",
        )
        .bind(row::stored(seen))
        .bind(most)
        .fetch_all(&mut self.connection)
        .await
    }

    async fn floor(&mut self) -> Result<Revision, sqlx::Error> {
        let floor: i64 = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'floor'")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(row::revision(floor))
    }

    async fn wait(&mut self, was_quiet: bool) -> Result<(), Fault> {
        let next = if was_quiet {
            self.next * 2
        } else {
            self.poll / HASTE
        };
        self.next = next.min(self.poll);
        // A missing sender only means that this process writes no more.
        let own_write = async {
            if self.written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(self.next, own_write).await;
        Ok(())
    }
}
