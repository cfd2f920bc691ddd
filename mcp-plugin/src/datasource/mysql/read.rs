//! Reads the newest or the past state.

use crate::datasource::change_log::row::{self, Past, Row};
use futures_util::{StreamExt, stream::BoxStream};
use mcp_common::key::{Key, Revision};
use sqlx::{Connection, Executor, MySql, MySqlConnection, Transaction};

/// The revision of the newest commit.
pub(super) async fn newest(connection: &mut MySqlConnection) -> Result<Revision, sqlx::Error> {
    let newest: i64 = sqlx::query_scalar("SELECT revision FROM dynmcp_revision WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(row::revision(newest))
}

pub(super) async fn snapshot(
    connection: &mut MySqlConnection,
) -> Result<Transaction<'_, MySql>, sqlx::Error> {
    connection
        .execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .await?;
    connection
        .begin_with("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        .await
}

pub(super) fn active(connection: &mut MySqlConnection) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    sqlx::query_as(
        "SELECT changed.revision, CAST(changed.xds_type AS BINARY), CAST(changed.`key` AS BINARY), changed.body,
                changed.changed_at
         FROM dynmcp_xds AS active
         JOIN dynmcp_changes AS changed ON changed.revision =
             (SELECT MAX(newest.revision) FROM dynmcp_changes AS newest
              WHERE newest.xds_type = UPPER(COALESCE(active.xds_type, '')) AND newest.`key` = COALESCE(active.`key`, ''))
         WHERE active.status = 1",
    )
    .fetch(connection)
    .boxed()
}

pub(super) async fn disabled(connection: &mut MySqlConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM dynmcp_xds WHERE NOT (status <=> 1)")
        .fetch_one(connection)
        .await
}

pub(super) async fn past(
    connection: &mut MySqlConnection,
    key: &Key,
    limit: i64,
) -> Result<Vec<Past>, sqlx::Error> {
    sqlx::query_as(
        "SELECT revision, changed_at, principal, body FROM dynmcp_changes
         WHERE xds_type = ? AND `key` = ? ORDER BY revision DESC LIMIT ?",
    )
    .bind(key.kind.as_str())
    .bind(&*key.id)
    .bind(limit)
    .fetch_all(connection)
    .await
}
