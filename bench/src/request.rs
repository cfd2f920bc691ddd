//! The bytes that are sent: the same for nginx and for DynMCP, up to the port in `Host`.

use dynmcp_harness::Gateway;
use serde_json::json;

/// One HTTP request, ready to be written.
#[derive(Clone)]
pub(crate) struct Request(pub(crate) Vec<u8>);

impl Request {
    /// A JSON-RPC request of protocol revision 2026-07-28.
    pub(crate) fn rpc(
        port: u16,
        instance: &str,
        method: &str,
        name: Option<&str>,
        params: serde_json::Value,
    ) -> Self {
        let body = Self::message(1, method, params);
        let name = name
            .map(|name| format!("Mcp-Name: {name}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "POST /mcp/{instance} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\
             Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}Content-Length: {length}\r\n\r\n",
            key = Gateway::KEY,
            length = body.len(),
        );
        Self([head.into_bytes(), body.into_bytes()].concat())
    }

    /// Its body, as it also goes over pipes.
    pub(crate) fn message(id: u64, method: &str, mut params: serde_json::Value) -> String {
        let meta = &mut params["_meta"];
        meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "bench", "version": "1.0.0"});
        meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
    }

    /// The same by somebody else.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        let text = String::from_utf8_lossy(&self.0);
        Self(text.replacen(Gateway::KEY, key, 1).into_bytes())
    }

    /// Calls one of the hundred tools.
    pub(crate) fn call(port: u16) -> Self {
        Self::tool(port, "bench", "create_order_042", &Self::arguments())
    }

    /// What is ordered.
    pub(crate) fn arguments() -> serde_json::Value {
        json!({"customer": "Ada Lovelace", "quantity": 3, "express": true})
    }

    /// Calls a tool of an instance.
    pub(crate) fn tool(port: u16, instance: &str, name: &str, arguments: &serde_json::Value) -> Self {
        let params = json!({"name": name, "arguments": arguments});
        Self::rpc(port, instance, "tools/call", Some(name), params)
    }

    /// Lists the hundred tools.
    pub(crate) fn list(port: u16) -> Self {
        Self::rpc(port, "bench", "tools/list", None, json!({}))
    }

    /// Reads a file.
    pub(crate) fn get(port: u16, path: &str) -> Self {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json, text/event-stream\r\n\r\n"
        );
        Self(head.into_bytes())
    }
}
