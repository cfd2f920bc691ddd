//! Definitions to tools, tools to results.

use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{
    engine::{CallContext, CallResult, Engine, EngineServices, EngineSettings},
    tool::{Callable, CompiledTool, InstanceNames, ToolCompiler},
};
use serde_json::{Value, json, value::RawValue};

/// A definition with this schema and binding.
pub(crate) fn definition(schema: &Value, binding: &Value) -> Value {
    json!({"name": "tool", "description": "A tool", "input_schema": schema, "tds_ext_info": binding})
}

pub(crate) fn compile(definition: &Value) -> Result<(CompiledTool, Vec<String>), String> {
    compile_text(&definition.to_string())
}

pub(crate) fn compile_text(definition: &str) -> Result<(CompiledTool, Vec<String>), String> {
    let document = Document::parse(definition.as_bytes()).map_err(|problem| problem.to_string())?;
    let read = ToolDefinition::read("t1", &document).map_err(|problems| problems.to_string())?;
    let compiled = ToolCompiler::default()
        .compile(&read.definition)
        .map_err(|problems| problems.to_string())?;
    Ok((compiled.tool, [read.warnings, compiled.warnings].concat()))
}

/// A tool of `METHOD PATH` at the origin.
pub(crate) fn tool(origin: &str, method: &str, path: &str, schema: &Value) -> CompiledTool {
    with(origin, method, path, schema, &json!({}))
}

/// The same with more members in the binding.
pub(crate) fn with(origin: &str, method: &str, path: &str, schema: &Value, more: &Value) -> CompiledTool {
    let mut binding = json!({"domain": origin, "method": method, "path": path});
    for (name, value) in more.as_object().unwrap() {
        binding[name] = value.clone();
    }
    compile(&definition(schema, &binding)).unwrap().0
}

pub(crate) fn engine() -> Engine {
    Engine::default()
}

/// Whose results may be as large as answers are.
pub(crate) fn roomy_engine() -> Engine {
    let settings = EngineSettings::default();
    let settings = EngineSettings {
        max_result_bytes: settings.max_response_bytes,
        ..settings
    };
    Engine::new(settings, EngineServices::default())
}

/// Calls with the arguments' text as it stands.
pub(crate) async fn call_text<'a>(
    engine: &Engine,
    tool: impl Into<Callable<'a>>,
    arguments: &str,
) -> CallResult {
    let arguments = RawValue::from_string(arguments.to_owned()).unwrap();
    let principal = Principal::named("alice");
    let context = CallContext {
        instance: &InstanceNames::id_only("support"),
        principal: &principal,
        arguments: Some(&arguments),
        headers: None,
    };
    engine.call(tool, context).await
}

pub(crate) async fn call(tool: &CompiledTool, arguments: &Value) -> CallResult {
    call_text(&engine(), tool, &arguments.to_string()).await
}

pub(crate) fn content(result: &CallResult) -> Value {
    serde_json::from_slice(&result.content).unwrap()
}

/// The text of the only block.
pub(crate) fn text(result: &CallResult) -> String {
    let content = content(result);
    assert_eq!(content.as_array().unwrap().len(), 1);
    assert_eq!(content[0]["type"], "text");
    content[0]["text"].as_str().unwrap().to_owned()
}

pub(crate) fn structured(result: &CallResult) -> Option<Value> {
    result
        .structured
        .as_ref()
        .map(|bytes| serde_json::from_slice(bytes).unwrap())
}
