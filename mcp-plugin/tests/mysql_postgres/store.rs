//! A database for a test: the gateway's source, and ways past it.

use async_trait::async_trait;
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::{Key, Revision},
    migration::{Migrate, Migration},
    plugin::PluginError,
};
use mcp_plugin::datasource::mysql::{Migrations, Server};
use std::{path::Path, sync::Arc, time::Duration};

/// SQL is written as MySQL wants it; where the column `key` needs no backticks, they are taken out.
#[async_trait]
pub(crate) trait Store: Sized + Send + Sync + 'static {
    /// The end of an INSERT that replaces what is there.
    const OR_UPDATE: &'static str;
    /// What a URL of this source begins with.
    const SCHEME: &'static str;

    /// An empty database on the server that the tests share.
    async fn fresh() -> Self;

    /// An empty database on a server of its own.
    async fn alone() -> Self;

    /// An empty database on a server that lets nobody in without TLS, and the user `certified` only with a certificate.
    /// In the directory are `ca.pem`, `server.pem` and `server.key`.
    async fn secure(certificates: &Path) -> Self;

    /// An empty database on a server that can run out of space.
    async fn cramped() -> Self;

    /// Leaves no room for anything larger.
    async fn take_room(&self);

    async fn make_room(&mut self);

    fn url(&self) -> String;

    /// Where the server listens, for a URL with another user.
    fn address(&self) -> String;

    async fn open_with(settings: Server) -> Result<Arc<dyn DataSource>, PluginError>;

    /// What `dynmcp migrate` does.
    async fn migrate_with(settings: Server, migrate: Migrate) -> Result<Migration, PluginError>;

    /// A program that knows nothing of the gateway.
    async fn pipeline(&self) -> Box<dyn Pipeline>;

    /// The same by the server's command line client.
    fn client(&self, sql: &str);

    /// Ends the gateways' connections.
    async fn cut(&self);

    /// Ends the server of its own at once.
    fn kill(&mut self);

    async fn start_again(&mut self);

    fn settings(&self) -> Server {
        Server {
            url: self.url().as_str().into(),
            pool: 4,
            poll: Duration::from_millis(200),
            timeout: Duration::from_secs(10),
            history: 50,
            migrate: Migrations::AtStart,
        }
    }

    async fn open(&self) -> Arc<dyn DataSource> {
        Self::open_with(self.settings()).await.unwrap()
    }

    async fn refusal(settings: Server) -> String {
        match Self::open_with(settings).await {
            Ok(_) => panic!("was opened"),
            Err(error) => error.to_string(),
        }
    }

    async fn run(&self, sql: &str) {
        self.pipeline().await.run(sql).await;
    }

    async fn number(&self, sql: &str) -> i64 {
        self.pipeline().await.number(sql).await
    }
}

/// One connection past the gateway.
#[async_trait]
pub(crate) trait Pipeline: Send {
    async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error>;

    async fn number(&mut self, sql: &str) -> i64;

    async fn run(&mut self, sql: &str) {
        self.try_run(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// One `#[tokio::test]` per case and kind of server.
macro_rules! on_both {
    ($($case:ident)*) => {
        mod mysql {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    Box::pin(super::$case::<crate::mysql_postgres::mariadb::OnMariaDb>()).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    Box::pin(super::$case::<crate::mysql_postgres::postgresql::OnPostgreSql>()).await;
                }
            )*
        }
    };
}
pub(crate) use on_both;

pub(crate) async fn try_put(source: &dyn DataSource, key: &Key, body: &str) -> Result<Revision, SourceError> {
    let write = Write {
        key,
        expected: Expected::Any,
        principal: "test",
    };
    source.put(write, body.to_owned().into()).await
}

pub(crate) async fn put(source: &dyn DataSource, key: &Key, body: &str) -> Revision {
    try_put(source, key, body).await.unwrap()
}

/// What is stored, in the order of ids: `TDS a={"x":1}`.
pub(crate) async fn contents(source: &dyn DataSource) -> Vec<String> {
    let records = source.load().await.unwrap().records;
    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
    let mut contents: Vec<_> = records
        .iter()
        .map(|r| format!("{} {}={}", r.key.kind, r.key.id, text(&r.body)))
        .collect();
    contents.sort();
    contents
}
