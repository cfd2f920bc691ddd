//! The JSON Schemas of the documents, made from the types that read them: what an editor completes and checks is what the
//! gateway accepts.

mod arguments;
mod closed;
mod file;
mod words;

pub(in crate::definition) use arguments::describe as describe_arguments;
pub use file::file_schema;

use crate::key::Kind;
use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

/// What a schema says about members that nobody knows. Where a misspelt one would change what is sent, they are refused
/// in either case, as the gateway does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMembers {
    /// They are allowed, because the gateway keeps them (and warns).
    Kept,
    /// They are errors, as with `?strict=true`: what an editor should mark.
    Refused,
}

/// The schema of the documents of one kind, JSON Schema 2020-12, complete in itself.
pub fn schema(kind: Kind, unknown: UnknownMembers) -> Value {
    (kind.row().schema)(unknown)
}

/// The schema of documents of this type, for the rows of other kinds. `id` is its URI.
pub fn schema_of<T: JsonSchema>(id: &str, title: &str, unknown: UnknownMembers) -> Value {
    finished(of::<T>(id, title), unknown)
}

/// A schema as it is published.
pub(super) fn finished(mut schema: Value, unknown: UnknownMembers) -> Value {
    words::list(&mut schema);
    if unknown == UnknownMembers::Refused {
        closed::close(&mut schema);
    }
    schema
}

pub(super) fn of<T: JsonSchema>(id: &str, title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(plain));
    let made = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = serde_json::json!({"$schema": made.get("$schema"), "$id": id});
    if let (Value::Object(schema), Value::Object(made)) = (&mut schema, made.into()) {
        schema.extend(made);
        schema.insert("title".to_owned(), title.into());
    }
    schema
}

/// Takes out what says nothing to a reader: Rust's names of numbers, defaults that are nothing, `true` for "anything".
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
