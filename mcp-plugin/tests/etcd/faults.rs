//! A store that is away, silent, full of limits, or no etcd.

use super::store;
use crate::servers::{etcd::EtcdServer, process::free_port, proxy::Proxy};
use mcp_common::{
    datasource::{DataSource, SourceError},
    key::Key,
};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_comes_later_is_used_then() {
    let server = EtcdServer::start(&[]);
    server.stop();
    let source = store::open(&server.url()).await;
    match source.load().await {
        Err(SourceError::Unavailable(reason)) => {
            assert!(
                reason.contains(&server.url()) && reason.contains("refused"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    match store::put(&source, &Key::tool("a"), "{}").await {
        Err(SourceError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
    server.resume();
    store::put(&source, &Key::tool("a"), "{}").await.unwrap();
    assert_eq!(source.load().await.unwrap().records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_notices_that_nothing_comes_any_more() {
    let server = EtcdServer::start(&["--grpc-keepalive-min-time=100ms"]);
    let proxy = Proxy::to(server.port()).await;
    let source = store::open_with(&proxy.url(), &json!({ "keepalive_ms": 300, "timeout_ms": 500 })).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    proxy.silence(true);
    store::raw_put(&server, "/dynmcp/tds/a", "{}");
    match store::next(&mut changes).await {
        Err(SourceError::Unavailable(reason)) => assert!(reason.contains(&proxy.url()), "{reason}"),
        other => panic!("{other:?}"),
    }
    match store::put(&source, &Key::tool("b"), "{}").await {
        Err(SourceError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
    proxy.silence(false);
    proxy.cut();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut changes = loop {
        match source.watch(load.revision).await {
            Ok(changes) => break changes,
            Err(SourceError::Unavailable(_)) => assert!(Instant::now() < deadline),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(
        store::next(&mut changes).await.unwrap().revision,
        load.revision + 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_take_less_than_we_were_told() {
    let server = EtcdServer::start(&["--max-request-bytes=100000"]);
    let source = store::open(&server.url()).await;
    let key = Key::tool("a");
    // Fits only without its copy in the history.
    let body = "x".repeat(90_000);
    store::put(&source, &key, &body).await.unwrap();
    let past = source.history(&key, 5).await.unwrap();
    assert_eq!(past[0].body.as_deref(), Some(body.as_bytes()));
    match store::put(&source, &key, &"x".repeat(150_000)).await {
        Err(SourceError::TooLarge { size: 150_000, limit }) => assert!(limit < 150_000),
        other => panic!("{other:?}"),
    }
    assert_eq!(source.history(&key, 5).await.unwrap().len(), 1);
    let left = server.etcdctl(&["get", "--prefix", "--keys-only", "/dynmcp-history/"]);
    assert_eq!(left.matches("/body").count(), 1, "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_at_the_endpoint() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            let _ = stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    let source = store::open(&url).await;
    match source.load().await {
        Err(SourceError::Unavailable(reason)) => assert!(reason.contains(&url), "{reason}"),
        other => panic!("{other:?}"),
    }
    server.abort();
    // Nobody at all.
    let url = format!("http://127.0.0.1:{}", free_port());
    assert!(store::open(&url).await.load().await.is_err());
}
