//! An instance for programs that do not speak MCP: the same tools, keys, limits and records.

use crate::{
    test_app::{Answer, Client, Reply, TestApp, eventually},
    upstreams::{offered, server::McpServer},
};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

async fn post(client: &Client, path: &str, arguments: Value) -> Answer {
    let request = client
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .body(arguments.to_string());
    client.send(request).await
}

fn failed(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(
        (&body["success"], &body["data"]),
        (&json!(false), &Value::Null),
        "{body}"
    );
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_tool_is_called_with_its_arguments() {
    let app = TestApp::with(&[("app.default_instance", "shop")]).await;
    let upstream = app.with_item_tools("shop").await;
    let user = app.user();
    upstream.reply_json(200, &json!({"id": 7, "name": "cup"}));
    for path in ["/instances/shop/tools/get_item", "/tools/get_item"] {
        let answer = post(&user, path, json!({"id": 7})).await.ok();
        assert_eq!(
            answer.json(),
            json!({"success": true, "data": {"id": 7, "name": "cup"}, "error": null})
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("x-request-id").is_some());
        assert_eq!(upstream.last().path, "/items/7");
    }
    upstream.reply_json(200, &json!([1, 2]));
    let list = post(&user, "/tools/get_item", json!({"id": 7})).await.ok().json();
    assert_eq!(list["data"], json!([1, 2]));
    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: b"just text".to_vec(),
    });
    let text = post(&user, "/tools/get_item", json!({"id": 7})).await.ok().json();
    assert_eq!(text["data"], "just text");

    // What the tool reports was called; what repeats requests after a 5xx must not call it again.
    upstream.reply_json(500, &json!({"no": "luck"}));
    let before = upstream.requests().len();
    let reported = post(&user, "/tools/get_item", json!({"id": 7})).await.ok().json();
    assert_eq!(reported["success"], false);
    assert!(reported["error"].as_str().unwrap().contains("500"), "{reported}");
    assert_eq!(upstream.requests().len(), before + 1);
    let wrong = post(&user, "/tools/get_item", json!({"id": "x"}))
        .await
        .ok()
        .json();
    assert_eq!(wrong["success"], false);
    assert!(wrong["error"].as_str().unwrap().contains("id"), "{wrong}");
}

#[tokio::test]
async fn what_is_not_called_is_an_error_of_http() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let user = app.user();
    let path = "/instances/shop/tools/get_item";
    let unknown = post(&user, "/instances/shop/tools/none", json!({})).await;
    assert!(failed(&unknown, 404).contains("none"));
    let nobody = post(&app.anonymous(), path, json!({"id": 1})).await;
    failed(&nobody, 401);
    assert!(nobody.header("www-authenticate").is_some());
    failed(&post(&user, "/instances/none/tools/x", json!({})).await, 404);
    let without = post(&user, "/tools/get_item", json!({"id": 1})).await;
    assert!(failed(&without, 404).contains("app.default_instance"));
    for (body, status, expected) in [
        ("[1]", 400, "JSON object"),
        ("{\"id\": 1", 400, "JSON object"),
        ("\u{0}", 400, "JSON object"),
    ] {
        let request = user
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .body(body);
        assert!(failed(&user.send(request).await, status).contains(expected));
    }
    let form = user
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("id=1");
    failed(&user.send(form).await, 415);
    let large = format!("{{\"id\": 1, \"x\": \"{}\"}}", "y".repeat(5 << 20));
    let request = user
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .body(large);
    failed(&user.send(request).await, 413);
    assert_eq!(user.get(path).await.status, 405);
    // A foreign page or host is let in here no more than at /mcp.
    let foreign = user
        .request(Method::GET, "/instances/shop/tools")
        .header("origin", "https://evil.example");
    failed(&user.send(foreign).await, 403);
}

#[tokio::test]
async fn lists_and_resources_and_what_it_is() {
    let app = TestApp::with(&[("mcp.page_size", "1"), ("app.default_instance", "shop")]).await;
    app.with_item_tools("shop").await;
    let user = app.user();
    for path in ["/instances/shop/tools", "/tools"] {
        let tools = user.get(path).await.ok();
        let listed: Vec<Value> = tools.json()["data"].as_array().unwrap().clone();
        let names: Vec<&str> = listed.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["get_item", "add_item"], "all pages");
        assert!(listed[0]["inputSchema"]["properties"]["id"].is_object());
        let tag = tools.header("etag").unwrap().to_owned();
        let again = user.request(Method::GET, path).header("if-none-match", tag);
        user.send(again).await.expect(304);
    }
    let info = user.get("/info").await.ok().json();
    assert!(info["data"]["supportedVersions"].is_array(), "{info}");
    assert_eq!(user.get("/instances/shop/info").await.ok().json(), info);
    // It has none.
    failed(&user.get("/resources").await, 404);
}

/// Whoever offers a resource chooses its name, and must not have it read in the place of another's.
#[tokio::test]
async fn a_resource_is_read_by_its_uri_before_any_name() {
    let app = TestApp::start().await;
    let server = McpServer::start(true, json!({"resources": {}}), |received, talk| {
        async move {
            let contents = json!([{"uri": received.params()["uri"], "text": "t"}]);
            talk.result(&json!({"contents": contents, "resultType": "complete"}).to_string());
        }
        .boxed()
    })
    .await;
    let listed = json!([
        {"uri": "test://impostor", "name": "urn:notes"},
        {"uri": "test://another", "name": "test://plain"},
        {"uri": "test://one-more", "name": "urn:of-no-list"},
        {"uri": "test://minutes", "name": "minutes: Monday"},
        {"uri": "urn:notes", "name": "notes"},
        {"uri": "test://plain", "name": "plain"},
    ]);
    server.list("resources/list", "resources", &listed.to_string());
    server.list("resources/templates/list", "resourceTemplates", "[]");
    offered::with(&app, "docs", &server, &json!({})).await;
    let instance = json!({"name": "i", "include": {"upstreams": ["docs"]}});
    app.admin().put("/admin/ids/desk", &instance).await.ok();
    for (asked, read) in [
        ("urn:notes", "urn:notes"),
        ("notes", "urn:notes"),
        ("plain", "test://plain"),
        ("test:%2F%2Fplain", "test://plain"),
        ("test:%2F%2Fof-no-list", "test://of-no-list"),
        ("urn:of-no-list", "urn:of-no-list"),
        ("minutes:%20Monday", "test://minutes"),
    ] {
        let path = format!("/instances/desk/resources/{asked}");
        let answer = app.user().get(&path).await.ok().json();
        assert_eq!(answer["data"]["contents"][0]["uri"], read, "{asked}: {answer}");
    }
}

#[tokio::test]
async fn lists_and_descriptions_are_the_clients_memory() {
    let app = TestApp::with(&[("app.memory_budget", "96KiB"), ("app.max_body_bytes", "16KiB")]).await;
    let names = ["one", "two", "three", "four"];
    for name in names {
        let tool = json!({"name": name, "description": "d".repeat(14 << 10), "input_schema": {}, "static": {"structured": {}}});
        app.admin().put(&format!("/admin/tds/{name}"), &tool).await.ok();
    }
    app.put_instance("large", &names).await;
    app.put_instance("small", &names[..1]).await;
    for path in ["/instances/large/tools", "/instances/large/openapi.json"] {
        let refused = app.user().get(path).await;
        assert!(failed(&refused, 503).contains("app.memory_budget"));
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(refused.header("etag"), None);
    }
    app.user().get("/instances/small/tools").await.ok();
    eventually("it is given back", || app.app().memory_in_flight() == 0).await;
}

#[tokio::test]
async fn keys_and_records_are_those_of_mcp() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    app.put_instance("other", &[]).await;
    let wish =
        json!({"name": "narrow", "instances": ["shop"], "tools": ["get_item"], "limits": {"rate": "3/h"}});
    let admin = app.admin();
    let request = admin
        .request(Method::POST, "/admin/keys")
        .header("content-type", "application/json")
        .body(wish.to_string());
    let key = admin.send(request).await.ok().json()["data"]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let narrow = Client::new(app.address(), Some(key));
    let tools = narrow.get("/instances/shop/tools").await.ok().json();
    assert_eq!(tools["data"].as_array().unwrap().len(), 1, "{tools}");
    failed(&narrow.get("/instances/other/tools").await, 403);
    failed(
        &post(&narrow, "/instances/shop/tools/add_item", json!({"name": "x"})).await,
        404,
    );
    // Asking for what it may not see counts, as it does there.
    for _ in 0..2 {
        post(&narrow, "/instances/shop/tools/get_item", json!({"id": 1}))
            .await
            .ok();
    }
    let limited = post(&narrow, "/instances/shop/tools/get_item", json!({"id": 1})).await;
    failed(&limited, 429);
    assert!(limited.header("retry-after").is_some());
    let metrics = app.metrics();
    let calls = metrics
        .lines()
        .filter(|line| line.starts_with("dynmcp_tool_calls_total") && line.contains("get_item"))
        .collect::<Vec<_>>();
    assert!(calls.iter().any(|line| line.ends_with(" 2")), "{calls:?}");
}

/// Every `$ref` leads somewhere, and every tool is there with its schema.
#[tokio::test]
async fn an_instance_describes_itself_to_those_who_may_see_it() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("shop").await;
    let schema = json!({"type": "object", "$defs": {"n": {"type": "integer", "minimum": 3}},
        "properties": {"n": {"$ref": "#/$defs/n"}}});
    app.put_tool("deep", &upstream, "GET", "/", schema).await;
    app.put_instance("team a", &["get_item", "deep"]).await;
    let path = "/instances/team%20a/openapi.json";
    failed(&app.anonymous().get(path).await, 401);
    let document = app.user().get(path).await.ok().json();
    let operation = &document["paths"]["/instances/team%20a/tools/deep"]["post"];
    assert_eq!(operation["operationId"], "deep");
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let schema = document
        .pointer(schema.as_str().unwrap().trim_start_matches('#'))
        .unwrap();
    let inner = schema["properties"]["n"]["$ref"].as_str().unwrap();
    assert_eq!(
        document.pointer(inner.trim_start_matches('#')).unwrap()["minimum"],
        3
    );
    // What it says is what is called.
    for path in document["paths"].as_object().unwrap().keys() {
        let answer = post(&app.user(), path, json!({"id": 1})).await.ok().json();
        assert_eq!(answer["success"], true, "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_older_names_of_the_documentation_lead_to_it() {
    let app = TestApp::start().await;
    for (path, text) in [
        ("/swagger-ui", "<!doctype html>"),
        ("/swagger-ui/", "<!doctype html>"),
        ("/api-docs/openapi.json", "\"openapi\""),
    ] {
        let answer = app.anonymous().get(path).await.ok();
        assert!(
            answer.text.to_lowercase().contains(text),
            "{path}: {}",
            answer.text
        );
    }
}
