//! Looks at a `dynmcp_xds` that was there before; the migration's SQL takes it over.

use super::schema::check_schema;
use crate::datasource::change_log::{Existing, Fault, SERVED};
use sqlx::{AssertSqlSafe, PgConnection};

/// Types of a `status` that is a number.
const NUMBERS: [&str; 6] = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "real",
    "double precision",
];

/// The table that is there already, if one is; refuses one that cannot be taken over.
pub(super) async fn existing(connection: &mut PgConnection) -> Result<Option<Existing>, Fault> {
    check_schema(connection).await?;
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = to_regclass('dynmcp_xds') AND attnum > 0 AND NOT attisdropped",
    )
    .fetch_all(&mut *connection)
    .await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let kind = |name: &str| {
        let column = columns.iter().find(|(column, _)| column == name);
        column.map(|(_, kind)| kind.as_str())
    };
    if let Some(missing) = ["key", "xds_type", "xds_json"]
        .into_iter()
        .find(|name| kind(name).is_none())
    {
        return Err(Fault::Foreign(format!(
            "its table dynmcp_xds has no column `{missing}`; rename the table, or use another database"
        )));
    }
    let (rows, doubles) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM dynmcp_xds),
                (SELECT coalesce(sum(found - 1), 0)::bigint
                 FROM (SELECT count(*) AS found FROM dynmcp_xds WHERE key IS NOT NULL AND xds_type IS NOT NULL
                       GROUP BY key::text, upper(xds_type::text)) AS held)",
    )
    .fetch_one(&mut *connection)
    .await?;
    let disabled = match kind("status") {
        None => Vec::new(),
        Some(kind) => {
            let is_number = NUMBERS.contains(&kind);
            let served = if is_number {
                "status = 1".to_owned()
            } else {
                format!("lower(trim(status::text)) IN ({SERVED})")
            };
            let select = format!(
                "SELECT status::text, count(*) FROM dynmcp_xds WHERE status IS NOT NULL AND NOT ({served})
                 GROUP BY 1 ORDER BY 2 DESC"
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
