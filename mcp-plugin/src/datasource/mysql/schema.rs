//! Brings the schema up to date.

use super::{Mysql, adapt, error::meaning, leases};
use crate::datasource::change_log::{Fault, Meaning, Migrated, pending, said};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

const DEFINITIONS: &str = include_str!("../../../../migrations/mysql/0001_definitions.sql");
const TRIGGERS: &str = include_str!("../../../../migrations/mysql/0002_triggers.sql");
const EXISTING_ROWS: &str = include_str!("../../../../migrations/mysql/0003_existing_rows.sql");

/// The files in `migrations/mysql`.
pub(super) const STEPS: [&str; 3] = ["0001_definitions", "0002_triggers", "0003_existing_rows"];

/// How long to wait for another gateway's migration.
const MIGRATION_SECONDS: i64 = 60;

/// What a packet holds beside the document.
const PACKET_OVERHEAD: u64 = 16 * 1024;

/// The tables are there.
pub(super) async fn begin(connection: &mut MySqlConnection, history: u32) -> Result<usize, sqlx::Error> {
    sqlx::query("UPDATE dynmcp_store SET value = ? WHERE name = 'history' AND value <> ?")
        .bind(history)
        .bind(history)
        .execute(&mut *connection)
        .await?;
    let packet: u64 = sqlx::query_scalar("SELECT CAST(@@max_allowed_packet AS UNSIGNED)")
        .fetch_one(connection)
        .await?;
    let largest = packet.saturating_sub(PACKET_OVERHEAD);
    Ok(usize::try_from(largest).unwrap_or(usize::MAX))
}

/// The version of the schema that is there, if it is complete.
pub(super) async fn version(connection: &mut MySqlConnection) -> Result<Option<i64>, Fault> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'dynmcp_store'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if tables == 0 {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT value FROM dynmcp_store WHERE name = 'version'")
        .fetch_optional(connection)
        .await?;
    Ok(version)
}

/// Brings the schema up to date.
pub(super) async fn apply(connection: &mut MySqlConnection) -> Result<Migrated, Fault> {
    // Held by this connection, so it ends with the process at the latest.
    let lock = "SELECT CAST(GET_LOCK(CONCAT('dynmcp.', LEFT(SHA2(DATABASE(), 256), 40)), ?) AS SIGNED)";
    let locked: Option<i64> = sqlx::query_scalar(lock)
        .bind(MIGRATION_SECONDS)
        .fetch_one(&mut *connection)
        .await?;
    if locked != Some(1) {
        return Err(Fault::Silence);
    }
    let done = pending::<Mysql>(connection).await?;
    if done.steps.is_empty() {
        return Ok(done);
    }
    let collation = collation(connection).await?;
    run(connection, DEFINITIONS, collation).await?;
    adapt::table(connection, collation)
        .await
        .map_err(not_taken_over)?;
    run(connection, TRIGGERS, collation).await?;
    run(connection, EXISTING_ROWS, collation).await?;
    leases::make(connection).await?;
    sqlx::query("DO RELEASE_LOCK(CONCAT('dynmcp.', LEFT(SHA2(DATABASE(), 256), 40)))")
        .execute(connection)
        .await?;
    Ok(done)
}

/// The server's words for a value or a column that the schema has no place for.
fn not_taken_over(fault: Fault) -> Fault {
    match fault {
        Fault::Sql(error)
            if error
                .as_database_error()
                .is_some_and(|error| meaning(error) == Meaning::Other) =>
        {
            Fault::Foreign(format!(
                "its table dynmcp_xds cannot be taken over ({}); its rows are as they were: change that one, or name the \
                 table otherwise and copy what is wanted",
                said(&error)
            ))
        }
        other => other,
    }
}

async fn run(connection: &mut MySqlConnection, sql: &str, collation: &str) -> Result<(), Fault> {
    let sql = sql.replace("utf8mb4_bin", collation);
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

/// `utf8mb4_bin` itself would take `a` and `a ` for the same id.
async fn collation(connection: &mut MySqlConnection) -> Result<&'static str, Fault> {
    let server: String = sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)")
        .fetch_one(connection)
        .await?;
    Ok(if server.contains("MariaDB") {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    })
}
