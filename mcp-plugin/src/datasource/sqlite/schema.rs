//! Brings the file's schema up to date; a table of the first version is taken over with its rows.

use super::{adapt, error::Fault};
use crate::datasource::change_log::Migrated;
use sqlx::{
    SqlStr, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

const DEFINITIONS_AND_CHANGES: &str =
    include_str!("../../../../migrations/sqlite/0001_definitions_and_changes.sql");

/// The file in `migrations/sqlite`.
const STEP: &str = "0001_definitions_and_changes";

/// What this program makes and reads.
pub(super) const VERSION: i64 = 1;

pub(super) async fn prepare(pool: &SqlitePool, history: u32) -> Result<(), Fault> {
    let mut connection = pool.acquire().await?;
    // Damage is found now, with a clear message, and not in the middle of a load.
    let check: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if check != "ok" {
        return Err(Fault::Damaged(check));
    }
    apply(&mut connection).await?.log();
    let bound = "UPDATE dynmcp_store SET value = ? WHERE name = 'history' AND value <> ?";
    sqlx::query(bound)
        .bind(history)
        .bind(history)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// What a file that is not there needs.
pub(super) fn nothing_there() -> Migrated {
    Migrated {
        found: None,
        steps: vec![STEP.to_owned()],
    }
}

/// What is to do; nothing is written.
pub(super) async fn pending(connection: &mut SqliteConnection) -> Result<Migrated, Fault> {
    let found = version(connection).await?;
    if found == Some(VERSION) {
        return Ok(Migrated::up_to_date(VERSION));
    }
    let mut steps = Vec::new();
    if let Some(existing) = adapt::existing(connection).await? {
        steps.push(existing.step());
    }
    steps.push(STEP.to_owned());
    Ok(Migrated { found, steps })
}

/// Brings the schema up to date.
pub(super) async fn apply(connection: &mut SqliteConnection) -> Result<Migrated, Fault> {
    let done = pending(connection).await?;
    if !done.steps.is_empty() {
        adapt::take_over(connection).await?;
    }
    // Also where nothing is to do: it finds out whether what was done is what is known here.
    migrator().run_direct(None, connection, false).await?;
    Ok(done)
}

/// The version of the schema that is there.
async fn version(connection: &mut SqliteConnection) -> Result<Option<i64>, Fault> {
    let there: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if there == 0 {
        return Ok(None);
    }
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await?;
    match newest {
        Some(version) if version > VERSION => Err(Fault::Newer(version)),
        other => Ok(other),
    }
}

fn migrator() -> Migrator {
    let sql = SqlStr::from_static(DEFINITIONS_AND_CHANGES);
    let first = Migration::new(
        1,
        "definitions and changes".into(),
        MigrationType::Simple,
        sql,
        false,
    );
    Migrator::with_migrations(vec![first])
}
