//! Reads the newest or the past state.

use super::row::{self, Past, Row, columns};
use mcp_common::{
    datasource::{HistoryEntry, Load},
    key::{Key, Revision},
};
use sqlx::{SqliteConnection, SqlitePool};

/// The revision of the newest commit. Taken from the sequence, since rows may have been forgotten.
pub(super) async fn newest(connection: &mut SqliteConnection) -> Result<Revision, sqlx::Error> {
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'dynmcp_changes'")
            .fetch_optional(connection)
            .await?;
    Ok(newest.map_or(0, row::revision))
}

pub(super) async fn load(pool: &SqlitePool) -> Result<Load, sqlx::Error> {
    // One transaction, so one state of the file for both statements.
    let mut transaction = pool.begin().await?;
    let revision = newest(&mut transaction).await?;
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM dynmcp_changes WHERE body IS NOT NULL AND revision IN
          (SELECT max(revision) FROM dynmcp_changes GROUP BY xds_type, key)"
    ))
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;

    let mut load = Load {
        revision,
        ..Load::default()
    };
    for row in rows {
        row::collect(&mut load, row);
    }
    Ok(load)
}

/// The number of rows whose `status` keeps them from being served.
pub(super) async fn disabled(pool: &SqlitePool) -> Result<u64, sqlx::Error> {
    let rows = "SELECT count(*) FROM dynmcp_xds WHERE CAST(status AS REAL) IS NOT 1.0";
    let rows: i64 = sqlx::query_scalar(rows).fetch_one(pool).await?;
    Ok(rows.unsigned_abs())
}

pub(super) async fn history(
    pool: &SqlitePool,
    key: &Key,
    limit: usize,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<Past> = sqlx::query_as(
        "SELECT revision, changed_at, principal, body FROM dynmcp_changes
         WHERE xds_type = ? AND key = ? ORDER BY revision DESC LIMIT ?",
    )
    .bind(key.kind.as_str())
    .bind(&*key.id)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(row::past).collect())
}
