//! Reads the newest or the past state.

use super::{
    Fault, Lease, Patience,
    dialect::{ConnectionOf, Dialect},
    row,
};
use futures_util::TryStreamExt;
use mcp_common::{
    datasource::{HistoryEntry, Load},
    key::Key,
};
use sqlx::Pool;

pub(crate) async fn load<D: Dialect>(pool: &Pool<D::Database>, patience: Patience) -> Result<Load, Fault> {
    let mut connection = Lease::of(pool, patience).await?;
    let loaded = load_on::<D>(&mut connection, patience).await;
    if !matches!(loaded, Err(Fault::Silence)) {
        connection.end();
    }
    loaded
}

async fn load_on<D: Dialect>(connection: &mut ConnectionOf<D>, patience: Patience) -> Result<Load, Fault> {
    // One state of the database for both statements.
    let beginning = async {
        let mut transaction = D::snapshot(connection).await?;
        let newest = D::newest(&mut transaction).await?;
        Ok::<_, sqlx::Error>((transaction, newest))
    };
    let (mut transaction, revision) = patience.in_time(beginning).await?;
    let mut load = Load {
        revision,
        ..Load::default()
    };
    let mut rows = D::active(&mut transaction);
    // A server may take long for all of it, but not for the next row.
    while let Some(row) = patience.in_time(rows.try_next()).await? {
        row::collect(&mut load, row);
    }
    drop(rows);
    patience.in_time(transaction.commit()).await?;
    Ok(load)
}

pub(crate) async fn history<D: Dialect>(
    pool: &Pool<D::Database>,
    key: &Key,
    limit: usize,
    patience: Patience,
) -> Result<Vec<HistoryEntry>, sqlx::Error> {
    let mut connection = Lease::of(pool, patience).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = D::past(&mut connection, key, limit).await?;
    connection.end();
    Ok(rows.into_iter().map(row::past).collect())
}

/// The number of rows whose `status` keeps them from being served.
pub(crate) async fn disabled<D: Dialect>(
    pool: &Pool<D::Database>,
    patience: Patience,
) -> Result<u64, sqlx::Error> {
    let mut connection = Lease::of(pool, patience).await?;
    let rows = D::disabled(&mut connection).await?;
    connection.end();
    Ok(rows.unsigned_abs())
}
