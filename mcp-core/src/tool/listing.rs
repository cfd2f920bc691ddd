//! A tool as `tools/list` shows it.

use super::InputSchema;
use crate::{json::one_line::compact, spec::Era};
use mcp_common::{
    definition::{ToolDefinition, tool::TargetDefinition},
    problem::Problem,
};
use serde_json::{Map, Value, value::RawValue};

/// JSON text, ready except for what an instance may change.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    description: String,
    title: String,
    input_schema: String,
    output_schema: String,
    /// Whether revisions that know object schemas only can be told of `output_schema`.
    output_is_object: bool,
    rest: String,
}

impl Listing {
    pub(super) fn compile(
        definition: &ToolDefinition,
        input: &InputSchema,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let output_is_object = definition.output_schema.as_ref().is_some_and(|schema| {
            let schema: Option<Value> = serde_json::from_str(schema.get()).ok();
            schema.is_some_and(|schema| schema.get("type").is_some_and(|kind| kind == "object"))
        });
        let mut rest = String::new();
        let annotations = annotations(definition);
        if !annotations.is_empty() {
            member(&mut rest, "annotations", &Value::Object(annotations).to_string());
        }
        let mut raw_member = |name: &str, raw: &Option<Box<RawValue>>, kind: (char, &str)| {
            let Some(raw) = raw else { return };
            if !raw.get().starts_with(kind.0) {
                problems.push(Problem::at(name, format!("must be a JSON {}", kind.1)));
            }
            member(&mut rest, name, &compact(raw.get()));
        };
        raw_member("icons", &definition.icons, ('[', "array"));
        raw_member("_meta", &definition.meta, ('{', "object"));
        Self {
            description: definition.description.clone(),
            title: definition.title.as_deref().map(json_string).unwrap_or_default(),
            input_schema: input.text.clone(),
            output_schema: definition
                .output_schema
                .as_ref()
                .map(|raw| compact(raw.get()))
                .unwrap_or_default(),
            output_is_object,
            rest,
        }
    }

    pub(super) fn input_schema(&self) -> &str {
        &self.input_schema
    }

    /// The same tool with another schema.
    pub(super) fn with_input_schema(&self, input_schema: String) -> Self {
        Self {
            input_schema,
            ..self.clone()
        }
    }

    pub(super) fn entry(&self, name: &str, description: Option<&str>, era: Era) -> String {
        let mut out = String::with_capacity(
            96 + self.description.len()
                + self.input_schema.len()
                + self.output_schema.len()
                + self.rest.len(),
        );
        out.push_str("{\"name\":");
        out.push_str(&json_string(name));
        if !self.title.is_empty() {
            member(&mut out, "title", &self.title);
        }
        member(
            &mut out,
            "description",
            &json_string(description.unwrap_or(&self.description)),
        );
        member(&mut out, "inputSchema", &self.input_schema);
        if !self.output_schema.is_empty() && (self.output_is_object || era == Era::Modern) {
            member(&mut out, "outputSchema", &self.output_schema);
        }
        out.push_str(&self.rest);
        out.push('}');
        out
    }
}

fn member(out: &mut String, name: &str, json: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    out.push_str(json);
}

fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}

/// The author's own, and what the target says about the rest.
fn annotations(definition: &ToolDefinition) -> Map<String, Value> {
    let from_target: &[&str] = match definition.target() {
        Ok(TargetDefinition::Http(binding)) => match binding.method.to_ascii_uppercase().as_str() {
            "GET" | "HEAD" => &["readOnlyHint", "idempotentHint"],
            "PUT" => &["idempotentHint"],
            "DELETE" => &["destructiveHint", "idempotentHint"],
            _ => &[],
        },
        Ok(TargetDefinition::Static(_)) => &["readOnlyHint", "idempotentHint"],
        Err(_) => &[],
    };
    let mut annotations = definition.annotations.clone().unwrap_or_default();
    for name in from_target {
        annotations.entry(*name).or_insert(Value::Bool(true));
    }
    annotations
}
