//! The first version's desktop console: its requests, as it makes them. Its shell asks `/healthz` before it keeps a connection; its pages send the key as
//! `x-api-key` beside an `Authorization` that is empty, and go through a proxy which leaves their origin as it is.

use crate::test_app::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// What a page of it sends.
async fn ask(app: &TestApp, method: Method, path: &str, body: Option<&Value>) -> Value {
    let answer = send(app, method, path, body).await.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = answer.json();
    // It looks at both before it takes anything.
    assert_eq!(answer["code"], 200, "{answer}");
    assert!(answer["message"].is_string(), "{answer}");
    answer["data"].clone()
}

async fn send(app: &TestApp, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let anonymous = app.anonymous();
    let mut request = anonymous
        .request(method, path)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("authorization", "")
        .header("x-api-key", app.admin_key())
        .header("origin", "http://localhost:8000")
        .header("referer", "http://localhost:8000/xds")
        .header("sec-fetch-site", "same-origin")
        .header("sec-fetch-mode", "cors");
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    anonymous.send(request).await
}

/// What it begins a tool with, filled in.
fn typed(app: &TestApp) -> Value {
    json!({
        "name": "get_item",
        "description": "Reads an item.",
        "input_schema": {},
        "tds_ext_info": {"domain": app.url(""), "method": "GET", "path": "/healthz", "required_params": {}, "ext_info": {}},
    })
}

/// What it makes of an operation of an OpenAPI document: arguments in groups, and `required` by group, twice.
fn of_openapi(app: &TestApp) -> Value {
    let required = json!({"path": ["id"]});
    json!({
        "name": "order",
        "description": "Reads an order.",
        "input_schema": {
            "type": "object",
            "properties": {
                "path": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
                "query": {"type": "object", "properties": {"expand": {"type": "boolean"}}},
            },
            "required": required,
        },
        "tds_ext_info": {"domain": app.url(""), "method": "GET", "path": "/admin/tds/{id}", "required_params": required, "ext_info": {}},
    })
}

/// It adds an id of its own making where the document has none.
fn with_id(mut document: Value, id: &str) -> Value {
    document["id"] = id.into();
    document
}

#[tokio::test]
async fn whoever_is_there_is_found_out_by_its_shell() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let ping = anonymous
        .request(Method::GET, "/healthz")
        .header("accept", "*/*")
        .header("api_key", app.admin_key());
    anonymous.send(ping).await.ok();
}

#[tokio::test]
async fn definitions_are_listed_written_edited_and_deleted() {
    const TOOL: &str = "0b0f3d6e-4a53-4c55-9d0b-7a1f0b0f3d6e";
    const OTHER: &str = "5f6c2d0c-94bb-4b0e-9f43-1c6b8a1d2e3f";
    const INSTANCE: &str = "9a8b7c6d-5e4f-4a3b-8c1d-0e9f8a7b6c5d";
    let app = TestApp::start().await;
    for path in ["/admin/tds", "/admin/ids"] {
        assert_eq!(ask(&app, Method::GET, path, None).await, json!([]));
    }
    for (id, document) in [(TOOL, typed(&app)), (OTHER, of_openapi(&app))] {
        let sent = with_id(document, id);
        let stored = ask(&app, Method::PUT, &format!("/admin/tds/{id}"), Some(&sent)).await;
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&stored[name], value, "{name}");
        }
    }
    let sent = with_id(json!({"name": "Desk", "tool_ids": [TOOL, OTHER]}), INSTANCE);
    let path = format!("/admin/ids/{INSTANCE}");
    ask(&app, Method::PUT, &path, Some(&sent)).await;

    // It looks up the tools of an instance in the list of all, and writes them back with it.
    let tools = ask(&app, Method::GET, "/admin/tds", None).await;
    let mut listed = ask(&app, Method::GET, "/admin/ids", None).await[0].take();
    let named = |id: &Value| {
        let all = tools.as_array().unwrap();
        all.iter().find(|tool| tool["id"] == *id).unwrap().clone()
    };
    let items: Vec<Value> = listed["tool_ids"].as_array().unwrap().iter().map(named).collect();
    assert_eq!(items.len(), 2);
    listed["tds_items"] = items.into();
    listed["name"] = "Another desk".into();
    ask(&app, Method::PUT, &path, Some(&listed)).await;
    let mut tool = named(&TOOL.into());
    tool["description"] = "Reads one item.".into();
    ask(&app, Method::PUT, &format!("/admin/tds/{TOOL}"), Some(&tool)).await;

    let seen = app
        .mcp(INSTANCE)
        .modern("tools/list", json!({}))
        .await
        .ok()
        .json();
    let seen = seen["result"]["tools"].as_array().unwrap();
    let texts: Vec<&str> = seen
        .iter()
        .map(|tool| tool["description"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["Reads one item.", "Reads an order."]);
    assert_eq!(
        seen[1]["inputSchema"]["properties"]["path"]["required"],
        json!(["id"])
    );
    let called = app.mcp(INSTANCE).call("get_item", json!({})).await;
    assert_ne!(called["isError"], true, "{called}");

    for path in [path, format!("/admin/tds/{TOOL}"), format!("/admin/tds/{OTHER}")] {
        ask(&app, Method::DELETE, &path, None).await;
    }
    for path in ["/admin/tds", "/admin/ids"] {
        assert_eq!(ask(&app, Method::GET, path, None).await, json!([]));
    }
}

/// It knows of no pages: what it is not given is not there for it.
#[tokio::test]
async fn some_hundreds_are_listed_at_once() {
    let app = TestApp::start().await;
    for number in 0..250 {
        let id = format!("t{number}");
        let tool = with_id(
            json!({"name": id, "description": "d", "input_schema": {}, "static": {"structured": {}}}),
            &id,
        );
        app.store(mcp_common::key::Key::tool(id.as_str()), &tool.to_string())
            .await;
    }
    let listed = ask(&app, Method::GET, "/admin/tds", None).await;
    assert_eq!(listed.as_array().unwrap().len(), 250);
}

#[tokio::test]
async fn a_wrong_key_is_told_from_a_wrong_document() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let request = anonymous
        .request(Method::GET, "/admin/tds")
        .header("authorization", "")
        .header("x-api-key", "a-key-that-nobody-has");
    let refused = anonymous.send(request).await.expect(401).json();
    assert_eq!(refused["code"], 401);
    let refused = send(&app, Method::PUT, "/admin/tds/x", Some(&json!({"name": "x"})))
        .await
        .expect(400);
    assert_eq!(refused.json()["code"], 400);
}
