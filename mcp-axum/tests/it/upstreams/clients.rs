//! Clients that listen while they wait: one with a session, and requests of 2026-07-28 as streams.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, MODERN, TestApp},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A client of 2025-11-25 with a session.
pub struct OldClient {
    client: Client,
    path: String,
    session: String,
    pub initialized: Value,
}

impl OldClient {
    /// The instance has sessions.
    pub async fn start(app: &TestApp, instance: &str, capabilities: Value) -> Self {
        let (client, path) = (app.user(), format!("/mcp/{instance}"));
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "0"}});
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let request = client
            .request(Method::POST, &path)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = client.send(request).await.ok();
        Self {
            session: answer.header("mcp-session-id").expect("a session").to_owned(),
            initialized: answer.json(),
            client,
            path,
        }
    }

    fn request(&self, method: Method) -> RequestBuilder {
        self.client
            .request(method, &self.path)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25")
            .header("mcp-session-id", &self.session)
    }

    /// Sends any message.
    pub async fn send(&self, message: &Value) -> Answer {
        let request = self.request(Method::POST).body(message.to_string());
        self.client.send(request).await
    }

    /// Asks, and reads the answer at once.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send(&body).await.ok().json()
    }

    /// Asks, and reads what comes before the answer, too.
    pub async fn stream(&self, id: u32, method: &str, params: Value) -> EventStream {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        EventStream::open(self.request(Method::POST).body(body.to_string())).await
    }

    /// The stream that belongs to no request.
    pub async fn listen(&self) -> EventStream {
        EventStream::open(self.request(Method::GET)).await
    }

    /// Ends the session.
    pub async fn end(&self) {
        self.client.send(self.request(Method::DELETE)).await.expect(204);
    }
}

/// A request of 2026-07-28 whose answer is a stream.
pub async fn modern_stream(app: &TestApp, instance: &str, method: &str, mut params: Value) -> EventStream {
    for (name, value) in [
        ("protocolVersion", json!(MODERN)),
        ("clientCapabilities", json!({})),
    ] {
        let member = &mut params["_meta"][format!("io.modelcontextprotocol/{name}")];
        if member.is_null() {
            *member = value;
        }
    }
    let mut request = app
        .user()
        .request(Method::POST, &format!("/mcp/{instance}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method);
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        request = request.header("mcp-name", name);
    }
    let body = json!({"jsonrpc": "2.0", "id": "l-1", "method": method, "params": params});
    EventStream::open(request.body(body.to_string())).await
}
