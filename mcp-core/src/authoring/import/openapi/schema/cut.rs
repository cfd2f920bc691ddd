//! What is kept of an input schema that is larger than a model can use: what is nearest to the arguments. The rest is left open, so
//! that whatever the API takes is still taken.

use crate::authoring::import::{
    cost,
    openapi::keyword::{Treatment, treatment},
};
use serde_json::{Map, Value, json};

/// The part of the bound that is filled: once not all of it can be told, more of it does not help a model.
const PART: usize = 8;

/// Opens the definitions that do not fit; they stand in the order in which they were met, the nearest first.
pub(super) fn cut(root: &mut Map<String, Value>, definitions: &mut Map<String, Value>, max_bytes: usize) {
    let most = max_bytes / PART;
    let mut found = cost::of_members(root, most);
    for (name, definition) in definitions.iter_mut() {
        let own = name.len() + cost::of(definition, most);
        if found + own <= most {
            found += own;
        } else {
            *definition = open(name, definition);
        }
    }
    loosen_members(root);
    definitions.values_mut().for_each(loosen);
}

/// Any value of the type, under the name that the API has for it.
pub(super) fn open(name: &str, definition: &Value) -> Value {
    let mut open = json!({"title": name});
    match definition.get("type") {
        Some(kind) if kind != "object" => open["type"] = kind.clone(),
        kind => {
            if let Some(kind) = kind {
                open["type"] = kind.clone();
            }
            // Members that are known here, wherever others are refused beside a reference.
            open["additionalProperties"] = true.into();
        }
    }
    open
}

/// Takes out what refuses a value because it fits a part: parts that were opened fit more.
fn loosen(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        loosen_members(members);
    }
}

fn loosen_members(members: &mut Map<String, Value>) {
    for keyword in ["not", "if", "then", "else", "maxContains"] {
        members.shift_remove(keyword);
    }
    if let Some(alternatives) = members.shift_remove("oneOf") {
        members.entry("anyOf").or_insert(alternatives);
    }
    for (keyword, value) in members {
        match (treatment(keyword), value) {
            (Treatment::Schema, value) => loosen(value),
            (Treatment::Schemas, Value::Array(schemas)) => schemas.iter_mut().for_each(loosen),
            (Treatment::Named, Value::Object(named)) => named.values_mut().for_each(loosen),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_nearest_is_kept_and_the_rest_is_open() {
        let long = json!({"type": "object", "description": "x".repeat(60)});
        let mut root = map(json!({"properties": {"a": {"$ref": "#/$defs/near"}}}));
        let mut definitions = map(
            json!({"near": {"enum": ["x"]}, "far": long, "text": {"type": "string", "enum": ["y".repeat(60)]}}),
        );
        cut(&mut root, &mut definitions, 100 * PART);
        let expected = json!({"near": {"enum": ["x"]}, "far": {"title": "far", "type": "object", "additionalProperties": true},
            "text": {"title": "text", "type": "string"}});
        assert_eq!(Value::from(definitions), expected);
    }

    #[test]
    fn nothing_is_refused_for_what_was_opened() {
        let mut root = map(json!({
            "properties": {
                "not": {"oneOf": [{"$ref": "#/$defs/far"}, {"type": "null"}]},
                "a": {"not": {"$ref": "#/$defs/far"}, "if": {"$ref": "#/$defs/far"}, "then": false},
                "b": {"allOf": [{"$ref": "#/$defs/far"}], "unevaluatedProperties": false},
            },
        }));
        let mut definitions = map(json!({"far": {"properties": {"c": {"description": "x".repeat(900)}}}}));
        cut(&mut root, &mut definitions, 100 * PART);
        root.insert("$defs".into(), definitions.into());
        let schema = jsonschema::validator_for(&root.into()).unwrap();
        let value = json!({"not": null, "a": {"c": 1}, "b": {"c": 1}});
        assert!(schema.is_valid(&value));
    }
}
