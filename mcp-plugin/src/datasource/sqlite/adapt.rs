//! Takes over a `dynmcp_xds` that was there before, with its rows.

use super::error::Fault;
use crate::datasource::change_log::{Existing, FIRST_STATUS, SERVED};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

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

/// A column of a table that is there already.
struct Column {
    name: String,
    is_nullable: bool,
    /// The default as SQL.
    default: Option<String>,
}

/// Whether a value of the column means "served". As an integer, 1.4 would be 1.
fn served(column: &str) -> String {
    format!("({column} IS NULL OR CAST({column} AS REAL) IS 1.0 OR lower(trim({column})) IN ({SERVED}))")
}

/// The table that is there already, if one is.
pub(super) async fn existing(connection: &mut SqliteConnection) -> Result<Option<Existing>, Fault> {
    let columns = columns(connection).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let (rows, doubles) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM dynmcp_xds),
                (SELECT coalesce(sum(found - 1), 0)
                 FROM (SELECT count(*) AS found FROM dynmcp_xds WHERE key IS NOT NULL AND xds_type IS NOT NULL
                       GROUP BY key, upper(xds_type)))",
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut disabled = Vec::new();
    if columns.iter().any(|column| column.name == "status") {
        let select = format!(
            "SELECT CAST(status AS TEXT), count(*) FROM dynmcp_xds WHERE NOT {} GROUP BY 1 ORDER BY 2 DESC",
            served("status")
        );
        disabled = sqlx::query_as(AssertSqlSafe(select))
            .fetch_all(connection)
            .await?;
    }
    Ok(Some(Existing {
        rows,
        disabled,
        doubles,
    }))
}

/// A `dynmcp_xds` that somebody else made gets the columns that the migrations rely on.
pub(super) async fn take_over(connection: &mut SqliteConnection) -> Result<(), Fault> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let columns = columns(&mut transaction).await?;
    if columns.is_empty() {
        return Ok(());
    }
    if let Some(status) = columns.iter().find(|column| column.name == "status") {
        read_status(&mut transaction, status).await?;
    }
    for (name, add) in OPTIONAL_COLUMNS {
        if !columns.iter().any(|column| column.name == name) {
            sqlx::query(add).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// A `status` that holds words, or nothing, becomes a number; the words stay beside it. Where none is given, the row is served.
async fn read_status(connection: &mut SqliteConnection, status: &Column) -> Result<(), Fault> {
    let default = status
        .default
        .as_deref()
        .map(|default| default.trim_matches(['\'', '"', '(', ')']));
    let others: i64 = sqlx::query_scalar("SELECT count(*) FROM dynmcp_xds WHERE typeof(status) <> 'integer'")
        .fetch_one(&mut *connection)
        .await?;
    let is_default_one = match default {
        // It always has to be given.
        None => !status.is_nullable,
        // Another number would switch rows off that name none.
        Some(default) => default.parse::<i64>().is_ok_and(|number| number == 1),
    };
    if others == 0 && is_default_one {
        return Ok(());
    }
    let may_be_left_out = status.is_nullable || default.is_some();
    let steps = if may_be_left_out {
        [
            format!("ALTER TABLE dynmcp_xds RENAME COLUMN status TO {FIRST_STATUS}"),
            "ALTER TABLE dynmcp_xds ADD COLUMN status INTEGER NOT NULL DEFAULT 1".to_owned(),
        ]
    } else {
        [
            format!("ALTER TABLE dynmcp_xds ADD COLUMN {FIRST_STATUS}"),
            format!("UPDATE dynmcp_xds SET {FIRST_STATUS} = status"),
        ]
    };
    let read = format!("UPDATE dynmcp_xds SET status = {}", served(FIRST_STATUS));
    for step in steps.into_iter().chain([read]) {
        sqlx::query(AssertSqlSafe(step)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The columns of the table that is there; refuses one that cannot be taken over.
async fn columns(connection: &mut SqliteConnection) -> Result<Vec<Column>, Fault> {
    let columns: Vec<(String, bool, Option<String>)> =
        sqlx::query_as("SELECT name, \"notnull\", dflt_value FROM pragma_table_info('dynmcp_xds')")
            .fetch_all(connection)
            .await?;
    let missing = ["key", "xds_type", "xds_json"]
        .into_iter()
        .find(|name| !columns.iter().any(|(column, ..)| column == name));
    match missing {
        Some(missing) if !columns.is_empty() => Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{missing}`"
        ))),
        _ => Ok(columns
            .into_iter()
            .map(|(name, is_required, default)| Column {
                name,
                is_nullable: !is_required,
                default,
            })
            .collect()),
    }
}
