//! An argument can be given or hidden if the schema speaks of it in `properties` and `required` alone: everything else
//! would be another schema without it.

use super::Arguments;
use crate::tool::input_schema::resolve;
use serde_json::Value;

/// References and combinations are followed this far.
const MAX_DEPTH: usize = 16;
/// They count members, or name them all.
const OF_ALL: [&str; 4] = ["minProperties", "maxProperties", "const", "enum"];

pub(super) fn check(arguments: &Arguments<'_>, path: &[String]) -> Result<(), String> {
    let (Some(schema), Some(name)) = (arguments.around(path), path.last()) else {
        return Ok(());
    };
    let speaks = Speaks {
        name,
        root: arguments.schema,
    };
    match speaks.beside_properties(schema, 0) {
        None => Ok(()),
        Some(keyword) => Err(format!(
            "cannot be changed for one instance: `{keyword}` in the tool's input_schema speaks of `{name}` too"
        )),
    }
}

struct Speaks<'a> {
    name: &'a str,
    root: &'a Value,
}

impl Speaks<'_> {
    /// The keyword that speaks of the argument, beside the schema's own `properties` and `required`.
    fn beside_properties(&self, schema: &Value, depth: usize) -> Option<&'static str> {
        let members = schema.as_object()?;
        if let Some(keyword) = OF_ALL.into_iter().find(|keyword| members.contains_key(*keyword)) {
            return Some(keyword);
        }
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            let Some(Value::Object(dependent)) = members.get(keyword) else {
                continue;
            };
            let is_meant =
                |(of, what): (&String, &Value)| of == self.name || self.lists(what) || self.part(what, depth);
            if dependent.iter().any(is_meant) {
                return Some(keyword);
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let parts = members.get(keyword).and_then(Value::as_array);
            if parts.into_iter().flatten().any(|part| self.part(part, depth)) {
                return Some(keyword);
            }
        }
        for keyword in ["if", "then", "else", "not"] {
            if members.get(keyword).is_some_and(|part| self.part(part, depth)) {
                return Some(keyword);
            }
        }
        let target = members.contains_key("$ref").then(|| resolve(schema, self.root));
        let is_meant = target.is_some_and(|target| target.is_none_or(|target| self.part(target, depth)));
        is_meant.then_some("$ref")
    }

    /// Whether a schema that stands inside of another one speaks of the argument.
    fn part(&self, schema: &Value, depth: usize) -> bool {
        let Some(members) = schema.as_object() else {
            return false;
        };
        let in_properties = members
            .get("properties")
            .is_some_and(|named| named.get(self.name).is_some());
        let in_required = members.get("required").is_some_and(|names| self.lists(names));
        let is_closed = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|keyword| {
                members
                    .get(*keyword)
                    .is_some_and(|other| *other != Value::Bool(true))
            });
        depth >= MAX_DEPTH
            || in_properties
            || in_required
            || is_closed
            || self.beside_properties(schema, depth + 1).is_some()
    }

    fn lists(&self, names: &Value) -> bool {
        names
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Layout;
    use serde_json::json;

    fn spoken_of(schema: &Value) -> Option<String> {
        let arguments = Arguments {
            layout: Layout::Flat,
            schema,
        };
        check(&arguments, &["a".to_owned()]).err()
    }

    #[test]
    fn properties_and_required_alone_are_harmless() {
        for schema in [
            json!({"properties": {"a": {}, "b": {}}, "required": ["a"], "additionalProperties": false}),
            json!({"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["b"]}, {"properties": {"c": {"const": 1}}}]}),
            json!({"properties": {"a": {"minProperties": 1}}, "dependentRequired": {"b": ["c"]}}),
        ] {
            assert_eq!(spoken_of(&schema), None, "{schema}");
        }
    }

    #[test]
    fn every_other_way_is_named() {
        for (keyword, value) in [
            ("minProperties", json!(1)),
            ("const", json!({})),
            ("dependentRequired", json!({"a": []})),
            ("dependentRequired", json!({"b": ["a"]})),
            ("dependentSchemas", json!({"b": {"required": ["a"]}})),
            ("dependencies", json!({"a": ["b"]})),
            ("anyOf", json!([{}, {"required": ["a"]}])),
            ("allOf", json!([{"oneOf": [{"properties": {"a": {}}}]}])),
            (
                "allOf",
                json!([{"properties": {"b": {}}, "additionalProperties": false}]),
            ),
            ("if", json!({"properties": {"a": {"const": 1}}})),
            ("not", json!({"required": ["a"]})),
            ("$ref", json!("#/$defs/x")),
            ("$ref", json!("#")),
        ] {
            let mut schema = json!({"properties": {"a": {}, "b": {}}, "$defs": {"x": {"required": ["a"]}}});
            schema[keyword] = value;
            let reason = spoken_of(&schema).unwrap_or_default();
            assert!(reason.contains(&format!("`{keyword}`")), "{schema}: {reason}");
        }
    }
}
