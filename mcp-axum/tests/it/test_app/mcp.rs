//! Speaks MCP by hand, in both eras, so that a test sees exactly what is on the wire.

use super::{Answer, Client};
use reqwest::Method;
use serde_json::{Value, json};

/// The revision of the stateless era.
pub const MODERN: &str = "2026-07-28";

/// One instance, seen by one caller.
#[derive(Clone)]
pub struct McpClient {
    client: Client,
    path: String,
}

impl McpClient {
    pub fn new(client: Client, instance: &str) -> Self {
        Self {
            client,
            path: format!("/mcp/{instance}"),
        }
    }

    /// A request as a 2026-07-28 client sends it: envelope in `_meta`, headers that mirror the body.
    pub async fn modern(&self, method: &str, mut params: Value) -> Answer {
        for (name, value) in [
            ("protocolVersion", json!(MODERN)),
            ("clientCapabilities", json!({})),
        ] {
            let member = &mut params["_meta"][format!("io.modelcontextprotocol/{name}")];
            if member.is_null() {
                *member = value;
            }
        }
        let mut request = self
            .client
            .request(Method::POST, &self.path)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method);
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            request = request.header("mcp-name", name);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.client.send(request.body(body.to_string())).await
    }

    /// A request as a client of an older revision sends it after `initialize`.
    pub async fn legacy(&self, version: &str, method: &str, params: Value) -> Answer {
        let request = self
            .client
            .request(Method::POST, &self.path)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", version);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.client.send(request.body(body.to_string())).await
    }

    /// Any body, with no header but its type.
    pub async fn bare(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self
            .client
            .request(Method::POST, &self.path)
            .header("content-type", "application/json");
        self.client.send(request.body(body)).await
    }

    /// The names that `tools/list` shows (one page).
    pub async fn tool_names(&self) -> Vec<String> {
        let body = self.modern("tools/list", json!({})).await.ok().json();
        let tools = body["result"]["tools"]
            .as_array()
            .unwrap_or_else(|| panic!("no tools: {body}"));
        tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The result of `tools/call`; a JSON-RPC error fails the test.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let mut body = self.modern("tools/call", params).await.ok().json();
        assert!(body["error"].is_null(), "{tool}: {body}");
        body["result"].take()
    }
}
