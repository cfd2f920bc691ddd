//! What is said of an upstream follows its endpoints.

use super::status;
use crate::{
    test_app::{TestApp, eventually},
    upstreams::server::McpServer,
};
use futures_util::FutureExt;
use mcp_core::upstream::State;
use reqwest::Method;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// The server goes on answering, so that only probes say that something is wrong.
#[tokio::test]
async fn an_mcp_server_whose_only_endpoint_is_out_is_ready_nowhere_until_it_is_back() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("probe.sh");
    fs::write(&script, "exit 0").unwrap();
    let server = McpServer::start(true, json!({"tools": {}}), |_, talk| {
        async move { talk.result(r#"{"content":[],"resultType":"complete"}"#) }.boxed()
    })
    .await;
    server.list("tools/list", "tools", "[]");
    let app = TestApp::with(&[("stdio.allow", "sh")]).await;
    // One that is connected when somebody asks for it is not one that nobody has asked for.
    let document = json!({"endpoints": [server.document()], "auto_connect": false,
        "health": {"enabled": true, "interval_seconds": 1, "unhealthy_threshold": 1, "healthy_threshold": 1, "probe": "exec", "settings": {"command": ["sh", script]}}});
    app.admin().put("/admin/uds/fleet", &document).await.ok();
    let refresh = app.admin().request(Method::POST, "/admin/uds/fleet/refresh");
    assert_eq!(app.admin().send(refresh).await.data()["state"], "ready");
    let told = async || {
        let health = app.anonymous().get("/health").await;
        let older = app.admin().get("/api/v1/mcp/servers/fleet").await.ok().json();
        (
            status(&app, "fleet").await["state"].clone(),
            older["status"].clone(),
            health.status,
            health.json()["checks"]["servers"].clone(),
        )
    };
    let well = (json!("ready"), json!("connected"), 200, json!("ok"));
    assert_eq!(told().await, well);

    fs::write(&script, "echo it is ill; exit 1").unwrap();
    let hub = app.app().hub.clone();
    let is = |state: State| hub.status("fleet").is_some_and(|status| status.state == state);
    eventually("it is not ready", || is(State::Waiting)).await;
    let away = (json!("waiting"), json!("disconnected"), 503, json!("away"));
    assert_eq!(told().await, away);
    let state = status(&app, "fleet").await;
    let error = state["last_error"].as_str().unwrap();
    assert!(error.ends_with("it is ill"), "{error}");
    assert!(
        app.metrics()
            .contains("dynmcp_upstream_ready{upstream=\"fleet\"} 0"),
        "{}",
        app.metrics()
    );

    fs::write(&script, "exit 0").unwrap();
    eventually("it is ready again", || is(State::Ready)).await;
    assert_eq!(told().await, well);
}
