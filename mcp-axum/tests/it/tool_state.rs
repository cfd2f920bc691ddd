//! What calls of a tool share outlives the versions of its definition, and goes with it.

use crate::test_app::{TestApp, Upstream};
use serde_json::json;

fn tool(upstream: &Upstream, description: &str) -> serde_json::Value {
    json!({
        "name": "flaky", "description": description,
        "tds_ext_info": {
            "domain": upstream.origin(), "method": "GET", "path": "/",
            "retry": {"max": 1, "on": [503], "backoff": {"base_ms": 1, "max_ms": 1}},
        },
    })
}

#[tokio::test]
async fn retries_that_are_used_up_stay_used_up_in_the_next_version() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    upstream.reply_json(503, &json!({}));
    let put = async |description: &str| {
        app.admin()
            .put("/admin/tds/flaky", &tool(&upstream, description))
            .await
            .ok()
    };
    put("One.").await;
    app.put_instance("i", &["flaky"]).await;
    let extra = async |calls: usize| {
        let before = upstream.requests().len();
        for _ in 0..calls {
            assert_eq!(app.mcp("i").call("flaky", json!({})).await["isError"], true);
        }
        upstream.requests().len() - before - calls
    };
    assert!(extra(20).await >= 10, "ten are in stock");
    put("Two.").await;
    assert!(extra(10).await <= 1, "ten calls earn one");
    let states = || app.app().catalog.compiler().states();
    assert_eq!(states(), 1);

    app.admin().delete("/admin/tds/flaky").await.ok();
    app.admin().delete("/admin/ids/i").await.ok();
    crate::test_app::eventually("the state is gone", || states() == 0).await;
    put("Three.").await;
    app.put_instance("i", &["flaky"]).await;
    assert_eq!(extra(5).await, 5, "a new definition begins anew");
}
