//! Reads the newest or the past state.

use crate::datasource::change_log::row::{self, Past, Row};
use futures_util::{StreamExt, stream::BoxStream};
use mcp_common::key::{Key, Revision};
use sqlx::{Connection, Executor, PgConnection, Transaction};

/// The revision of the newest commit.
pub(super) async fn newest(
    connection: impl Executor<'_, Database = sqlx::Postgres>,
) -> Result<Revision, sqlx::Error> {
    let newest: i64 = sqlx::query_scalar("SELECT revision FROM dynmcp_revision")
        .fetch_one(connection)
        .await?;
    Ok(row::revision(newest))
}

pub(super) async fn snapshot(
    connection: &mut PgConnection,
) -> Result<Transaction<'_, sqlx::Postgres>, sqlx::Error> {
    connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await
}

pub(super) fn active(connection: &mut PgConnection) -> BoxStream<'_, Result<Row, sqlx::Error>> {
    sqlx::query_as(
        "SELECT changed.revision, convert_to(changed.xds_type, 'UTF8'), convert_to(changed.key, 'UTF8'), changed.body,
                changed.changed_at
         FROM dynmcp_xds AS active
         CROSS JOIN LATERAL (SELECT * FROM dynmcp_changes AS newest
                             WHERE newest.xds_type = coalesce(active.xds_type, '')
                               AND newest.key = coalesce(active.key, '')
                             ORDER BY newest.revision DESC LIMIT 1) AS changed
         WHERE active.status = 1",
    )
    .fetch(connection)
    .boxed()
}

pub(super) async fn disabled(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM dynmcp_xds WHERE status IS DISTINCT FROM 1")
        .fetch_one(connection)
        .await
}

pub(super) async fn past(
    connection: &mut PgConnection,
    key: &Key,
    limit: i64,
) -> Result<Vec<Past>, sqlx::Error> {
    sqlx::query_as(
        "SELECT revision, changed_at, principal, body FROM dynmcp_changes
         WHERE xds_type = $1 AND key = $2 ORDER BY revision DESC LIMIT $3",
    )
    .bind(key.kind.as_str())
    .bind(&*key.id)
    .bind(limit)
    .fetch_all(connection)
    .await
}
