//! Whatever an upstream answers, the client gets a result that it can read. The first byte chooses what the definition
//! wants, the second what the answer says it is.
#![no_main]

use dynmcp_fuzz::{definition, shape, tool};
use libfuzzer_sys::fuzz_target;
use mcp_core::tool::CompiledTool;
use serde_json::{Value, json};
use std::sync::LazyLock;

const TYPES: [&str; 9] = [
    "application/json",
    "application/problem+json; charset=utf-16",
    "application/x-ndjson",
    "text/html",
    "text/html; charset=gb18030",
    "text/plain; charset=iso-2022-jp",
    "application/xml",
    "image/png",
    "a/b; charset=\"",
];

static TOOLS: LazyLock<Vec<CompiledTool>> = LazyLock::new(|| {
    let responses = [
        json!({}),
        json!({"format": "text"}),
        json!({"format": "text", "max_bytes": 200}),
        json!({"format": "json", "max_bytes": 300}),
        json!({"format": "binary"}),
        json!({"jq": "[.. | scalars | tostring | (fromjson? // tonumber? // .)] | unique"}),
        json!({"jq": "walk(if type == \"string\" then (gsub(\"\\\\s+\"; \" \") | ascii_downcase | @uri) else . end)"}),
        json!({"template": "{% for item in body %}{{ item | upper | trim }}{% endfor %}", "max_bytes": 500}),
        json!({"success": "body.code == 0", "errors": [{"when": "body.message", "message": "{{ body.message }}"}]}),
    ];
    let schema = json!({"output_schema": {"type": "object", "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}}}});
    let defined = responses
        .iter()
        .map(|response| (json!({}), json!({"response": response})));
    let promised = [
        (schema.clone(), json!({})),
        (schema, json!({"response": {"on_mismatch": "log"}})),
    ];
    let with = |(members, binding): (Value, Value)| {
        let definition = definition(members, binding);
        tool(&definition).unwrap_or_else(|| panic!("a tool: {definition}"))
    };
    defined.chain(promised).map(with).collect()
});

fuzz_target!(|input: &[u8]| {
    if let [which, kind, body @ ..] = input {
        let tool = &TOOLS[usize::from(*which) % TOOLS.len()];
        shape(tool, TYPES[usize::from(*kind) % TYPES.len()], body);
    }
});
