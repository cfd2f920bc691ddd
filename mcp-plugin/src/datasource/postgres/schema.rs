//! Brings the schema up to date, in one transaction. One gateway does it, the others wait.

use super::{connect, existing::existing};
use crate::datasource::change_log::{Existing, Fault, Migrated, Migrations, Patience};
use mcp_common::migration::Migrate;
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};

const DEFINITIONS_AND_CHANGES: &str =
    include_str!("../../../../migrations/postgres/0001_definitions_and_changes.sql");

/// The file in `migrations/postgres`.
const STEP: &str = "0001_definitions_and_changes";

/// What this program makes and reads.
pub(super) const VERSION: i64 = 1;

/// Waits for another gateway's migration. Held by the connection and taken before the transaction begins, since a
/// transaction would keep in mind that the tables are not there.
const LOCK: &str = "SET lock_timeout = '60s'; SELECT pg_advisory_lock(hashtext('dynmcp.migration'))";

/// The functions of the schema keep the path that they are made with.
const SCHEMA: &str = "SET LOCAL client_min_messages = warning; SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)";

pub(super) async fn prepare(
    options: &PgConnectOptions,
    patience: Patience,
    migrations: Migrations,
    history: u32,
) -> Result<(), Fault> {
    let mut connection = connect::connect(options, patience).await?;
    let looking = async {
        check_encoding(&mut connection).await?;
        version(&mut connection).await
    };
    match (patience.in_time(looking).await?, migrations) {
        (Some(VERSION), _) => {}
        (_, Migrations::AtStart) => {
            patience.migrates(apply(&mut connection)).await?.log();
        }
        (found, Migrations::Never) => {
            let wanted = VERSION;
            return Err(Fault::Outdated { found, wanted });
        }
    }
    let finishing = async {
        sqlx::query("UPDATE dynmcp_store SET value = $1 WHERE name = 'history' AND value <> $1")
            .bind(i64::from(history))
            .execute(&mut connection)
            .await?;
        connection.close().await
    };
    patience.in_time(finishing).await
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

/// Brings the schema up to date, or says what that would mean.
pub(super) async fn migrate(
    options: &PgConnectOptions,
    patience: Patience,
    migrate: Migrate,
) -> Result<Migrated, Fault> {
    let mut connection = connect::connect(options, patience).await?;
    patience.in_time(check_encoding(&mut connection)).await?;
    match migrate {
        Migrate::Apply => patience.migrates(apply(&mut connection)).await,
        Migrate::Check => patience.in_time(pending(&mut connection)).await,
    }
}

/// What is to do; nothing is written.
async fn pending(connection: &mut PgConnection) -> Result<Migrated, Fault> {
    let found = version(connection).await?;
    if found == Some(VERSION) {
        return Ok(Migrated::up_to_date(VERSION));
    }
    check_schema(connection).await?;
    let existing = existing(connection).await?;
    let steps = existing.as_ref().map(Existing::step).into_iter();
    Ok(Migrated {
        found,
        steps: steps.chain([STEP.to_owned()]).collect(),
    })
}

async fn apply(connection: &mut PgConnection) -> Result<Migrated, Fault> {
    connection.execute(sqlx::raw_sql(LOCK)).await?;
    let mut transaction = connection.begin().await?;
    let done = pending(&mut transaction).await?;
    if done.steps.is_empty() {
        return Ok(done);
    }
    transaction.execute(sqlx::raw_sql(SCHEMA)).await?;
    transaction
        .execute(sqlx::raw_sql(DEFINITIONS_AND_CHANGES))
        .await?;
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

/// There has to be a schema that the tables can be made in.
async fn check_schema(connection: &mut PgConnection) -> Result<(), Fault> {
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
