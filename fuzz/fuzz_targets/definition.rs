//! Whatever stands in the store, a definition is compiled or refused; and what compiles can be listed and planned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_common::{definition::InstanceDefinition, document::Document};

fuzz_target!(|body: &[u8]| {
    if let Ok(document) = Document::parse(body) {
        let _ = InstanceDefinition::read("fuzz", &document);
    }
    if let Some(tool) = dynmcp_fuzz::read(body) {
        dynmcp_fuzz::plan(&tool, None);
    }
});
