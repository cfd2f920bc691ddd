//! Servers as there are: with per-request metadata (2026-07-28), and with sessions (before).

use crate::server::{Received, Reply, event, events};
use serde_json::{Value, json};

/// Its result has what a typed model would lose: order, unknown members, numbers of many digits.
pub(crate) const RESULT: &str = r#"{"structuredContent":{"z":12345678901234567890123,"a":1.10,"m":1e2},"content":[{"type":"text","text":"é\u00e9","x-own":[1.0]},{"type":"hologram","data":{}}],"x-own":{"b":1,"a":2},"isError":false"#;

pub(crate) const TOOLS: &str = r#"[{"name":"get","title":"T","inputSchema":{"type":"object","properties":{"big":{"const":12345678901234567890123}},"x-own":1.10},"execution":{"taskSupport":"optional"},"x-own":true}]"#;

/// What a server of 2026-07-28 answers.
pub(crate) fn modern(received: &Received, tools: &str) -> Reply {
    let complete = |members: &str| {
        let result = format!(
            "{{\"resultType\":\"complete\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{{\"name\":\"new\",\"version\":\"1\"}}}},{members}}}"
        );
        Reply::Json(200, received.result(&result))
    };
    match received.rpc() {
        "server/discover" => complete(
            r#""supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"instructions":"Ask.","ttlMs":0,"cacheScope":"private""#,
        ),
        "tools/list" => complete(&format!("\"tools\":{tools}")),
        "tools/call" => Reply::Json(
            200,
            received.result(&format!("{RESULT},\"resultType\":\"complete\"}}")),
        ),
        _ => Reply::Json(404, received.error(-32601, &Value::Null)),
    }
}

/// What a server of 2025-11-25 answers whose session is this; `as_events` as the reference servers do.
pub(crate) fn legacy(received: &Received, session: &str, tools: &str, as_events: bool) -> Reply {
    if received.rpc() == "initialize" {
        let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "old", "version": "1"}});
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("mcp-session-id", session.to_owned()),
        ];
        return Reply::With(200, headers, received.result(&result.to_string()));
    }
    match received.header("mcp-session-id") {
        "" => return Reply::Json(400, r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}"#.to_owned()),
        id if id != session => {
            let text = r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}"#;
            return Reply::Json(404, text.to_owned());
        }
        _ => {}
    }
    let result = match received.rpc() {
        "tools/list" => format!("{{\"tools\":{tools}}}"),
        "tools/call" => format!("{RESULT}}}"),
        "" => return Reply::Json(405, "{}".to_owned()),
        name if name.starts_with("notifications/") => return Reply::With(202, Vec::new(), String::new()),
        _ => return Reply::Json(200, received.error(-32601, &Value::Null)),
    };
    let answer = received.result(&result);
    match as_events {
        true => events(&[
            "id: 1\ndata:\n\n".to_owned(),
            event(
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
            ),
            event(&answer),
        ]),
        false => Reply::Json(200, answer),
    }
}
