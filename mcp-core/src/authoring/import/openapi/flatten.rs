//! Whether the members of a body can be arguments of their own, and which these are.

use super::spec::Spec;
use crate::authoring::import::cost;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

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
/// Parts of `allOf`, or alternatives, those inside of each other included.
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

/// The members of what is sent as a form. There null is no value and alternatives are not told apart: a body that may be null is
/// the other thing, and of several objects any member may be given, those that all of them require have to be.
pub(super) fn flatten_form(spec: &Spec<'_>, schema: &Value) -> Option<Flat> {
    form(spec, schema, MAX_DEPTH, &mut MAX_PARTS.clone())
}

fn form(spec: &Spec<'_>, schema: &Value, depth: usize, parts: &mut usize) -> Option<Flat> {
    *parts = parts.checked_sub(1)?;
    let members = spec.resolve(schema).ok()?.as_object()?;
    let keyword = ["anyOf", "oneOf"]
        .into_iter()
        .find(|keyword| members.contains_key(*keyword));
    let Some(keyword) = keyword else {
        return flatten(spec, &not_null(members)?.into());
    };
    let alternatives = members.get(keyword)?;
    let says_nothing = |name: &String| {
        let names = [
            "type",
            "nullable",
            "title",
            "description",
            "discriminator",
            keyword,
        ];
        names.contains(&name.as_str()) || name.starts_with("x-")
    };
    if depth == 0 || !members.keys().all(says_nothing) {
        return None;
    }
    let is_null = |schema: &&Value| {
        let schema = spec.resolve(schema).unwrap_or(schema);
        schema.get("type").is_some_and(|kind| kind == "null")
    };
    let alternatives = alternatives.as_array()?.iter().filter(|schema| !is_null(schema));
    let mut all: Option<Flat> = None;
    for alternative in alternatives {
        let next = form(spec, alternative, depth - 1, parts)?;
        all = Some(match all {
            None => next,
            Some(all) => all.or(next)?,
        });
    }
    all
}

/// The same schema without null, and without what only its author's programs read; `None` where it is too large.
fn not_null(members: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    let mut left = MAX_BYTES;
    let is_read = |name: &str| name != "nullable" && !name.starts_with("x-");
    for (name, value) in members.iter().filter(|(name, _)| is_read(name)) {
        left = left.checked_sub(cost::of(value, left))?;
        out.insert(name.clone(), value.clone());
    }
    if let Some(Value::Array(types)) = out.get("type") {
        let mut types = types.iter().filter(|kind| *kind != "null");
        if let (Some(only), None) = (types.next().cloned(), types.next()) {
            out.insert("type".to_owned(), only);
        }
    }
    Some(out)
}

impl Flat {
    /// The members of either.
    fn or(mut self, other: Self) -> Option<Self> {
        self.bytes += other.bytes;
        for (name, schema) in other.properties {
            match self.properties.get_mut(&name) {
                None => drop(self.properties.insert(name, schema)),
                Some(known) if *known == schema => {}
                Some(known) => *known = json!({"anyOf": [known.take(), schema]}),
            }
        }
        let required: HashSet<String> = other.required.into_iter().collect();
        self.required.retain(|name| required.contains(name));
        if self.additional != other.additional {
            self.additional = None;
        }
        (self.bytes <= MAX_BYTES && self.properties.len() <= MAX_MEMBERS).then_some(self)
    }
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
    for name in required.filter_map(Value::as_str) {
        flat.bytes += name.len() + 3;
        if flat.bytes > MAX_BYTES {
            return None;
        }
        flat.required.push(name.to_owned());
    }
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
