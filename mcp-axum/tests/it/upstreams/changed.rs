//! Documents of upstreams change while these are connected: only what is about the connection makes another one.

use super::{offered::with, server::McpServer, state};
use crate::test_app::TestApp;
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

async fn server() -> McpServer {
    let server = McpServer::start(false, json!({"tools": {}}), |_, talk| {
        async move { talk.result(r#"{"content":[{"type":"text","text":"done"}]}"#) }.boxed()
    })
    .await;
    server.list(
        "tools/list",
        "tools",
        r#"[{"name":"a","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{"type":"object"}}]"#,
    );
    server
}

#[tokio::test]
async fn what_is_said_or_shown_of_an_upstream_does_not_connect_anew() {
    let app = TestApp::start().await;
    let server = server().await;
    with(&app, "u", &server, &json!({})).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["u"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["a", "b"]);
    let since = state(&app, "u").await["since"].clone();

    let shown: [(Value, &[&str]); 5] = [
        (
            json!({"name": "U", "description": "Said.", "priority": 7}),
            &["a", "b"],
        ),
        (json!({"tools": {"prefix": "u"}}), &["u_a", "u_b"]),
        (
            json!({"tools": {"overrides": {"a": {"hide": true}, "b": {"output": {"template": "shaped"}}}}}),
            &["b"],
        ),
        (
            json!({"pin": {"mode": "enforce"}, "limits": {"max_result_bytes": 100}}),
            &[],
        ),
        (
            json!({"resources": {"exclude": ["*"]}, "prompts": {"prefix": "p"}}),
            &["a", "b"],
        ),
    ];
    for (members, names) in &shown {
        with(&app, "u", &server, members).await;
        assert_eq!(app.mcp("i").tool_names().await, *names, "{members}");
        if names.contains(&"b") && members["tools"].is_object() {
            let result = app.mcp("i").call("b", json!({})).await;
            assert_eq!(result["content"][0]["text"], "shaped");
        }
    }
    let approve = app.admin().request(Method::POST, "/admin/uds/u/approve");
    app.admin()
        .send(approve.json(&json!({"mode": "enforce"})))
        .await
        .ok();
    assert_eq!(app.mcp("i").tool_names().await, ["a", "b"]);
    assert_eq!(server.received("initialize").len(), 1);
    assert_eq!(state(&app, "u").await["since"], since);

    for (count, members) in [
        (2, json!({"headers": {"x-a": "b"}})),
        (3, json!({"timeouts": {"list_ms": 7000}})),
        (4, json!({"limits": {"concurrency": 2}})),
        (5, json!({"egress": {"allow": ["127.0.0.1"]}})),
    ] {
        with(&app, "u", &server, &members).await;
        assert_eq!(app.mcp("i").tool_names().await, ["a", "b"]);
        crate::test_app::eventually("it is connected anew", || {
            server.received("initialize").len() == count
        })
        .await;
    }
    // Switched off and on again: it is another connection.
    with_off_and_on(&app, &server).await;
    assert_eq!(server.received("initialize").len(), 6);
}

async fn with_off_and_on(app: &TestApp, server: &McpServer) {
    let mut off = server.document();
    off["enabled"] = json!(false);
    app.admin().put("/admin/uds/u", &off).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
    with(app, "u", server, &json!({})).await;
}
