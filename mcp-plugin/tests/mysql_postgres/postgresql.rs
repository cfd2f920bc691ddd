//! The store on PostgreSQL, and what is peculiar to it.

use super::store::{Pipeline, Store, contents, put, try_put};
use crate::servers::postgresql::PostgreSql;
use async_trait::async_trait;
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
    migration::{Migrate, Migration},
    plugin::PluginError,
    testsuite::Follower,
};
use mcp_plugin::datasource::postgres::{Postgres, Server};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

enum Held {
    Shared(&'static PostgreSql),
    Alone(Box<PostgreSql>),
}

pub(crate) struct OnPostgreSql {
    server: Held,
    database: String,
}

impl OnPostgreSql {
    async fn file_of_large_documents(&self) -> PathBuf {
        let path =
            "SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE oid = 'dynmcp_xds'::regclass";
        let mut connection = self.server().connection(&self.database).await;
        let path: String = sqlx::query_scalar(path).fetch_one(&mut connection).await.unwrap();
        self.server().data().join(path)
    }

    fn server(&self) -> &PostgreSql {
        match &self.server {
            Held::Shared(server) => server,
            Held::Alone(server) => server,
        }
    }
}

#[async_trait]
impl Store for OnPostgreSql {
    const OR_UPDATE: &'static str =
        "ON CONFLICT (xds_type, `key`) DO UPDATE SET xds_json = excluded.xds_json";
    const SCHEME: &'static str = "postgres";

    async fn fresh() -> Self {
        let server = PostgreSql::shared().await;
        Self {
            server: Held::Shared(server),
            database: server.database().await,
        }
    }

    async fn alone() -> Self {
        let server = PostgreSql::start().await;
        let database = server.database().await;
        Self {
            server: Held::Alone(Box::new(server)),
            database,
        }
    }

    async fn secure(certificates: &Path) -> Self {
        let server = PostgreSql::start_secure(certificates).await;
        let database = server.database().await;
        server
            .admin("postgres", "CREATE ROLE certified LOGIN SUPERUSER")
            .await;
        Self {
            server: Held::Alone(Box::new(server)),
            database,
        }
    }

    async fn cramped() -> Self {
        Self::alone().await
    }

    /// Where large documents go becomes a file that is full. The server opens it anew with its next connections.
    async fn take_room(&self) {
        let file = self.file_of_large_documents().await;
        std::fs::rename(&file, file.with_extension("kept")).unwrap();
        std::os::unix::fs::symlink("/dev/full", &file).unwrap();
        self.cut().await;
    }

    async fn make_room(&mut self) {
        let file = self.file_of_large_documents().await;
        std::fs::rename(file.with_extension("kept"), &file).unwrap();
        self.cut().await;
    }

    fn url(&self) -> String {
        self.server().url(&self.database)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}/{}", self.server().port, self.database)
    }

    async fn open_with(settings: Server) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Postgres::open(settings).await?))
    }

    async fn migrate_with(settings: Server, migrate: Migrate) -> Result<Migration, PluginError> {
        Postgres::migrate(&settings, migrate).await
    }

    async fn pipeline(&self) -> Box<dyn Pipeline> {
        Box::new(self.server().connection(&self.database).await)
    }

    fn client(&self, sql: &str) {
        let client = [
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            &sql.replace('`', ""),
            &self.url(),
        ];
        assert!(Command::new("psql").args(client).status().unwrap().success());
    }

    async fn cut(&self) {
        let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert_ne!(self.number(others).await, 0);
    }

    fn kill(&mut self) {
        match &mut self.server {
            Held::Alone(server) => server.kill(),
            Held::Shared(_) => panic!("others use it"),
        }
    }

    async fn start_again(&mut self) {
        match &mut self.server {
            Held::Alone(server) => server.start_again().await,
            Held::Shared(_) => panic!("others use it"),
        }
    }
}

#[async_trait]
impl Pipeline for PgConnection {
    async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        self.execute(sqlx::raw_sql(AssertSqlSafe(sql.replace('`', ""))))
            .await?;
        Ok(())
    }

    async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.replace('`', ""));
        sqlx::query_scalar(sql).fetch_one(self).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_and_copy_count() {
    let store = OnPostgreSql::fresh().await;
    let source = store.open().await;
    let mut follower = Follower::start(&*source).await;
    put(&*source, &Key::tool("a"), "1").await;
    store
        .run("COPY dynmcp_xds (`key`, xds_type, xds_json) FROM PROGRAM 'printf \"b\\ttds\\t2\\n\"'")
        .await;
    assert_eq!(contents(&*source).await, ["TDS a=1", "TDS b=2"]);
    store.run("TRUNCATE dynmcp_xds").await;
    follower.until(4).await;
    assert!(follower.state.is_empty());
    assert!(contents(&*source).await.is_empty());
}

/// The poll would come far too late for the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_writes_are_pushed() {
    let store = OnPostgreSql::fresh().await;
    let settings = Server {
        poll: Duration::from_secs(600),
        ..store.settings()
    };
    let source = OnPostgreSql::open_with(settings).await.unwrap();
    let mut follower = Follower::start(&*source).await;
    for number in 1..=5 {
        store
            .run(&format!(
                "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('t{number}', 'TDS', '{{}}')"
            ))
            .await;
        follower.until(number).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_encoding_is_refused() {
    let store = OnPostgreSql::fresh().await;
    store
        .run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        .await;
    let url = format!("postgres://postgres@127.0.0.1:{}/latin", store.server().port);
    let settings = Server {
        url: url.as_str().into(),
        ..store.settings()
    };
    let error = OnPostgreSql::refusal(settings).await;
    assert!(
        error.contains("its encoding is LATIN1") && error.contains("ENCODING 'UTF8'"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_of_one_database_are_stores_of_their_own() {
    let store = OnPostgreSql::fresh().await;
    store.run("CREATE SCHEMA one; CREATE SCHEMA two").await;
    let mut sources = Vec::new();
    for schema in ["one", "two"] {
        let url = format!("{}?options=-c%20search_path%3D{schema}", store.url());
        let settings = Server {
            url: url.as_str().into(),
            ..store.settings()
        };
        sources.push(OnPostgreSql::open_with(settings).await.unwrap());
    }
    put(&*sources[0], &Key::tool("a"), "1").await;
    // Whoever writes, and with whichever search path, the change is filed in the table's own schema.
    store
        .run("INSERT INTO two.dynmcp_xds (`key`, xds_type, xds_json) VALUES ('b', 'TDS', '2')")
        .await;
    assert_eq!(contents(&*sources[0]).await, ["TDS a=1"]);
    assert_eq!(contents(&*sources[1]).await, ["TDS b=2"]);
}

/// It may be to what was the primary server once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_nothing_can_be_written_is_not_kept() {
    let store = OnPostgreSql::fresh().await;
    let source = store.open().await;
    let key = Key::tool("a");
    put(&*source, &key, "{}").await;
    // Sessions keep what they began with.
    let database = &store.database;
    let set =
        |what| format!("BEGIN READ WRITE; ALTER DATABASE {database} {what} default_transaction_read_only");
    store.run(&format!("{} = on; COMMIT", set("SET"))).await;
    store.cut().await;
    match try_put(&*source, &key, "{}").await {
        Err(SourceError::Unavailable(reason)) => assert!(reason.contains("is read-only"), "{reason}"),
        other => panic!("{other:?}"),
    }
    store.run(&format!("{}; COMMIT", set("RESET"))).await;
    put(&*source, &key, "{}").await;
}
