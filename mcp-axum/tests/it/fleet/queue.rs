//! Calls wait where every endpoint has as many as it may have.

use super::{started, status};
use crate::test_app::{Reply, TestApp, eventually};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn calls(app: &TestApp, count: usize) -> Vec<Value> {
    let client = app.mcp("i");
    join_all((0..count).map(|_| client.call("t", json!({})))).await
}

fn refused(results: &[Value]) -> Vec<&str> {
    let refused = results.iter().filter(|result| result["isError"] == true);
    refused
        .map(|result| result["content"][0]["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn calls_wait_for_an_endpoint_and_all_are_answered() {
    let limits = json!({"limits": {"endpoint_concurrency": 1}, "balance": {"algorithm": "round_robin"}});
    let (app, upstreams) = started("GET", 2, &limits).await;
    for upstream in &upstreams {
        upstream.reply(Reply::After(Duration::from_millis(100)));
    }
    let begun = Instant::now();
    let results = calls(&app, 8).await;
    assert_eq!(refused(&results), [""; 0]);
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(400), "one at a time each: {took:?}");
    let sent = upstreams.iter().map(|upstream| upstream.requests().len());
    assert_eq!(sent.sum::<usize>(), 8);
    let queue = status(&app, "billing").await["queue"].clone();
    let waited = queue["waited"].as_u64().unwrap();
    assert!((1..=6).contains(&waited), "{queue}");
    assert_eq!(
        (&queue["waiting"], &queue["refused"]),
        (&json!(0), &json!(0)),
        "{queue}"
    );
    let metrics = app.metrics();
    for line in [
        "dynmcp_upstream_queue_length{upstream=\"billing\"} 0.0".to_owned(),
        format!("dynmcp_upstream_queue_waited_total{{upstream=\"billing\"}} {waited}.0"),
        "dynmcp_upstream_queue_refused_total{upstream=\"billing\"} 0.0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_queue_is_bounded_in_number_and_in_time() {
    let limits = json!({"limits": {"endpoint_concurrency": 1, "queue": 2, "queue_ms": 300}});
    let (app, upstreams) = started("GET", 1, &limits).await;
    upstreams[0].reply(Reply::After(Duration::from_millis(1_000)));
    let results = calls(&app, 5).await;
    let mut texts = refused(&results);
    texts.sort_unstable();
    assert_eq!(texts.len(), 4, "{texts:?}");
    for text in &texts[..2] {
        assert!(
            text.contains("2 wait already (`limits.queue`); nothing was sent"),
            "{text}"
        );
    }
    for text in &texts[2..] {
        assert!(
            text.contains("none ended within 300ms (`limits.queue_ms`); nothing was sent"),
            "{text}"
        );
    }
    assert_eq!(upstreams[0].requests().len(), 1);
    eventually("the place is free again", || {
        app.app().services.bases.status("billing").unwrap()[0].under_way == 0
    })
    .await;
    upstreams[0].reply(Reply::Echo);
    assert_eq!(refused(&calls(&app, 1).await), [""; 0]);
}
