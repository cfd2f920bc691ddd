//! Replicas of MCP servers, of either era: any of them may die.

use super::status;
use crate::{
    test_app::{TestApp, eventually},
    upstreams::server::McpServer,
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// A server that can be killed, with the connections that it has.
struct Replica {
    server: McpServer,
    runtime: Option<Runtime>,
}

impl Replica {
    async fn start(is_modern: bool) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let starting = runtime.spawn(McpServer::start(is_modern, json!({"tools": {}}), |_, talk| {
            async move {
                    talk.result(r#"{"content":[{"type":"text","text":"done"}],"resultType":"complete"}"#)
                }
                .boxed()
        }));
        let server = starting.await.unwrap();
        let tools = r#"[{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},{"name":"pay","inputSchema":{"type":"object"}}]"#;
        server.list("tools/list", "tools", tools);
        Self {
            server,
            runtime: Some(runtime),
        }
    }

    fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    /// The numbers of the calls of this tool that came.
    fn calls(&self, tool: &str) -> Vec<u64> {
        let calls = self.server.received("tools/call").into_iter();
        let of_tool = calls.filter(|call| call.params()["name"] == tool);
        of_tool
            .map(|call| call.params()["arguments"]["number"].as_u64().unwrap())
            .collect()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn started(is_modern: bool, more: &Value) -> (TestApp, Vec<Replica>) {
    let app = TestApp::start().await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Replica::start(is_modern).await);
    }
    let endpoints: Vec<_> = replicas.iter().map(|replica| replica.server.document()).collect();
    let mut document = json!({"endpoints": endpoints});
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    app.admin().put("/admin/uds/fleet", &document).await.ok();
    let instance = json!({"name": "i", "tool_ids": [], "include": {"upstreams": ["fleet"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let hub = app.app().hub.clone();
    eventually("the upstream is ready", || {
        let status = hub.status("fleet");
        status.is_some_and(|status| status.state == mcp_core::upstream::State::Ready)
    })
    .await;
    (app, replicas)
}

async fn call(app: &TestApp, tool: &str, number: u64) -> Value {
    app.mcp("i").call(tool, json!({"number": number})).await
}

#[tokio::test]
async fn calls_of_2026_are_spread_and_go_on_elsewhere_when_one_dies() {
    let balance = json!({"balance": {"algorithm": "round_robin"}});
    let (app, mut replicas) = started(true, &balance).await;
    for number in 0..30 {
        assert_eq!(call(&app, "look", number).await["isError"], Value::Null);
    }
    let counts: Vec<_> = replicas
        .iter()
        .map(|replica| replica.calls("look").len())
        .collect();
    assert!(counts.iter().all(|count| (8..=12).contains(count)), "{counts:?}");
    replicas[1].kill();
    for number in 30..60 {
        let result = call(&app, "look", number).await;
        assert_eq!(result["isError"], Value::Null, "{result}");
    }
    for number in 0..30 {
        call(&app, "pay", number).await;
    }
    let mut paid: Vec<_> = replicas.iter().flat_map(|replica| replica.calls("pay")).collect();
    paid.sort_unstable();
    let count = paid.len();
    paid.dedup();
    assert_eq!(paid.len(), count, "nothing is paid twice");
    assert!(count >= 29, "{count} of 30");
    let state = status(&app, "fleet").await;
    assert_eq!(state["state"], "ready", "{state}");
    assert_eq!(state["endpoints"].as_array().unwrap().len(), 3, "{state}");
}

#[tokio::test]
async fn a_session_of_before_stays_at_its_endpoint_and_moves_when_that_dies() {
    let (app, mut replicas) = started(false, &json!({})).await;
    for number in 0..20 {
        assert_eq!(call(&app, "look", number).await["isError"], Value::Null);
    }
    let home = replicas
        .iter()
        .position(|replica| !replica.calls("look").is_empty())
        .unwrap();
    assert_eq!(replicas[home].calls("look").len(), 20, "all in one session");
    replicas[home].kill();
    for number in 20..40 {
        let result = call(&app, "look", number).await;
        assert_eq!(result["isError"], Value::Null, "{result}");
    }
    let elsewhere = replicas.iter().enumerate().filter(|(place, _)| *place != home);
    let moved: usize = elsewhere.map(|(_, replica)| replica.calls("look").len()).sum();
    assert_eq!(moved, 20);
}

#[tokio::test]
async fn a_fleet_is_there_while_any_endpoint_is() {
    let (app, mut replicas) = started(true, &json!({})).await;
    replicas[0].kill();
    replicas[2].kill();
    for number in 0..20 {
        let result = call(&app, "look", number).await;
        assert_eq!(result["isError"], Value::Null, "{result}");
    }
    replicas[1].kill();
    let result = call(&app, "look", 20).await;
    assert_eq!(result["isError"], true);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("fleet"), "{text}");
}
