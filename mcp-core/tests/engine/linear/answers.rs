//! Decoders and shapers of answers.

use super::{list, members, shapes};
use crate::calling::with;
use mcp_core::tool::CompiledTool;
use serde_json::{Value, json};

fn tool(response: &Value) -> CompiledTool {
    with(
        "http://127.0.0.1",
        "GET",
        "/",
        &json!({}),
        &json!({"response": response}),
    )
}

/// What JSON answers may be made of.
fn json_of(kind: &str, size: usize) -> String {
    match kind {
        "text" => format!("{{\"a\":\"{}\"}}", "\\n ".repeat(size / 3)),
        "numbers" => list("1", size),
        "objects" => list("{\"a\":[1,null]}\n", size),
        "members" => members("[1]", size),
        "inner list" => format!("{{\"b\":1,\"a\":{{\"b\":[2],\"a\":{}}}}}", list("\"x\"", size)),
        _ => format!("{}{}{}", "[".repeat(100), list("1", size), "]".repeat(100)),
    }
}

#[test]
fn json_is_shaped() {
    let most = 1_000;
    for response in [
        json!({}),
        json!({"format": "json", "max_bytes": most, "overflow": "truncate_items"}),
        json!({"format": "text", "max_bytes": most, "overflow": "truncate_items"}),
        json!({"success": "status < 300 and body is defined", "errors": [{"when": "body.error", "message": "{{ body.error }}"}]}),
        json!({"prepend": "{{ status }}: ", "append": "{{ data | length }}"}),
    ] {
        let tool = tool(&response);
        for kind in ["text", "numbers", "objects", "members", "inner list", "nested"] {
            shapes(
                &format!("{response}, {kind}"),
                &tool,
                "application/json",
                |size| json_of(kind, size).into_bytes(),
            );
        }
    }
    let lines = |size: usize| "{\"a\":1}\n".repeat(size / 8).into_bytes();
    shapes("lines", &tool(&json!({})), "application/x-ndjson", lines);
    let binary = |size: usize| vec![0; size];
    shapes("unknown", &tool(&json!({})), "application/octet-stream", binary);
    shapes("a picture", &tool(&json!({})), "image/png", binary);
}

#[test]
fn texts_are_decoded() {
    let tool = tool(&json!({"format": "text"}));
    for charset in [
        "utf-8",
        "utf-16le",
        "gb18030",
        "shift_jis",
        "iso-2022-jp",
        "replacement",
    ] {
        for piece in [&b"a"[..], b"\xff", b"\x1b$B"] {
            shapes(
                &format!("{charset}, {piece:?}"),
                &tool,
                &format!("text/plain; charset={charset}"),
                |size| piece.repeat(size / piece.len()),
            );
        }
    }
}

#[test]
fn headers_of_answers() {
    let tool = tool(&json!({}));
    for piece in [";", "; charset=", "\"", " ", "="] {
        let content_type = format!("text/plain{}", piece.repeat(10_000));
        shapes(piece, &tool, &content_type, |size| vec![b'a'; size]);
    }
}

#[test]
fn promises_are_checked() {
    let definition = |schema: Value| {
        json!({"name": "tool", "description": "A tool", "input_schema": {}, "output_schema": schema,
            "tds_ext_info": {"domain": "http://127.0.0.1", "method": "GET", "path": "/"}})
    };
    for (what, schema) in [
        ("kept", json!({"items": {"type": "integer"}})),
        ("broken by each item", json!({"items": {"type": "string"}})),
        (
            "broken by each item twice",
            json!({"items": {"allOf": [{"type": "string"}, {"minimum": 2}]}}),
        ),
        ("broken as a whole", json!({"maxItems": 3})),
        (
            "broken in every choice",
            json!({"items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}),
        ),
    ] {
        let (tool, _) = crate::calling::compile(&definition(schema)).unwrap();
        shapes(what, &tool, "application/json", |size| {
            list("1", size).into_bytes()
        });
    }
}
