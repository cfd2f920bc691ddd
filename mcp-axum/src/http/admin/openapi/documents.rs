//! The documents' own schemas in the description of the API: the published ones, among its components.

use super::per_kind::document_name;
use mcp_common::{
    definition::{self, UnknownMembers},
    key::Kind,
};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Where the components have their schemas.
const COMPONENTS: &str = "#/components/schemas/";

/// Stands for the schema of the documents of a kind.
#[derive(ToSchema)]
pub(super) struct KindDocument;

/// Stands for the schema of tool definitions, where nothing else is taken.
#[derive(ToSchema)]
pub(super) struct ToolDocument;

/// Puts the schemas where their names stand.
pub(super) fn fill_in(api: &mut Value) {
    let Some(components) = api
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for kind in Kind::all() {
        put(components, &document_name(kind), kind);
    }
}

fn put(components: &mut Map<String, Value>, name: &str, kind: Kind) {
    let Value::Object(mut schema) = definition::schema(kind, UnknownMembers::Kept) else {
        return;
    };
    for keyword in ["$schema", "$id"] {
        schema.shift_remove(keyword);
    }
    if let Some(Value::Object(parts)) = schema.shift_remove("$defs") {
        for (name, mut part) in parts {
            point_to_components(&mut part);
            components.insert(name, part);
        }
    }
    let mut schema = Value::Object(schema);
    point_to_components(&mut schema);
    components.insert(name.to_owned(), schema);
}

fn point_to_components(node: &mut Value) {
    match node {
        Value::Object(members) => {
            for (name, member) in members {
                let part = member.as_str().and_then(|target| target.strip_prefix("#/$defs/"));
                match part.filter(|_| name == "$ref") {
                    Some(part) => *member = format!("{COMPONENTS}{part}").into(),
                    None => point_to_components(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_components),
        _ => {}
    }
}
