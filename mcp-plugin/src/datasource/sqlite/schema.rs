//! Brings the file's schema up to date; a table of the first version is taken over with its rows.

use super::{adapt, error::Fault, leases};
use crate::datasource::change_log::Migrated;
use sqlx::{
    SqlStr, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

/// The files in `migrations/sqlite`. One that a store may have seen is never changed: a later one changes what it made.
const STEPS: [(&str, &str); 2] = [
    (
        "0001_definitions_and_changes",
        include_str!("../../../../migrations/sqlite/0001_definitions_and_changes.sql"),
    ),
    (
        "0002_fractions_of_status",
        include_str!("../../../../migrations/sqlite/0002_fractions_of_status.sql"),
    ),
];

/// What this program makes and reads.
pub(super) const VERSION: i64 = 2;

pub(super) async fn prepare(pool: &SqlitePool, history: u32) -> Result<(), Fault> {
    let mut connection = pool.acquire().await?;
    // Damage is found now, with a clear message, and not in the middle of a load.
    let check: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if check != "ok" {
        return Err(Fault::Damaged(check));
    }
    let done = apply(&mut connection).await?;
    if !done.steps.is_empty() {
        leases::make(&mut connection).await?;
    }
    done.log();
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
        steps: missing(None),
    }
}

/// The steps that come after this version.
fn missing(found: Option<i64>) -> Vec<String> {
    let done = found.and_then(|version| usize::try_from(version).ok());
    let missing = STEPS.iter().skip(done.unwrap_or_default());
    missing.map(|(name, _)| (*name).to_owned()).collect()
}

/// What is to do; nothing is written.
pub(super) async fn pending(connection: &mut SqliteConnection) -> Result<Migrated, Fault> {
    let found = version(connection).await?;
    if found == Some(VERSION) {
        return Ok(Migrated::up_to_date(VERSION));
    }
    let mut steps = Vec::new();
    if found.is_none()
        && let Some(existing) = adapt::existing(connection).await?
    {
        steps.push(existing.step());
    }
    steps.extend(missing(found));
    Ok(Migrated { found, steps })
}

/// Brings the schema up to date.
pub(super) async fn apply(connection: &mut SqliteConnection) -> Result<Migrated, Fault> {
    let done = pending(connection).await?;
    if done.found.is_none() {
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
    let step = |(version, (name, sql)): (i64, (&str, &'static str))| {
        let description = name.split_once('_').map_or(name, |(_, words)| words);
        Migration::new(
            version,
            description.replace('_', " ").into(),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    };
    Migrator::with_migrations((1..).zip(STEPS).map(step).collect())
}
