//! Several endpoints: one that answers is enough.

use super::store;
use crate::servers::{etcd::EtcdServer, process::free_port, proxy::Proxy};
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_is_asked() {
    let server = EtcdServer::start(&[]);
    let (one, two) = (Proxy::to(server.port()).await, Proxy::to(server.port()).await);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let members = json!({ "endpoints": [nobody, one.url(), two.url()], "timeout_ms": 1_000 });
    let source = store::open_with(&nobody, &members).await;
    let key = Key::tool("a");
    store::put(&source, &key, "{}").await.unwrap();
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();

    one.close(true);
    let error = store::next(&mut changes).await;
    assert!(matches!(error, Err(SourceError::Unavailable(_))), "{error:?}");
    let mut changes = source.watch(load.revision).await.unwrap();
    let revision = store::put(&source, &key, "{\"x\":2}").await.unwrap();
    assert_eq!(store::next(&mut changes).await.unwrap().revision, revision);

    one.close(false);
    two.close(true);
    store::put(&source, &key, "{\"x\":3}").await.unwrap();
    assert_eq!(source.load().await.unwrap().records.len(), 1);
}

/// As a comma-separated text too, the way the environment gives lists.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_silent_is_passed_over() {
    let server = EtcdServer::start(&[]);
    let (one, two) = (Proxy::to(server.port()).await, Proxy::to(server.port()).await);
    one.silence(true);
    let members = json!({ "endpoints": format!("{}, {}", one.url(), two.url()), "timeout_ms": 500 });
    let source = store::open_with(&one.url(), &members).await;
    store::put(&source, &Key::tool("a"), "{}").await.unwrap();
    assert_eq!(source.load().await.unwrap().records.len(), 1);
}
