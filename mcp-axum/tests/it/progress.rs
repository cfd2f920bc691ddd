//! A client that asks for progress is told how much of a slow answer is there.

use crate::{
    event_stream::EventStream,
    test_app::{MODERN, TestApp},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};

const LENGTH: usize = 100_000;

/// An upstream whose answer trickles until it is told to come to its end.
async fn trickles(listener: TcpListener, mut enough: oneshot::Receiver<()>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 2048];
    assert_ne!(stream.read(&mut head).await.unwrap(), 0);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {LENGTH}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut sent = 0;
    while enough.try_recv().is_err() {
        stream.write_all(b"x").await.unwrap();
        sent += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rest = vec![b'x'; LENGTH - sent];
    stream.write_all(&rest).await.unwrap();
}

fn call(app: &TestApp, headers: &[(&'static str, &str)], meta: Value) -> RequestBuilder {
    let params = json!({"name": "slow", "arguments": {}, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params});
    let request = app
        .user()
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.to_string())
}

#[tokio::test]
async fn progress_comes_before_the_result_in_both_eras() {
    let app = TestApp::start().await;
    let modern = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
        "progressToken": "p",
    });
    let modern_headers = [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "slow"),
    ];
    let older_headers = [("mcp-protocol-version", "2025-06-18")];
    for (headers, meta) in [
        (&modern_headers[..], modern),
        (&older_headers[..], json!({"progressToken": "p"})),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = listener.local_addr().unwrap().to_string();
        let binding = json!({"domain": origin, "method": "GET", "path": "/slow", "timeout_ms": 60_000});
        let tool = json!({"name": "slow", "description": "Answers slowly.", "tds_ext_info": binding});
        app.admin().put("/admin/tds/slow", &tool).await.ok();
        app.put_instance("i", &["slow"]).await;
        let (enough, is_enough) = oneshot::channel();
        let upstream = tokio::spawn(trickles(listener, is_enough));

        let mut events = EventStream::open(call(&app, headers, meta)).await;
        let progress = events.next().await.unwrap();
        assert_eq!(progress["method"], "notifications/progress");
        let params = &progress["params"];
        assert_eq!(
            (&params["progressToken"], &params["total"]),
            (&json!("p"), &json!(LENGTH))
        );
        let first = params["progress"].as_u64().unwrap();
        assert!(first > 0 && first < LENGTH as u64, "{params}");
        enough.send(()).unwrap();
        let mut last = first;
        let answer = loop {
            let message = events.next().await.unwrap();
            if message["id"] == 9 {
                break message;
            }
            let now = message["params"]["progress"].as_u64().unwrap();
            assert!(now > last, "{now} after {last}");
            last = now;
        };
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(text.len(), LENGTH);
        assert_eq!(events.next().await, None);
        upstream.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_is_there_at_once_is_json_also_for_who_asks_for_progress() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let answer = app
        .mcp("i")
        .legacy(
            "2025-06-18",
            "tools/call",
            json!({"name": "get_item", "arguments": {"id": 1}, "_meta": {"progressToken": 1}}),
        )
        .await
        .ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["result"]["isError"], false);
}
