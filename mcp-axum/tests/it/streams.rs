//! Streams of list changes: the listen stream of 2026-07-28 and the GET stream before it.

use crate::{
    event_stream::EventStream,
    test_app::{DEADLINE, MODERN, TestApp, eventually},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longer than changes are gathered and announced in.
const QUIET: Duration = Duration::from_millis(400);

fn listen(app: &TestApp, instance: &str, id: Value, wanted: Value) -> RequestBuilder {
    let params = json!({
        "notifications": wanted,
        "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}},
    });
    let body = json!({"jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params});
    app.user()
        .request(Method::POST, &format!("/mcp/{instance}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "subscriptions/listen")
        .body(body.to_string())
}

fn get_stream(app: &TestApp, instance: &str) -> RequestBuilder {
    app.user()
        .request(Method::GET, &format!("/mcp/{instance}"))
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
}

async fn rename(app: &TestApp, tool: &str, description: &str) {
    let mut document = app.admin().get(&format!("/admin/tds/{tool}")).await.data();
    document["description"] = json!(description);
    app.admin()
        .put(&format!("/admin/tds/{tool}"), &document)
        .await
        .ok();
}

#[tokio::test]
async fn a_change_reaches_both_kinds_of_streams_and_only_those_whose_view_changed() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    app.put_instance("reader", &["get_item"]).await;
    let wanted = json!({"toolsListChanged": true, "promptsListChanged": true});
    let mut shop = EventStream::open(listen(&app, "shop", json!("listen:0"), wanted.clone())).await;
    let mut reader = EventStream::open(listen(&app, "reader", json!(0), wanted)).await;
    let mut older = EventStream::open(get_stream(&app, "shop")).await;

    let acknowledged = shop.next().await.unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let subscription = "io.modelcontextprotocol/subscriptionId";
    assert_eq!(acknowledged["params"]["_meta"][subscription], "listen:0");
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"toolsListChanged": true}),
        "prompts are not offered"
    );
    let acknowledged = reader.next().await.unwrap();
    assert_eq!(
        acknowledged["params"]["_meta"][subscription],
        json!(0),
        "the id keeps its type"
    );

    let before = Instant::now();
    rename(&app, "add_item", "Adds an item to the shop.").await;
    let changed = shop.next().await.unwrap();
    assert!(
        before.elapsed() < Duration::from_millis(1000),
        "took {:?}",
        before.elapsed()
    );
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert_eq!(changed["params"]["_meta"][subscription], "listen:0");
    assert_eq!(
        older.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    reader.stays_silent(QUIET).await;
}

#[tokio::test]
async fn a_change_that_nobody_can_see_is_not_announced() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let mut stream =
        EventStream::open(listen(&app, "shop", json!(1), json!({"toolsListChanged": true}))).await;
    stream.next().await.unwrap();
    let mut document = app.admin().get("/admin/tds/get_item").await.data();
    document["tds_ext_info"]["timeout_ms"] = json!(1234);
    app.admin().put("/admin/tds/get_item", &document).await.ok();
    stream.stays_silent(QUIET).await;
}

#[tokio::test]
async fn a_burst_of_changes_is_announced_once_and_the_last_one_is_in_it() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let mut stream =
        EventStream::open(listen(&app, "shop", json!(1), json!({"toolsListChanged": true}))).await;
    stream.next().await.unwrap();
    for number in 0..20 {
        rename(&app, "get_item", &format!("Gets an item, version {number}.")).await;
    }
    stream.next().await.unwrap();
    let start = Instant::now();
    loop {
        let tools = app.mcp("shop").modern("tools/list", json!({})).await.ok().json();
        if tools["result"]["tools"][0]["description"] == "Gets an item, version 19." {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "{tools}");
    }
}

#[tokio::test]
async fn a_listener_that_wants_nothing_offered_is_acknowledged_and_done() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let mut stream = EventStream::open(listen(
        &app,
        "shop",
        json!(5),
        json!({"promptsListChanged": true}),
    ))
    .await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(acknowledged["params"]["notifications"], json!({}));
    let end = stream.next().await.unwrap();
    assert_eq!(
        (&end["id"], &end["result"]["resultType"]),
        (&json!(5), &json!("complete"))
    );
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn streams_end_properly_when_the_instance_is_deleted() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let mut modern =
        EventStream::open(listen(&app, "shop", json!(9), json!({"toolsListChanged": true}))).await;
    let mut older = EventStream::open(get_stream(&app, "shop")).await;
    modern.next().await.unwrap();
    app.admin().delete("/admin/ids/shop").await.ok();
    let end = modern.next().await.unwrap();
    assert_eq!(
        (&end["id"], &end["result"]["resultType"]),
        (&json!(9), &json!("complete"))
    );
    assert_eq!(modern.next().await, None);
    assert_eq!(older.next().await, None);
    assert_eq!(app.user().send(get_stream(&app, "shop")).await.status, 404);
}

#[tokio::test]
async fn streams_end_when_their_instance_lets_in_others() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let put = async |auth: &str, access: Value| {
        let mut document = json!({"name": "Shop", "auth": auth, "tool_ids": ["get_item"]});
        if !access.is_null() {
            document["access"] = access;
        }
        app.admin().put("/admin/ids/shop", &document).await.ok();
    };
    put("none", Value::Null).await;
    let mut stream = EventStream::open(get_stream(&app, "shop")).await;
    rename(&app, "get_item", "Says nothing of callers.").await;
    assert_eq!(
        stream.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    put("inherit", Value::Null).await;
    assert_eq!(stream.next().await, None);
    let mut stream = EventStream::open(get_stream(&app, "shop")).await;
    put("inherit", json!({"roles": ["nobody-has-it"]})).await;
    assert_eq!(stream.next().await, None);
    assert_eq!(app.user().send(get_stream(&app, "shop")).await.status, 403);
}

#[tokio::test]
async fn streams_end_properly_when_the_gateway_drains_and_restart_serves_again() {
    let mut app = TestApp::sqlite().await;
    app.with_item_tools("shop").await;
    let mut stream =
        EventStream::open(listen(&app, "shop", json!(3), json!({"toolsListChanged": true}))).await;
    stream.next().await.unwrap();
    let restart = app.restart();
    let ended = async {
        let end = stream.next().await.unwrap();
        assert_eq!(
            (&end["id"], &end["result"]["resultType"]),
            (&json!(3), &json!("complete"))
        );
        assert_eq!(stream.next().await, None);
    };
    tokio::join!(restart, ended);
    assert_eq!(app.mcp("shop").tool_names().await, ["get_item", "add_item"]);
}

#[tokio::test]
async fn open_streams_are_counted_and_bounded() {
    let app = TestApp::with(&[("mcp.max_streams", "1")]).await;
    app.with_item_tools("shop").await;
    let first = EventStream::open(get_stream(&app, "shop")).await;
    let refused = app.user().send(get_stream(&app, "shop")).await.ok().json();
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    drop(first);
    eventually("a closed stream is not counted", || {
        app.metrics().contains("dynmcp_streams 0")
    })
    .await;
    EventStream::open(get_stream(&app, "shop")).await;
}

#[tokio::test]
async fn a_client_of_http_and_sse_is_refused_instead_of_waiting() {
    let app = TestApp::start().await;
    app.with_item_tools("shop").await;
    let begin = app.user().request(Method::GET, "/mcp/shop");
    let refused = app
        .user()
        .send(begin.header("accept", "text/event-stream"))
        .await
        .expect(405);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("choose Streamable HTTP"), "{message}");
    // Whoever names a revision has read about Streamable HTTP.
    let mut response = get_stream(&app, "shop").send().await.unwrap();
    let first = tokio::time::timeout(DEADLINE, response.chunk()).await.unwrap();
    assert_eq!(first.unwrap().unwrap(), ": open\n\n");
    // Nothing was promised to those that cannot.
    let announced = async |version: &str| {
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
        let answer = app.mcp("shop").legacy(version, "initialize", params).await.json();
        answer["result"]["capabilities"]["tools"]["listChanged"].clone()
    };
    assert_eq!(announced("2025-03-26").await, false);
    assert_eq!(announced("2025-06-18").await, true);
}
