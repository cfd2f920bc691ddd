//! The MCP server that hurts: one tool, whose result is what its path says.

use serde_json::{Value, json};

/// Where it is; the rest of the path says which result.
pub(super) const AT: &str = "/mcp/";

/// The answer to a message, JSON text; empty for one that wants none.
pub(super) fn answer(what: &str, message: &[u8]) -> String {
    let message: Value = serde_json::from_slice(message).unwrap_or_default();
    let Some(id) = message.get("id") else {
        return String::new();
    };
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
            "serverInfo": {"name": "hurts", "version": "1"}})
        .to_string(),
        "tools/list" => {
            json!({"tools": [{"name": super::witness::Witness::TOOL, "inputSchema": {"type": "object"}}]})
                .to_string()
        }
        "tools/call" => result(what),
        _ => {
            let error = json!({"code": -32601, "message": "Method not found"});
            return json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string();
        }
    };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn result(what: &str) -> String {
    let (text, structured) = match what {
        "numbers" => (
            String::new(),
            format!(r#"{{"ids":[{}1]}}"#, "1,".repeat(3_800_000)),
        ),
        "text" => ("\\n".repeat(3_800_000), "{}".to_owned()),
        _ => (String::new(), "{}".to_owned()),
    };
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"structuredContent":{structured}}}"#)
}
