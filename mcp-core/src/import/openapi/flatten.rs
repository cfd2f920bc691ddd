//! Whether the members of a body can be arguments of their own, and which these are.

use super::spec::Spec;
use serde_json::{Map, Value};

/// Keywords that say no more about an object than which members it has.
const PLAIN: [&str; 16] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "title",
    "description",
    "example",
    "examples",
    "externalDocs",
    "xml",
    "nullable",
    "deprecated",
    "default",
    "$schema",
    "$id",
    "allOf",
];
/// `allOf` in `allOf`.
const MAX_DEPTH: usize = 16;

/// The members of an object schema.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<Value>,
}

/// `None` where the schema is more than a list of members: alternatives, conditions, free members only.
pub(super) fn flatten(spec: &Spec<'_>, schema: &Value) -> Option<Flat> {
    let mut flat = Flat::default();
    collect(spec, schema, &mut flat, 0)?;
    // Of hidden members there may be none left; then there is no body worth a name.
    (!flat.properties.is_empty()).then_some(flat)
}

fn collect(spec: &Spec<'_>, schema: &Value, flat: &mut Flat, depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    let members = spec.resolve(schema).ok()?.as_object()?;
    let is_plain = |keyword: &String| PLAIN.contains(&keyword.as_str()) || keyword.starts_with("x-");
    let is_object = match members.get("type") {
        None => members.contains_key("properties") || members.contains_key("allOf"),
        Some(Value::String(kind)) => kind == "object",
        Some(_) => false,
    };
    let is_null = members.get("nullable") == Some(&Value::Bool(true));
    if !is_object || is_null || !members.keys().all(is_plain) {
        return None;
    }
    for part in members
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        collect(spec, part, flat, depth + 1)?;
    }
    for (name, schema) in members
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        // A member that two parts of `allOf` describe has to fit both.
        let is_new = flat.properties.insert(name.clone(), schema.clone()).is_none();
        if !is_new {
            return None;
        }
    }
    let required = members
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    flat.required
        .extend(required.filter_map(Value::as_str).map(str::to_owned));
    match members.get("additionalProperties") {
        None | Some(Value::Bool(true)) => {}
        // In a part of `allOf` it would speak of the part's members only.
        Some(_) if depth > 0 || members.contains_key("allOf") => return None,
        Some(additional) => flat.additional = Some(additional.clone()),
    }
    Some(())
}
