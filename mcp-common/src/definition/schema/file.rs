//! The schema of a file of definitions, which may have tools, instances, and lists of them.

use super::{UnknownMembers, schema};
use crate::key::Kind;
use serde_json::{Map, Value, json};

const KIND: &str =
    "What this is, where its members and its place do not say it. Not a part of the definition.";

/// The schema of a document in a file, as the data source `file`, `apply` and `test` read it: a tool, an instance (with
/// `kind` where it says so), a list of these, or the lists `tds` and `ids`. JSON Schema 2020-12, complete in itself.
pub fn file_schema(unknown: UnknownMembers) -> Value {
    let mut parts = Map::new();
    let (tool, instance) = (Kind::Tool, Kind::Instance);
    for (name, kind, words) in [
        ("Tool", tool, ["tds", "tool"]),
        ("Instance", instance, ["ids", "instance"]),
    ] {
        let mut part = schema(kind, unknown);
        if let Value::Object(part) = &mut part {
            for keyword in ["$schema", "$id", "title"] {
                part.shift_remove(keyword);
            }
            if let Some(Value::Object(inner)) = part.shift_remove("$defs") {
                parts.extend(inner);
            }
            if let Some(Value::Object(members)) = part.get_mut("properties") {
                let description = "What this is, where its members and its place do not say it. Not a part of the definition.";
                members.insert(
                    "kind".to_owned(),
                    json!({"enum": words, "description": description}),
                );
            }
        }
        parts.insert(name.to_owned(), part);
    }
    let to = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
    let has = |name: &str| json!({"type": "object", "required": [name]});
    let says = |words: [&str; 2]| json!({"type": "object", "required": ["kind"], "properties": {"kind": {"enum": words}}});
    let undecided = undecided(&parts, unknown);
    parts.insert("Undecided".to_owned(), undecided);
    parts.insert(
        "Definition".to_owned(),
        json!({
            "if": {"anyOf": [has("tds_ext_info"), says(["tds", "tool"])]},
            "then": to("Tool"),
            "else": {
                "if": {"anyOf": [has("tool_ids"), has("include"), says(["ids", "instance"])]},
                "then": to("Instance"),
                "else": to("Undecided"),
            },
        }),
    );
    parts.insert(
        "Lists".to_owned(),
        json!({
            "type": "object",
            "properties": {
                "tds": {"type": "array", "items": to("Tool"), "description": "Tools."},
                "ids": {"type": "array", "items": to("Instance"), "description": "Instances."},
            },
            "additionalProperties": false,
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dynmcp:schema:file",
        "title": "DynMCP definitions",
        "description": "A tool, an instance, a list of these, or the lists `tds` and `ids`.",
        "if": {"type": "array"},
        "then": {"items": to("Definition")},
        "else": {
            "if": {"anyOf": [has("tds"), has("ids")]},
            "then": to("Lists"),
            "else": to("Definition"),
        },
        "$defs": parts,
    })
}

/// A document of which nothing says yet what it is (its folder may): the members of both, for completion.
fn undecided(parts: &Map<String, Value>, unknown: UnknownMembers) -> Value {
    let of = |name: &str| parts.get(name)?.get("properties")?.as_object().cloned();
    let (mut members, instance) = (of("Tool").unwrap_or_default(), of("Instance").unwrap_or_default());
    for (name, member) in instance {
        members.entry(name).or_insert(member);
    }
    let kinds = json!({"enum": ["tds", "ids", "tool", "instance"], "description": KIND});
    members.insert("kind".to_owned(), kinds);
    let mut schema = json!({
        "type": "object",
        "description": "With `tds_ext_info` a tool, with `tool_ids` or `include` an instance.",
        "properties": members,
    });
    if unknown == UnknownMembers::Refused {
        schema["additionalProperties"] = false.into();
    }
    schema
}
