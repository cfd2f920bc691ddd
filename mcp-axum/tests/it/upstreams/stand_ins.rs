//! Upstreams of one group stand in for each other.

use crate::test_app::{DEADLINE, TestApp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Another gateway, whose instance `shop` is an MCP server for everybody. What it answers says which one it is.
async fn far(name: &str) -> TestApp {
    let far = TestApp::start().await;
    let tool = |id: &str, method: &str| {
        json!({"name": id, "description": "A test.", "annotations": {"readOnlyHint": method == "GET"},
            "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "static": {"structured": {"from": name}}})
    };
    for (id, method) in [("read", "GET"), ("write", "POST")] {
        far.admin()
            .put(&format!("/admin/tds/{id}"), &tool(id, method))
            .await
            .ok();
    }
    let open = json!({"name": "shop", "tool_ids": ["read", "write"], "auth": "none"});
    far.admin().put("/admin/ids/shop", &open).await.ok();
    far
}

async fn until_listed(app: &TestApp, names: &[&str]) {
    let begun = Instant::now();
    while app.mcp("i").tool_names().await != names {
        assert!(begun.elapsed() < DEADLINE, "{names:?} are not listed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn from(app: &TestApp, tool: &str) -> Value {
    let result = app.mcp("i").call(tool, json!({"id": 1})).await;
    assert_eq!(result["isError"], false, "{result}");
    result["structuredContent"]["from"].clone()
}

async fn two(app: &TestApp, groups: [Value; 2]) -> [TestApp; 2] {
    let servers = [far("first").await, far("second").await];
    for ((id, priority), (server, group)) in [("b", 1), ("a", 2)].into_iter().zip(servers.iter().zip(groups))
    {
        let document =
            json!({"url": server.url("/mcp/shop"), "priority": priority, "tools": {"group": group}});
        app.admin().put(&format!("/admin/uds/{id}"), &document).await.ok();
    }
    let instance = json!({"name": "i", "include": {"upstreams": ["a", "b"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    until_listed(app, &["read", "write"]).await;
    servers
}

#[tokio::test]
async fn calls_go_on_to_the_next_of_the_group_where_the_first_is_down() {
    let app = TestApp::start().await;
    let [first, second] = two(&app, [json!("weather"), json!("weather")]).await;
    let begun = Instant::now();
    while from(&app, "read").await != "first" {
        assert!(begun.elapsed() < DEADLINE, "the priority does not count");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(first);
    for _ in 0..5 {
        assert_eq!(from(&app, "read").await, "second");
    }
    // What goes on with a call is for the server that asked, and for no other one.
    for more in [json!({"requestState": "s"}), json!({"inputResponses": {"x": {}}})] {
        let mut params = json!({"name": "read", "arguments": {"id": 1}});
        let more = more.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(more);
        let answer = app.mcp("i").modern("tools/call", params).await;
        assert!(!answer.text.contains("second"), "{}", answer.text);
    }
    // Nothing was sent of these: there is no connection.
    assert_eq!(from(&app, "write").await, "second");
    assert_eq!(
        app.mcp("i").tool_names().await,
        ["read", "write"],
        "each is there once"
    );
    drop(second);
    let result = app.mcp("i").call("read", json!({"id": 1})).await;
    assert_eq!(result["isError"], true, "{result}");
}

#[tokio::test]
async fn who_is_of_another_group_stands_in_for_nobody() {
    let app = TestApp::start().await;
    let [first, _second] = two(&app, [json!("weather"), json!("maps")]).await;
    drop(first);
    let begun = Instant::now();
    loop {
        let result = app.mcp("i").call("read", json!({"id": 1})).await;
        if result["isError"] == true {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "{result}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let document = json!({"url": "http://127.0.0.1:9/mcp", "tools": {"group": "No Group"}});
    let refused = app.admin().put("/admin/uds/c", &document).await.error(400);
    assert!(refused.contains("tools.group: must have 1 to 64"), "{refused}");
}
