//! Takes over a `dynmcp_xds` that was there before, with its rows.

use crate::datasource::change_log::Fault;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

/// Name, full type, collation, whether it may be NULL, `auto_increment` and the like, whether it has a default.
type Column = (String, String, Option<String>, String, String, i64);

/// How many rows a table has that is there already; refuses one that cannot be taken over.
pub(super) async fn rows(connection: &mut MySqlConnection) -> Result<Option<i64>, Fault> {
    let columns = columns(connection).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    check(&columns)?;
    let rows = sqlx::query_scalar("SELECT COUNT(*) FROM dynmcp_xds");
    Ok(Some(rows.fetch_one(connection).await?))
}

async fn columns(connection: &mut MySqlConnection) -> Result<Vec<Column>, sqlx::Error> {
    sqlx::query_as(
        "SELECT CAST(LOWER(column_name) AS CHAR), CAST(LOWER(column_type) AS CHAR), CAST(collation_name AS CHAR),
                CAST(is_nullable AS CHAR), CAST(LOWER(extra) AS CHAR), CAST(column_default IS NOT NULL AS SIGNED)
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'dynmcp_xds'",
    )
    .fetch_all(connection)
    .await
}

/// A `dynmcp_xds` that somebody else made has to be one.
fn check(columns: &[Column]) -> Result<(), Fault> {
    let missing = ["key", "xds_type", "xds_json"]
        .into_iter()
        .find(|name| !columns.iter().any(|column| column.0 == *name));
    match missing {
        None => Ok(()),
        Some(name) => Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{name}`; rename the table, or use another database"
        ))),
    }
}

/// Columns first, since the index is made by them.
pub(super) async fn table(connection: &mut MySqlConnection, collation: &str) -> Result<(), Fault> {
    let columns = columns(connection).await?;
    check(&columns)?;
    let mut changes = column_changes(&columns, collation);
    let engine: Option<String> = sqlx::query_scalar(
        "SELECT CAST(engine AS CHAR) FROM information_schema.tables
         WHERE table_schema = DATABASE() AND table_name = 'dynmcp_xds'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !engine.is_some_and(|engine| engine.eq_ignore_ascii_case("InnoDB")) {
        // Others have no transactions.
        changes.push("ENGINE = InnoDB".to_owned());
    }
    alter(connection, &changes).await?;
    let changes = index_changes(connection).await?;
    alter(connection, &changes).await
}

/// The server does one ALTER completely or not at all.
async fn alter(connection: &mut MySqlConnection, changes: &[String]) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    let alter = format!("ALTER TABLE dynmcp_xds {}", changes.join(", "));
    connection.execute(sqlx::raw_sql(AssertSqlSafe(alter))).await?;
    Ok(())
}

fn column_changes(columns: &[Column], collation: &str) -> Vec<String> {
    let find = |name: &str| columns.iter().find(|column| column.0 == name);
    let mut changes = Vec::new();
    for (name, wanted, ours) in [
        ("key", "varchar(512)", collation),
        ("xds_type", "varchar(32)", "utf8mb4_general_ci"),
        ("xds_json", "longtext", collation),
    ] {
        if let Some((_, kind, found, nullable, ..)) = find(name)
            && (kind != wanted || found.as_deref() != Some(ours))
        {
            let null = if nullable == "YES" { "NULL" } else { "NOT NULL" };
            changes.push(format!(
                "MODIFY `{name}` {wanted} CHARACTER SET utf8mb4 COLLATE {ours} {null}"
            ));
        }
    }
    match find("id") {
        None => changes.push("ADD COLUMN id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST".to_owned()),
        Some((_, kind, _, _, extra, has_default)) if kind.contains("int") => {
            if !extra.contains("auto_increment") && *has_default == 0 {
                changes.push(format!("MODIFY id {kind} NOT NULL AUTO_INCREMENT"));
            }
        }
        Some((_, kind, _, _, _, 0)) => changes.push(format!("MODIFY id {kind} NOT NULL DEFAULT (UUID())")),
        Some(_) => {}
    }
    match find("status") {
        None => changes.push("ADD COLUMN status INT NOT NULL DEFAULT 1".to_owned()),
        Some((_, kind, _, _, _, has_default)) if !kind.contains("int") || *has_default == 0 => {
            changes.push("MODIFY status INT NOT NULL DEFAULT 1".to_owned());
        }
        Some(_) => {}
    }
    for name in ["create_time", "update_time"] {
        match find(name) {
            None => changes.push(format!(
                "ADD COLUMN {name} DATETIME NULL DEFAULT CURRENT_TIMESTAMP"
            )),
            Some((_, kind, _, nullable, _, 0)) if nullable == "NO" => {
                changes.push(format!("MODIFY {name} {kind} NOT NULL DEFAULT CURRENT_TIMESTAMP"));
            }
            Some(_) => {}
        }
    }
    changes
}

/// A tool and an instance may share an id: what was unique by `key` alone is no longer.
async fn index_changes(connection: &mut MySqlConnection) -> Result<Vec<String>, Fault> {
    let unique: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(index_name AS CHAR), CAST(GROUP_CONCAT(LOWER(column_name) ORDER BY seq_in_index) AS CHAR)
         FROM information_schema.statistics
         WHERE table_schema = DATABASE() AND table_name = 'dynmcp_xds' AND non_unique = 0 AND index_name <> 'PRIMARY'
         GROUP BY index_name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let by_key = unique.iter().filter(|(_, columns)| columns == "key");
    let mut changes: Vec<_> = by_key.map(|(name, _)| format!("DROP INDEX `{name}`")).collect();
    if !unique.iter().any(|(name, _)| name == "dynmcp_xds_type_key") {
        // Of several rows for one definition the youngest active one counts.
        sqlx::query(
            "DELETE older FROM dynmcp_xds AS older JOIN dynmcp_xds AS younger
               ON older.`key` = younger.`key` AND UPPER(older.xds_type) = UPPER(younger.xds_type)
             WHERE BINARY older.`key` = BINARY younger.`key`
               AND ((older.status <=> 1) < (younger.status <=> 1)
                    OR ((older.status <=> 1) = (younger.status <=> 1) AND older.id < younger.id))",
        )
        .execute(connection)
        .await?;
        changes.push("ADD UNIQUE KEY dynmcp_xds_type_key (xds_type, `key`)".to_owned());
    }
    Ok(changes)
}
