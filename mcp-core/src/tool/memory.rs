//! About how much memory a compiled tool takes. An estimate that is too high costs a tool its place a little early; one that is too
//! low, the machine its memory.

use super::{CompiledTool, Overridden, Schema, Signature};
use mcp_common::definition::{ToolDefinition, tool::TargetDefinition};

/// Bytes of every tool; most are the filters that its templates might use.
const TOOL_BYTES: u64 = 20 << 10;
/// Bytes for each byte of the definition: its texts are kept for lists and for processes, its values for requests, its templates as
/// programs.
const FOR_EACH_BYTE: u64 = 16;
/// Bytes for a tool that shapes its answers, which has filters of its own for that.
const SHAPING_BYTES: u64 = 40 << 10;
/// Bytes for a jq program, and for each byte of its text.
const JQ_BYTES: u64 = 180 << 10;
const FOR_EACH_JQ_BYTE: u64 = 200;

/// Of a tool that is compiled from this definition.
pub(super) fn of(definition: &ToolDefinition, signature: &Signature) -> u64 {
    let text = definition.text_bytes as u64;
    let schemas = [&signature.validator, &signature.output];
    let schemas: u64 = schemas.into_iter().flatten().map(Schema::memory).sum();
    let response = match definition.target() {
        Ok(TargetDefinition::Http(binding)) => binding.response.as_ref(),
        _ => None,
    };
    let shaping = response.map_or(0, |response| {
        let jq = response
            .jq
            .as_deref()
            .map_or(0, |code| JQ_BYTES + FOR_EACH_JQ_BYTE * code.len() as u64);
        SHAPING_BYTES + jq
    });
    TOOL_BYTES + FOR_EACH_BYTE * text + schemas + shaping
}

/// Of the tool with what an instance says about its arguments, which holds the tool itself.
pub(super) fn with_overrides(own: &CompiledTool, overridden: &Overridden, input_schema: &str) -> u64 {
    let schema = overridden.validator.as_ref().map_or(0, Schema::memory);
    own.memory + TOOL_BYTES + input_schema.len() as u64 + schema
}
