//! Calls that turn into tasks (an extension of 2026-07-28): what is asked about them reaches the server that has them.

use super::{offered::with, server::McpServer};
use crate::test_app::{MODERN, TestApp};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

async fn server() -> McpServer {
    let capabilities = json!({"tools": {}, "extensions": {EXTENSION: {}}});
    let server = McpServer::start(true, capabilities, |received, talk| {
        async move {
            let id = &received.params()["taskId"];
            match received.method() {
                "tools/call" => talk.result(r#"{"resultType":"task","taskId":"t.1","status":"working","ttlMs":12345678901234567890,"x-own":1.0}"#),
                "tasks/get" if *id == "t.1" => {
                    talk.result(r#"{"resultType":"complete","taskId":"t.1","status":"completed","result":{"content":[],"n":1.10}}"#);
                }
                "tasks/update" | "tasks/cancel" if *id == "t.1" => talk.result(r#"{"resultType":"complete"}"#),
                _ => talk.error(&json!({"code": -32602, "message": "no such task"})),
            }
        }
        .boxed()
    })
    .await;
    let tools = r#"[{"name":"slow","description":"Takes long.","inputSchema":{"type":"object"}}]"#;
    server.list("tools/list", "tools", tools);
    server
}

/// Of a client that knows tasks.
async fn ask(app: &TestApp, method: &str, params: Value) -> Value {
    ask_as(app, json!({"extensions": {EXTENSION: {}}}), method, params).await
}

async fn ask_as(app: &TestApp, capabilities: Value, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    let name = params["name"]
        .as_str()
        .or(params["taskId"].as_str())
        .unwrap_or_default()
        .to_owned();
    let client = app.user();
    let request = client
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method)
        .header("mcp-name", name);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.send(request.body(body.to_string())).await.json()
}

#[tokio::test]
async fn a_task_is_asked_for_where_it_is_and_by_nobody_else() {
    let app = TestApp::start().await;
    let (server, other) = (server().await, super::offered::server(true).await);
    with(&app, "u", &server, &json!({})).await;
    with(&app, "plain", &other, &json!({})).await;
    let document = json!({"name": "i", "include": {"upstreams": ["u"]}});
    app.admin().put("/admin/ids/i", &document).await.ok();
    let plain = json!({"name": "p", "include": {"upstreams": ["plain"]}});
    app.admin().put("/admin/ids/p", &plain).await.ok();
    let discovered = app
        .mcp("i")
        .modern("server/discover", json!({}))
        .await
        .ok()
        .json();
    assert_eq!(
        discovered["result"]["capabilities"]["extensions"],
        json!({EXTENSION: {}})
    );
    let without = app
        .mcp("p")
        .modern("server/discover", json!({}))
        .await
        .ok()
        .json();
    assert!(
        without["result"]["capabilities"]["extensions"].is_null(),
        "{without}"
    );
    let unknown = app
        .mcp("p")
        .modern("tasks/get", json!({"taskId": "x"}))
        .await
        .expect(404)
        .json();
    assert_eq!(unknown["error"]["code"], -32601);

    let task = ask(&app, "tools/call", json!({"name": "slow", "arguments": {}})).await;
    assert_eq!(
        (&task["result"]["resultType"], &task["result"]["status"]),
        (&json!("task"), &json!("working")),
        "{task}"
    );
    let id = task["result"]["taskId"].as_str().unwrap().to_owned();
    assert_ne!(id, "t.1");
    let got = ask(&app, "tasks/get", json!({"taskId": id})).await;
    assert_eq!(
        (&got["result"]["taskId"], &got["result"]["result"]["content"]),
        (&json!(id), &json!([])),
        "{got}"
    );
    let answers = json!({"a": {"action": "accept"}});
    let updated = ask(
        &app,
        "tasks/update",
        json!({"taskId": id, "inputResponses": answers}),
    )
    .await;
    assert_eq!(updated["result"]["resultType"], "complete", "{updated}");
    let update = server.received("tasks/update").pop().unwrap();
    assert_eq!(
        (&update.params()["taskId"], &update.params()["inputResponses"]),
        (&json!("t.1"), &answers)
    );
    assert_eq!(update.headers["mcp-name"], "t.1");
    ask(&app, "tasks/cancel", json!({"taskId": id})).await;
    assert_eq!(server.received("tasks/cancel").len(), 1);

    // Ids of the server's own, of others, and changed ones name nothing.
    for wrong in [
        "t.1",
        "u.x.t.1",
        &id.replace("t.1", "t.2"),
        &id.replacen('u', "plain", 1),
    ] {
        let refused = ask(&app, "tasks/get", json!({"taskId": wrong})).await;
        assert_eq!(refused["error"]["code"], -32602, "{wrong}: {refused}");
    }
    assert_eq!(server.received("tasks/get").len(), 1);
    let undeclared = ask_as(&app, json!({}), "tasks/get", json!({"taskId": id})).await;
    let needed = json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}});
    assert_eq!(
        (&undeclared["error"]["code"], &undeclared["error"]["data"]),
        (&json!(-32021), &needed)
    );
}
