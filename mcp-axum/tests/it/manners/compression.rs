//! Answers that are compressed, and those that are not.

use crate::{
    event_stream::EventStream,
    test_app::{Client, MODERN, TestApp, eventually},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

fn unpack(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder: Box<dyn Read> = match coding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(bytes, 4096)),
        "zstd" => Box::new(ruzstd::decoding::StreamingDecoder::new(bytes).unwrap()),
        other => panic!("{other}"),
    };
    decoder.read_to_string(&mut text).unwrap();
    text
}

/// Coding, bytes, headers.
async fn ask(
    client: &Client,
    path: &str,
    accepts: &str,
) -> (Option<String>, Vec<u8>, reqwest::header::HeaderMap) {
    let request = match path.starts_with("/mcp") {
        false => client.request(Method::GET, path),
        true => client
            .request(Method::POST, path)
            .header("content-type", "application/json")
            .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#),
    };
    let response = request.header("accept-encoding", accepts).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let headers = response.headers().clone();
    let coding = headers
        .get("content-encoding")
        .map(|coding| coding.to_str().unwrap().to_owned());
    (coding, response.bytes().await.unwrap().to_vec(), headers)
}

async fn with_much(app: &TestApp) {
    let upstream = app.upstream().await;
    let ids: Vec<String> = (0..20).map(|number| format!("tool_{number}")).collect();
    for id in &ids {
        let schema = json!({"type": "object", "description": "words and words ".repeat(20)});
        app.put_tool(id, &upstream, "GET", "/", schema).await;
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    app.put_instance("much", &ids).await;
    app.put_instance("little", &[]).await;
}

#[tokio::test]
async fn what_is_asked_for_is_sent_and_nothing_else() {
    let app = TestApp::start().await;
    with_much(&app).await;
    let (user, admin) = (app.user(), app.admin());
    let (coding, plain, headers) = ask(&user, "/mcp/much", "identity").await;
    assert_eq!(
        (coding, headers["content-length"].to_str().unwrap()),
        (None, &*plain.len().to_string())
    );
    let plain = String::from_utf8(plain).unwrap();
    for (accepts, expected) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br", Some("br")),
        ("gzip;q=1, br;q=0.5", Some("gzip")),
        ("GZIP", Some("gzip")),
        ("gzip;q=0", None),
        ("deflate", None),
        ("nothing, of;this;is=known,,", None),
    ] {
        let (coding, bytes, headers) = ask(&user, "/mcp/much", accepts).await;
        assert_eq!(coding.as_deref(), expected, "{accepts}");
        let Some(coding) = coding else {
            assert_eq!(bytes, plain.as_bytes(), "{accepts}");
            continue;
        };
        assert!(
            bytes.len() * 3 < plain.len(),
            "{accepts}: {} of {}",
            bytes.len(),
            plain.len()
        );
        assert_eq!(unpack(&coding, &bytes), plain, "{accepts}");
        assert!(
            headers["vary"]
                .to_str()
                .unwrap()
                .to_lowercase()
                .contains("accept-encoding")
        );
        assert_eq!(headers["content-type"], "application/json");
    }
    assert_eq!(ask(&user, "/mcp/little", "gzip").await.0, None, "not worth it");
    for path in [
        "/admin/tds",
        "/metrics",
        "/console/console.js",
        "/admin/openapi.json",
    ] {
        let (coding, bytes, headers) = ask(&admin, path, "gzip").await;
        assert_eq!(coding.as_deref(), Some("gzip"), "{path}");
        assert!(!unpack("gzip", &bytes).is_empty());
        if let Some(tag) = headers.get("etag") {
            assert!(tag.to_str().unwrap().starts_with("W/"), "{path}: {tag:?}");
        }
    }
    // A revision is sent back in If-Match.
    let document: Value = json!({"name": "big", "description": "d ".repeat(4_000), "tool_ids": []});
    let revision = admin.put("/admin/ids/big", &document).await.ok().revision();
    let (coding, _, headers) = ask(&admin, "/admin/ids/big", "gzip").await;
    assert_eq!(coding.as_deref(), Some("gzip"));
    assert_eq!(headers["etag"], format!("\"{revision}\""));
}

#[tokio::test]
async fn streams_are_never_compressed_and_never_wait() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let params = json!({"notifications": {"toolsListChanged": true}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params});
    let request = app
        .user()
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("accept-encoding", "gzip, br, zstd")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "subscriptions/listen");
    // `open` reads them as they are.
    let mut stream = EventStream::open(request.body(body.to_string())).await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(
        acknowledged["method"], "notifications/subscriptions/acknowledged",
        "{acknowledged}"
    );
    app.put_instance("i", &["get_item"]).await;
    let changed = stream.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn it_can_be_left_to_a_proxy() {
    let app = TestApp::with(&[("app.compression", "false")]).await;
    with_much(&app).await;
    assert_eq!(ask(&app.user(), "/mcp/much", "gzip, br, zstd").await.0, None);
}

/// Digits that no coding makes much shorter.
fn noise(mut seed: u64, length: usize) -> String {
    let digit = move |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char::from(b'!' + (seed % 90) as u8)
            .to_string()
            .replace(['"', '\\'], "x")
    };
    (0..length).map(digit).collect()
}

/// The answer is kept until its reader has it, compressed or not.
#[tokio::test]
async fn what_nobody_takes_counts_while_it_is_compressed() {
    let app = TestApp::with(&[("app.client_timeout_seconds", "5")]).await;
    for number in 0..40_u64 {
        let document = json!({"name": format!("i{number}"), "description": noise(number + 1, 100 << 10), "tool_ids": []});
        app.admin()
            .put(&format!("/admin/ids/i{number}"), &document)
            .await
            .ok();
    }
    let in_flight = || app.app().memory_in_flight();
    eventually("nothing is in flight", || in_flight() == 0).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut stream = socket.connect(app.address()).await.unwrap();
    let head = format!(
        "GET /admin/ids?limit=1000 HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\naccept-encoding: gzip\r\n\r\n",
        app.admin_key()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 64];
    stream.read_exact(&mut begun).await.unwrap();
    // All of it, and the encoder.
    eventually("the answer waits", || in_flight() > (4 << 20) + (3 << 20)).await;
    drop(stream);
    eventually("the memory is given back", || in_flight() == 0).await;
}
