//! `tools/list` and `server/discover`: what is shown, in which order, on which page.

use crate::test_app::{MODERN, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn page(app: &TestApp, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let params = cursor.map_or_else(|| json!({}), |cursor| json!({"cursor": cursor}));
    let result = app.mcp("many").modern("tools/list", params).await.ok().json()["result"].take();
    assert_eq!(result["resultType"], "complete");
    assert!(
        result["ttlMs"].is_u64() && result["cacheScope"] == "private",
        "{result}"
    );
    let names = result["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned());
    (names.collect(), result["nextCursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn pages_have_neither_gaps_nor_repetitions_while_tools_come_and_go() {
    let app = TestApp::with(&[("mcp.page_size", "3")]).await;
    let upstream = app.upstream().await;
    let ids: Vec<String> = (0..10).map(|number| format!("t{number}")).collect();
    for id in &ids {
        app.put_tool(id, &upstream, "GET", "/x", json!({})).await;
    }
    // Not alphabetical: the order is the instance's.
    let order: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    app.put_instance("many", &order).await;

    let (first, cursor) = page(&app, None).await;
    assert_eq!(first, ["t9", "t8", "t7"]);
    // The tool the cursor stands on and one before it go away, one ahead too.
    for gone in ["t7", "t9", "t5"] {
        app.admin().delete(&format!("/admin/tds/{gone}")).await.ok();
    }
    let (second, cursor) = page(&app, cursor.as_deref()).await;
    assert_eq!(second, ["t6", "t4", "t3"]);
    let (third, cursor) = page(&app, cursor.as_deref()).await;
    assert_eq!(third, ["t2", "t1", "t0"]);
    assert_eq!(cursor, None);
}

#[tokio::test]
async fn what_is_listed_can_be_called_and_nothing_else() {
    let app = TestApp::start().await;
    app.with_item_tools("all").await;
    app.put_instance("half", &["get_item", "missing"]).await;
    assert_eq!(app.mcp("half").tool_names().await, ["get_item"]);
    assert_eq!(
        app.mcp("half").call("get_item", json!({"id": 1})).await["isError"],
        false
    );
    for unknown in ["add_item", "missing", ""] {
        let body = app
            .mcp("half")
            .modern("tools/call", json!({"name": unknown, "arguments": {"name": "x"}}))
            .await;
        assert_eq!(body.json()["error"]["code"], -32602, "{unknown}: {}", body.text);
    }
}

#[tokio::test]
async fn a_schema_is_listed_as_it_was_written() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let schema = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","$defs":{"z":{"$anchor":"a","type":"number","multipleOf":0.10},"b":{}},"properties":{"p":{"$ref":"#/$defs/z"}},"additionalProperties":false}"##;
    let document = format!(
        r#"{{"name":"exact","description":"d","input_schema":{schema},"tds_ext_info":{{"domain":"{}","method":"GET","path":"/"}}}}"#,
        upstream.origin()
    );
    app.admin().put_text("/admin/tds/exact", document).await.ok();
    app.put_instance("i", &["exact"]).await;
    let listed = app.mcp("i").modern("tools/list", json!({})).await.ok();
    assert!(listed.text.contains(schema), "{}", listed.text);
}

#[tokio::test]
async fn discover_says_who_and_what() {
    let app = TestApp::start().await;
    app.with_item_tools("all").await;
    let document =
        json!({"name": "Support desk", "description": "Ask before you buy.", "tool_ids": ["get_item"]});
    app.admin().put("/admin/ids/desk", &document).await.ok();
    let result = app
        .mcp("desk")
        .modern("server/discover", json!({}))
        .await
        .ok()
        .json()["result"]
        .take();
    assert_eq!(result["supportedVersions"], json!([MODERN]));
    assert_eq!(result["capabilities"], json!({"tools": {"listChanged": true}}));
    assert_eq!(result["instructions"], "Ask before you buy.");
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/serverInfo"]["title"],
        "Support desk"
    );
}

#[tokio::test]
async fn an_instance_gives_tools_other_names_and_selects_by_tag() {
    let app = TestApp::start().await;
    app.with_item_tools("all").await;
    let mut tagged = app.admin().get("/admin/tds/add_item").await.data();
    tagged["tags"] = json!(["writing"]);
    app.admin().put("/admin/tds/add_item", &tagged).await.ok();
    let reference = json!({"id": "get_item", "name": "find", "description": "Finds."});
    let document = json!({"name": "n", "tool_ids": [reference], "include": {"tags": ["writing"]}});
    app.admin().put("/admin/ids/n", &document).await.ok();
    let tools: Value =
        app.mcp("n").modern("tools/list", json!({})).await.ok().json()["result"]["tools"].take();
    assert_eq!(
        (&tools[0]["name"], &tools[0]["description"]),
        (&json!("find"), &json!("Finds."))
    );
    assert_eq!(tools[1]["name"], "add_item");
    assert_eq!(
        app.mcp("n").call("find", json!({"id": 3})).await["structuredContent"]["path"],
        "/items/3"
    );
}

#[tokio::test]
async fn who_may_list_is_decided_before_what_exists() {
    let app = TestApp::start().await;
    app.with_item_tools("all").await;
    let open = json!({"name": "open", "tool_ids": ["get_item"], "auth": "none"});
    app.admin().put("/admin/ids/open", &open).await.ok();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let post = |instance: &'static str, client: crate::test_app::Client| {
        let ping = ping.clone();
        async move {
            let request = client.request(Method::POST, &format!("/mcp/{instance}"));
            client
                .send(request.header("content-type", "application/json").body(ping))
                .await
        }
    };
    for instance in ["all", "nowhere"] {
        let refused = post(instance, app.anonymous()).await.expect(401);
        let body = refused.json();
        assert_eq!(
            (&body["jsonrpc"], &body["error"]["code"]),
            (&json!("2.0"), &json!(401)),
            "{body}"
        );
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|value| value.starts_with("Bearer"))
        );
    }
    post("open", app.anonymous()).await.ok();
    post("all", app.user()).await.ok();
    let unknown = post("nowhere", app.user()).await.expect(404).json();
    assert_eq!(
        (&unknown["id"], &unknown["error"]["code"]),
        (&json!(1), &json!(404))
    );
    let text = unknown["error"]["message"].as_str().unwrap();
    assert!(text.contains("nowhere"), "{unknown}");
    let modern = app
        .mcp("nowhere")
        .modern("tools/list", json!({}))
        .await
        .expect(404)
        .json();
    assert!(modern["id"].is_number(), "{modern}");
    assert_eq!(modern["error"]["code"], 404);
    // What names no request, or is too large to be read for that, has an id all the same: clients take no message without one.
    let padded = format!(
        "{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"{}\"}}",
        "x".repeat(1 << 17)
    );
    for body in [
        "",
        "{",
        "[]",
        r#"{"jsonrpc": "2.0", "method": "a"}"#,
        padded.as_str(),
    ] {
        for revision in ["2025-11-25", "2026-07-28"] {
            let request = app.anonymous().request(Method::POST, "/mcp/all");
            let request = request
                .header("content-type", "application/json")
                .header("mcp-protocol-version", revision);
            let refused = app
                .anonymous()
                .send(request.body(body.to_owned()))
                .await
                .expect(401)
                .json();
            assert_eq!(refused.get("id"), Some(&Value::Null), "{revision} {refused}");
            assert_eq!(refused["error"]["code"], 401, "{revision} {refused}");
        }
    }
}
