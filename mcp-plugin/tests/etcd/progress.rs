//! Where nothing happens under our prefix, the revision goes on all the same.

use super::store;
use crate::servers::etcd::EtcdServer;
use futures_util::StreamExt;
use mcp_common::datasource::DataSource;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_watch_learns_how_far_the_store_is() {
    let server = EtcdServer::start(&["--experimental-watch-progress-notify-interval=200ms"]);
    let source = store::open(&server.url()).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    for _ in 0..3 {
        store::raw_put(&server, "/somebody/else", "x");
    }
    let wait = async {
        loop {
            let batch = changes.next().await.unwrap().unwrap();
            assert!(batch.changes.is_empty());
            if batch.revision == load.revision + 3 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
}
