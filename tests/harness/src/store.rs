//! A store that several gateways can share.

use crate::{
    fill::{self, Row},
    look,
    servers::{etcd::EtcdServer, mariadb::MariaDb, postgresql::PostgreSql},
};
use anyhow::{Result, bail};
use sqlx::{MySqlConnection, PgConnection, SqliteConnection};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// A running store, empty at first. It ends with the value.
pub struct Store {
    source: &'static str,
    table: String,
    /// For whoever writes past the gateways.
    url: String,
    kept: Kept,
}

/// What the store lives in.
enum Kept {
    Folder(TempDir),
    Etcd(Arc<EtcdServer>),
    MariaDb(Box<MariaDb>),
    PostgreSql(Box<PostgreSql>),
}

impl Store {
    /// The data sources that gateways can share.
    pub const SHARED: [&str; 5] = ["sqlite", "file", "etcd", "mysql", "postgres"];

    /// Starts the store for the data source of this name.
    pub async fn start(source: &str) -> Result<Self> {
        match source {
            "sqlite" => {
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("definitions.db");
                let table = format!("path = '{}'", path.display());
                let url = format!("sqlite://{}", path.display());
                Ok(Self::new("sqlite", table, url, Kept::Folder(folder)))
            }
            "file" => {
                let folder = tempfile::tempdir()?;
                let table = format!("path = '{}'\nwritable = true", folder.path().display());
                let url = folder.path().display().to_string();
                Ok(Self::new("file", table, url, Kept::Folder(folder)))
            }
            "etcd" => {
                installed("etcd", "etcd-server")?;
                let server = tokio::task::spawn_blocking(|| EtcdServer::start(&[])).await?;
                let table = format!("endpoints = ['{}']", server.url());
                let (url, server) = (server.url(), Arc::new(server));
                Ok(Self::new("etcd", table, url, Kept::Etcd(server)))
            }
            "mysql" => {
                installed("mariadb-install-db", "mariadb-server")?;
                let server = Box::new(MariaDb::start(&[]).await);
                let database = server.database().await;
                let url = server.url(&database);
                let table = format!("url = '{url}'");
                Ok(Self::new("mysql", table, url, Kept::MariaDb(server)))
            }
            "postgres" => {
                if !Path::new("/usr/lib/postgresql").exists() {
                    installed("initdb", "postgresql")?;
                }
                let server = Box::new(PostgreSql::start().await);
                let database = server.database().await;
                let url = server.url(&database);
                let table = format!("url = '{url}'");
                Ok(Self::new("postgres", table, url, Kept::PostgreSql(server)))
            }
            other => bail!(
                "no store is called `{other}`; there are {}",
                Self::SHARED.join(", ")
            ),
        }
    }

    fn new(source: &'static str, table: String, url: String, kept: Kept) -> Self {
        Self {
            source,
            table,
            url,
            kept,
        }
    }

    /// Writes definitions past the gateways. SQL stores have their tables from the first gateway that ran on them.
    pub async fn fill(&self, rows: &[Row]) -> Result<()> {
        match self.source {
            "sqlite" => fill::sql::<sqlx::Sqlite, SqliteConnection>(&self.url, "key", rows).await,
            "mysql" => fill::sql::<sqlx::MySql, MySqlConnection>(&self.url, "`key`", rows).await,
            "postgres" => fill::sql::<sqlx::Postgres, PgConnection>(&self.url, "key", rows).await,
            "etcd" => fill::etcd(&self.url, rows).await,
            _ => look::save(Path::new(&self.url), rows),
        }
    }

    /// Which definitions the store has, asked past the gateways: `TDS` or `IDS`, and the id.
    pub async fn ids(&self) -> Result<BTreeSet<(String, String)>> {
        match self.source {
            "sqlite" => look::sql::<sqlx::Sqlite, SqliteConnection>(&self.url, "key").await,
            "mysql" => look::sql::<sqlx::MySql, MySqlConnection>(&self.url, "`key`").await,
            "postgres" => look::sql::<sqlx::Postgres, PgConnection>(&self.url, "key").await,
            "etcd" => look::etcd(&self.url).await,
            _ => look::folder(Path::new(&self.url)),
        }
    }

    /// Takes the store away at once: a server is killed, a folder is moved elsewhere. What it had is kept.
    pub async fn kill(&mut self) -> Result<()> {
        match &mut self.kept {
            Kept::Folder(folder) => std::fs::rename(folder.path(), elsewhere(folder))?,
            Kept::Etcd(server) => {
                let server = server.clone();
                tokio::task::spawn_blocking(move || server.stop()).await?;
            }
            Kept::MariaDb(server) => server.kill(),
            Kept::PostgreSql(server) => server.kill(),
        }
        Ok(())
    }

    /// Brings it back on the same data and under the same address; returns when it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        match &mut self.kept {
            Kept::Folder(folder) => std::fs::rename(elsewhere(folder), folder.path())?,
            Kept::Etcd(server) => {
                let server = server.clone();
                tokio::task::spawn_blocking(move || server.resume()).await?;
            }
            Kept::MariaDb(server) => server.start_again().await,
            Kept::PostgreSql(server) => server.start_again().await,
        }
        Ok(())
    }

    /// The data source's name.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// The data source's table of the configuration.
    pub fn table(&self) -> String {
        format!("[data_source.{}]\n{}\n", self.source, self.table)
    }
}

/// Where a folder is that is away.
fn elsewhere(folder: &TempDir) -> PathBuf {
    folder.path().with_extension("away")
}

fn installed(program: &str, package: &str) -> Result<()> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&paths).any(|path| path.join(program).exists());
    if !is_there {
        bail!("`{program}` is not installed: install the package `{package}` of your distribution");
    }
    Ok(())
}
