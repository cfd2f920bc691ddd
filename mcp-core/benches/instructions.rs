//! One step of a call, so and so many times, to be run under `valgrind --tool=callgrind`: instructions do not depend on
//! what else the machine does. `cargo xtask bench instructions` runs it twice for each case and divides the difference.
//!
//! `instructions CASE COUNT`; without arguments each case once, to see that they work.

use bytes::Bytes;
use http::Response;
use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{CallContext, Engine},
    tool::{CompiledTool, InstanceNames, ToolCompiler},
};
use serde_json::{Value, json, value::RawValue};
use std::hint::black_box;

/// Tools without any of the members that make a call more than one plain exchange.
const CASES: [&str; 5] = [
    "plan_get",
    "plan_post",
    "shape_json",
    "shape_100k",
    "plan_and_shape",
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|text| text != "--bench")
        .collect();
    match arguments.as_slice() {
        [case, count] if CASES.contains(&case.as_str()) => run(case, count.parse().expect("a count")),
        [] => CASES.iter().for_each(|case| run(case, 1)),
        other => panic!("expected one of {CASES:?} and a count, found {other:?}"),
    }
}

fn run(case: &str, count: usize) {
    let (engine, principal, instance) = (
        Engine::default(),
        Principal::anonymous(),
        InstanceNames::id_only("bench"),
    );
    let (method, arguments) = match case {
        "plan_post" => (
            "POST",
            r#"{"id":17,"q":"blue shoes","tags":["a","b"],"note":{"text":"x","price":1.10}}"#,
        ),
        _ => ("GET", r#"{"id":17,"q":"blue shoes","limit":20}"#),
    };
    let tool = tool(method);
    let arguments = RawValue::from_string(arguments.to_owned()).expect("JSON");
    let context = CallContext {
        instance: &instance,
        principal: &principal,
        arguments: Some(&arguments),
        headers: None,
    };
    let items: Vec<Value> = (0..if case == "shape_100k" { 2_048 } else { 8 })
        .map(|n| json!({"id": n, "name": "Ada \"the first\"", "price": 1.5}))
        .collect();
    let body = Bytes::from(json!({"items": items}).to_string());
    for _ in 0..count {
        if !case.starts_with("shape") {
            let request = engine.plan(black_box(&tool), context).expect("a request");
            black_box(request);
        }
        if case.contains("shape") {
            let answer = Response::builder().header("content-type", "application/json");
            let answer = answer.body(body.clone()).expect("a response");
            let result = engine.shape_for(black_box(&tool), context, answer);
            assert!(!black_box(result).is_error);
        }
    }
}

fn tool(method: &str) -> CompiledTool {
    let definition = json!({
        "name": "tool", "description": "A tool",
        "input_schema": {"type": "object", "additionalProperties": false, "required": ["id"], "properties": {
            "id": {"type": "integer"}, "q": {"type": "string", "maxLength": 100}, "limit": {"type": "integer", "maximum": 100},
            "tags": {"type": "array", "items": {"type": "string"}}, "note": {"type": "object"}
        }},
        "tds_ext_info": {"domain": "127.0.0.1:3000", "method": method, "path": "/users/{id}/orders"}
    });
    let document = Document::parse(definition.to_string().as_bytes()).expect("a JSON object");
    let read = ToolDefinition::read("tool", &document).expect("a definition");
    let compiled = ToolCompiler::default().compile(&read.definition);
    compiled.expect("a tool").tool
}
