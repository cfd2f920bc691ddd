//! Reads the newest or the past state.

use crate::datasource::change_log::{
    Fault, Lease, Patience,
    row::{self, Past, Row},
};
use futures_util::TryStreamExt;
use mcp_common::{
    datasource::{HistoryEntry, Load},
    key::{Key, Revision},
};
use sqlx::{Connection, Executor, MySql, MySqlConnection, MySqlPool};

/// The revision of the newest commit.
pub(super) async fn newest(connection: impl Executor<'_, Database = MySql>) -> Result<Revision, sqlx::Error> {
    let newest: i64 = sqlx::query_scalar("SELECT revision FROM dynmcp_revision WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(row::revision(newest))
}

pub(super) async fn load(pool: &MySqlPool, patience: Patience) -> Result<Load, Fault> {
    let mut connection = Lease::of(pool, patience).await?;
    let loaded = load_on(&mut connection, patience).await;
    if !matches!(loaded, Err(Fault::Silence)) {
        connection.end();
    }
    loaded
}

async fn load_on(connection: &mut MySqlConnection, patience: Patience) -> Result<Load, Fault> {
    // One state of the database for both statements.
    let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    let beginning = async {
        connection
            .execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .await?;
        let mut transaction = connection.begin_with(begin).await?;
        let newest = newest(&mut *transaction).await?;
        Ok::<_, sqlx::Error>((transaction, newest))
    };
    let (mut transaction, revision) = patience.in_time(beginning).await?;
    let mut load = Load {
        revision,
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
    while let Some(row) = patience.in_time(rows.try_next()).await? {
        row::collect(&mut load, row);
    }
    drop(rows);
    patience.in_time(transaction.commit()).await?;
    Ok(load)
}

/// The number of rows whose `status` keeps them from being served.
pub(super) async fn disabled(pool: &MySqlPool, patience: Patience) -> Result<u64, sqlx::Error> {
    let mut connection = Lease::of(pool, patience).await?;
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM dynmcp_xds WHERE NOT (status <=> 1)")
        .fetch_one(&mut *connection)
        .await?;
    connection.end();
    Ok(rows.unsigned_abs())
}

pub(super) async fn history(
    pool: &MySqlPool,
    key: &Key,
    limit: usize,
    patience: Patience,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let mut connection = Lease::of(pool, patience).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Past> = sqlx::query_as(
        "SELECT revision, changed_at, principal, body FROM dynmcp_changes
         WHERE xds_type = ? AND `key` = ? ORDER BY revision DESC LIMIT ?",
    )
    .bind(key.kind.as_str())
    .bind(&*key.id)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    connection.end();
    Ok(rows.into_iter().map(row::past).collect())
}
