//! Upstreams that are found instead of written.

mod consul;
mod dns;
mod enlisted;
mod exec;
mod file;
mod http;
mod registration;

use crate::{
    test_app::{DEADLINE, TestApp},
    upstreams::server::McpServer,
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Another gateway, whose instance `shop` is an MCP server for everybody.
async fn server() -> TestApp {
    let far = TestApp::start().await;
    far.with_item_tools("shop").await;
    let mut open = far.admin().get("/admin/ids/shop").await.data();
    open["auth"] = json!("none");
    far.admin().put("/admin/ids/shop", &open).await.ok();
    far
}

/// A gateway with these discoveries, and an instance `i` that shows what they find.
async fn gateway(tables: &Value) -> TestApp {
    let tables = tables.to_string();
    let app = TestApp::with(&[("discovery", &*tables), ("stdio.allow", "sh")]).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["lab-*"], "upstream_tags": ["found"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    app
}

/// The first discovery.
async fn discovery(app: &TestApp) -> Value {
    app.admin().get("/admin/discovery").await.data()[0].clone()
}

/// Waits until the first discovery is so.
async fn until(what: &str, app: &TestApp, is_so: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let now = discovery(app).await;
        if is_so(&now) {
            return now;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}: {now}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the instance lists exactly these tools.
async fn listed(app: &TestApp, names: &[&str]) {
    let start = Instant::now();
    loop {
        let now = app.mcp("i").tool_names().await;
        if now == names {
            return;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {names:?}, but {now:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn ids(discovery: &Value) -> Vec<&str> {
    let upstreams = discovery["upstreams"].as_array().unwrap().iter();
    upstreams.map(|found| found["id"].as_str().unwrap()).collect()
}

/// Nobody has to allow a variable that whoever runs the gateway has named.
#[tokio::test]
async fn a_server_of_the_configuration_gets_the_token_that_is_named_there() {
    let server = McpServer::start(true, json!({"tools": {}}), |_, talk| {
        async move { talk.result("{}") }.boxed()
    })
    .await;
    server.list(
        "tools/list",
        "tools",
        r#"[{"name":"look","inputSchema":{"type":"object"}}]"#,
    );
    // Tests have this variable.
    let known = json!([{"name": "nav", "url": server.document()["url"], "auth_token": "${CARGO_PKG_NAME}"}])
        .to_string();
    let app = TestApp::with(&[("agents.known", &*known)]).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["nav"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    listed(&app, &["look"]).await;
    let asked = server.received("tools/list");
    let token = format!("Bearer {}", env!("CARGO_PKG_NAME"));
    assert!(
        asked
            .iter()
            .all(|request| request.headers["authorization"] == *token),
        "{asked:?}"
    );
}
