//! Which server would get which message, before anything is sent.

use super::{Program, ready, tool};
use crate::test_app::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn explain(app: &TestApp, upstream: &str, body: &Value) -> Answer {
    let request = app
        .admin()
        .request(Method::POST, &format!("/admin/uds/{upstream}/explain"));
    app.admin().send(request.json(body)).await
}

#[tokio::test]
async fn a_program_would_get_the_message_that_the_call_then_sends() {
    let program = Program::start(&json!([tool("a")])).await;
    let app = &program.app;
    let instance =
        json!({"name": "i", "tool_ids": [{"id": "sh/a", "hide": ["region"], "defaults": {"region": "eu"}}]});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let asked = json!({"tool": "a", "arguments": {"n": 1}, "instance": "i"});
    let explained = explain(app, "sh", &asked).await.data();
    assert_eq!(
        (
            &explained["transport"],
            &explained["protocol"],
            &explained["connected"]
        ),
        (&json!("stdio"), &json!("2025-11-25"), &json!(true))
    );
    assert!(
        explained["server"].as_str().unwrap().starts_with("sh -c "),
        "{explained}"
    );
    let message = &explained["message"];
    assert_eq!(
        (&message["method"], &message["params"]),
        (
            &json!("tools/call"),
            &json!({"name": "a", "arguments": {"n": 1, "region": "eu"}})
        )
    );
    app.mcp("i").call("a", json!({"n": 1})).await;
    let logs = app.admin().get("/admin/uds/sh/logs").await.data();
    let sent = logs[0]["text"].as_str().unwrap();
    let sent: Value = serde_json::from_str(sent).unwrap();
    assert_eq!(sent["params"], message["params"]);

    let hidden = json!({"tool": "a", "arguments": {"region": "us"}, "instance": "i"});
    let refused = explain(app, "sh", &hidden).await.data();
    assert_eq!(
        (&refused["problem"], &refused["message"]),
        (&json!("`/region` is not an argument of this tool"), &Value::Null)
    );
}

#[tokio::test]
async fn a_server_with_a_url_would_get_the_headers_without_credentials() {
    let far = TestApp::start().await;
    let _api = far.with_item_tools("shop").await;
    let mut open = far.admin().get("/admin/ids/shop").await.data();
    open["auth"] = json!("none");
    far.admin().put("/admin/ids/shop", &open).await.ok();
    let near = TestApp::start().await;
    let document = json!({"url": far.url("/mcp/shop"), "headers": {"X-Team": "a", "X-Key": "${env:DYNMCP_SECRET_NONE}"}});
    near.admin().put("/admin/uds/far", &document).await.ok();
    // Nobody was ever asked, as the secret is missing.
    let refusal = explain(&near, "far", &json!({"tool": "get_item"}))
        .await
        .error(404);
    assert!(refusal.contains("was never there"), "{refusal}");
    let document = json!({"url": far.url("/mcp/shop"), "headers": {"X-Team": "a"}});
    near.admin().put("/admin/uds/far", &document).await.ok();
    ready(&near, "far").await;
    let asked = json!({"tool": "get_item", "arguments": {"id": 7}});
    let explained = explain(&near, "far", &asked).await.data();
    for (name, value) in [
        ("mcp-method", "tools/call"),
        ("mcp-name", "get_item"),
        ("mcp-protocol-version", "2026-07-28"),
        ("X-Team", "a"),
    ] {
        assert_eq!(explained["headers"][name], value, "{explained}");
    }
    assert_eq!(
        explained["message"]["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let program = Program::start(&json!([tool("a")])).await;
    let app = &program.app;
    app.admin()
        .put("/admin/ids/other", &json!({"name": "o"}))
        .await
        .ok();
    for (body, status, expected) in [
        (json!({"tool": "b"}), 404, "tool: UDS `sh` has no tool `b` now"),
        (
            json!({"tool": "a", "arguments": []}),
            400,
            "arguments: must be an object",
        ),
        (
            json!({"tool": "a", "instance": "none"}),
            404,
            "instance: there is no instance `none`",
        ),
        (
            json!({"tool": "a", "instance": "other"}),
            404,
            "instance: `other` shows nothing of UDS `sh`",
        ),
        (json!({"tol": "a"}), 400, "unknown field `tol`"),
    ] {
        let refusal = explain(app, "sh", &body).await.error(status);
        assert!(refusal.contains(expected), "{body}: {refusal}");
    }
    let refusal = explain(app, "none", &json!({"tool": "a"})).await.error(404);
    assert!(refusal.contains("that is switched on"), "{refusal}");
}
