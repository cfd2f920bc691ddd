//! A quiet service costs next to nothing.

use super::client;
use crate::definition_service::{Service, relay::Relay};
use mcp_common::datasource::DataSource;
use std::time::{Duration, Instant};

/// As long as a head with its ETag, its date and little else may be.
const HEAD: usize = 300;

#[tokio::test]
async fn nothing_new_transfers_no_body() {
    let service = Service::start().await;
    let relay = Relay::to(service.port).await;
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(500_000));
    service
        .definitions()
        .put(("tds".into(), "a".into()), None, &large);
    let source = client::open(&service.settings(relay.port)).await;
    let load = source.load().await.unwrap();
    let loaded = relay.answered();
    assert!(loaded > large.len());
    let mut changes = source.watch(load.revision).await.unwrap();
    tokio::select! {
        batch = client::next(&mut changes) => panic!("nothing happened, but it told {batch:?}"),
        () = polled(&service, 10) => {}
    }
    let polls = service.shared.polls.lock().unwrap().clone();
    // The first look, the load, and then only answers without a body.
    let (first, later) = polls.split_at(2);
    assert_eq!(first, [304, 200]);
    assert!(later.iter().all(|status| *status == 304), "{polls:?}");
    // What is on its way when the time is over may not have come.
    let bytes = relay.answered() - loaded;
    assert!(bytes >= later.len() - 1 && bytes <= later.len() * HEAD, "{bytes}");
    // And what changes then comes with all of it, once.
    let revision = service.definitions().put(("tds".into(), "b".into()), None, "{}");
    let batch = client::next(&mut changes).await.unwrap();
    assert_eq!((batch.revision, batch.changes.len()), (revision, 1));
    assert!(relay.answered() - loaded > large.len());
}

async fn polled(service: &Service, times: usize) {
    while service.shared.polls.lock().unwrap().len() < times {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Also when it asks only once an hour.
#[tokio::test]
async fn own_writes_are_looked_for_at_once() {
    let service = Service::start().await;
    let mut settings = service.settings(service.port);
    settings["poll_ms"] = 3_600_000.into();
    let source = client::open(&settings).await;
    let mut changes = source.watch(0).await.unwrap();
    let began = Instant::now();
    let revision = client::put(&source, "a").await.unwrap();
    let batch = client::next(&mut changes).await.unwrap();
    assert_eq!(batch.revision, revision);
    assert!(began.elapsed() < Duration::from_secs(30));
}
