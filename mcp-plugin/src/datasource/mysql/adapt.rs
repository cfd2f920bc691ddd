//! Takes over a `dynmcp_xds` that was there before, with its rows.

use super::column::{Column, columns};
use crate::datasource::change_log::{Existing, FIRST_STATUS, Fault, SERVED};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

/// The table that is there already, if one is; refuses one that cannot be taken over.
pub(super) async fn existing(connection: &mut MySqlConnection) -> Result<Option<Existing>, Fault> {
    let columns = columns(connection).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    check(&columns)?;
    let status = columns.iter().find(|column| column.name == "status");
    let (rows, doubles) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM dynmcp_xds),
                (SELECT CAST(COALESCE(SUM(held.found - 1), 0) AS SIGNED)
                 FROM (SELECT COUNT(*) AS found FROM dynmcp_xds WHERE `key` IS NOT NULL AND xds_type IS NOT NULL
                       GROUP BY BINARY `key`, UPPER(xds_type)) AS held)",
    )
    .fetch_one(&mut *connection)
    .await?;
    let disabled = match status {
        None => Vec::new(),
        Some(status) => {
            let select = format!(
                "SELECT CAST({} AS CHAR), COUNT(*) FROM dynmcp_xds WHERE status IS NOT NULL AND NOT ({}) GROUP BY 1 ORDER BY 2 DESC",
                if status.is_number() {
                    "status + 0"
                } else {
                    "status"
                },
                served(status, "status")
            );
            sqlx::query_as(AssertSqlSafe(select))
                .fetch_all(connection)
                .await?
        }
    };
    Ok(Some(Existing {
        rows,
        disabled,
        doubles,
    }))
}

/// Whether a value that is not NULL means "served".
fn served(status: &Column, name: &str) -> String {
    if status.is_number() {
        format!("{name} + 0 = 1")
    } else {
        format!("LOWER(TRIM(CAST({name} AS CHAR))) IN ({SERVED})")
    }
}

/// A `dynmcp_xds` that somebody else made has to be one.
fn check(columns: &[Column]) -> Result<(), Fault> {
    let missing = ["key", "xds_type", "xds_json"]
        .into_iter()
        .find(|name| !columns.iter().any(|column| column.name == *name));
    match missing {
        None => Ok(()),
        Some(name) => Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{name}`; rename the table, or use another database"
        ))),
    }
}

/// Columns first, since the index is made by them.
pub(super) async fn table(connection: &mut MySqlConnection, collation: &str) -> Result<(), Fault> {
    let before = columns(connection).await?;
    check(&before)?;
    let mut changes = column_changes(&before, collation);
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
    read_status(connection).await?;
    let changes = index_changes(connection).await?;
    alter(connection, &changes).await
}

/// Where no `status` was given before, the row is served; words are read. It can run again after it broke off.
async fn read_status(connection: &mut MySqlConnection) -> Result<(), Fault> {
    // Before the rows are read: rows that come meanwhile are served.
    alter(connection, &["ALTER COLUMN status SET DEFAULT 1".to_owned()]).await?;
    let columns = columns(connection).await?;
    let first = columns.iter().find(|column| column.name == FIRST_STATUS);
    let value = match first {
        None => "1".to_owned(),
        Some(first) => format!("{FIRST_STATUS} IS NULL OR {}", served(first, FIRST_STATUS)),
    };
    // The time stamp would follow by itself.
    let update =
        format!("UPDATE dynmcp_xds SET status = ({value}), update_time = update_time WHERE status IS NULL");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(update))).await?;
    Ok(())
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
    let find = |name: &str| columns.iter().find(|column| column.name == name);
    let mut changes = Vec::new();
    for (name, wanted, ours) in [
        ("key", "varchar(512)", collation),
        ("xds_type", "varchar(32)", "utf8mb4_general_ci"),
        ("xds_json", "longtext", collation),
    ] {
        if let Some(column) = find(name)
            && (column.kind() != wanted || column.collation.as_deref() != Some(ours))
        {
            let null = if column.is_nullable { "NULL" } else { "NOT NULL" };
            changes.push(format!(
                "MODIFY `{name}` {wanted} CHARACTER SET utf8mb4 COLLATE {ours} {null}"
            ));
        }
    }
    match find("id") {
        None => changes.push("ADD COLUMN id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST".to_owned()),
        Some(id) if id.has_default => {}
        Some(id) if id.is_integer() => {
            if !id.is_counted {
                changes.push(format!("MODIFY id {} NOT NULL AUTO_INCREMENT", id.kind()));
            }
        }
        Some(id) => changes.push(format!("MODIFY id {} NOT NULL DEFAULT (UUID())", id.kind())),
    }
    match find("status") {
        None => changes.push("ADD COLUMN status INT NOT NULL DEFAULT 1".to_owned()),
        Some(status) if status.is_integer() => {}
        Some(status) if status.is_bits() => changes.push("MODIFY status INT NULL".to_owned()),
        // Also numbers with fractions: the server would round them, and switch on what was not.
        Some(status) => {
            changes.push(status.set_aside(FIRST_STATUS));
            changes.push("ADD COLUMN status INT NULL".to_owned());
        }
    }
    for name in ["create_time", "update_time"] {
        let add = || format!("ADD COLUMN {name} DATETIME NULL DEFAULT CURRENT_TIMESTAMP");
        match find(name) {
            None => changes.push(add()),
            Some(time) if !time.is_time() => {
                changes.push(time.set_aside(&format!("first_{name}")));
                changes.push(add());
            }
            Some(time) if !time.is_nullable && !time.has_default => {
                changes.push(format!(
                    "MODIFY {name} {} NOT NULL DEFAULT CURRENT_TIMESTAMP",
                    time.kind()
                ));
            }
            Some(_) => {}
        }
    }
    changes
}

/// A tool and an instance may share an id: what was unique by `key` alone is no longer.
async fn index_changes(connection: &mut MySqlConnection) -> Result<Vec<String>, Fault> {
    let indexes: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT CAST(index_name AS CHAR), CAST(GROUP_CONCAT(LOWER(column_name) ORDER BY seq_in_index) AS CHAR),
                CAST(MAX(non_unique) AS SIGNED)
         FROM information_schema.statistics
         WHERE table_schema = DATABASE() AND table_name = 'dynmcp_xds' AND index_name <> 'PRIMARY'
         GROUP BY index_name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let by_key = indexes
        .iter()
        .filter(|(_, columns, non_unique)| columns == "key" && *non_unique == 0);
    let mut changes: Vec<_> = by_key.map(|(name, ..)| format!("DROP INDEX `{name}`")).collect();
    let has = |name: &str| indexes.iter().any(|(index, ..)| index == name);
    if !has("dynmcp_xds_key") {
        changes.push("ADD KEY dynmcp_xds_key (`key`)".to_owned());
    }
    if !has("dynmcp_xds_type_key") {
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
