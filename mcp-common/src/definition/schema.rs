//! The JSON Schemas of both kinds of documents, made from the types that read them: what an editor completes and
//! checks is what the gateway accepts. Members that it does not know are kept, so the schemas allow them too, except
//! where a misspelt one would change what is sent.

use super::{InstanceDefinition, ToolDefinition};
use crate::key::Kind;
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

/// The schema of the documents of one kind, JSON Schema 2020-12, complete in itself.
pub fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Tool => of::<ToolDefinition>("urn:dynmcp:schema:tds", "DynMCP tool definition (TDS)"),
        Kind::Instance => of::<InstanceDefinition>("urn:dynmcp:schema:ids", "DynMCP instance (IDS)"),
    }
}

fn of<T: JsonSchema>(id: &str, title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(plain));
    let made = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = serde_json::json!({"$schema": made.get("$schema"), "$id": id});
    if let (Value::Object(schema), Value::Object(made)) = (&mut schema, made.into()) {
        schema.extend(made);
        schema.insert("title".to_owned(), title.into());
    }
    schema
}

/// Without what says nothing to a reader: Rust's names of numbers, defaults that are nothing, `true` for "anything".
fn plain(schema: &mut Schema) {
    let is_rust = |format: &Value| format.as_str().is_some_and(|format| format.starts_with("uint"));
    if schema.get("format").is_some_and(is_rust) {
        schema.remove("format");
    }
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if schema.get("default").is_some_and(is_nothing) {
        schema.remove("default");
    }
    for keyword in ["additionalProperties", "items"] {
        if schema.get(keyword) == Some(&Value::Bool(true)) {
            schema.remove(keyword);
        }
    }
}
