//! One SQLite file for a test: the gateway's source, and a way past it.

use mcp_common::{
    datasource::{DataSource, Expected, Write},
    key::{Key, Revision},
};
use mcp_plugin::datasource::sqlite::{Migrations, Sqlite, SqliteSettings};
use sqlx::{AssertSqlSafe, SqlitePool, sqlite::SqliteConnectOptions};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;

pub(crate) struct File {
    directory: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// The file is in a directory that does not exist yet.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("data/dynmcp.db")
    }

    pub(crate) fn settings(&self) -> SqliteSettings {
        SqliteSettings {
            path: self.path(),
            poll: Duration::from_millis(100),
            history: 50,
            migrate: Migrations::AtStart,
        }
    }

    pub(crate) async fn open(&self) -> Sqlite {
        Sqlite::open(self.settings()).await.unwrap()
    }

    /// Makes the file without the gateway.
    pub(crate) async fn make_by_hand(&self, sql: &str) {
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        let options = SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// A connection past the gateway.
    pub(crate) async fn pipeline(&self) -> SqlitePool {
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(self.path()))
            .await
            .unwrap()
    }
}

pub(crate) async fn put(source: &Sqlite, key: &Key, body: &str) -> Revision {
    let write = Write {
        key,
        expected: Expected::Any,
        principal: "test",
    };
    source.put(write, body.to_owned().into()).await.unwrap()
}

/// Runs SQL past the gateway.
pub(crate) async fn run(pipeline: &SqlitePool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pipeline).await.unwrap();
}

/// What is stored, in the order of ids: `TDS a={"x":1}`.
pub(crate) async fn contents(source: &Sqlite) -> Vec<String> {
    let records = source.load().await.unwrap().records;
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    let mut contents: Vec<_> = records
        .iter()
        .map(|r| format!("{} {}={}", r.key.kind, r.key.id, text(&r.body)))
        .collect();
    contents.sort();
    contents
}
