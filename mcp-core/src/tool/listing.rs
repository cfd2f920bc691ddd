//! A tool as `tools/list` shows it: so that every client can read the list. What is listed is made when the definition
//! changes, for tools of every origin.

mod client_rules;
mod literal_credential;
mod loosened;
mod members;
mod remote;
mod repaired;
mod same;
mod subschemas;
mod unpatterned;

use super::InputSchema;
use crate::{
    json::{one_line::compact, tree::Tree},
    spec::Era,
};
use mcp_common::{
    definition::{ToolDefinition, tool::TargetDefinition},
    problem::Problem,
};
pub(crate) use members::unreadable_members;
pub(crate) use remote::{Readable, readable_input, readable_output};
pub(super) use same::{mended, mended_input};
use serde_json::{Map, Value};
pub(crate) use unpatterned::without_patterns;

/// JSON text, ready except for what an instance may change.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    description: String,
    title: String,
    /// What calls are checked against.
    input_schema: String,
    /// What is listed instead, where clients do not read all of it.
    input_for_clients: Option<String>,
    output_schema: String,
    /// Whether revisions that know object schemas only can be told of `output_schema`.
    output_is_object: bool,
    rest: String,
}

impl Listing {
    pub(super) fn compile(
        definition: &ToolDefinition,
        input: &InputSchema,
        output: Option<&str>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let output_is_object = output.is_some_and(|schema| {
            let kind = Tree::read(schema)
                .members()
                .and_then(|members| members.get("type")?.text());
            kind.is_some_and(|kind| kind == "object")
        });
        let mut rest = String::new();
        let annotations = annotations(definition, problems);
        if !annotations.is_empty() {
            member(&mut rest, "annotations", &Value::Object(annotations).to_string());
        }
        let icons = definition
            .icons
            .as_ref()
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        if let Some(icons) = icons.and_then(|icons| members::icons(&icons, problems)) {
            member(&mut rest, "icons", &icons.to_string());
        }
        if let Some(meta) = &definition.meta {
            if !meta.get().starts_with('{') {
                problems.push(Problem::at("_meta", "must be a JSON object"));
            }
            member(&mut rest, "_meta", &compact(meta.get()));
        }
        let input_for_clients = unpatterned::for_clients(&input.text);
        let is_listed_without = input_for_clients.is_some();
        warnings.extend(client_rules::warnings(
            definition,
            &input.value,
            is_listed_without,
        ));
        warnings.extend(literal_credential::warnings(&input.value));
        Self {
            description: definition.description.clone(),
            title: definition.title.as_deref().map(json_string).unwrap_or_default(),
            input_schema: input.text.clone(),
            input_for_clients,
            output_schema: output
                .map(|schema| output_schema(schema, warnings))
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
        let own = self.input_for_clients.as_ref();
        Self {
            input_for_clients: own.and_then(|_| unpatterned::for_clients(&input_schema)),
            input_schema,
            ..self.clone()
        }
    }

    pub(super) fn entry(&self, name: &str, description: Option<&str>, era: Era) -> String {
        let input_schema = self.input_for_clients.as_ref().unwrap_or(&self.input_schema);
        let mut out = String::with_capacity(
            96 + self.description.len() + input_schema.len() + self.output_schema.len() + self.rest.len(),
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
        member(&mut out, "inputSchema", input_schema);
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

/// Empty where clients cannot read it.
fn output_schema(schema: &str, warnings: &mut Vec<String>) -> String {
    loosened::loosened(schema).unwrap_or_else(|reason| {
        warnings.push(format!(
            "output_schema: {reason}, which clients do not find; it is not listed (answers are held to it all the same)"
        ));
        String::new()
    })
}

/// The author's own, and what the target says about the rest.
fn annotations(definition: &ToolDefinition, problems: &mut Vec<Problem>) -> Map<String, Value> {
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
    let stored = definition.annotations.as_ref();
    let mut annotations = stored.map_or_else(Map::new, |stored| members::annotations(stored, problems));
    for name in from_target {
        annotations.entry(*name).or_insert(Value::Bool(true));
    }
    annotations
}
