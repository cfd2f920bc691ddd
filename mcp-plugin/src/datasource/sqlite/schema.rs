//! Brings the file's schema up to date; a table of the first version is taken over with its rows.

use super::error::Fault;
use sqlx::{
    SqlStr, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

const DEFINITIONS_AND_CHANGES: &str =
    include_str!("../../../../migrations/sqlite/0001_definitions_and_changes.sql");

/// Columns that a table made by hand may lack, and how to add them (SQLite wants constant defaults here).
const OPTIONAL_COLUMNS: [(&str, &str); 3] = [
    (
        "status",
        "ALTER TABLE dynmcp_xds ADD COLUMN status INTEGER NOT NULL DEFAULT 1",
    ),
    (
        "create_time",
        "ALTER TABLE dynmcp_xds ADD COLUMN create_time TEXT",
    ),
    (
        "update_time",
        "ALTER TABLE dynmcp_xds ADD COLUMN update_time TEXT",
    ),
];

pub(super) async fn prepare(pool: &SqlitePool, history: u32) -> Result<(), Fault> {
    let mut connection = pool.acquire().await?;
    // Damage is found now, with a clear message, and not in the middle of a load.
    let check: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut *connection)
        .await?;
    if check != "ok" {
        return Err(Fault::Damaged(check));
    }
    take_over(&mut connection).await?;
    migrator().run_direct(None, &mut *connection, false).await?;
    let bound = "UPDATE dynmcp_store SET value = ? WHERE name = 'history' AND value <> ?";
    sqlx::query(bound)
        .bind(history)
        .bind(history)
        .execute(&mut *connection)
        .await?;
    Ok(())
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

/// A `dynmcp_xds` that somebody else made gets the columns that the migrations rely on.
async fn take_over(connection: &mut SqliteConnection) -> Result<(), Fault> {
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('dynmcp_xds')")
        .fetch_all(&mut *connection)
        .await?;
    if columns.is_empty() {
        return Ok(());
    }
    if let Some(missing) = ["key", "xds_type", "xds_json"]
        .iter()
        .find(|name| !columns.iter().any(|c| c == *name))
    {
        return Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{missing}`"
        )));
    }
    for (name, add) in OPTIONAL_COLUMNS {
        if !columns.iter().any(|column| column == name) {
            sqlx::query(add).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
