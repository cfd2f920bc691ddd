//! The store on MariaDB, and what is peculiar to it.

use super::store::{Pipeline, Store, contents, put};
use crate::servers::mariadb::MariaDb;
use async_trait::async_trait;
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
    migration::{Migrate, Migration},
    plugin::PluginError,
};
use mcp_plugin::datasource::mysql::{Mysql, Server};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};
use std::{path::Path, process::Command, sync::Arc};

enum Held {
    Shared(&'static MariaDb),
    Alone(Box<MariaDb>),
}

pub(crate) struct OnMariaDb {
    server: Held,
    database: String,
}

impl OnMariaDb {
    async fn with(options: &[&str]) -> Self {
        let server = MariaDb::start(options).await;
        let database = server.database().await;
        Self {
            server: Held::Alone(Box::new(server)),
            database,
        }
    }

    fn server(&self) -> &MariaDb {
        match &self.server {
            Held::Shared(server) => server,
            Held::Alone(server) => server,
        }
    }
}

#[async_trait]
impl Store for OnMariaDb {
    const OR_UPDATE: &'static str = "ON DUPLICATE KEY UPDATE xds_json = VALUES(xds_json)";
    const SCHEME: &'static str = "mysql";

    async fn fresh() -> Self {
        let server = MariaDb::shared().await;
        Self {
            server: Held::Shared(server),
            database: server.database().await,
        }
    }

    async fn alone() -> Self {
        Self::with(&[]).await
    }

    async fn secure(certificates: &Path) -> Self {
        let path = |name: &str| certificates.join(name).display().to_string();
        let store = Self::with(&[
            "--require-secure-transport=ON",
            &format!("--ssl-ca={}", path("ca.pem")),
            &format!("--ssl-cert={}", path("server.pem")),
            &format!("--ssl-key={}", path("server.key")),
        ])
        .await;
        store
            .run("CREATE USER certified@'%' REQUIRE X509; GRANT ALL ON *.* TO certified@'%'")
            .await;
        store
    }

    /// All tables in one file that may not grow.
    async fn cramped() -> Self {
        Self::with(&[
            "--innodb-file-per-table=0",
            "--innodb-data-file-path=ibdata1:12M:autoextend:max:32M",
        ])
        .await
    }

    async fn take_room(&self) {
        let mut connection = self.pipeline().await;
        connection
            .run("CREATE TABLE filling (content LONGBLOB) ENGINE = InnoDB")
            .await;
        // Smaller and smaller pieces, so that little is left.
        for size in [1 << 20, 1 << 16, 1 << 12] {
            let insert = format!("INSERT INTO filling VALUES (REPEAT('x', {size}))");
            while connection.try_run(&insert).await.is_ok() {}
        }
    }

    async fn make_room(&mut self) {
        let Held::Alone(server) = &mut self.server else {
            panic!("others use it")
        };
        server.kill();
        server
            .start_again_with("--innodb-data-file-path=ibdata1:12M:autoextend")
            .await;
    }

    fn url(&self) -> String {
        self.server().url(&self.database)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}/{}", self.server().port, self.database)
    }

    async fn open_with(settings: Server) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Mysql::open(settings).await?))
    }

    async fn migrate_with(settings: Server, migrate: Migrate) -> Result<Migration, PluginError> {
        Mysql::migrate(&settings, migrate).await
    }

    async fn pipeline(&self) -> Box<dyn Pipeline> {
        Box::new(self.server().connection(&self.database).await)
    }

    fn client(&self, sql: &str) {
        let port = self.server().port.to_string();
        let client = [
            "--no-defaults",
            "--default-character-set=utf8mb4",
            "-h127.0.0.1",
            "-uroot",
            "-P",
            &port,
            &self.database,
            "-e",
            sql,
        ];
        assert!(Command::new("mariadb").args(client).status().unwrap().success());
    }

    async fn cut(&self) {
        let mut connection = self.server().connection(&self.database).await;
        let ids: Vec<u64> = sqlx::query_scalar(
            "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for id in ids {
            let _ = connection.execute(AssertSqlSafe(format!("KILL {id}"))).await;
        }
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
impl Pipeline for MySqlConnection {
    async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        self.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
        Ok(())
    }

    async fn number(&mut self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self)
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_into_counts() {
    let store = OnMariaDb::fresh().await;
    let source = store.open().await;
    put(&*source, &Key::tool("a"), "1").await;
    store
        .run(
            "REPLACE INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'tds', '2'), ('b', 'IDS', '3')",
        )
        .await;
    assert_eq!(contents(&*source).await, ["IDS b=3", "TDS a=2"]);
    store
        .run("INSERT IGNORE INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('a', 'TDS', '9')")
        .await;
    assert_eq!(contents(&*source).await, ["IDS b=3", "TDS a=2"]);
}

/// A snapshot that is older than other writers' changes must not lead the triggers astray.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_snapshot_of_a_raw_writer_does_no_harm() {
    let store = OnMariaDb::fresh().await;
    let source = store.open().await;
    put(&*source, &Key::tool("a"), "1").await;
    let mut raw = store.pipeline().await;
    raw.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION; SELECT COUNT(*) FROM dynmcp_changes")
        .await;
    put(&*source, &Key::tool("a"), "2").await;
    let before = put(&*source, &Key::tool("b"), "1").await;
    raw.run("UPDATE dynmcp_xds SET xds_json = '3' WHERE `key` = 'a'; DELETE FROM dynmcp_xds WHERE `key` = 'b'; COMMIT")
        .await;
    let load = source.load().await.unwrap();
    assert_eq!(load.revision, before + 2);
    assert_eq!(contents(&*source).await, ["TDS a=3"]);
    assert_eq!(source.history(&Key::tool("a"), 9).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_larger_than_a_packet_is_refused_and_the_next_one_is_not() {
    let store = OnMariaDb::with(&["--max-allowed-packet=2M"]).await;
    let source = store.open().await;
    let key = Key::tool("large");
    let write = || Write {
        key: &key,
        expected: Expected::Any,
        principal: "test",
    };
    let sized = |size: usize| format!("\"{}\"", "x".repeat(size - 2)).into();
    let refused = source.put(write(), sized(2 << 20)).await;
    let Err(SourceError::TooLarge { size, limit }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(size, 2 << 20);
    let revision = source.put(write(), sized(limit)).await.unwrap();
    let mut follower = mcp_common::testsuite::Follower::start(&*source).await;
    assert_eq!(follower.body(&key).unwrap().len(), limit);
    put(&*source, &Key::tool("small"), "{}").await;
    follower.until(revision + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binary_log_without_trust_is_explained() {
    let store = OnMariaDb::with(&["--log-bin=binlog", "--server-id=1"]).await;
    let grants = "CREATE USER ci@'%' IDENTIFIED BY 'pw'; GRANT ALL ON *.* TO ci@'%'; REVOKE SUPER, BINLOG ADMIN ON *.* FROM ci@'%'";
    store.run(grants).await;
    let settings = || Server {
        url: format!("mysql://ci:pw@{}", store.address()).as_str().into(),
        ..store.settings()
    };
    let error = OnMariaDb::refusal(settings()).await;
    assert!(
        error.contains("SET GLOBAL log_bin_trust_function_creators = 1"),
        "{error}"
    );
    store.run("SET GLOBAL log_bin_trust_function_creators = 1").await;
    let source = OnMariaDb::open_with(settings()).await.unwrap();
    put(&*source, &Key::tool("a"), "{}").await;
    assert_eq!(contents(&*source).await, ["TDS a={}"]);
}
