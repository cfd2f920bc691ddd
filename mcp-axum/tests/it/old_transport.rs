//! HTTP+SSE of 2024-11-05, for instances with `proto_type: legacy`.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, Reply, TestApp, Upstream, eventually},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const LATE: Duration = Duration::from_millis(300);

async fn show(app: &TestApp, tools: &[&str]) {
    let document = json!({"name": "Old", "tool_ids": tools, "metadata": {"proto_type": "legacy"}});
    app.admin().put("/admin/ids/old", &document).await.ok();
}

async fn start() -> (TestApp, Arc<Upstream>) {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("new").await;
    show(&app, &["get_item", "add_item"]).await;
    (app, upstream)
}

/// The stream, and where messages are posted to.
struct Session {
    client: Client,
    events: EventStream,
    endpoint: String,
}

impl Session {
    async fn open(app: &TestApp, path: &str) -> Self {
        let client = app.user();
        let mut events = EventStream::open(client.request(Method::GET, path)).await;
        let endpoint = events.endpoint().await;
        Self {
            client,
            events,
            endpoint,
        }
    }

    async fn post(&self, message: &Value) -> Answer {
        post(&self.client, &self.endpoint, message).await
    }

    async fn ask(&mut self, id: u32, method: &str, params: Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.post(&message).await.expect(202);
        let answer = self.events.next().await.unwrap();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    async fn initialize(&mut self) -> Value {
        let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
        let answer = self.ask(0, "initialize", params).await;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.post(&told).await.expect(202);
        answer
    }
}

async fn post(client: &Client, path: &str, message: &Value) -> Answer {
    let request = client
        .request(Method::POST, path)
        .header("content-type", "application/json");
    client.send(request.body(message.to_string())).await
}

fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

#[tokio::test]
async fn everything_is_said_over_the_stream_at_either_url() {
    for path in ["/sse/old", "/mcp/old"] {
        let (app, upstream) = start().await;
        let mut session = Session::open(&app, path).await;
        assert!(
            session.endpoint.starts_with("/messages/old?sessionId="),
            "{}",
            session.endpoint
        );
        let opened = session.initialize().await;
        assert_eq!(opened["result"]["protocolVersion"], "2024-11-05", "{opened}");
        let listed = session.ask(1, "tools/list", json!({})).await;
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 2);
        let call = json!({"name": "get_item", "arguments": {"id": 7}});
        let called = session.ask(2, "tools/call", call.clone()).await;
        assert_eq!(called["result"]["isError"], false, "{called}");
        let wrong = session.ask(3, "tools/unknown", json!({})).await;
        assert_eq!(wrong["error"]["code"], -32601);
        let garbage = session.client.request(Method::POST, &session.endpoint);
        let garbage = garbage.header("content-type", "application/json").body("{");
        session.client.send(garbage).await.expect(202);
        assert_eq!(session.events.next().await.unwrap()["error"]["code"], -32700);
        // Answers come when they are there, in whatever order.
        upstream.reply(Reply::After(LATE));
        let slow = json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": call});
        session.post(&slow).await.expect(202);
        session.ask(5, "ping", json!({})).await;
        assert_eq!(session.events.next().await.unwrap()["id"], 4);
        // What is cancelled is not answered.
        session.post(&slow).await.expect(202);
        let cancelled =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}});
        session.post(&cancelled).await.expect(202);
        session.events.stays_silent(LATE * 2).await;
        upstream.reply(Reply::Echo);
        show(&app, &["get_item"]).await;
        let changed = session.events.next().await.unwrap();
        assert_eq!(changed["method"], "notifications/tools/list_changed");
        // The transport that came after it is there, too.
        assert_eq!(app.mcp("old").tool_names().await, ["get_item"]);
    }
}

#[tokio::test]
async fn a_client_that_is_not_ready_is_told_of_no_changes() {
    let (app, _) = start().await;
    let mut session = Session::open(&app, "/sse/old").await;
    show(&app, &["get_item"]).await;
    session.events.stays_silent(Duration::from_millis(400)).await;
    session.initialize().await;
    show(&app, &["add_item"]).await;
    assert_eq!(
        session.events.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
}

#[tokio::test]
async fn a_session_is_its_clients_and_ends_with_its_stream() {
    let (app, _) = start().await;
    let session = Session::open(&app, "/sse/old").await;
    let endpoint = session.endpoint.clone();
    post(&app.anonymous(), &endpoint, &list()).await.expect(401);
    let others = app.admin();
    let text = post(&others, &endpoint, &list()).await.error(404);
    assert!(text.contains("there is no such session"), "{text}");
    post(&app.user(), "/messages/old?sessionId=1", &list())
        .await
        .expect(404);
    post(&app.user(), "/messages/old", &list()).await.expect(404);
    post(&app.user(), &endpoint.replace("/old?", "/new?"), &list())
        .await
        .expect(404);
    app.user().get(&endpoint).await.expect(405);
    let request = app.user().request(Method::POST, &endpoint).body("{}");
    app.user().send(request).await.expect(415);
    session.post(&list()).await.expect(202);
    drop(session);
    eventually("the session is over", || {
        app.metrics().contains("dynmcp_streams 0")
    })
    .await;
    post(&app.user(), &endpoint, &list()).await.expect(404);
}

#[tokio::test]
async fn the_door_is_that_of_the_endpoint() {
    let (app, _) = start().await;
    let text = app.user().get("/sse/new").await.error(404);
    assert!(text.contains("`metadata.proto_type: legacy`"), "{text}");
    app.anonymous().get("/sse/old").await.expect(401);
    app.anonymous().get("/mcp/old").await.expect(401);
    app.user().get("/sse/unknown").await.expect(404);
    let foreign = app.user().with_header("origin", "https://evil.example");
    foreign.get("/sse/old").await.expect(403);
    post(&foreign, "/messages/old?sessionId=1", &list())
        .await
        .expect(403);
    let request = app.user().request(Method::POST, "/sse/old");
    app.user().send(request).await.expect(405);
}

#[tokio::test]
async fn a_gateway_that_ends_answers_what_was_begun_first() {
    let (mut app, upstream) = start().await;
    let mut session = Session::open(&app, "/sse/old").await;
    session.initialize().await;
    upstream.reply(Reply::After(LATE));
    let call = json!({"name": "get_item", "arguments": {"id": 7}});
    let message = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": call});
    session.post(&message).await.expect(202);
    app.stop().await;
    let answer = session.events.next().await.unwrap();
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"]),
        (&json!(9), &json!(false))
    );
    assert_eq!(session.events.next().await, None);
}
