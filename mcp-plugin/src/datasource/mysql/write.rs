//! The gateway's own writes: check the expectation, write, sign the log's row, in one transaction.

use super::read;
use crate::datasource::change_log::{Refused, Write, row};
use mcp_common::key::Revision;
use sqlx::{Connection, MySql, MySqlConnection, Transaction};

pub(super) async fn put(
    connection: &mut MySqlConnection,
    write: &Write<'_>,
    text: &str,
) -> Result<Revision, Refused> {
    let (mut transaction, before, _) = begin(connection, write).await?;
    sqlx::query(
        "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json, status, create_time, update_time)
         VALUES (?, ?, ?, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)
         ON DUPLICATE KEY UPDATE xds_json = VALUES(xds_json), status = 1, update_time = CURRENT_TIMESTAMP",
    )
    .bind(&*write.key.id)
    .bind(write.key.kind.as_str())
    .bind(text)
    .execute(&mut *transaction)
    .await?;
    if read::newest(&mut transaction).await? == before {
        // The same document again, which the triggers take for a touch.
        sqlx::query("UPDATE dynmcp_revision SET revision = revision + 1, xds_type = ?, `key` = ?, body = ? WHERE id = 1")
            .bind(write.key.kind.as_str())
            .bind(&*write.key.id)
            .bind(text.as_bytes())
            .execute(&mut *transaction)
            .await?;
    }
    finish(transaction, write).await
}

pub(super) async fn delete(
    connection: &mut MySqlConnection,
    write: &Write<'_>,
) -> Result<Option<Revision>, Refused> {
    let (mut transaction, _, current) = begin(connection, write).await?;
    if current.is_none() {
        return Ok(None);
    }
    sqlx::query("DELETE FROM dynmcp_xds WHERE xds_type = ? AND `key` = ?")
        .bind(write.key.kind.as_str())
        .bind(&*write.key.id)
        .execute(&mut *transaction)
        .await?;
    finish(transaction, write).await.map(Some)
}

/// A transaction that has the turn to write, the newest revision, and what is stored under the key.
async fn begin<'c>(
    connection: &'c mut MySqlConnection,
    write: &Write<'_>,
) -> Result<(Transaction<'c, MySql>, Revision, Option<Revision>), Refused> {
    let mut transaction = connection.begin().await?;
    // First the row, then the counter, in the order in which raw statements take them.
    sqlx::query("SELECT id FROM dynmcp_xds WHERE xds_type = ? AND `key` = ? FOR UPDATE")
        .bind(write.key.kind.as_str())
        .bind(&*write.key.id)
        .fetch_optional(&mut *transaction)
        .await?;
    let newest: i64 = sqlx::query_scalar("SELECT revision FROM dynmcp_revision WHERE id = 1 FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await?;
    let current = current(&mut transaction, write).await?;
    write.expected.met_by(current)?;
    Ok((transaction, row::revision(newest), current))
}

async fn current(
    connection: &mut MySqlConnection,
    write: &Write<'_>,
) -> Result<Option<Revision>, sqlx::Error> {
    let newest: Option<(i64, i64)> = sqlx::query_as(
        "SELECT revision, CAST(gone AS SIGNED) FROM dynmcp_changes
         WHERE xds_type = ? AND `key` = ? ORDER BY revision DESC LIMIT 1",
    )
    .bind(write.key.kind.as_str())
    .bind(&*write.key.id)
    .fetch_optional(connection)
    .await?;
    let stored = newest.filter(|(_, gone)| *gone == 0);
    Ok(stored.map(|(revision, _)| row::revision(revision)))
}

/// The trigger has logged the write as the newest row; nobody else can have written since.
async fn finish(mut transaction: Transaction<'_, MySql>, write: &Write<'_>) -> Result<Revision, Refused> {
    let revision = read::newest(&mut transaction).await?;
    sqlx::query("UPDATE dynmcp_changes SET principal = ? WHERE revision = ?")
        .bind(write.principal)
        .bind(row::stored(revision))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(revision)
}
