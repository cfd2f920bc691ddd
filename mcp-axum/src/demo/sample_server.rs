//! Two small MCP servers for `dynmcp demo --aggregate`, as others write them: a clock that speaks over pipes, and a glossary with
//! a URL. They know nothing of the gateway; `examples/aggregate` makes upstreams of them.

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, Write},
    time::SystemTime,
};

/// The newest revision that these servers know.
const REVISION: &str = "2025-11-25";
/// What the glossary explains.
const WORDS: [(&str, &str); 4] = [
    (
        "upstream",
        "An MCP server, or an API, that a gateway is a client of.",
    ),
    (
        "instance",
        "What a gateway shows one kind of client: some tools, under one URL.",
    ),
    (
        "inventory",
        "What an upstream offered last: tools, resources and prompts.",
    ),
    (
        "view",
        "An instance as its clients see it at one moment, ready to be sent.",
    ),
];

/// One of the two.
#[derive(Clone, Copy, Debug)]
enum Server {
    Clock,
    Glossary,
}

/// The clock, on the standard input and output, until the input ends.
pub(crate) fn clock() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str(&line?) else {
            continue;
        };
        if let Some(answer) = Server::Clock.answer(&message) {
            writeln!(output, "{answer}")?;
            output.flush()?;
        }
    }
    Ok(())
}

/// The glossary, at `/mcp`.
pub(super) fn glossary() -> Router {
    Router::new().route("/mcp", post(post_message))
}

async fn post_message(Json(message): Json<Value>) -> Response {
    match Server::Glossary.answer(&message) {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    }
}

impl Server {
    /// `None` for what has no answer.
    fn answer(self, message: &Value) -> Option<Value> {
        let id = message.get("id")?;
        let outcome = match message["method"].as_str().unwrap_or_default() {
            "initialize" => Ok(json!({
                "protocolVersion": REVISION,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": self.name(), "version": env!("CARGO_PKG_VERSION")},
            })),
            "ping" => Ok(json!({})),
            "tools/list" => Ok(json!({"tools": [self.tool()]})),
            "tools/call" if message["params"]["name"] == self.tool()["name"] => {
                Ok(self.call(&message["params"]["arguments"]))
            }
            "tools/call" => Err((-32602, "there is no such tool")),
            _ => Err((-32601, "Method not found")),
        };
        Some(match outcome {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err((code, message)) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Clock => "sample-clock",
            Self::Glossary => "sample-glossary",
        }
    }

    fn tool(self) -> Value {
        match self {
            Self::Clock => json!({
                "name": "current_time",
                "description": "The time now, in UTC.",
                "inputSchema": {"type": "object", "additionalProperties": false},
                "annotations": {"readOnlyHint": true},
            }),
            Self::Glossary => json!({
                "name": "explain_word",
                "description": "What a word of this gateway means.",
                "inputSchema": {"type": "object", "required": ["word"], "properties": {
                    "word": {"type": "string", "enum": WORDS.map(|(word, _)| word)},
                }},
                "annotations": {"readOnlyHint": true},
            }),
        }
    }

    fn call(self, arguments: &Value) -> Value {
        let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
        match self {
            Self::Clock => text(&humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
            Self::Glossary => match WORDS.iter().find(|(word, _)| arguments["word"] == *word) {
                Some((_, meaning)) => text(meaning),
                None => {
                    let known = WORDS.map(|(word, _)| word).join(", ");
                    let mut result = text(&format!("That is not in the glossary. It has {known}."));
                    result["isError"] = true.into();
                    result
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_answer_what_they_are_asked_and_nothing_else() {
        let ask = |server: Server, method: &str, params: Value| {
            server.answer(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
        };
        for server in [Server::Clock, Server::Glossary] {
            let name = server.tool()["name"].clone();
            let listed = ask(server, "tools/list", json!({})).unwrap();
            assert_eq!(
                (&listed["id"], &listed["result"]["tools"][0]["name"]),
                (&json!(7), &name)
            );
            let call = json!({"name": name, "arguments": {"word": "view"}});
            let called = ask(server, "tools/call", call).unwrap();
            assert!(called["result"]["content"][0]["text"].is_string(), "{called}");
            assert_eq!(called["result"]["isError"], Value::Null);
            let unknown = ask(server, "server/discover", json!({})).unwrap();
            assert_eq!(unknown["error"]["code"], -32601);
            let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            assert_eq!(server.answer(&told), None);
        }
        let call = json!({"name": "explain_word", "arguments": {"word": "teapot"}});
        assert_eq!(
            ask(Server::Glossary, "tools/call", call).unwrap()["result"]["isError"],
            true
        );
    }
}
