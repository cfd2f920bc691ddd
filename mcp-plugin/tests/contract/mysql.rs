use crate::servers::{mariadb::MariaDb, proxy::Proxy};
use async_trait::async_trait;
use mcp_common::{
    datasource::DataSource,
    key::Key,
    testsuite::{Harness, Raw},
};
use mcp_plugin::datasource::mysql::{Migrations, Mysql, Server};
use sqlx::MySqlPool;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

struct OnServer {
    database: String,
    url: String,
    /// The gateway's way to the server from the time on when it is to be slow.
    slow_way: OnceLock<Proxy>,
    /// Another program that knows nothing of the gateway.
    pipeline: MySqlPool,
}

#[async_trait]
impl Harness for OnServer {
    const NOT_APPLICABLE: &'static [(&'static str, &'static str)] = &[(
        "server_restarts",
        "all cases share the server; `tests/mysql_postgres/outages.rs` restarts its own",
    )];

    async fn fresh() -> Self {
        let server = MariaDb::shared().await;
        let database = server.database().await;
        let harness = Self {
            url: server.url(&database),
            slow_way: OnceLock::new(),
            pipeline: server.pool(&database).await,
            database,
        };
        harness.connect().await;
        harness
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        let own_port = |proxy: &Proxy| proxy.url().rsplit(':').next().unwrap().to_owned();
        let url = match self.slow_way.get() {
            Some(proxy) => self.url.replace(
                &format!(":{}/", MariaDb::shared().await.port),
                &format!(":{}/", own_port(proxy)),
            ),
            None => self.url.clone(),
        };
        let server = Server {
            url: url.as_str().into(),
            pool: 4,
            poll: Duration::from_millis(50),
            timeout: Duration::from_secs(10),
            history: 50,
            migrate: Migrations::AtStart,
        };
        Arc::new(Mysql::open(server).await.unwrap())
    }

    async fn raw_many(&self, documents: &[(Key, String)]) -> bool {
        let mut transaction = self.pipeline.begin().await.unwrap();
        for (key, body) in documents {
            sqlx::query("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES (?, ?, ?)")
                .bind(key.id.to_string())
                .bind(key.kind.as_str())
                .bind(body)
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        true
    }

    async fn raw(&self, write: Raw<'_>) -> bool {
        let query = match write {
            Raw::Put { key, body } => sqlx::query(
                "INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES (?, ?, ?)
                 ON DUPLICATE KEY UPDATE xds_json = VALUES(xds_json)",
            )
            .bind(key.id.to_string())
            .bind(key.kind.as_str())
            .bind(body.to_owned()),
            Raw::Delete(key) => sqlx::query("DELETE FROM dynmcp_xds WHERE `key` = ? AND xds_type = ?")
                .bind(key.id.to_string())
                .bind(key.kind.as_str()),
            Raw::Rename { from, to } => {
                sqlx::query("UPDATE dynmcp_xds SET `key` = ? WHERE `key` = ? AND xds_type = ?")
                    .bind(to.id.to_string())
                    .bind(from.id.to_string())
                    .bind(from.kind.as_str())
            }
            Raw::Unreadable => {
                sqlx::query("INSERT INTO dynmcp_xds (`key`, xds_type, xds_json) VALUES ('x', 'ZDS', '{}')")
            }
        };
        assert_ne!(query.execute(&self.pipeline).await.unwrap().rows_affected(), 0);
        true
    }

    async fn forget_changes(&self) -> bool {
        for sql in [
            "UPDATE dynmcp_store SET value = 5 WHERE name = 'horizon'",
            "UPDATE dynmcp_xds SET status = 0 WHERE `key` = 'stays'",
            "UPDATE dynmcp_xds SET status = 1 WHERE `key` = 'stays'",
        ] {
            sqlx::query(sql).execute(&self.pipeline).await.unwrap();
        }
        true
    }

    async fn slow_down(&self) -> bool {
        let proxy = Proxy::to(MariaDb::shared().await.port).await;
        proxy.slow_down(Duration::from_millis(50));
        self.slow_way.set(proxy).is_ok()
    }

    async fn cut_connections(&self) -> bool {
        let mut connection = MariaDb::shared().await.connection(&self.database).await;
        let ids: Vec<u64> = sqlx::query_scalar(
            "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for id in ids {
            let _ = sqlx::query(sqlx::AssertSqlSafe(format!("KILL {id}")))
                .execute(&mut connection)
                .await;
        }
        true
    }

    fn largest(&self) -> Option<usize> {
        Some(MariaDb::LARGEST_DOCUMENT)
    }
}

mcp_common::datasource_contract!(OnServer);

#[tokio::test]
async fn entries_that_end() {
    mcp_common::testsuite::leases::<OnServer>().await;
}
