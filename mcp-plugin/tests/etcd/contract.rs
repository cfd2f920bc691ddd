use crate::{
    etcd::store,
    servers::{etcd::EtcdServer, proxy::Proxy},
};
use async_trait::async_trait;
use mcp_common::{
    datasource::DataSource,
    key::Key,
    testsuite::{Harness, Raw},
};
use std::{sync::Arc, time::Duration};

/// Everybody reaches the server through the proxy, except `etcdctl`.
struct InEtcd {
    server: Arc<EtcdServer>,
    proxy: Proxy,
}

#[async_trait]
impl Harness for InEtcd {
    async fn fresh() -> Self {
        let server = EtcdServer::start(&["--grpc-keepalive-min-time=100ms"]);
        let proxy = Proxy::to(server.port()).await;
        Self {
            server: Arc::new(server),
            proxy,
        }
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        Arc::new(store::open(&self.proxy.url()).await)
    }

    async fn raw(&self, write: Raw<'_>) -> bool {
        let name = |key: &Key| format!("/dynmcp/{}/{}", key.kind.path_segment(), key.id);
        match write {
            Raw::Put { key, body } => store::raw_put(&self.server, &name(key), body),
            Raw::Delete(key) => assert_eq!(self.server.etcdctl(&["del", "--", &name(key)]).trim(), "1"),
            Raw::Rename { from, to } => {
                let body = self
                    .server
                    .etcdctl(&["get", "--print-value-only", "--", &name(from)]);
                let steps = format!(
                    "\nput {} {:?}\ndel {}\n\n\n",
                    name(to),
                    body.trim_end_matches('\n'),
                    name(from)
                );
                assert!(
                    self.server
                        .etcdctl_with_input(&["txn"], &steps)
                        .contains("SUCCESS")
                );
            }
            Raw::Unreadable => store::raw_put(&self.server, "/dynmcp/zds/x", "{}"),
        }
        true
    }

    async fn forget_changes(&self) -> bool {
        let answer = self.server.etcdctl(&["get", "x", "--write-out=json"]);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let revision = answer["header"]["revision"].to_string();
        self.server.etcdctl(&["compact", &revision]);
        true
    }

    async fn cut_connections(&self) -> bool {
        self.proxy.cut();
        true
    }

    async fn restart(&self) -> bool {
        let server = self.server.clone();
        let restart = move || {
            server.stop();
            server.resume();
        };
        tokio::task::spawn_blocking(restart).await.unwrap();
        true
    }

    async fn slow_down(&self) -> bool {
        self.proxy.slow_down(Duration::from_millis(50));
        true
    }

    fn largest(&self) -> Option<usize> {
        Some(1_572_864 - 4_096)
    }
}

mcp_common::datasource_contract!(InEtcd);

#[tokio::test]
async fn entries_that_end() {
    mcp_common::testsuite::leases::<InEtcd>().await;
}

/// They are read page by page: etcd refuses no answer, but a client takes no larger one.
#[tokio::test]
async fn more_entries_that_end_than_one_answer_holds() {
    const LARGE: usize = 1 << 20;
    let harness = InEtcd::fresh().await;
    let source = store::open(&harness.server.url()).await;
    let leases = source.leases().unwrap();
    for number in 0..66 {
        let body = "x".repeat(LARGE).into();
        let name = format!("entry-{number}");
        let written = leases.write(&name, body, None, Duration::from_secs(600)).await;
        written.unwrap();
    }
    let all = leases.all().await.unwrap();
    let names: std::collections::BTreeSet<_> = all.entries.iter().map(|entry| &entry.name).collect();
    assert_eq!((names.len(), all.entries.len()), (66, 66));
    assert!(all.entries.iter().all(|entry| entry.body.len() == LARGE) && all.mark > 0);
}
