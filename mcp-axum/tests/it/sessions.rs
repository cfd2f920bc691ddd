//! Instances with `proto_type: streamable-stateful`: sessions for the revisions before 2026-07-28, none after.

use crate::test_app::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn stateful(app: &TestApp) {
    app.with_item_tools("plain").await;
    // As the first version stored it: JSON text, misspelt.
    let metadata = "{\"proto_type\":\"streamable-statefule\"}";
    let document = json!({"name": "With sessions", "tool_ids": ["get_item"], "metadata": metadata});
    app.admin().put("/admin/ids/talk", &document).await.ok();
}

async fn post(app: &TestApp, session: Option<&str>, body: Value) -> Answer {
    let client = app.user();
    let mut request = client
        .request(Method::POST, "/mcp/talk")
        .header("content-type", "application/json");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    client.send(request.body(body.to_string())).await
}

async fn initialize(app: &TestApp) -> String {
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    let answer = post(
        app,
        None,
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}),
    )
    .await
    .ok();
    answer.header("mcp-session-id").expect("a session").to_owned()
}

fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let app = TestApp::start().await;
    stateful(&app).await;
    let session = initialize(&app).await;
    assert!(
        session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)),
        "{session}"
    );
    assert_ne!(session, initialize(&app).await);

    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    post(&app, Some(&session), initialized).await.expect(202);
    let tools = post(&app, Some(&session), list()).await.ok().json();
    assert_eq!(tools["result"]["tools"][0]["name"], "get_item");

    let client = app.user();
    let delete = || {
        client
            .request(Method::DELETE, "/mcp/talk")
            .header("mcp-session-id", &session)
    };
    client.send(delete()).await.expect(204);
    assert_eq!(
        post(&app, Some(&session), list()).await.expect(404).json()["error"]["code"],
        -32600
    );
    client.send(delete()).await.expect(404);
}

#[tokio::test]
async fn without_a_good_session_nothing_is_served() {
    let app = TestApp::start().await;
    stateful(&app).await;
    assert_eq!(
        post(&app, None, list()).await.expect(400).json()["error"]["code"],
        -32600
    );
    post(&app, Some("made-up"), list()).await.expect(404);
    let client = app.user();
    client
        .send(
            client
                .request(Method::GET, "/mcp/talk")
                .header("accept", "text/event-stream"),
        )
        .await
        .expect(400);
    client
        .send(client.request(Method::DELETE, "/mcp/talk"))
        .await
        .expect(400);
}

#[tokio::test]
async fn a_session_belongs_to_one_caller() {
    let app = TestApp::start().await;
    stateful(&app).await;
    let session = initialize(&app).await;
    let other = app.admin();
    let request = other
        .request(Method::POST, "/mcp/talk")
        .header("content-type", "application/json");
    other
        .send(request.header("mcp-session-id", session).body(list().to_string()))
        .await
        .expect(404);
}

#[tokio::test]
async fn the_modern_era_needs_no_session_there_either() {
    let app = TestApp::start().await;
    stateful(&app).await;
    assert_eq!(app.mcp("talk").tool_names().await, ["get_item"]);
}
