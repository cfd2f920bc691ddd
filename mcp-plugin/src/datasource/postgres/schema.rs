//! Brings the schema up to date, in one transaction.

use super::{Postgres, leases};
use crate::datasource::change_log::{Fault, Migrated, pending};
use sqlx::{Connection, Executor, PgConnection};

const DEFINITIONS_AND_CHANGES: &str =
    include_str!("../../../../migrations/postgres/0001_definitions_and_changes.sql");

/// The file in `migrations/postgres`.
pub(super) const STEPS: [&str; 1] = ["0001_definitions_and_changes"];

/// Waits for another gateway's migration. Held by the connection and taken before the transaction begins, since a
/// transaction would keep in mind that the tables are not there.
const LOCK: &str = "SET lock_timeout = '60s'; SELECT pg_advisory_lock(hashtext('dynmcp.migration'))";

/// The functions of the schema keep the path that they are made with.
const SCHEMA: &str = "SET LOCAL client_min_messages = warning; SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)";

/// Sets how many revisions of a key are kept.
pub(super) async fn keep(connection: &mut PgConnection, history: u32) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE dynmcp_store SET value = $1 WHERE name = 'history' AND value <> $1")
        .bind(i64::from(history))
        .execute(connection)
        .await?;
    Ok(())
}

/// The version of the schema that is there.
pub(super) async fn version(connection: &mut PgConnection) -> Result<Option<i64>, Fault> {
    check_encoding(connection).await?;
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('dynmcp_store') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'version'")
        .fetch_optional(connection)
        .await?;
    Ok(version)
}

/// Brings the schema up to date, in one transaction.
pub(super) async fn apply(connection: &mut PgConnection) -> Result<Migrated, Fault> {
    connection.execute(sqlx::raw_sql(LOCK)).await?;
    let mut transaction = connection.begin().await?;
    let done = pending::<Postgres>(&mut transaction).await?;
    if done.steps.is_empty() {
        return Ok(done);
    }
    transaction.execute(sqlx::raw_sql(SCHEMA)).await?;
    transaction
        .execute(sqlx::raw_sql(DEFINITIONS_AND_CHANGES))
        .await?;
    leases::make(&mut transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

async fn check_encoding(connection: &mut PgConnection) -> Result<(), Fault> {
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Fault::Foreign(format!(
        "its encoding is {encoding}, which does not hold every text; use a database made with ENCODING 'UTF8'"
    )))
}

/// Checks that there is a schema that the tables can be made in.
pub(super) async fn check_schema(connection: &mut PgConnection) -> Result<(), Fault> {
    let schema: Option<String> = sqlx::query_scalar("SELECT current_schema()::text")
        .fetch_one(connection)
        .await?;
    if schema.is_none() {
        return Err(Fault::Foreign(
            "no schema of the user's search_path exists; make one with CREATE SCHEMA, or set the search_path with \
             `?options=-c%20search_path%3Dname` in the URL"
                .to_owned(),
        ));
    }
    Ok(())
}
