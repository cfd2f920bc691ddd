//! The gateway's own writes: take the turn, check the expectation, write, in one transaction.

use super::read;
use crate::datasource::change_log::{Refused, Write, row};
use mcp_common::key::Revision;
use sqlx::{Connection, PgConnection, Transaction};

pub(super) async fn put(
    connection: &mut PgConnection,
    write: &Write<'_>,
    text: &str,
) -> Result<Revision, Refused> {
    let (mut transaction, _) = begin(connection, write).await?;
    sqlx::query(
        "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status, create_time, update_time)
         VALUES ($1, $2, $3, 1, now(), now())
         ON CONFLICT (xds_type, key) DO UPDATE SET xds_json = excluded.xds_json, status = 1, update_time = now()",
    )
    .bind(&*write.key.id)
    .bind(write.key.kind.as_str())
    .bind(text)
    .execute(&mut *transaction)
    .await?;
    finish(transaction).await
}

pub(super) async fn delete(
    connection: &mut PgConnection,
    write: &Write<'_>,
) -> Result<Option<Revision>, Refused> {
    let (mut transaction, current) = begin(connection, write).await?;
    if current.is_none() {
        return Ok(None);
    }
    sqlx::query("DELETE FROM dynmcp_xds WHERE xds_type = $1 AND key = $2")
        .bind(write.key.kind.as_str())
        .bind(&*write.key.id)
        .execute(&mut *transaction)
        .await?;
    finish(transaction).await.map(Some)
}

/// A transaction that has the turn to write, and what is stored under the key.
async fn begin<'c>(
    connection: &'c mut PgConnection,
    write: &Write<'_>,
) -> Result<(Transaction<'c, sqlx::Postgres>, Option<Revision>), Refused> {
    let mut transaction = connection
        .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
        .await?;
    sqlx::query("SELECT revision FROM dynmcp_revision FOR UPDATE")
        .execute(&mut *transaction)
        .await?;
    let current = current(&mut transaction, write).await?;
    write.expected.met_by(current)?;
    // The trigger writes it into the log's row.
    sqlx::query("SELECT set_config('dynmcp.principal', $1, true)")
        .bind(write.principal)
        .execute(&mut *transaction)
        .await?;
    Ok((transaction, current))
}

async fn current(connection: &mut PgConnection, write: &Write<'_>) -> Result<Option<Revision>, sqlx::Error> {
    let newest: Option<(i64, bool)> = sqlx::query_as(
        "SELECT revision, body IS NULL FROM dynmcp_changes
         WHERE xds_type = $1 AND key = $2 ORDER BY revision DESC LIMIT 1",
    )
    .bind(write.key.kind.as_str())
    .bind(&*write.key.id)
    .fetch_optional(connection)
    .await?;
    let stored = newest.filter(|(_, gone)| !gone);
    Ok(stored.map(|(revision, _)| row::revision(revision)))
}

/// The trigger has logged the write as the newest row; nobody else can have written since.
async fn finish(mut transaction: Transaction<'_, sqlx::Postgres>) -> Result<Revision, Refused> {
    let revision = read::newest(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(revision)
}
