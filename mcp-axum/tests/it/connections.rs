//! The bound of client connections.

use crate::test_app::{Client, MODERN, Reply, TestApp, eventually};
use mcp_common::key::Key;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

/// Idle connections are closed after five seconds while others wait; this is far beyond it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each has one connection, which it keeps.
async fn full() -> (TestApp, [Client; 2]) {
    let app = TestApp::with(&[("app.max_connections", "2")]).await;
    let clients = [app.admin(), app.admin()];
    for client in &clients {
        client.get("/admin/status").await.ok();
    }
    (app, clients)
}

/// A client of its own for each attempt, so that each is a new connection.
async fn until_served(app: &TestApp) {
    let start = Instant::now();
    loop {
        let answer = app.admin().get("/admin/status").await;
        if answer.status == 200 {
            return;
        }
        answer.expect(503);
        assert!(start.elapsed() < PATIENCE, "nobody made room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_too_many_is_told_so_and_probes_are_answered() {
    let (app, [first, second]) = full().await;
    let refused = app.admin().get("/admin/status").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    let text = refused.error(503);
    assert!(text.contains("app.max_connections"), "{text}");
    app.anonymous().get("/readyz").await.ok();
    let metrics = app.metrics();
    assert!(
        metrics.contains("dynmcp_connections_refused_total 2\n"),
        "{metrics}"
    );
    // Those who are in go on, and who leaves makes room.
    first.get("/admin/status").await.ok();
    drop(second);
    until_served(&app).await;
}

#[tokio::test]
async fn with_everybody_gone_the_first_to_come_is_served() {
    let (app, clients) = full().await;
    app.admin().get("/admin/status").await.error(503);
    drop(clients);
    let open = || app.app().metrics.connections.get();
    eventually("all connections are closed", || open() == 0).await;
    app.admin().get("/admin/status").await.ok();
}

/// What is known to hyper as sent is not yet with a client that takes its time.
#[tokio::test]
async fn an_answer_that_is_being_taken_is_not_cut() {
    const SIZE: usize = 14 << 20;
    let app = TestApp::with(&[
        ("app.max_connections", "1"),
        ("upstream.max_response_bytes", "16MiB"),
        ("upstream.max_result_bytes", "16MiB"),
    ])
    .await;
    let upstream = app.upstream().await;
    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: vec![b'x'; SIZE],
    });
    let tool = json!({"name": "large", "description": "Much.", "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/"}});
    app.store(Key::tool("large"), &tool.to_string()).await;
    let instance = json!({"name": "i", "tool_ids": ["large"]});
    app.store(Key::instance("i"), &instance.to_string()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut client = socket.connect(app.address()).await.unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "large", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
    let body = body.to_string();
    let request = format!(
        "POST /mcp/i HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\nconnection: close\r\n\
         mcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\nmcp-name: large\r\ncontent-length: {}\r\n\r\n{body}",
        app.user_key(),
        body.len()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    // Longer than an idle connection is kept while the gateway is full.
    let mut buffer = vec![0; 128 << 10];
    let mut taken = 0;
    loop {
        match client.read(&mut buffer).await.unwrap() {
            0 => break,
            size => taken += size,
        }
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    let last = String::from_utf8_lossy(&buffer[..400]);
    assert!(taken > SIZE, "{taken} bytes came: {last}");
}

#[tokio::test]
async fn while_others_wait_idle_connections_are_closed_sooner() {
    let (app, clients) = full().await;
    until_served(&app).await;
    // Who was idle comes back and is served as well.
    for client in &clients {
        let start = Instant::now();
        while client.get("/admin/status").await.status != 200 {
            assert!(start.elapsed() < PATIENCE, "nobody made room");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
