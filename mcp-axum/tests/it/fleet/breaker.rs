//! Endpoints that fail are let alone.

use super::{started, status};
use crate::test_app::{Reply, eventually};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn five_failures_open_it_calls_fail_fast_and_one_decides_after_the_cool_down() {
    let breaker = json!({"breaker": {"failures": 5, "cool_down_seconds": 1}});
    let (app, upstreams) = started("GET", 1, &breaker).await;
    let upstream = &upstreams[0];
    upstream.reply_json(500, &json!({"error": "down"}));
    for _ in 0..5 {
        assert_eq!(app.mcp("i").call("t", json!({})).await["isError"], true);
    }
    let state = status(&app, "billing").await;
    assert_eq!(state["state"], "waiting", "{state}");
    assert_eq!(state["endpoints"][0]["breaker"], "open", "{state}");
    assert_eq!(
        state["endpoints"][0]["last_error"],
        "it answered with the status 500"
    );
    let metrics = app.metrics();
    let line = format!(
        "dynmcp_endpoint_breaker_state{{upstream=\"billing\",endpoint=\"{}\"}} 1.0",
        upstream.origin()
    );
    assert!(metrics.contains(&line), "{metrics}");
    let result = app.mcp("i").call("t", json!({})).await;
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "The upstream `billing` cannot be called now: its endpoint is let alone after failures"
        ),
        "{text}"
    );
    assert_eq!(upstream.requests().len(), 5, "nothing was sent");

    let bases = app.app().services.bases.clone();
    let is_half_open =
        move || bases.status("billing").unwrap()[0].breaker == mcp_core::fleet::BreakerState::HalfOpen;
    eventually("the cool-down is over", &is_half_open).await;
    // The one that decides takes its time; whoever comes meanwhile is refused.
    upstream.reply(Reply::After(Duration::from_millis(300)));
    let mcp = app.mcp("i");
    let calls = futures_util::future::join_all((0..10).map(|_| mcp.call("t", json!({})))).await;
    let good = calls.iter().filter(|result| result["isError"] == false).count();
    assert_eq!((good, upstream.requests().len()), (1, 6), "exactly one");
    upstream.reply(Reply::Echo);
    for _ in 0..10 {
        assert_eq!(app.mcp("i").call("t", json!({})).await["isError"], false);
    }
    assert_eq!(status(&app, "billing").await["endpoints"][0]["breaker"], "closed");
}
