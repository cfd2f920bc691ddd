//! Follows the change log: notified of every commit, with a slow poll in case a notification is lost.

use super::{connect, read};
use crate::datasource::change_log::{
    Fault, Place,
    follow::Log,
    row::{self, Row},
};
use async_trait::async_trait;
use mcp_common::{datasource::SourceError, key::Revision};
use sqlx::postgres::{PgConnectOptions, PgListener};
use std::time::Duration;
use tokio::sync::watch as signal;

const CHANNEL: &str = "dynmcp_changes";

pub(super) async fn log(
    place: &Place,
    options: &PgConnectOptions,
    poll: Duration,
    written: signal::Receiver<Revision>,
) -> Result<Notified, SourceError> {
    let listen = async {
        // A connection of its own, which no burst of writes can keep from listening.
        let mut listener = PgListener::connect_with(&connect::pool(options, place.patience, 1)).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let listener = place.ask(listen).await?;
    // It listens before anything is read, so that nothing falls in between.
    Ok(Notified {
        listener,
        written,
        poll,
    })
}

pub(crate) struct Notified {
    listener: PgListener,
    written: signal::Receiver<Revision>,
    poll: Duration,
}

#[async_trait]
impl Log for Notified {
    async fn newest(&mut self) -> Result<Revision, sqlx::Error> {
        read::newest(&mut self.listener).await
    }

    async fn after(&mut self, seen: Revision, most: i64) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as(
            "SELECT revision, convert_to(xds_type, 'UTF8'), convert_to(key, 'UTF8'), body, changed_at
             FROM dynmcp_changes WHERE revision > $1 ORDER BY revision LIMIT $2",
        )
        .bind(row::stored(seen))
        .bind(most)
        .fetch_all(&mut self.listener)
        .await
    }

    async fn floor(&mut self) -> Result<Revision, sqlx::Error> {
        let floor: i64 = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'floor'")
            .fetch_one(&mut self.listener)
            .await?;
        Ok(row::revision(floor))
    }

    async fn wait(&mut self, _was_quiet: bool) -> Result<(), Fault> {
        let own_write = async {
            if self.written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            notified = self.listener.try_recv() => {
                if notified?.is_none() {
                    return Err(Fault::Cut);
                }
                // One reading answers all that are here already.
                while self.listener.next_buffered().is_some() {}
            }
            () = own_write => {}
            () = tokio::time::sleep(self.poll) => {}
        }
        Ok(())
    }
}
