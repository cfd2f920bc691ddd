//! Follows the change log of a server: a cheap question whether there is more, then exactly that.

use super::{
    Fault, Place,
    row::{self, Row},
};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Batch, Changes, SourceError},
    key::Revision,
};

/// Changes read at once; bounds the memory that a consumer far behind needs.
const CHUNK: usize = 500;

/// A connection to the change log.
#[async_trait]
pub(crate) trait Log: Send + 'static {
    /// The counter.
    async fn newest(&mut self) -> Result<Revision, sqlx::Error>;
    /// The oldest `most` rows after `seen`, in order.
    async fn after(&mut self, seen: Revision, most: i64) -> Result<Vec<Row>, sqlx::Error>;
    /// Who has not seen this revision may have missed a deletion.
    async fn floor(&mut self) -> Result<Revision, sqlx::Error>;
    /// Returns when it is time to ask again.
    async fn wait(&mut self, was_quiet: bool) -> Result<(), Fault>;
}

/// Starts to follow after `from`.
pub(crate) async fn start(place: &Place, mut log: impl Log, from: Revision) -> Result<Changes, SourceError> {
    // Ahead of the store: somebody restored an older backup.
    if from > place.ask(log.newest()).await? || from < place.ask(log.floor()).await? {
        return Err(SourceError::HistoryLost { from });
    }
    let follower = Follower {
        place: place.clone(),
        log,
        seen: from,
        was_quiet: true,
    };
    let changes = stream::try_unfold(follower, |mut follower| async move {
        let batch = follower.next().await?;
        Ok(Some((batch, follower)))
    });
    Ok(changes.boxed())
}

struct Follower<L> {
    place: Place,
    log: L,
    seen: Revision,
    was_quiet: bool,
}

impl<L: Log> Follower<L> {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            let newest = self.place.ask(self.log.newest()).await?;
            if newest < self.seen {
                return Err(SourceError::HistoryLost { from: self.seen });
            }
            if newest > self.seen {
                self.was_quiet = false;
                return self.read(newest).await;
            }
            let waited = self.log.wait(self.was_quiet).await;
            waited.map_err(|fault| self.place.source_error(fault))?;
            self.was_quiet = true;
        }
    }

    async fn read(&mut self, newest: Revision) -> Result<Batch, SourceError> {
        let rows = self.log.after(self.seen, row::stored(CHUNK as Revision));
        let rows = self.place.ask(rows).await?;
        // After the rows: what was forgotten before them counts.
        if self.place.ask(self.log.floor()).await? > self.seen {
            return Err(SourceError::HistoryLost { from: self.seen });
        }
        let last = rows.last().map_or(self.seen, |row| row::revision(row.0));
        let is_all = rows.len() < CHUNK;
        self.seen = if is_all { last.max(newest) } else { last };
        Ok(Batch {
            revision: self.seen,
            changes: rows.into_iter().map(row::change).collect(),
        })
    }
}
