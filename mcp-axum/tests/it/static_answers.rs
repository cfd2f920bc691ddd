//! Tools whose definition holds the answer, from the definition to the client.

use crate::test_app::TestApp;
use serde_json::json;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/DEFINITIONS.md");

/// The first YAML of the chapter.
fn example() -> &'static str {
    let (_, chapter) = PAGE
        .split_once("## Answers that stand in the definition")
        .unwrap();
    let (_, yaml) = chapter.split_once("```yaml\n").unwrap();
    yaml.split_once("```").unwrap().0
}

#[tokio::test]
async fn the_example_of_the_documentation_works_in_a_folder() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("desk.yaml"), example()).unwrap();
    let path = folder.path().to_str().unwrap();
    let app = TestApp::with(&[("app.data_source", "file"), ("data_source.file.path", path)]).await;
    assert_eq!(app.admin().get("/admin/quarantine").await.data(), json!([]));
    let desk = app.mcp("desk");
    assert_eq!(desk.tool_names().await, ["opening_hours", "get_order"]);

    let hours = desk.call("opening_hours", json!({})).await;
    assert_eq!(
        hours["content"][0]["text"],
        "Mondays to Fridays, 9 to 17. Closed on public holidays."
    );
    assert_eq!(hours["content"][1]["type"], "resource_link");
    assert_eq!(hours["isError"], false);

    let order = desk.call("get_order", json!({"id": "7"})).await;
    assert_eq!(
        order["structuredContent"],
        json!({"id": "7", "state": "shipped", "total": 19.90})
    );
    let refused = desk.call("get_order", json!({})).await;
    assert_eq!(refused["isError"], true, "{refused}");
    let older = desk
        .legacy(
            "2025-06-18",
            "tools/call",
            json!({"name": "get_order", "arguments": {"id": "7"}}),
        )
        .await;
    assert_eq!(older.json()["result"]["structuredContent"]["state"], "shipped");
}

#[tokio::test]
async fn it_is_written_listed_called_explained_counted_and_exported_like_every_tool() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let document = json!({"name": "hours", "description": "When is the desk open?", "static": {"structured": {"open": [9, 17]}}});
    admin.put("/admin/tds/hours", &document).await.ok();
    app.put_instance("desk", &["hours"]).await;
    let stored = admin.get("/admin/tds/hours").await.data();
    assert_eq!(stored["static"], document["static"]);

    let listed = app.mcp("desk").modern("tools/list", json!({})).await.ok().json();
    let hints = json!({"readOnlyHint": true, "idempotentHint": true});
    assert_eq!(listed["result"]["tools"][0]["annotations"], hints);
    let answer = app.mcp("desk").call("hours", json!({})).await;
    assert_eq!(answer["structuredContent"], json!({"open": [9, 17]}));

    let request = admin.request(reqwest::Method::POST, "/admin/tds/hours/explain");
    let explained = admin.send(request.body(r#"{"send":true}"#)).await.ok().json();
    assert_eq!(explained["data"]["target"], "static");
    assert_eq!(explained["data"]["answer"]["outcome"], "ok");
    assert_eq!(
        explained["warnings"],
        json!(["nothing was sent: the definition holds the answer"])
    );

    let metrics = app.metrics();
    let counted = |line: &str| {
        line.contains(r#"tool="hours""#) && line.contains(r#"outcome="ok""#) && line.ends_with(" 1")
    };
    assert!(metrics.lines().any(counted), "{metrics}");

    let exported = admin.get("/admin/export").await.ok().text;
    assert!(exported.contains(r#""static""#), "{exported}");

    let mut broken = document;
    broken["static"] = json!({"content": [{"type": "text", "txt": "x"}]});
    let refused = admin.put("/admin/tds/hours", &broken).await.error(400);
    assert!(
        refused.starts_with("static.content[0].txt: unknown field `txt`"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_tool_may_change_from_a_mock_to_the_real_thing() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let mock = json!({"name": "get", "description": "d", "static": {"structured": {"is": "mock"}}});
    app.admin().put("/admin/tds/get", &mock).await.ok();
    app.put_instance("i", &["get"]).await;
    let is_mock =
        async |app: &TestApp| app.mcp("i").call("get", json!({})).await["structuredContent"]["is"] == "mock";
    assert!(is_mock(&app).await);
    assert_eq!(upstream.requests().len(), 0);
    app.put_tool("get", &upstream, "GET", "/x", json!({})).await;
    assert!(!is_mock(&app).await);
    assert_eq!(upstream.requests().len(), 1);
}
