//! The schema of a file of definitions, which may have definitions of every kind, and lists of them.

use super::{UnknownMembers, schema};
use crate::key::Kind;
use serde_json::{Map, Value, json};

const KIND: &str =
    "What this is, where its members and its place do not say it. Not a part of the definition.";

/// The schema of a document in a file, as the data source `file`, `apply` and `test` read it: one definition (with `kind`
/// where its members do not say what it is), a list of these, or lists by kind (`tds`, `ids`). JSON Schema 2020-12,
/// complete in itself.
pub fn file_schema(unknown: UnknownMembers) -> Value {
    let kinds = Kind::all();
    let mut parts = Map::new();
    for kind in &kinds {
        let mut part = schema(*kind, unknown);
        if let Value::Object(part) = &mut part {
            for keyword in ["$schema", "$id", "title"] {
                part.shift_remove(keyword);
            }
            if let Some(Value::Object(inner)) = part.shift_remove("$defs") {
                parts.extend(inner);
            }
            if let Some(Value::Object(members)) = part.get_mut("properties") {
                members.insert(
                    "kind".to_owned(),
                    json!({"enum": words(*kind), "description": KIND}),
                );
            }
        }
        parts.insert(part_name(*kind), part);
    }
    let undecided = undecided(&kinds, &parts, unknown);
    parts.insert("Undecided".to_owned(), undecided);
    let one = kinds.iter().rev().fold(to("Undecided"), |otherwise, kind| {
        json!({"if": {"anyOf": telling(*kind)}, "then": to(&part_name(*kind)), "else": otherwise})
    });
    parts.insert("Definition".to_owned(), one);
    let lists: Map<String, Value> = kinds
        .iter()
        .map(|kind| (kind.path_segment().to_owned(), list(*kind)))
        .collect();
    parts.insert(
        "Lists".to_owned(),
        json!({"type": "object", "properties": lists, "additionalProperties": false}),
    );
    let is_lists: Vec<Value> = kinds.iter().map(|kind| has_list(*kind, &kinds)).collect();
    let description = format!(
        "{}, a list of these, or the lists {}.",
        capital(&Kind::listed(|kind| kind.row().with_article(), "or")),
        Kind::listed(|kind| format!("`{}`", kind.path_segment()), "and"),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:dynmcp:schema:file",
        "title": "DynMCP definitions",
        "description": description,
        "if": {"type": "array"},
        "then": {"items": to("Definition")},
        "else": {"if": {"anyOf": is_lists}, "then": to("Lists"), "else": to("Definition")},
        "$defs": parts,
    })
}

/// `Tool`, `Instance`.
fn part_name(kind: Kind) -> String {
    capital(kind.row().noun)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What the member `kind` may say.
fn words(kind: Kind) -> [&'static str; 2] {
    [kind.row().segment, kind.row().noun]
}

fn to(part: &str) -> Value {
    json!({"$ref": format!("#/$defs/{part}")})
}

fn has(member: &str) -> Value {
    json!({"type": "object", "required": [member]})
}

/// The list of a kind. Where other kinds have a member of this name, it is a list only beside nothing but lists.
fn has_list(kind: Kind, kinds: &[Kind]) -> Value {
    let name = kind.path_segment();
    let mut condition = has(name);
    if kinds.iter().any(|other| other.row().members.contains(&name)) {
        let lists: Vec<&str> = kinds.iter().map(|kind| kind.path_segment()).collect();
        condition["propertyNames"] = json!({"enum": lists});
    }
    condition
}

fn list(kind: Kind) -> Value {
    let description = format!("{}.", capital(kind.row().plural));
    json!({"type": "array", "items": to(&part_name(kind)), "description": description})
}

/// What shows that a document is of this kind.
fn telling(kind: Kind) -> Vec<Value> {
    let says = json!({"type": "object", "required": ["kind"], "properties": {"kind": {"enum": words(kind)}}});
    let members = kind.row().telling.iter().map(|member| has(member));
    members.chain([says]).collect()
}

/// A document of which nothing says yet what it is (its folder may): the members of all kinds, for completion.
fn undecided(kinds: &[Kind], parts: &Map<String, Value>, unknown: UnknownMembers) -> Value {
    let mut members = Map::new();
    for kind in kinds {
        let own = parts
            .get(&part_name(*kind))
            .and_then(|part| part.get("properties")?.as_object());
        for (name, member) in own.into_iter().flatten() {
            members.entry(name.clone()).or_insert_with(|| member.clone());
        }
    }
    let all: Vec<&str> = kinds
        .iter()
        .map(|kind| kind.row().segment)
        .chain(kinds.iter().map(|kind| kind.row().noun))
        .collect();
    members.insert("kind".to_owned(), json!({"enum": all, "description": KIND}));
    let told = kinds
        .iter()
        .filter(|kind| !kind.row().telling.is_empty())
        .map(|kind| {
            let members: Vec<String> = kind
                .row()
                .telling
                .iter()
                .map(|member| format!("`{member}`"))
                .collect();
            format!("with {} {}", members.join(" or "), kind.row().with_article())
        });
    let mut schema = json!({
        "type": "object",
        "description": format!("{}.", capital(&told.collect::<Vec<_>>().join(", "))),
        "properties": members,
    });
    if unknown == UnknownMembers::Refused {
        schema["additionalProperties"] = false.into();
    }
    schema
}
