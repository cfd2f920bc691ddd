//! Upstreams with endpoints: HTTP services that tools name, and replicas of MCP servers.

mod breaker;
mod chaos;
mod custom_probes;
mod documents;
mod mcp;
mod probes;
mod queue;
mod service;
mod state;

use crate::test_app::{TestApp, Upstream};
use serde_json::{Value, json};

/// A tool that is called at the upstream `billing`.
fn tool(method: &str, path: &str) -> Value {
    json!({"name": "t", "description": "A test.", "tds_ext_info": {"upstream": "billing", "method": method, "path": path}})
}

fn endpoints(upstreams: &[Upstream]) -> Value {
    let all = upstreams.iter().map(|upstream| json!({"url": upstream.origin()}));
    all.collect()
}

/// A gateway with the tool `t` in the instance `i`, and so many endpoints that answer.
pub async fn started(method: &str, count: usize, more: &Value) -> (TestApp, Vec<Upstream>) {
    let app = TestApp::start().await;
    let mut upstreams = Vec::new();
    for _ in 0..count {
        upstreams.push(Upstream::start().await);
    }
    let mut document = json!({"protocol": "http", "endpoints": endpoints(&upstreams)});
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    app.admin().put("/admin/uds/billing", &document).await.ok();
    app.admin()
        .put("/admin/tds/t", &tool(method, "/orders"))
        .await
        .ok();
    app.put_instance("i", &["t"]).await;
    (app, upstreams)
}

async fn status(app: &TestApp, id: &str) -> Value {
    app.admin().get(&format!("/admin/uds/{id}/status")).await.data()
}
