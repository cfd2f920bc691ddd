//! Instances with `proto_type: streamable-stateful`: sessions for the revisions before 2026-07-28, none after.

use crate::test_app::{Answer, DEADLINE, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

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
    initialize_at(app, "2025-06-18").await
}

async fn initialize_at(app: &TestApp, version: &str) -> String {
    let params =
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
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

#[tokio::test]
async fn a_session_of_2025_03_26_has_batches_and_no_other_does() {
    let app = TestApp::start().await;
    stateful(&app).await;
    let batch = json!([list(), {"jsonrpc": "2.0", "id": "b", "method": "ping"}]);
    let session = initialize_at(&app, "2025-03-26").await;
    let answers = post(&app, Some(&session), batch.clone()).await.ok().json();
    assert_eq!(
        (&answers[0]["id"], &answers[1]["id"]),
        (&json!(1), &json!("b")),
        "{answers}"
    );
    let session = initialize_at(&app, "2025-11-25").await;
    post(&app, Some(&session), batch).await.expect(400);
}

#[tokio::test]
async fn a_client_that_cancels_ends_the_call_of_its_session_and_the_upstream_s_request() {
    let app = TestApp::start().await;
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let binding =
        json!({"domain": upstream.local_addr().unwrap().to_string(), "method": "POST", "path": "/slow"});
    let tool = json!({"name": "slow", "description": "Never answers.", "tds_ext_info": binding});
    app.admin().put("/admin/tds/slow", &tool).await.ok();
    let instance = json!({"name": "With sessions", "tool_ids": ["slow"], "metadata": {"proto_type": "streamable-stateful"}});
    app.admin().put("/admin/ids/talk", &instance).await.ok();
    let (session, foreign) = (initialize(&app).await, initialize(&app).await);
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "arguments": {}}});
    let cancel =
        |id: u32| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    let cancelling = async {
        let (mut asked, _) = upstream.accept().await.unwrap();
        let mut head = [0; 1024];
        assert_ne!(asked.read(&mut head).await.unwrap(), 0);
        // Another session's request of that id, and another request of this session, are not meant.
        post(&app, Some(&foreign), cancel(1)).await.expect(202);
        post(&app, Some(&session), cancel(2)).await.expect(202);
        assert!(app.metrics().contains("dynmcp_cancelled_requests_total 0"));
        post(&app, Some(&session), cancel(1)).await.expect(202);
        let mut rest = Vec::new();
        asked.read_to_end(&mut rest).await.unwrap();
    };
    let both = async { tokio::join!(post(&app, Some(&session), call), cancelling) };
    let (answer, ()) = timeout(DEADLINE, both).await.unwrap();
    assert_eq!(
        answer.expect(202).text,
        "",
        "a request that was cancelled has no answer"
    );
    assert!(app.metrics().contains("dynmcp_cancelled_requests_total 1"));
}
