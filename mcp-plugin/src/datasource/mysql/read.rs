//! Reads the newest or the past state.

use crate::datasource::change_log::{
    Fault, in_time,
    row::{self, Past, Row},
};
use futures_util::TryStreamExt;
use mcp_common::{
    datasource::{HistoryEntry, Load},
    key::{Key, Revision},
};
use sqlx::{Executor, MySql, MySqlPool};

/// The revision of the newest commit.
pub(super) async fn newest(connection: impl Executor<'_, Database = MySql>) -> Result<Revision, sqlx::Error> {
    let newest: i64 = sqlx::query_scalar("SELECT revision FROM dynmcp_revision WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(row::revision(newest))
}

pub(super) async fn load(pool: &MySqlPool) -> Result<Load, Fault> {
    let mut connection = pool.acquire().await?;
    connection
        .execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .await?;
    // One state of the database for both statements.
    let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    let mut transaction = sqlx::Connection::begin_with(&mut *connection, begin).await?;
    let mut load = Load {
        revision: in_time(newest(&mut *transaction)).await?,
        ..Load::default()
    };
    let mut rows = sqlx::query_as::<_, Row>(
        "SELECT changed.revision, CAST(changed.xds_type AS BINARY), CAST(changed.`key` AS BINARY), changed.body,
                changed.changed_at
         FROM dynmcp_xds AS active
         JOIN dynmcp_changes AS changed ON changed.revision =
             (SELECT MAX(newest.revision) FROM dynmcp_changes AS newest
              WHERE newest.xds_type = UPPER(COALESCE(active.xds_type, '')) AND newest.`key` = COALESCE(active.`key`, ''))
         WHERE active.status = 1",
    )
    .fetch(&mut *transaction);
    // A server may take long for all of it, but not for the next row.
    while let Some(row) = in_time(rows.try_next()).await? {
        row::collect(&mut load, row);
    }
    drop(rows);
    transaction.commit().await?;
    Ok(load)
}

pub(super) async fn history(
    pool: &MySqlPool,
    key: &Key,
    limit: usize,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Past> = sqlx::query_as(
        "SELECT revision, changed_at, principal, body FROM dynmcp_changes
         WHERE xds_type = ? AND `key` = ? ORDER BY revision DESC LIMIT ?",
    )
    .bind(key.kind.as_str())
    .bind(&*key.id)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(row::past).collect())
}
