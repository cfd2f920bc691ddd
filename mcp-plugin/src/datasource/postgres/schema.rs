//! Brings the schema up to date, in one transaction. One gateway does it, the others wait.

use super::connect;
use crate::datasource::change_log::Fault;
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};

const DEFINITIONS_AND_CHANGES: &str =
    include_str!("../../../../migrations/postgres/0001_definitions_and_changes.sql");

/// What this program makes and reads.
const VERSION: i64 = 1;

/// Waits for another gateway's migration. Held by the connection and taken before the transaction begins, since a
/// transaction would keep in mind that the tables are not there.
const LOCK: &str = "SET lock_timeout = '60s'; SELECT pg_advisory_lock(hashtext('dynmcp.migration'))";

/// The functions of the schema keep the path that they are made with.
const SCHEMA: &str = "SET LOCAL client_min_messages = warning; SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)";

pub(super) async fn prepare(options: &PgConnectOptions, history: u32) -> Result<(), Fault> {
    let mut connection = connect::connect(options).await?;
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await?;
    if encoding != "UTF8" {
        return Err(Fault::Foreign(format!(
            "its encoding is {encoding}, which does not hold every text; use a database made with ENCODING 'UTF8'"
        )));
    }
    if version(&mut connection).await? != Some(VERSION) {
        migrate(&mut connection).await?;
    }
    sqlx::query("UPDATE dynmcp_store SET value = $1 WHERE name = 'history' AND value <> $1")
        .bind(i64::from(history))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// The version of the schema that is there.
async fn version(connection: &mut PgConnection) -> Result<Option<i64>, Fault> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('dynmcp_store') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(None);
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'version'")
        .fetch_optional(connection)
        .await?;
    match version {
        Some(version) if version > VERSION => Err(Fault::Newer(version)),
        other => Ok(other),
    }
}

async fn migrate(connection: &mut PgConnection) -> Result<(), Fault> {
    connection.execute(sqlx::raw_sql(LOCK)).await?;
    let mut transaction = connection.begin().await?;
    if version(&mut transaction).await? == Some(VERSION) {
        return Ok(());
    }
    let schema: Option<String> = sqlx::query_scalar("SELECT current_schema()::text")
        .fetch_one(&mut *transaction)
        .await?;
    if schema.is_none() {
        return Err(Fault::Foreign(
            "no schema of the user's search_path exists; make one with CREATE SCHEMA, or set the search_path with \
             `?options=-c%20search_path%3Dname` in the URL"
                .to_owned(),
        ));
    }
    check_columns(&mut transaction).await?;
    transaction.execute(sqlx::raw_sql(SCHEMA)).await?;
    transaction
        .execute(sqlx::raw_sql(DEFINITIONS_AND_CHANGES))
        .await?;
    transaction.commit().await?;
    tracing::info!("the tables are ready");
    Ok(())
}

/// A `dynmcp_xds` that somebody else made has to be one.
async fn check_columns(connection: &mut PgConnection) -> Result<(), Fault> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute
         WHERE attrelid = to_regclass('dynmcp_xds') AND attnum > 0 AND NOT attisdropped",
    )
    .fetch_all(connection)
    .await?;
    let missing = ["key", "xds_type", "xds_json"]
        .into_iter()
        .find(|name| !columns.iter().any(|column| column == name));
    match missing {
        Some(missing) if !columns.is_empty() => Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{missing}`; rename the table, or use another database"
        ))),
        _ => Ok(()),
    }
}
