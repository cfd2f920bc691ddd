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
    let mut is_less = false;
    everywhere(root, definitions, &mut |schema| is_less |= loosen(schema));
    if is_less {
        // What only a part knew that is gone would be refused, by whichever schema has the part in it.
        everywhere(root, definitions, &mut |schema| {
            schema.shift_remove("unevaluatedProperties");
            schema.shift_remove("unevaluatedItems");
        });
    }
}

/// Any value of the type, under the name that the API has for it.
fn open(name: &str, definition: &Value) -> Value {
    let kind = definition.get("type");
    let may_be = |wanted: &str| match kind {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        Some(kind) => kind == wanted,
        None => true,
    };
    let mut open = json!({"title": name});
    if let Some(kind) = kind {
        open["type"] = kind.clone();
    }
    // Members and items that are known here, wherever others are refused beside a reference.
    if may_be("object") {
        open["additionalProperties"] = true.into();
    }
    if may_be("array") {
        open["items"] = json!({});
    }
    open
}

/// Any value at all, of a definition that was not converted: what its `type` means depends on the version of the description, and on
/// what stands beside it.
pub(super) fn unread(name: &str) -> Value {
    open(name, &Value::Null)
}

/// Takes out what refuses a value because it fits a part: parts that were opened fit more. Whether something went that knew members
/// or items.
fn loosen(schema: &mut Map<String, Value>) -> bool {
    for keyword in ["not", "maxContains"] {
        schema.shift_remove(keyword);
    }
    let mut is_less = false;
    for keyword in ["if", "then", "else"] {
        is_less |= schema.shift_remove(keyword).is_some();
    }
    if let Some(alternatives) = schema.shift_remove("oneOf") {
        is_less |= schema.contains_key("anyOf");
        schema.entry("anyOf").or_insert(alternatives);
    }
    is_less
}

/// Shows every schema, however deep it stands.
fn everywhere(
    root: &mut Map<String, Value>,
    definitions: &mut Map<String, Value>,
    see: &mut impl FnMut(&mut Map<String, Value>),
) {
    each(root, see);
    for definition in definitions.values_mut().filter_map(Value::as_object_mut) {
        each(definition, see);
    }
}

fn each(schema: &mut Map<String, Value>, see: &mut impl FnMut(&mut Map<String, Value>)) {
    see(schema);
    for (keyword, value) in schema {
        let inside: Vec<&mut Value> = match (treatment(keyword), value) {
            (Treatment::Schema, value) => vec![value],
            (Treatment::Schemas, Value::Array(schemas)) => schemas.iter_mut().collect(),
            (Treatment::Named, Value::Object(named)) => named.values_mut().collect(),
            _ => Vec::new(),
        };
        for schema in inside.into_iter().filter_map(Value::as_object_mut) {
            each(schema, see);
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
    fn what_is_opened_keeps_its_type_where_it_was_read() {
        for (kind, expected) in [
            (
                json!("array"),
                json!({"title": "a", "type": "array", "items": {}}),
            ),
            (
                json!(["integer", "null"]),
                json!({"title": "a", "type": ["integer", "null"]}),
            ),
            (
                json!(["object", "array", "null"]),
                json!({"title": "a", "type": ["object", "array", "null"], "additionalProperties": true, "items": {}}),
            ),
        ] {
            assert_eq!(open("a", &json!({"type": kind, "enum": [1]})), expected);
        }
        let anything = json!({"title": "a", "additionalProperties": true, "items": {}});
        assert_eq!(
            (open("a", &json!({"anyOf": []})), unread("a")),
            (anything.clone(), anything)
        );
    }

    #[test]
    fn nothing_is_refused_for_what_was_opened() {
        let mut root = map(json!({
            "properties": {
                "not": {"oneOf": [{"$ref": "#/$defs/far"}, {"type": "null"}]},
                "a": {"not": {"$ref": "#/$defs/far"}, "if": {"$ref": "#/$defs/far"}, "then": false},
                "b": {"allOf": [{"$ref": "#/$defs/far"}], "unevaluatedProperties": false},
                "c": {"allOf": [{"$ref": "#/$defs/list"}], "unevaluatedItems": false},
            },
        }));
        let long = "x".repeat(900);
        let mut definitions = map(
            json!({"far": {"type": ["object", "null"], "properties": {"c": {"description": long}}},
            "list": {"type": "array", "prefixItems": [{"description": long}]}}),
        );
        cut(&mut root, &mut definitions, 100 * PART);
        let closed = root["properties"]["b"].clone();
        root.insert("$defs".into(), definitions.into());
        let schema = jsonschema::validator_for(&root.into()).unwrap();
        let value = json!({"not": null, "a": {"c": 1}, "b": {"c": 1}, "c": [1]});
        assert!(schema.is_valid(&value));
        assert_eq!(
            closed.get("unevaluatedProperties"),
            None,
            "conditions went that may know members"
        );
    }

    /// The condition stands elsewhere than what is closed by it.
    #[test]
    fn what_only_a_part_knew_that_is_gone_is_not_refused() {
        let closed = json!({"properties": {
            "a": {"allOf": [{"$ref": "#/$defs/near"}], "unevaluatedProperties": false},
            "b": {"$ref": "#/$defs/far"},
        }});
        let far = json!({"description": "x".repeat(900)});
        for (near, is_closed) in [
            (json!({"properties": {"k": {}}}), true),
            (
                json!({"properties": {"k": {}}, "if": {"required": ["k"]}, "then": {"properties": {"c": {}}}}),
                false,
            ),
            (
                json!({"anyOf": [{"properties": {"k": {}}}], "oneOf": [{"properties": {"c": {}}}]}),
                false,
            ),
            (json!({"properties": {"k": {"not": {"type": "null"}}}}), true),
        ] {
            let mut root = map(closed.clone());
            let mut definitions = map(json!({"near": near, "far": far}));
            cut(&mut root, &mut definitions, 500 * PART);
            assert_eq!(definitions["far"]["title"], "far", "it is cut");
            root.insert("$defs".into(), definitions.into());
            let schema = jsonschema::validator_for(&root.into()).unwrap();
            let fits = |value: Value| schema.is_valid(&value);
            assert!(fits(json!({"a": {"k": 1}})), "{near}");
            assert_eq!(!fits(json!({"a": {"k": 1, "c": 1}})), is_closed, "{near}");
        }
    }
}
