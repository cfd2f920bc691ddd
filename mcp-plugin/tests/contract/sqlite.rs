use async_trait::async_trait;
use mcp_common::{
    datasource::DataSource,
    testsuite::{Harness, Raw},
};
use mcp_plugin::datasource::sqlite::{Migrations, Sqlite, SqliteSettings};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

struct InFile {
    directory: TempDir,
    /// Another program that knows nothing of the gateway.
    pipeline: SqlitePool,
}

impl InFile {
    async fn open(directory: &TempDir) -> Sqlite {
        let path = directory.path().join("dynmcp.db");
        let settings = SqliteSettings {
            path,
            poll: Duration::from_millis(50),
            history: 50,
            migrate: Migrations::AtStart,
        };
        Sqlite::open(settings).await.unwrap()
    }
}

#[async_trait]
impl Harness for InFile {
    const NOT_APPLICABLE: &'static [(&'static str, &'static str)] = &[
        (
            "changes_are_forgotten",
            "only after 100,000 revisions; `tests/sqlite` tries what follows from it",
        ),
        ("connection_is_cut", "there is no connection to cut"),
        ("server_restarts", "there is no server"),
        ("slow_store", "the file is local"),
        (
            "too_large",
            "SQLite takes a gigabyte, more than a request may have",
        ),
    ];

    async fn fresh() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::open(&directory).await;
        let options = SqliteConnectOptions::new().filename(directory.path().join("dynmcp.db"));
        let pipeline = SqlitePool::connect_with(options).await.unwrap();
        Self { directory, pipeline }
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        Arc::new(Self::open(&self.directory).await)
    }

    async fn raw(&self, write: Raw<'_>) -> bool {
        let query = match write {
            Raw::Put { key, body } => sqlx::query(
                "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES (?, ?, ?)
                 ON CONFLICT (xds_type, key) DO UPDATE SET xds_json = excluded.xds_json",
            )
            .bind(key.id.to_string())
            .bind(key.kind.as_str())
            .bind(body.to_owned()),
            Raw::Delete(key) => sqlx::query("DELETE FROM dynmcp_xds WHERE key = ? AND xds_type = ?")
                .bind(key.id.to_string())
                .bind(key.kind.as_str()),
            Raw::Rename { from, to } => {
                sqlx::query("UPDATE dynmcp_xds SET key = ? WHERE key = ? AND xds_type = ?")
                    .bind(to.id.to_string())
                    .bind(from.id.to_string())
                    .bind(from.kind.as_str())
            }
            Raw::Unreadable => {
                sqlx::query("INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES ('x', 'ZDS', '{}')")
            }
        };
        assert_eq!(query.execute(&self.pipeline).await.unwrap().rows_affected(), 1);
        true
    }
}

mcp_common::datasource_contract!(InFile);

#[tokio::test]
async fn entries_that_end() {
    mcp_common::testsuite::leases::<InFile>().await;
}
