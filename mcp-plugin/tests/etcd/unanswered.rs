//! Writes whose answer is lost.

use super::store;
use crate::servers::{etcd::EtcdServer, proxy::Proxy};
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::Key,
};
use serde_json::json;
use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

/// One more than a write has, with what connections say between the lines.
const ANSWERS: u32 = 6;

/// Whether it was stored is looked up, and where it was not, it is written again: once is enough, and never twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up() {
    let server = EtcdServer::start(&["--grpc-keepalive-min-time=100ms"]);
    let proxy = Proxy::to(server.port()).await;
    let source = store::open_with(
        &proxy.url(),
        &json!({ "keepalive_ms": 1_000, "timeout_ms": 10_000 }),
    )
    .await;
    let key = Key::tool("a");
    let mut stored = store::put(&source, &key, "{}").await.unwrap();
    let (mut writes, mut losses) = (1, 0);
    for point in 1..=ANSWERS {
        let body = format!("{{\"x\": {point}}}");
        proxy.silence_after(point);
        let loss = async {
            proxy.until_silent().await;
            losses += 1;
            proxy.forget();
            std::future::pending::<Infallible>().await
        };
        let write = Write {
            key: &key,
            expected: Expected::Revision(stored),
            principal: "anna",
        };
        stored = tokio::select! {
            answer = source.put(write, body.clone().into()) => answer.unwrap(),
            never = loss => match never {},
        };
        proxy.forget();
        writes += 1;
        let past = source.history(&key, 50).await.unwrap();
        assert_eq!(
            (past.len(), past[0].revision),
            (writes, stored),
            "after {point} answers"
        );
        assert_eq!(
            past[0].body.as_deref(),
            Some(body.as_bytes()),
            "after {point} answers"
        );
    }
    // At least those of the look and of the write itself.
    assert!(losses >= 2, "only {losses} answers were lost");
}

/// Where nobody answers any more, it is said that the write may have been stored; where that is not said, it was not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_said() {
    let server = EtcdServer::start(&["--grpc-keepalive-min-time=100ms"]);
    let rounds = (1..=ANSWERS).map(|point| silent_after(&server, point));
    let known = futures_util::future::join_all(rounds).await;
    assert!(known[0], "nothing was written before the first answer");
    assert!(known.contains(&false), "no write was in doubt");
}

/// Whether the fate of the write was known.
async fn silent_after(server: &EtcdServer, point: u32) -> bool {
    let proxy = Proxy::to(server.port()).await;
    let settings = json!({
        "timeout_ms": 2_000,
        "prefix": format!("/t{point}/"),
        "history_prefix": format!("/t{point}-history/"),
    });
    let source = store::open_with(&proxy.url(), &settings).await;
    let key = Key::tool("a");
    let began = Instant::now();
    proxy.silence_after(point);
    let answer = store::put(&source, &key, "{}").await;
    assert!(began.elapsed() < Duration::from_secs(60));
    proxy.forget();
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_stored = loop {
        match source.load().await {
            Ok(load) => break !load.records.is_empty(),
            Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
        }
    };
    match answer {
        Ok(_) => assert!(is_stored, "after {point} answers"),
        Err(SourceError::InDoubt(_)) => return false,
        Err(SourceError::Unavailable(reason)) => assert!(!is_stored, "after {point} answers: {reason}"),
        Err(error) => panic!("{error:?}"),
    }
    true
}
