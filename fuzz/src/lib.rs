//! What the targets share: tools made of what is fuzzed, and what holds of every result.

use bytes::Bytes;
use http::Response;
use mcp_common::{authenticator::Principal, definition::ToolDefinition, document::Document};
use mcp_core::{engine::{CallContext, CallResult, Engine}, spec::Era, tool::{InstanceNames, CompiledTool, ToolCompiler}};
use serde_json::{Value, json, value::RawValue};
use std::sync::LazyLock;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::default());
static PRINCIPAL: LazyLock<Principal> = LazyLock::new(Principal::anonymous);
static INSTANCE: LazyLock<InstanceNames> = LazyLock::new(|| InstanceNames::id_only("fuzz"));

/// The tool of a definition; `None` for one that a gateway refuses.
pub fn tool(definition: &Value) -> Option<CompiledTool> {
    read(definition.to_string().as_bytes())
}

/// The same of a document's text.
pub fn read(text: &[u8]) -> Option<CompiledTool> {
    let document = Document::parse(text).ok()?;
    let read = ToolDefinition::read("fuzz", &document).ok()?;
    let compiled = ToolCompiler::default().compile(&read.definition).ok()?.tool;
    let listing = compiled.listing(&read.definition.name, None, Era::Modern);
    serde_json::from_str::<&RawValue>(&listing).expect("a listing is JSON");
    assert!(!listing.contains(['\n', '\r']), "a listing is one line");
    Some(compiled)
}

/// A definition with these members and others that are nobody's concern.
pub fn definition(members: Value, binding: Value) -> Value {
    let mut definition = json!({"name": "t", "description": "d", "input_schema": {},
        "tds_ext_info": {"domain": "localhost", "method": "POST", "path": "/p"}});
    for (to, from) in [("", members), ("/tds_ext_info", binding)] {
        if let (Some(Value::Object(to)), Value::Object(from)) = (definition.pointer_mut(to), from) {
            to.extend(from);
        }
    }
    definition
}

fn context(arguments: Option<&RawValue>) -> CallContext<'_> {
    CallContext {
        instance: &INSTANCE,
        principal: &PRINCIPAL,
        arguments,
        headers: None,
    }
}

/// The request of a call, if there is one; a refusal is a result like any other.
pub fn plan(tool: &CompiledTool, arguments: Option<&RawValue>) -> Option<http::Request<()>> {
    match ENGINE.plan(tool, context(arguments)) {
        Ok(request) => {
            assert!(request.uri().path().starts_with('/'));
            Some(request.map(|_| ()))
        }
        Err(refusal) => {
            check(&refusal);
            None
        }
    }
}

/// What a tool makes of an answer.
pub fn shape(tool: &CompiledTool, content_type: &str, body: &[u8]) {
    let answer = Response::builder()
        .header("content-type", content_type)
        .body(Bytes::copy_from_slice(body))
        .expect("an answer");
    check(&ENGINE.shape_for(tool, context(None), answer));
}

/// Whatever went wrong, a client can read it.
fn check(result: &CallResult) {
    serde_json::from_slice::<&RawValue>(&result.content).expect("content is JSON");
    if let Some(structured) = &result.structured {
        serde_json::from_slice::<&RawValue>(structured).expect("structured content is JSON");
    }
}
