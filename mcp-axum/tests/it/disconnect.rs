//! The client goes away in the middle of a call.

use crate::test_app::{DEADLINE, MODERN, TestApp};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// An upstream that takes one request and does not answer by itself.
async fn silent_upstream(app: &TestApp) -> TcpListener {
    silent_upstream_within(app, 60_000).await
}

async fn silent_upstream_within(app: &TestApp, timeout_ms: u64) -> TcpListener {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let binding = json!({"domain": upstream.local_addr().unwrap().to_string(), "method": "POST", "path": "/slow", "timeout_ms": timeout_ms});
    let tool = json!({"name": "slow", "description": "Never answers by itself.", "tds_ext_info": binding});
    app.admin().put("/admin/tds/slow", &tool).await.ok();
    app.put_instance("i", &["slow"]).await;
    upstream
}

/// Sends a `tools/call` and returns the client's and the upstream's end of it.
async fn call(app: &TestApp, upstream: &TcpListener, modern: bool) -> (TcpStream, TcpStream) {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}});
    let mut params = json!({"name": "slow", "arguments": {}});
    let mut headers = String::new();
    if modern {
        params["_meta"] = meta;
        headers = format!("mcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\nmcp-name: slow\r\n");
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let request = format!(
        "POST /mcp/i HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        app.user_key(),
        body.len()
    );
    let mut client = TcpStream::connect(app.address()).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut asked, _) = timeout(DEADLINE, upstream.accept()).await.unwrap().unwrap();
    let mut head = vec![0; 1024];
    assert_ne!(
        timeout(DEADLINE, asked.read(&mut head)).await.unwrap().unwrap(),
        0
    );
    (client, asked)
}

/// Whether the other side closes within this time.
async fn closes(stream: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn in_2026_07_28_it_cancels_the_upstream_call() {
    let app = TestApp::start().await;
    let upstream = silent_upstream(&app).await;
    let (client, mut asked) = call(&app, &upstream, true).await;
    drop(client);
    assert!(closes(&mut asked, DEADLINE).await, "the upstream call goes on");
}

#[tokio::test]
async fn before_that_it_does_not() {
    let app = TestApp::start().await;
    let upstream = silent_upstream(&app).await;
    let (client, mut asked) = call(&app, &upstream, false).await;
    drop(client);
    assert!(
        !closes(&mut asked, Duration::from_millis(500)).await,
        "the upstream call was cancelled"
    );
    // The gateway still reads the answer, so that the connection can be used again.
    asked
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        .await
        .unwrap();
    assert!(
        !closes(&mut asked, Duration::from_millis(200)).await,
        "the answer was not read"
    );
}

async fn metric(app: &TestApp, name: &str) -> u64 {
    let metrics = app.admin().get("/metrics").await.ok().text;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

async fn until(app: &TestApp, name: &str, count: u64) {
    let start = std::time::Instant::now();
    while metric(app, name).await != count {
        assert!(start.elapsed() < DEADLINE, "{name} is never {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_goes_on_without_its_client_is_bounded_in_number() {
    let app = TestApp::with(&[("mcp.max_abandoned_per_client", "2")]).await;
    let upstream = silent_upstream(&app).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        let (client, stream) = call(&app, &upstream, false).await;
        drop(client);
        asked.push(stream);
        let so_far = asked.len() as u64;
        until(&app, "dynmcp_abandoned_requests ", so_far.min(2)).await;
    }
    until(&app, "dynmcp_abandoned_requests_cancelled_total ", 1).await;
    let mut last = asked.pop().unwrap();
    assert!(closes(&mut last, DEADLINE).await, "the third call goes on");
    for stream in &mut asked {
        assert!(
            !closes(stream, Duration::from_millis(100)).await,
            "the others were cancelled"
        );
    }
    // A client that waits is none of them.
    let (_client, mut waited_for) = call(&app, &upstream, false).await;
    assert!(!closes(&mut waited_for, Duration::from_millis(300)).await);
}

#[tokio::test]
async fn what_goes_on_without_its_client_is_bounded_in_time() {
    let app = TestApp::with(&[("mcp.abandoned_seconds", "1")]).await;
    let upstream = silent_upstream(&app).await;
    let (client, mut asked) = call(&app, &upstream, false).await;
    drop(client);
    assert!(closes(&mut asked, DEADLINE).await, "the call goes on");
    until(&app, "dynmcp_abandoned_requests_cancelled_total ", 1).await;
    until(&app, "dynmcp_abandoned_requests ", 0).await;
    // One that ends by itself was not cancelled.
    let upstream = silent_upstream_within(&app, 300).await;
    let (client, mut asked) = call(&app, &upstream, false).await;
    drop(client);
    assert!(closes(&mut asked, DEADLINE).await);
    until(&app, "dynmcp_abandoned_requests ", 0).await;
    assert_eq!(
        metric(&app, "dynmcp_abandoned_requests_cancelled_total ").await,
        1
    );
}
