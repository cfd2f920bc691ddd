//! Endpoints are asked how they are, beside calls.

use super::{started, status};
use crate::test_app::{TestApp, eventually};
use mcp_core::fleet::EndpointStatus;
use serde_json::{Value, json};

fn endpoint(app: &TestApp, place: usize) -> EndpointStatus {
    app.app().services.bases.status("billing").unwrap().remove(place)
}

#[tokio::test]
async fn one_that_fails_probes_is_out_until_it_answers_them() {
    let health = json!({
        "balance": {"algorithm": "round_robin"},
        "headers": {"X-Probe": "yes"},
        "health": {"enabled": true, "interval_seconds": 1, "unhealthy_threshold": 2, "healthy_threshold": 1, "path": "/health?deep=1", "slow_start_seconds": 0},
    });
    let (app, upstreams) = started("GET", 2, &health).await;
    eventually("both are probed", || {
        upstreams.iter().all(|upstream| !upstream.requests().is_empty())
    })
    .await;
    let probe = upstreams[0].last();
    assert_eq!((probe.method.as_str(), probe.path.as_str()), ("GET", "/health"));
    assert_eq!(probe.query.as_deref(), Some("deep=1"));
    assert_eq!(probe.headers["x-probe"], "yes");
    upstreams[0].reply_json(500, &json!({}));
    eventually("probes take it out", || {
        endpoint(&app, 0).is_healthy == Some(false)
    })
    .await;
    let state = status(&app, "billing").await;
    assert_eq!(state["endpoints"][0]["healthy"], false);
    assert_eq!(state["endpoints"][0]["breaker"], "closed", "no call has failed");
    let calls = |place: usize| {
        let requests = upstreams[place].requests();
        requests
            .iter()
            .filter(|request| request.path == "/orders")
            .count()
    };
    for _ in 0..10 {
        assert_eq!(app.mcp("i").call("t", json!({})).await["isError"], false);
    }
    assert_eq!((calls(0), calls(1)), (0, 10));
    upstreams[0].reply(crate::test_app::Reply::Echo);
    eventually("it is back", || endpoint(&app, 0).is_healthy == Some(true)).await;
    for _ in 0..10 {
        app.mcp("i").call("t", json!({})).await;
    }
    assert_eq!((calls(0), calls(1)), (5, 15));
}

#[tokio::test]
async fn a_redirect_or_a_refusal_is_a_sign_of_life_and_all_are_used_where_all_are_out() {
    let health = json!({"health": {"enabled": true, "interval_seconds": 1, "unhealthy_threshold": 1}});
    let (app, upstreams) = started("GET", 2, &health).await;
    upstreams[0].reply_json(302, &json!({}));
    upstreams[1].reply_json(401, &json!({}));
    let probed = |before: &[usize]| {
        let now = upstreams.iter().map(|upstream| upstream.requests().len());
        now.zip(before).all(|(now, before)| now >= before + 2)
    };
    let before: Vec<_> = upstreams
        .iter()
        .map(|upstream| upstream.requests().len())
        .collect();
    eventually("both were probed again", || probed(&before)).await;
    assert!((0..2).all(|place| endpoint(&app, place).is_healthy == Some(true)));
    for upstream in &upstreams {
        upstream.reply_json(503, &json!({}));
    }
    eventually("both are out", || {
        (0..2).all(|place| endpoint(&app, place).is_healthy == Some(false))
    })
    .await;
    assert_eq!(status(&app, "billing").await["state"], "waiting");
    app.anonymous().get("/health").await.expect(503);
    for upstream in &upstreams {
        upstream.reply(crate::test_app::Reply::Echo);
    }
    let result = app.mcp("i").call("t", json!({})).await;
    assert_eq!(
        result["isError"],
        Value::Bool(false),
        "rather all than none: {result}"
    );
}
