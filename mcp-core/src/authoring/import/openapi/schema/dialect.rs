//! What OpenAPI before 3.1 says in its own way.

use serde_json::{Map, Value, json};

/// `exclusiveMinimum: true` beside `minimum`, as drafts before 6 had it.
pub(super) fn bounds(members: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match members.get(exclusive) {
            Some(Value::Bool(true)) => {
                if let Some(value) = out.shift_remove(bound) {
                    out.insert(exclusive.into(), value);
                }
            }
            Some(value @ Value::Number(_)) => drop(out.insert(exclusive.into(), value.clone())),
            _ => {}
        }
    }
}

pub(super) fn is_nullable(members: &Map<String, Value>) -> bool {
    ["nullable", "x-nullable"]
        .iter()
        .any(|keyword| members.get(*keyword) == Some(&Value::Bool(true)))
}

/// The same schema, or null.
pub(super) fn nullable(mut schema: Map<String, Value>) -> Value {
    let Some(Value::String(kind)) = schema.get("type").cloned() else {
        if schema.contains_key("$ref")
            || ["allOf", "anyOf", "oneOf", "enum"]
                .iter()
                .any(|k| schema.contains_key(*k))
        {
            let mut out = Map::new();
            for annotation in ["title", "description", "default", "deprecated"] {
                if let Some(value) = schema.shift_remove(annotation) {
                    out.insert(annotation.into(), value);
                }
            }
            out.insert("anyOf".into(), json!([schema, {"type": "null"}]));
            return out.into();
        }
        // Without a type anything is allowed, null too.
        return schema.into();
    };
    if kind != "null" {
        schema.insert("type".into(), json!([kind, "null"]));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    schema.into()
}
