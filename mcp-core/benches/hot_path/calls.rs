//! Arguments → request, answer → result.

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use http::Response;
use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{CallContext, Engine},
    tool::{CompiledTool, InstanceNames, ToolCompiler},
};
use serde_json::{Value, json, value::RawValue};
use std::hint::black_box;

fn tool(method: &str, schema: &Value) -> CompiledTool {
    let definition = json!({
        "name": "tool", "description": "A tool", "input_schema": schema,
        "tds_ext_info": {"domain": "127.0.0.1:3000", "method": method, "path": "/users/{id}/orders"}
    });
    let document = Document::parse(definition.to_string().as_bytes()).expect("a JSON object");
    let read = ToolDefinition::read("tool", &document).expect("a definition");
    ToolCompiler::default()
        .compile(&read.definition)
        .expect("a tool")
        .tool
}

/// Arguments to requests, with validation.
pub(crate) fn planning(criterion: &mut Criterion) {
    let engine = Engine::default();
    let principal = Principal::anonymous();
    let flat = json!({"type": "object", "additionalProperties": false, "required": ["id"], "properties": {
        "id": {"type": "integer"}, "q": {"type": "string", "maxLength": 100}, "limit": {"type": "integer", "maximum": 100},
        "tags": {"type": "array", "items": {"type": "string"}}, "note": {"type": "object"}
    }});
    let cases = [
        (
            "plan/get_flat",
            "GET",
            &flat,
            r#"{"id":17,"q":"blue shoes","limit":20}"#,
        ),
        (
            "plan/post_body",
            "POST",
            &flat,
            r#"{"id":17,"q":"blue shoes","tags":["a","b"],"note":{"text":"x","price":1.10}}"#,
        ),
        (
            "plan/get_no_schema",
            "GET",
            &json!({}),
            r#"{"id":17,"q":"blue shoes","limit":20}"#,
        ),
    ];
    for (name, method, schema, arguments) in cases {
        let tool = tool(method, schema);
        let arguments = RawValue::from_string(arguments.to_owned()).expect("JSON");
        let context = CallContext {
            instance: &InstanceNames::id_only("bench"),
            principal: &principal,
            arguments: Some(&arguments),
            headers: None,
        };
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| engine.plan(black_box(&tool), context).is_ok())
        });
    }
}

/// Answers to results.
pub(crate) fn shaping(criterion: &mut Criterion) {
    let engine = Engine::default();
    let tool = tool("GET", &json!({}));
    let items: Vec<Value> = (0..8)
        .map(|n| json!({"id": n, "name": "Ada \"the first\"", "price": 1.5}))
        .collect();
    let body = Bytes::from(json!({"items": items}).to_string());
    let answer = || {
        let response = Response::builder().header("content-type", "application/json");
        response.body(body.clone()).expect("a response")
    };
    criterion.bench_function("shape/json_500_bytes", |bencher| {
        bencher.iter_batched(
            answer,
            |answer| engine.shape(black_box(&tool), answer),
            BatchSize::SmallInput,
        );
    });
}
