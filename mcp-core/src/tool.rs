//! Tools, compiled: everything that can be known before a call is worked out when the definition changes.

mod call;
mod header_name;
mod input_schema;
mod listing;
mod mirrored_header;
mod one_line;
mod origin;
mod path;
mod template;
mod validator;

pub(crate) use call::Call;
pub(crate) use header_name::read as read_header_name;
pub(crate) use input_schema::{Declared, Layout};
pub use mirrored_header::{MirroredHeader, MirroredKind};
pub(crate) use origin::Origin;
pub(crate) use path::{PathPart, PathTemplate, is_dot_segment};
pub(crate) use template::{Leaf, Reference, Templates};
pub(crate) use validator::{bounded, violations};

use input_schema::InputSchema;
use listing::Listing;
use mcp_common::{
    catalog::{Compile, Compiled},
    definition::ToolDefinition,
    problem::{Problem, Problems},
};
use serde_json::Value;

/// Compiles tool definitions.
#[derive(Clone, Debug, Default)]
pub struct ToolCompiler {}

/// A tool that is ready to be listed and called.
#[derive(Debug)]
pub struct CompiledTool {
    listing: Listing,
    mirrored: Vec<MirroredHeader>,
    pub(crate) call: Call,
}

impl Compile for ToolCompiler {
    type Tool = CompiledTool;

    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<CompiledTool>, Problems> {
        let mut problems = Vec::new();
        let input = InputSchema::compile(definition)?;
        let validator = validator::compile("input_schema", &input.value)
            .map_err(|problem| problems.push(problem))
            .ok();
        let mirrored = mirrored_header::collect(&input.value, &mut problems);
        let output = match &definition.output_schema {
            Some(raw) => output_schema(raw.get())
                .map_err(|problem| problems.push(problem))
                .ok(),
            None => None,
        };
        let listing = Listing::compile(definition, &input, &mut problems);
        let mut warnings = Vec::new();
        let call = Call::compile(definition, &input, &mut problems, &mut warnings);
        let (true, Some(mut call)) = (problems.is_empty(), call) else {
            return Err(Problems(problems));
        };
        call.validator = validator.filter(|_| !input.accepts_everything());
        call.output = output;
        Ok(Compiled {
            tool: CompiledTool {
                listing,
                mirrored,
                call,
            },
            warnings,
        })
    }
}

fn output_schema(text: &str) -> Result<jsonschema::Validator, Problem> {
    let schema: Value = serde_json::from_str(text)
        .map_err(|error| Problem::at("output_schema", format!("cannot be read: {error}")))?;
    if !schema.is_object() {
        return Err(Problem::at("output_schema", "must be a JSON object"));
    }
    validator::compile("output_schema", &schema)
}

impl CompiledTool {
    /// One entry of `tools/list` as JSON text, under the name and description it has in an instance. `legacy` leaves
    /// out what revisions before 2026-07-28 do not allow: an output schema that is not an object's.
    pub fn listing(&self, name: &str, description: Option<&str>, legacy: bool) -> String {
        self.listing.entry(name, description, legacy)
    }

    /// Which arguments 2026-07-28 clients repeat in `Mcp-Param-*` headers.
    pub fn mirrored_headers(&self) -> &[MirroredHeader] {
        &self.mirrored
    }
}
