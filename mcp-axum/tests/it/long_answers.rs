//! Answers that take long to shape: other calls of the same worker do not wait for them.

use crate::test_app::{TestApp, eventually};
use serde_json::{Value, json};

/// Ends by its bound of steps or time only.
const ENDLESS: &str = "[limit(1e9; repeat(1))] | length";

async fn with_tools(jq: &str) -> (TestApp, std::sync::Arc<crate::test_app::Upstream>) {
    let app = TestApp::with(&[("app.workers", "1")]).await;
    let upstream = app.upstream().await;
    for (id, response) in [("long", json!({"jq": jq})), ("short", json!({"jq": "{path}"}))] {
        let document = json!({
            "name": id, "description": "A thing.", "input_schema": {},
            "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": format!("/{id}"), "response": response},
        });
        app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
    }
    app.put_instance("i", &["long", "short"]).await;
    (app, upstream)
}

#[tokio::test]
async fn a_long_program_does_not_hold_its_worker() {
    let (app, upstream) = with_tools(ENDLESS).await;
    let client = app.mcp("i");
    // Both tools are compiled now.
    client.call("short", json!({})).await;
    let long = tokio::spawn({
        let client = app.mcp("i");
        async move { client.call("long", json!({})).await }
    });
    eventually("the long call is under way", || {
        upstream.requests().iter().any(|request| request.path == "/long")
    })
    .await;
    let mut meanwhile = 0;
    while !long.is_finished() {
        let result = client.call("short", json!({})).await;
        assert_eq!(result["structuredContent"], json!({"path": "/short"}), "{result}");
        meanwhile += 1;
    }
    // On the same thread one or two would have come through before the program begins, and none while it runs.
    assert!(meanwhile >= 5, "{meanwhile} calls came through meanwhile");
    let told = long.await.unwrap();
    assert_eq!(told["isError"], true, "{told}");
    let told = told["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(
        told.contains("`response.jq` cannot shape the answer: it takes "),
        "{told}"
    );
}

#[tokio::test]
async fn long_programs_and_long_answers_have_their_results() {
    let (app, upstream) = with_tools("[.items[] | .n + 1] | {sum: add, count: length}").await;
    // Few, since the time of a run is bounded also on a machine that is busy; long, so that it runs elsewhere.
    let text = "ä".repeat(1_000);
    let items: Vec<Value> = (0..200).map(|n| json!({"n": n, "text": text})).collect();
    upstream.reply_json(200, &json!({"items": items}));
    let calls = (0..4).map(|_| {
        let client = app.mcp("i");
        tokio::spawn(async move { client.call("long", json!({})).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let result = call.await.unwrap();
        assert_eq!(
            result["structuredContent"],
            json!({"sum": 20_100, "count": 200}),
            "{result}"
        );
    }
}
