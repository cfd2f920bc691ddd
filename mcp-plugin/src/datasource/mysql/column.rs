//! A column of a `dynmcp_xds` that was there before.

use sqlx::MySqlConnection;

pub(super) struct Column {
    pub(super) name: String,
    /// The full type as the server writes it: `enum('Pending','synced')`, `int(11)`.
    kind: String,
    charset: Option<String>,
    pub(super) collation: Option<String>,
    pub(super) is_nullable: bool,
    pub(super) is_counted: bool,
    pub(super) has_default: bool,
}

type Row = (
    String,
    String,
    Option<String>,
    Option<String>,
    String,
    String,
    i64,
);

/// The columns of the table; none where there is no table.
pub(super) async fn columns(connection: &mut MySqlConnection) -> Result<Vec<Column>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT CAST(LOWER(column_name) AS CHAR), CAST(column_type AS CHAR), CAST(character_set_name AS CHAR),
                CAST(collation_name AS CHAR), CAST(is_nullable AS CHAR), CAST(LOWER(extra) AS CHAR),
                CAST(column_default IS NOT NULL AS SIGNED)
         FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'dynmcp_xds'",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Column::from).collect())
}

impl From<Row> for Column {
    fn from((name, kind, charset, collation, nullable, extra, has_default): Row) -> Self {
        Self {
            name,
            kind,
            charset,
            collation,
            is_nullable: nullable == "YES",
            is_counted: extra.contains("auto_increment"),
            has_default: has_default != 0,
        }
    }
}

impl Column {
    pub(super) fn kind(&self) -> String {
        self.kind.to_lowercase()
    }

    /// The type's name alone: `enum`, `int`.
    fn base(&self) -> String {
        let kind = self.kind();
        let end = kind.find(|letter: char| !letter.is_ascii_alphabetic());
        kind[..end.unwrap_or(kind.len())].to_owned()
    }

    pub(super) fn is_integer(&self) -> bool {
        ["tinyint", "smallint", "mediumint", "int", "bigint"].contains(&self.base().as_str())
    }

    pub(super) fn is_number(&self) -> bool {
        self.is_integer() || self.is_bits() || ["decimal", "double", "float"].contains(&self.base().as_str())
    }

    pub(super) fn is_bits(&self) -> bool {
        self.base() == "bit"
    }

    pub(super) fn is_time(&self) -> bool {
        ["datetime", "timestamp"].contains(&self.base().as_str())
    }

    /// The change that keeps its values under another name, where nobody has to fill it.
    pub(super) fn set_aside(&self, as_name: &str) -> String {
        let charset = match (&self.charset, &self.collation) {
            (Some(charset), Some(collation)) => format!(" CHARACTER SET {charset} COLLATE {collation}"),
            _ => String::new(),
        };
        format!(
            "CHANGE `{}` `{as_name}` {}{charset} NULL DEFAULT NULL",
            self.name, self.kind
        )
    }
}
