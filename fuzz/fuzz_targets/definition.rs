//! Whatever stands in the store, a definition is compiled or refused; and what compiles can be listed and planned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_common::{
    authenticator::Principal,
    definition::{InstanceDefinition, ToolDefinition},
    document::Document,
};
use mcp_core::{
    engine::{CallContext, Engine, EngineSettings, InstanceNames},
    tool::ToolCompiler,
};
use serde_json::value::RawValue;

fuzz_target!(|body: &[u8]| {
    let Ok(document) = Document::parse(body) else {
        return;
    };
    let _ = InstanceDefinition::read("fuzz", &document);
    let Ok(read) = ToolDefinition::read("fuzz", &document) else {
        return;
    };
    let Ok(compiled) = ToolCompiler::default().compile(&read.definition) else {
        return;
    };
    let listing = compiled.tool.listing(&read.definition.name, None, false);
    serde_json::from_str::<&RawValue>(&listing).expect("a listing is JSON");
    assert!(!listing.contains(['\n', '\r']), "a listing is one line");

    let engine = Engine::new(EngineSettings::default());
    let principal = Principal::anonymous();
    let context = CallContext {
        instance: &InstanceNames::id_only("fuzz"),
        principal: &principal,
        arguments: None,
        headers: None,
    };
    match engine.plan(&compiled.tool, context) {
        Ok(request) => assert!(request.uri().path().starts_with('/')),
        Err(refusal) => {
            serde_json::from_slice::<&RawValue>(&refusal.content).expect("content is JSON");
        }
    }
});
