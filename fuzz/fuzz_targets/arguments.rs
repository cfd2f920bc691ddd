//! Whatever the arguments are, the request has the shape of its definition, or there is none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{CallContext, Engine, EngineSettings, InstanceNames},
    tool::{CompiledTool, ToolCompiler},
};
use serde_json::value::RawValue;
use std::sync::LazyLock;

const PARAMS: &str = r#""params":[{"name":"a","in":"path","style":"matrix","explode":true},
    {"name":"b","in":"query","style":"deepObject"},{"name":"c","in":"header","as":"X-C","style":"json"},
    {"name":"d","in":"cookie","explode":false},{"name":"e","in":"body","as":"/x/0/y"},{"name":"k","in":"body","as":"/x/1","const":"k"}]"#;
const BODIES: [&str; 3] = [
    r#"{"mode":"json"}"#,
    r#"{"mode":"form","encoding":{"x":{"style":"deepObject"}}}"#,
    r#"{"parts":[{"name":"f","source":"base64","filename":"{{ args.g }}","max_bytes":4096}]}"#,
];

static TOOLS: LazyLock<Vec<CompiledTool>> = LazyLock::new(|| {
    let tool = |body: &&str| {
        let text = format!(
            r#"{{"name":"t","description":"d","input_schema":{{}},"tds_ext_info":{{"domain":"localhost","method":"POST","path":"/p/x{{a}}/y","body":{body},{PARAMS}}}}}"#
        );
        let document = Document::parse(text.as_bytes()).expect("a JSON object");
        let read = ToolDefinition::read("t", &document).expect("a definition");
        let compiled = ToolCompiler::default().compile(&read.definition);
        compiled.expect("a tool").tool
    };
    BODIES.iter().map(tool).collect()
});

fuzz_target!(|body: &[u8]| {
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    let Ok(arguments) = RawValue::from_string(text.to_owned()) else {
        return;
    };
    let engine = Engine::new(EngineSettings::default());
    let principal = Principal::anonymous();
    let context = CallContext {
        instance: &InstanceNames::id_only("fuzz"),
        principal: &principal,
        arguments: Some(&arguments),
        headers: None,
    };
    for tool in TOOLS.iter() {
        match engine.plan(tool, context) {
            Ok(request) => {
                let segments: Vec<&str> = request.uri().path().split('/').collect();
                assert_eq!(segments.len(), 4, "{}", request.uri());
                assert!(segments[1] == "p" && segments[3] == "y", "{}", request.uri());
            }
            Err(refusal) => {
                serde_json::from_slice::<&RawValue>(&refusal.content).expect("content is JSON");
            }
        }
    }
});
