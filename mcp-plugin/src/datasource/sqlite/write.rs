//! The gateway's own writes: check the expectation, write, sign the log's row, in one transaction.

use super::{
    connect::Place,
    error::LARGEST,
    read,
    row::{self, Body},
};
use bytes::Bytes;
use mcp_common::{
    datasource::{SourceError, Write},
    key::Revision,
};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

const UPSERT: &str = "INSERT INTO dynmcp_xds (key, xds_type, xds_json, status, create_time, update_time)
    VALUES (?, ?, ?, 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)
    ON CONFLICT (xds_type COLLATE NOCASE, key) DO UPDATE
    SET xds_json = excluded.xds_json, status = 1, update_time = CURRENT_TIMESTAMP";

pub(super) async fn put(
    pool: &SqlitePool,
    place: &Place,
    write: &Write<'_>,
    body: &Bytes,
) -> Result<Revision, SourceError> {
    if body.len() > LARGEST {
        return Err(SourceError::TooLarge {
            size: body.len(),
            limit: LARGEST,
        });
    }
    let mut transaction = begin(pool, place).await?;
    expect(&mut transaction, place, write).await?;
    let upsert = sqlx::query(UPSERT)
        .bind(&*write.key.id)
        .bind(write.key.kind.as_str());
    let upsert = match Body::from(body) {
        Body::Text(text) => upsert.bind(text),
        Body::Binary(bytes) => upsert.bind(bytes),
    };
    upsert
        .execute(&mut *transaction)
        .await
        .map_err(|error| place.source_error(&error))?;
    finish(transaction, write)
        .await
        .map_err(|error| place.source_error(&error))
}

pub(super) async fn delete(
    pool: &SqlitePool,
    place: &Place,
    write: &Write<'_>,
) -> Result<Option<Revision>, SourceError> {
    let mut transaction = begin(pool, place).await?;
    if expect(&mut transaction, place, write).await?.is_none() {
        return Ok(None);
    }
    sqlx::query("DELETE FROM dynmcp_xds WHERE xds_type = ? COLLATE NOCASE AND key = ?")
        .bind(write.key.kind.as_str())
        .bind(&*write.key.id)
        .execute(&mut *transaction)
        .await
        .map_err(|error| place.source_error(&error))?;
    finish(transaction, write)
        .await
        .map(Some)
        .map_err(|error| place.source_error(&error))
}

/// Takes the write lock at once; a transaction that started as a reader could not wait for it.
async fn begin(pool: &SqlitePool, place: &Place) -> Result<Transaction<'static, Sqlite>, SourceError> {
    pool.begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(|error| place.source_error(&error))
}

/// The stored revision, if the expectation holds.
async fn expect(
    connection: &mut SqliteConnection,
    place: &Place,
    write: &Write<'_>,
) -> Result<Option<Revision>, SourceError> {
    let newest: Option<(i64, bool)> = sqlx::query_as(
        "SELECT revision, body IS NOT NULL FROM dynmcp_changes
         WHERE xds_type = ? AND key = ? ORDER BY revision DESC LIMIT 1",
    )
    .bind(write.key.kind.as_str())
    .bind(&*write.key.id)
    .fetch_optional(connection)
    .await
    .map_err(|error| place.source_error(&error))?;
    let current = newest
        .filter(|(_, stored)| *stored)
        .map(|(number, _)| row::revision(number));
    write.expected.met_by(current)?;
    Ok(current)
}

/// The trigger has logged the write as the newest row; nobody else can have written since.
async fn finish(
    mut transaction: Transaction<'static, Sqlite>,
    write: &Write<'_>,
) -> Result<Revision, sqlx::Error> {
    let revision = read::newest(&mut transaction).await?;
    sqlx::query("UPDATE dynmcp_changes SET principal = ? WHERE revision = ?")
        .bind(write.principal)
        .bind(row::stored(revision))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(revision)
}
