//! Follows the change log: at once for this process' writes, by a cheap poll for everybody else's.

use super::{
    connect::Place,
    identity::Identity,
    read,
    row::{self, Row, columns},
};
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Batch, Changes, SourceError},
    key::Revision,
};
use sqlx::{ConnectOptions, SqliteConnection};
use std::time::Duration;
use tokio::sync::watch as signal;

/// Changes read at once; bounds the memory that a consumer far behind needs.
const CHUNK: i64 = 1_000;

/// Starts to follow after `from`.
pub(super) async fn start(
    place: &Place,
    poll: Duration,
    written: signal::Receiver<Revision>,
    from: Revision,
) -> Result<Changes, SourceError> {
    let failed = |error: sqlx::Error| place.source_error(&error);
    let identity = place.identity()?;
    // A connection of its own, since `data_version` counts what the others do.
    let mut connection = place.options().connect().await.map_err(failed)?;
    let newest = read::newest(&mut connection).await.map_err(failed)?;
    // Ahead of the file: somebody put an older backup in its place.
    if from > newest || from < floor(&mut connection).await.map_err(failed)? {
        return Err(SourceError::HistoryLost { from });
    }
    let follower = Follower {
        place: place.clone(),
        identity,
        connection,
        written,
        poll,
        seen: from,
        version: None,
    };
    let changes = stream::try_unfold(follower, |mut follower| async move {
        let batch = follower.next().await?;
        Ok(Some((batch, follower)))
    });
    Ok(changes.boxed())
}

struct Follower {
    place: Place,
    /// Which file the connection has open.
    identity: Identity,
    connection: SqliteConnection,
    written: signal::Receiver<Revision>,
    poll: Duration,
    seen: Revision,
    /// The file's `data_version` when everything up to `seen` was read; `None` while there may be more.
    version: Option<i64>,
}

impl Follower {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            if self.place.identity()? != self.identity {
                return Err(SourceError::HistoryLost { from: self.seen });
            }
            let batch = self
                .read()
                .await
                .map_err(|error| self.place.source_error(&error))?;
            if batch.revision == self.seen {
                self.wait().await;
                continue;
            }
            let floor = floor(&mut self.connection)
                .await
                .map_err(|error| self.place.source_error(&error))?;
            if floor > self.seen || batch.revision < self.seen {
                return Err(SourceError::HistoryLost { from: self.seen });
            }
            self.seen = batch.revision;
            return Ok(batch);
        }
    }

    /// A missing sender only means that this process writes no more.
    async fn wait(&mut self) {
        let own_write = async {
            if self.written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(self.poll, own_write).await;
    }

    /// What came after `seen`, at most one chunk of it.
    async fn read(&mut self) -> Result<Batch, sqlx::Error> {
        // Asked before the log is read, so that a commit in between counts as the next one.
        let version: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await?;
        if self.version == Some(version) {
            return Ok(Batch {
                revision: self.seen,
                changes: Vec::new(),
            });
        }
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM dynmcp_changes WHERE revision > ? ORDER BY revision LIMIT ?"
        );
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(row::stored(self.seen))
            .bind(CHUNK)
            .fetch_all(&mut self.connection)
            .await?;
        let is_last = i64::try_from(rows.len()).is_ok_and(|count| count < CHUNK);
        self.version = is_last.then_some(version);
        let revision = match rows.last() {
            Some(row) => row::revision(row.0),
            // Nothing new, or an older backup in the file's place.
            None => read::newest(&mut self.connection).await?.min(self.seen),
        };
        Ok(Batch {
            revision,
            changes: rows.into_iter().map(row::change).collect(),
        })
    }
}

async fn floor(connection: &mut SqliteConnection) -> Result<Revision, sqlx::Error> {
    let floor: i64 = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'floor'")
        .fetch_one(connection)
        .await?;
    Ok(row::revision(floor))
}
