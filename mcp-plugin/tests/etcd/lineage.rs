//! A store that is no longer the one that was loaded.

use super::store;
use crate::servers::{etcd::EtcdServer, proxy::Proxy};
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_made_anew_is_loaded_anew() {
    let server = EtcdServer::start(&[]);
    let source = store::open(&server.url()).await;
    for _ in 0..10 {
        store::put(&source, &Key::tool("old"), "{}").await.unwrap();
    }
    let load = source.load().await.unwrap();
    server.stop();
    std::fs::remove_dir_all(server.directory.path().join("data")).unwrap();
    server.resume();
    store::raw_put(&server, "/dynmcp/tds/new", "{}");
    match source.watch(load.revision).await {
        Err(SourceError::HistoryLost { from }) => assert_eq!(from, load.revision),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("watches a store that is behind"),
    }
    let load = source.load().await.unwrap();
    assert_eq!(
        load.records
            .iter()
            .map(|record| &*record.key.id)
            .collect::<Vec<_>>(),
        ["new"]
    );
    assert!(source.watch(load.revision).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_is_loaded_anew_however_far_it_is() {
    let (one, two) = (EtcdServer::start(&[]), EtcdServer::start(&[]));
    let (to_one, to_two) = (Proxy::to(one.port()).await, Proxy::to(two.port()).await);
    to_two.close(true);
    let both = serde_json::json!({ "endpoints": [to_one.url(), to_two.url()] });
    let source = store::open_with(&to_one.url(), &both).await;
    let load = source.load().await.unwrap();
    for _ in 0..5 {
        store::raw_put(&two, "/dynmcp/tds/a", "{}");
    }
    to_one.close(true);
    to_two.close(false);
    match source.watch(load.revision).await {
        Err(SourceError::HistoryLost { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("watches another cluster"),
    }
}
