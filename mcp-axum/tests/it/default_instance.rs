//! Paths that name an instance with a slash at the end, and `/mcp`, which names none.

use crate::test_app::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn list(app: &TestApp, path: &str) -> Answer {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let client = app.user();
    let request = client
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .body(body.to_string());
    client.send(request).await
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_configured_instance_is_at_mcp_and_at_its_own_path_with_or_without_a_slash() {
    let app = TestApp::with(&[("app.default_instance", "shop")]).await;
    app.with_item_tools("shop").await;
    app.put_instance("other", &["get_item"]).await;
    let expected = list(&app, "/mcp/shop").await.ok().json();
    assert!(names(&expected).len() > 1, "{expected}");
    for path in ["/", "/mcp", "/mcp/", "/mcp/shop/", "/mcp?x=1"] {
        assert_eq!(list(&app, path).await.ok().json(), expected, "{path}");
    }
    let other = list(&app, "/mcp/other/").await.ok().json();
    assert_eq!(names(&other), ["get_item"]);
    // The door is the same one.
    app.anonymous().get("/mcp").await.expect(401);
    let client = app.user().with_header("origin", "https://evil.example");
    client.get("/mcp").await.expect(403);
    // With POST the root is the same door; with GET it says where to go.
    let nobody = app.anonymous();
    nobody
        .send(nobody.request(Method::POST, "/").json(&json!({})))
        .await
        .expect(401);
    client
        .send(client.request(Method::POST, "/").json(&json!({})))
        .await
        .expect(403);
    assert_eq!(nobody.get("/").await.ok().json()["data"]["name"], "DynMCP");
    nobody.send(nobody.request(Method::PUT, "/")).await.expect(405);
}

#[tokio::test]
async fn without_a_configured_instance_mcp_says_that_one_is_missing() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    list(&app, "/mcp/shop/").await.ok();
    for path in ["/", "/mcp", "/mcp/"] {
        let refused = list(&app, path).await.expect(404).json();
        assert_eq!(refused["error"]["code"], 404, "{refused}");
        let text = refused["error"]["message"].as_str().unwrap();
        assert!(text.contains("MCP clients use /mcp/INSTANCE"), "{text}");
        assert!(text.contains("`app.default_instance`"), "{text}");
    }
    let client = app.user().with_header("origin", "https://evil.example");
    client.get("/mcp").await.expect(403);
}

#[tokio::test]
async fn a_configured_instance_that_is_not_there_is_named() {
    let app = TestApp::with(&[("app.default_instance", "shop")]).await;
    let refused = list(&app, "/mcp").await.expect(404).json();
    let text = refused["error"]["message"].as_str().unwrap();
    assert_eq!(text, "no instance is called `shop`");
}
