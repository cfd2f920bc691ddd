//! Collectors that answer something else than yes, or nothing.

use super::{Collector, count, traced};
use crate::test_app::eventually;
use serde_json::json;
use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

#[tokio::test]
async fn what_a_collector_takes_only_partly_is_counted() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[("otlp.metrics", "false")]).await;
    app.with_item_tools("shop").await;
    collector.received.refuses.store(1, Ordering::Relaxed);
    app.mcp("shop").call("get_item", json!({"id": 1})).await;
    collector.spans("tools/call get_item", 1).await;
    eventually("it is counted", || {
        count(&app, "dynmcp_otlp_spans_lost_total") > 0
    })
    .await;
    assert_eq!(count(&app, "dynmcp_otlp_failures_total"), 0);
}

#[tokio::test]
async fn a_collector_that_wants_peace_has_it() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[("otlp.metrics", "false")]).await;
    app.with_item_tools("shop").await;
    collector.spans("PUT /admin/ids", 1).await;
    collector.received.status.store(503, Ordering::Relaxed);
    let before = collector.received.came.lock().unwrap().len();
    app.mcp("shop").call("get_item", json!({"id": 1})).await;
    let came = || collector.received.came.lock().unwrap()[before..].to_vec();
    eventually("it is sent", || !came().is_empty()).await;
    collector.received.status.store(0, Ordering::Relaxed);
    collector.spans("tools/call get_item", 1).await;
    let came = came();
    let waited = came[1] - came[0];
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
}

#[tokio::test]
async fn the_end_waits_for_no_collector_longer_than_it_says() {
    let collector = Collector::start().await;
    let mut app = traced(&collector, &[("otlp.metrics_seconds", "3600")]).await;
    app.with_item_tools("shop").await;
    collector.received.hangs.store(true, Ordering::Relaxed);
    let before = collector.received.came.lock().unwrap().len();
    app.mcp("shop").call("get_item", json!({"id": 1})).await;
    // One message is on its way when the end comes, and more wait.
    eventually("it is sent", || {
        collector.received.came.lock().unwrap().len() > before
    })
    .await;
    app.mcp("shop").call("get_item", json!({"id": 2})).await;
    let begun = Instant::now();
    app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nobody_up_and_is_sent_to_again() {
    let collector = Collector::start().await;
    let mut app = traced(&collector, &[("otlp.metrics", "false")]).await;
    app.with_item_tools("shop").await;
    collector.received.status.store(400, Ordering::Relaxed);
    app.mcp("shop").call("get_item", json!({"id": 1})).await;
    eventually("it is counted", || {
        count(&app, "dynmcp_otlp_spans_lost_total") > 0
    })
    .await;
    collector.received.status.store(503, Ordering::Relaxed);
    app.mcp("shop").call("get_item", json!({"id": 2})).await;
    collector.received.status.store(0, Ordering::Relaxed);
    // 503 is worth another attempt.
    collector.spans("tools/call get_item", 1).await;
    // What was not sent yet is sent at the end.
    app.mcp("shop").call("add_item", json!({"name": "x"})).await;
    app.stop().await;
    collector.spans("tools/call add_item", 1).await;
}
