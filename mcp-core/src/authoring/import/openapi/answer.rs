//! What the API answers, as the tool's output schema: only where every good answer has it, and where it is small.

use super::{
    schema::{Direction, Schemas},
    spec::Spec,
};
use crate::authoring::import::{cost, place::At};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Parts of `allOf` that are looked at to find out whether an answer is an object.
const MAX_PARTS: usize = 200;
/// The bytes of one example; longer ones are not worth their place.
pub(super) const MAX_EXAMPLE: usize = 4 * 1024;

#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) schema: Option<Value>,
    pub(super) is_too_large: bool,
    /// The example of the description: status and body.
    pub(super) example: Option<(u16, Value)>,
}

/// `too_large`: references of which it is known already. In large descriptions most answers have one of a few.
pub(super) fn schema(
    spec: &Spec<'_>,
    operation: &Map<String, Value>,
    max_bytes: usize,
    too_large: &mut BTreeSet<String>,
) -> Answer {
    let mut out = Answer::default();
    let Some(responses) = operation.get("responses").and_then(Value::as_object) else {
        return out;
    };
    let good: Vec<(&String, &Value)> = responses
        .iter()
        .filter(|(status, _)| status.starts_with('2'))
        .collect();
    // Clients refuse an answer that does not fit, so that all good answers have to be of one kind.
    let [(status, response)] = good.as_slice() else {
        return out;
    };
    let Ok(response) = spec.resolve(response) else {
        return out;
    };
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        return out;
    };
    let is_json = |media: &String| media.contains("json") || media == "*/*";
    let Some((_, media)) = content.iter().find(|(media, _)| is_json(media)) else {
        return out;
    };
    out.example = example(spec, media).map(|body| (status.parse().unwrap_or(200), body));
    if !content.keys().all(is_json) {
        return out;
    }
    let Some(schema) = media
        .get("schema")
        .filter(|schema| is_object(spec, schema, &mut MAX_PARTS.clone()))
    else {
        return out;
    };
    let reference = schema.get("$ref").and_then(Value::as_str);
    if reference.is_some_and(|reference| too_large.contains(reference)) {
        out.is_too_large = true;
        return out;
    }
    match converted(spec, schema, max_bytes) {
        Converted::Schema(schema) => out.schema = Some(schema),
        Converted::Nothing => {}
        Converted::TooLarge => {
            out.is_too_large = true;
            too_large.extend(reference.map(str::to_owned));
        }
    }
    out
}

/// What becomes of the schema of an answer.
enum Converted {
    Schema(Value),
    Nothing,
    TooLarge,
}

fn converted(spec: &Spec<'_>, schema: &Value, max_bytes: usize) -> Converted {
    let mut schemas = Schemas::new(spec, Direction::Answer, max_bytes);
    let Ok(converted) = schemas.convert(schema, &At::root("responses")) else {
        return Converted::TooLarge;
    };
    let Value::Object(mut root) = converted else {
        return Converted::Nothing;
    };
    if let Some(Value::String(reference)) = root.get("$ref") {
        // A root that says its type is understood by every client.
        let mut typed = Map::new();
        typed.insert("type".into(), "object".into());
        typed.insert("$ref".into(), reference.clone().into());
        root = typed;
    }
    if schemas.finish(&mut root, "").is_err() {
        return Converted::TooLarge;
    }
    unwrap(&mut root);
    root.entry("type").or_insert_with(|| "object".into());
    let schema = Value::Object(root);
    match schema.to_string().len() > max_bytes {
        true => Converted::TooLarge,
        false => Converted::Schema(schema),
    }
}

/// A root that is nothing but a reference to a definition used nowhere else becomes the definition.
fn unwrap(root: &mut Map<String, Value>) {
    let Some(name) = root
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|name| name.strip_prefix("#/$defs/"))
    else {
        return;
    };
    let name = name.to_owned();
    let Some(Value::Object(definitions)) = root.get("$defs") else {
        return;
    };
    let own = format!("\"#/$defs/{name}\"");
    let refers_to_itself = definitions
        .values()
        .any(|definition| definition.to_string().contains(&own));
    if refers_to_itself {
        return;
    }
    let Some(Value::Object(mut definitions)) = root.shift_remove("$defs") else {
        return;
    };
    let Some(Value::Object(definition)) = definitions.shift_remove(&name) else {
        return;
    };
    root.shift_remove("$ref");
    root.extend(definition);
    if !definitions.is_empty() {
        root.insert("$defs".into(), definitions.into());
    }
}

/// `left`: parts of `allOf` that may still be looked at.
fn is_object(spec: &Spec<'_>, schema: &Value, left: &mut usize) -> bool {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return false;
    }
    let Ok(schema) = spec.resolve(schema) else {
        return false;
    };
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        return false;
    }
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(_) => false,
        None if schema.get("properties").is_some() => true,
        None => {
            let parts = schema.get("allOf").and_then(Value::as_array);
            parts.is_some_and(|parts| {
                !parts.is_empty() && parts.iter().any(|part| is_object(spec, part, left))
            })
        }
    }
}

/// The first one that the description has.
pub(super) fn example(spec: &Spec<'_>, media: &Value) -> Option<Value> {
    example_of(spec, media.as_object()?)
}

/// The same of a parameter.
pub(super) fn example_of(spec: &Spec<'_>, media: &Map<String, Value>) -> Option<Value> {
    if let Some(example) = media.get("example") {
        return cost::small(example, MAX_EXAMPLE);
    }
    let named = media.get("examples").and_then(Value::as_object)?;
    let first = spec.resolve(named.values().next()?).ok()?;
    cost::small(first.get("value")?, MAX_EXAMPLE)
}
