//! What is found out on the way of requests, of keys, and of what is approved.

use super::stream::Events;
use crate::{
    test_app::{Client, TestApp},
    upstreams::{offered, server::McpServer},
};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn calls_are_told_as_often_as_is_wanted() {
    let app = TestApp::with(&[("events.tool_executed", "2")]).await;
    app.with_item_tools("i").await;
    let mut events = Events::open(&app.admin(), "?types=tool.executed,key.changed").await;
    for id in 0..4 {
        app.mcp("i").call("get_item", json!({"id": id})).await;
    }
    app.mcp("i").call("get_item", json!({})).await;
    for _ in 0..2 {
        let (name, event) = events.next().await.unwrap();
        assert_eq!(name, "tool.executed");
        assert_eq!(
            (
                &event["instance"],
                &event["tool"],
                &event["outcome"],
                &event["principal"],
                &event["upstream_status"]
            ),
            (
                &json!("i"),
                &json!("get_item"),
                &json!("ok"),
                &json!("user"),
                &json!(200)
            )
        );
        assert!(event["duration_ms"].as_f64().unwrap() > 0.0, "{event}");
    }
    let (_, failed) = events.next().await.unwrap();
    assert_ne!(failed["outcome"], "ok", "{failed}");
    // One in two, and no more.
    let made = app.admin();
    let wanted = json!({"name": "claude", "instances": ["i"]});
    let made = made
        .send(made.request(Method::POST, "/admin/keys").json(&wanted))
        .await
        .ok()
        .data();
    let (name, event) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &event["key"]), ("key.changed", &made["id"]));
}

#[tokio::test]
async fn none_is_told_where_nobody_wants_it_and_refusals_are() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let mut events = Events::open(&app.admin(), "?types=tool.executed,access.denied").await;
    app.mcp("i").call("get_item", json!({"id": 1})).await;
    app.user().get("/admin/status").await.error(403);
    let (name, event) = events.next().await.unwrap();
    assert_eq!(name, "access.denied");
    assert_eq!(
        (
            &event["status"],
            &event["principal"],
            &event["path"],
            &event["method"]
        ),
        (
            &json!(403),
            &json!("user"),
            &json!("/admin/status"),
            &json!("GET")
        )
    );
    let stranger = Client::new(app.address(), Some("a-key-that-nobody-has".to_owned()));
    for _ in 0..100 {
        stranger.get("/admin/status").await.error(401);
    }
    for _ in 0..59 {
        let (_, event) = events.next().await.unwrap();
        assert_eq!(event["status"], 401, "{event}");
    }
    let told = app.app().events.since(0).events;
    let denied = told.iter().filter(|event| event.kind == "access.denied").count();
    // The minute may have been another one in the middle.
    assert!((60..=101).contains(&denied), "{denied}");
    assert!(told.iter().all(|event| event.kind != "tool.executed"));
}

#[tokio::test]
async fn tools_that_are_not_as_they_were_approved_are_told() {
    let app = TestApp::start().await;
    let server = McpServer::start(true, json!({"tools": {}}), |_, talk| {
        async move { talk.result("{}") }.boxed()
    })
    .await;
    server.list(
        "tools/list",
        "tools",
        r#"[{"name":"look","inputSchema":{"type":"object"}}]"#,
    );
    offered::with(&app, "docs", &server, &json!({})).await;
    let mut events = Events::open(&app.admin(), "?types=upstream.drifted").await;
    app.admin()
        .send(
            app.admin()
                .request(Method::POST, "/admin/uds/docs/approve")
                .json(&json!({"mode": "warn"})),
        )
        .await
        .ok();
    let tools = r#"[{"name":"look","description":"something else","inputSchema":{"type":"object"}}]"#;
    server.list("tools/list", "tools", tools);
    app.admin()
        .send(app.admin().request(Method::POST, "/admin/uds/docs/refresh"))
        .await
        .ok();
    let (_, event) = events.next().await.unwrap();
    assert_eq!(event["upstream"], "docs");
    assert!(event["drifted"].as_u64().unwrap() > 0, "{event}");
}
