//! Whatever the arguments are, the request has the shape of its definition, or there is none.
#![no_main]

use dynmcp_fuzz::{definition, plan, tool};
use libfuzzer_sys::fuzz_target;
use mcp_core::tool::CompiledTool;
use serde_json::{Value, json, value::RawValue};
use std::sync::LazyLock;

static TOOLS: LazyLock<Vec<CompiledTool>> = LazyLock::new(|| {
    let bodies = [
        json!({"mode": "json"}),
        json!({"mode": "form", "encoding": {"x": {"style": "deepObject"}}}),
        json!({"parts": [{"name": "f", "source": "base64", "filename": "{{ args.g }}", "max_bytes": 4096}]}),
    ];
    let with = |body: &Value| {
        let params = json!([
            {"name": "a", "in": "path", "style": "matrix", "explode": true},
            {"name": "b", "in": "query", "style": "deepObject"},
            {"name": "c", "in": "header", "as": "X-C", "style": "json"},
            {"name": "d", "in": "cookie", "explode": false},
            {"name": "e", "in": "body", "as": "/x/0/y"},
            {"name": "k", "in": "body", "as": "/x/1", "const": "k"},
        ]);
        let binding = json!({"path": "/p/x{a}/y", "params": params, "body": body});
        tool(&definition(json!({}), binding)).expect("a tool")
    };
    bodies.iter().map(with).collect()
});

fuzz_target!(|text: &str| {
    let Ok(arguments) = RawValue::from_string(text.to_owned()) else {
        return;
    };
    for tool in TOOLS.iter() {
        if let Some(request) = plan(tool, Some(&arguments)) {
            let segments: Vec<&str> = request.uri().path().split('/').collect();
            assert_eq!(segments.len(), 4, "{}", request.uri());
            assert!(segments[1] == "p" && segments[3] == "y", "{}", request.uri());
        }
    }
});
