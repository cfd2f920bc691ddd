//! Whether the members of a body can be arguments of their own, and which these are.

use super::spec::Spec;
use crate::authoring::import::cost;
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
/// Parts of `allOf`, those inside of each other included.
const MAX_PARTS: usize = 200;
/// More are no arguments that a model could choose from; they stay one body.
const MAX_MEMBERS: usize = 500;
/// The bytes of all members together.
const MAX_BYTES: usize = 1 << 20;

/// The members of an object schema.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) properties: Map<String, Value>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<Value>,
    bytes: usize,
}

/// `None` where the schema is more than a list of members: alternatives, conditions, free members only.
pub(super) fn flatten(spec: &Spec<'_>, schema: &Value) -> Option<Flat> {
    let mut flat = Flat::default();
    let mut parts = MAX_PARTS;
    collect(spec, schema, &mut flat, 0, &mut parts)?;
    // Of hidden members there may be none left; then there is no body worth a name.
    (!flat.properties.is_empty()).then_some(flat)
}

fn collect(spec: &Spec<'_>, schema: &Value, flat: &mut Flat, depth: usize, parts: &mut usize) -> Option<()> {
    *parts = parts.checked_sub(1)?;
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
        collect(spec, part, flat, depth + 1, parts)?;
    }
    for (name, schema) in members
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        flat.bytes += cost::of(schema, MAX_BYTES);
        if flat.bytes > MAX_BYTES || flat.properties.len() >= MAX_MEMBERS {
            return None;
        }
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
        // Where each part of `allOf` is closed, no value would fit: meant are the members of all of them.
        Some(Value::Bool(false)) => flat.additional = Some(false.into()),
        // In a part of `allOf` it would speak of the part's members only.
        Some(_) if depth > 0 || members.contains_key("allOf") => return None,
        Some(additional) => flat.additional = Some(cost::small(additional, MAX_BYTES)?),
    }
    Some(())
}
