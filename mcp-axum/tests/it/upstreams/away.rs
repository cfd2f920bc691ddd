//! Clients that go away while other servers work for them.

use super::{offered::with, server::McpServer};
use crate::test_app::{MODERN, TestApp, eventually};
use futures_util::FutureExt;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test]
async fn a_client_of_2026_07_28_takes_its_call_along() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let left = Arc::new(AtomicUsize::new(0));
        let counted = left.clone();
        let server = McpServer::start(is_modern, json!({"tools": {}}), move |_, talk| {
            let counted = counted.clone();
            async move {
                talk.gone().await;
                counted.fetch_add(1, Ordering::SeqCst);
            }
            .boxed()
        })
        .await;
        server.list(
            "tools/list",
            "tools",
            r#"[{"name":"slow","inputSchema":{"type":"object"}}]"#,
        );
        with(&app, "u", &server, &json!({})).await;
        let instance = json!({"name": "i", "include": {"upstreams": ["u"]}});
        app.admin().put("/admin/ids/i", &instance).await.ok();

        let meta = json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}});
        let params = json!({"name": "slow", "arguments": {}, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let request = format!(
            "POST /mcp/i HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nmcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\nmcp-name: slow\r\n\r\n{body}",
            app.user_key(),
            body.len()
        );
        let mut client = TcpStream::connect(app.address()).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        eventually("the call is there", || server.received("tools/call").len() == 1).await;
        drop(client);
        // The stream of its answer is closed, which an older server is told besides.
        eventually("the server hears of it", || left.load(Ordering::SeqCst) == 1).await;
        if !is_modern {
            let cancelled = || server.received("notifications/cancelled");
            eventually("it is cancelled", || cancelled().len() == 1).await;
            let named = cancelled()[0].params()["requestId"].clone();
            assert_eq!(named, server.received("tools/call")[0].message["id"]);
        }
    }
}
